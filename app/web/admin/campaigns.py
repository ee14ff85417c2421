"""The list of campaigns, with how the system itself does."""

from fastapi import APIRouter
from starlette.responses import Response

from app.http.context import Session
from app.reports.campaign_report import list_campaigns
from app.reports.queries import begin_reading
from app.reports.surges import read_surge
from app.reports.system import COUNTED_UP_TO, FAILURE_DAYS, read_health
from app.web.admin.guarding import Reader
from app.web.admin.rendering import render

router = APIRouter()


@router.get("/")
async def campaigns_page(member: Reader, session: Session) -> Response:
    """Every campaign with its count and what it raised."""
    await begin_reading(session)
    return render(
        "campaigns",
        member=member,
        title="Campaigns",
        headlines=await list_campaigns(session),
        health=await read_health(session),
        surge=await read_surge(session),
        counted_up_to=COUNTED_UP_TO,
        failure_days=FAILURE_DAYS,
    )
