"""All routes of the staff port's pages, put together for `app/main.py`."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.web.admin import abuse, campaigns, lists, login, report, sweeps
from app.web.assets import PREFIX, asset_response


def build_staff_router() -> APIRouter:
    """The pages of staff and the style sheet they need; not part of the API's document."""
    router = APIRouter(include_in_schema=False)
    for part in (
        login.router,
        campaigns.router,
        report.router,
        abuse.router,
        sweeps.router,
        lists.router,
    ):
        router.include_router(part)
    router.add_api_route(PREFIX + "{name}", static_file, methods=["GET"])
    return router


async def static_file(name: str, request: Request) -> Response:
    """A style sheet or icon by its content's address. Raises NotFound."""
    response = asset_response(PREFIX + name, request.headers.get("accept-encoding", ""))
    if response is None:
        raise NotFound
    return response
