"""Whether a process lives, and whether it can do its work now."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.core.db import Database
from app.core.errors import AppError
from app.core.schema import is_current

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> Response:
    """200 while the process answers at all."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """200 when the database answers with this code's schema; else 503, and no traffic should come."""
    database: Database = request.app.state.role.database
    checks = {"database": "ok", "schema": "ok"}
    try:
        if not await is_current(database):
            checks["schema"] = "behind"
    except AppError as error:
        checks["database"] = error.code
    ready = set(checks.values()) == {"ok"}
    body = {"status": "ready" if ready else "unavailable", "checks": checks}
    headers = {"Cache-Control": "no-store"} | ({} if ready else {"Retry-After": "5"})
    return JSONResponse(body, 200 if ready else 503, headers=headers)
