"""Public reads: an ETag over what matters, and a short life in caches."""

import hashlib

from fastapi import Request, Response
from pydantic import BaseModel

FRESH_SECONDS = 5
STALE_SECONDS = 30
"""For shared caches; a caller of its own asks again, or whoever just signed would read the old count."""


def cached(request: Request, answer: BaseModel, *, ignoring: str | None = None) -> Response:
    """The answer with ETag and Cache-Control, or 304 when the caller has it already.

    `ignoring` names a field that changes at every read and says nothing new, like `as_of`.
    """
    judged = answer.model_dump_json(exclude={ignoring} if ignoring else None)
    etag = f'"{hashlib.blake2b(judged.encode(), digest_size=12).hexdigest()}"'
    shared = f"s-maxage={FRESH_SECONDS}, stale-while-revalidate={STALE_SECONDS}"
    headers = {
        "ETag": etag,
        "Cache-Control": f"public, max-age=0, {shared}",
        "Access-Control-Allow-Origin": "*",
    }
    held = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag in held or "*" in held:
        return Response(status_code=304, headers=headers)
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
