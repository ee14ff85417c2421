"""Everything the public role answers to programs."""

from typing import Any

from fastapi import APIRouter, FastAPI

from app.api import petition_readers
from app.api.stripe_webhook import router as stripe_router
from app.api.v1 import appeals, campaigns, donations, errors, my, petitions, signing
from app.api.v1.shapes import ProblemDetails
from app.http.shelf import Reading
from app.settings import Settings

_V1 = "/api/v1"
_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {  # FastAPI's own
    "4XX": _PROBLEM,
    "5XX": _PROBLEM,
}


def add_api(app: FastAPI, settings: Settings) -> None:
    """All of it, to an app that has no routes yet."""
    signing.add_signing(app, _V1, _PROBLEMS)
    app.include_router(build_api_router(settings))


def build_api_router(_settings: Settings) -> APIRouter:
    """The JSON contract under /api/v1, and Stripe's webhook; signing has a place of its own before it."""
    v1 = APIRouter(prefix=_V1, responses=_PROBLEMS)
    # Routes are tried one after the other: what is called most stands first.
    for module in (petitions, campaigns, my, appeals, donations, errors):
        v1.include_router(module.router)
    router = APIRouter()
    router.include_router(v1)
    router.include_router(petition_readers.router, responses=_PROBLEMS)
    router.include_router(stripe_router)
    return router


def api_readings() -> dict[tuple[str, str], Reading]:
    """What is answered from memory, by what stands before and after a petition's slug."""
    return {
        ("/api/v1/petitions/", ""): Reading(petitions.petition_answer, tells_time=False),
        ("/api/v1/petitions/", "/count"): Reading(petitions.count_answer, tells_time=True),
        ("/petitions/", ".json"): Reading(petition_readers.petition_answer, tells_time=False),
        ("/petitions/", "/count.json"): Reading(petition_readers.count_answer, tells_time=False),
    }
