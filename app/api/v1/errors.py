"""Every error code, for programs and for those who write them."""

from fastapi import APIRouter, Response

from app.api.v1.shapes import Output
from app.core.errors import codes
from app.http.statuses import HTTP_CODES, OWN_CODES, STATUS

router = APIRouter(tags=["errors"])


class ErrorCode(Output):
    """One code: stable, with its status and its usual sentence."""

    code: str
    status: int
    detail: str


@router.get("/errors", summary="List every error code")
async def list_errors(response: Response) -> list[ErrorCode]:
    """What can go wrong, by code."""
    response.headers["Cache-Control"] = "public, max-age=3600"
    known = codes()
    ours = [ErrorCode(code=c, status=s, detail=known[c].detail) for c, s in STATUS.items() if c in known]
    framework = [ErrorCode(code=code, status=s, detail=detail) for s, (code, detail) in HTTP_CODES.items()]
    rest = [ErrorCode(code=code, status=s, detail="") for code, s in OWN_CODES.items()]
    return sorted({e.code: e for e in [*rest, *framework, *ours]}.values(), key=lambda e: e.code)
