"""Whether a process lives, and whether it can do its work now."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.core.db import Database
from app.core.errors import AppError
from app.core.schema import is_current
from app.petitions.surge_watching import SurgeWatch

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> Response:
    """200 while the process answers at all."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """200 when the database answers with this code's schema; else 503, and no traffic should come.

    Also 200 on every step of the surge ladder, which stands in the body: a process that asks signers to come
    back later goes on with reading and confirming, and its traffic would only press on the others.
    """
    database: Database = request.app.state.role.database
    checks = {"database": "ok", "schema": "ok"}
    try:
        if not await is_current(database):
            checks["schema"] = "behind"
    except AppError as error:
        checks["database"] = error.code
    ready = set(checks.values()) == {"ok"}
    body: dict[str, object] = {"status": "ready" if ready else "unavailable", "checks": checks}
    surge: SurgeWatch | None = getattr(request.app.state, "surge", None)
    if surge is not None:
        body["surge"] = {
            "step": surge.step,
            "name": surge.step.name.lower(),
            "seconds": surge.seconds_on_step,
        }
    headers = {"Cache-Control": "no-store"} | ({} if ready else {"Retry-After": "5"})
    return JSONResponse(body, 200 if ready else 503, headers=headers)
