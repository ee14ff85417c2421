"""Against abuse: what trends and who waits, over all petitions and for each."""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.http.context import Session, Staff
from app.jobs.deferring import defer
from app.petitions.errors import ConditionsInvalid
from app.petitions.listed import ask_work
from app.petitions.watching import WATCH
from app.reports.abuse_report import (
    LOOKED_AT,
    TRENDS_DAYS,
    find_petition,
    list_waiting,
    read_trends,
    read_waiting,
)
from app.reports.queries import begin_reading
from app.web.admin.guarding import MemberForm, Moderator, member_form, text_of
from app.web.admin.rendering import redirect, render

router = APIRouter()
_MOST_HOURS: Final = 168
_GROUPS: Final = (
    ("band", "By score"),
    ("network", "By network"),
    ("domain", "By domain"),
    ("placement", "By placement"),
    ("hour", "By hour"),
)
_NEXT_BAND: Final = {"100": "150", "150": "250", "250": "1000"}


@router.get("/abuse")
async def abuse_page(request: Request, role: Staff, member: Moderator, session: Session) -> Response:
    """What the fraud watch has told, and every petition with how many wait."""
    await begin_reading(session)
    return render(
        "abuse",
        member=member,
        title="Against abuse",
        trends=await read_trends(session, role.opener, role.hasher),
        petitions=await list_waiting(session),
        looked_at=LOOKED_AT,
        trends_days=TRENDS_DAYS,
        looking="looking" in request.query_params,
    )


@router.post("/abuse/watch", dependencies=[Depends(member_form)])
async def watch_now(member: Moderator, session: Session) -> Response:  # noqa: ARG001 - who may
    """Have the worker look now rather than at the next full hour."""
    await defer(session, WATCH, queueing_lock=f"{WATCH}:now")
    return redirect("/abuse?looking=1")


@router.get("/petitions/{slug}/abuse")
async def petition_page(
    slug: str, request: Request, role: Staff, member: Moderator, session: Session
) -> Response:
    """One petition: its quarantine by groups, what trends, and whether it asks for proof of work."""
    await begin_reading(session)
    petition = await find_petition(session, slug)
    return render(
        "petition_abuse",
        member=member,
        title=petition.title,
        petition=petition,
        waiting=await read_waiting(session, petition.id, role.hasher),
        trends=await read_trends(session, role.opener, role.hasher, petition.id),
        kinds=_GROUPS,
        link=_link,
        most_hours=_MOST_HOURS,
        trends_days=TRENDS_DAYS,
        asked="asked" in request.query_params,
    )


@router.post("/petitions/{slug}/work")
async def ask_for_work(slug: str, member: Moderator, form: MemberForm, session: Session) -> Response:
    """Have signatures come with a proof of work for some hours; 0 ends it. Raises ConditionsInvalid."""
    petition = await find_petition(session, slug)
    hours = text_of(form, "hours").strip()
    if not (hours.isascii() and hours.isdigit() and len(hours) <= len("168") and int(hours) <= _MOST_HOURS):
        raise ConditionsInvalid(f"Please give whole hours, at most {_MOST_HOURS}.", field="hours")
    await ask_work(session, petition.slug, timedelta(hours=int(hours)), actor=member.actor)
    return redirect(f"/petitions/{petition.slug}/abuse?asked=1")


def _link(kind: str, value: str) -> str:
    """The query string that fills in the conditions of a group; the hashes in it change from day to day."""
    wanted = {"quarantined": "yes"}
    if kind == "band":
        wanted |= {"score_from": value} | ({"score_below": _NEXT_BAND[value]} if value in _NEXT_BAND else {})
    elif kind == "hour":
        begin = datetime.fromisoformat(value)
        wanted |= {"since": value, "until": (begin + timedelta(hours=1)).isoformat(timespec="minutes")}
    else:
        wanted[kind] = value
    return urlencode(wanted)
