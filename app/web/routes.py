"""Every public page."""

from fastapi import APIRouter

from app.http.shelf import Reading
from app.settings import Settings
from app.web import campaign_pages, giving_pages, signer_pages, signing_pages


def build_public_router(_settings: Settings) -> APIRouter:
    """Pages for readers, signers and donors."""
    router = APIRouter()
    for module in (campaign_pages, signing_pages, signer_pages, giving_pages):
        router.include_router(module.router)
    return router


def page_readings() -> dict[tuple[str, str], Reading]:
    """What is answered from memory, by what stands before and after a petition's slug."""
    return {
        ("/petitions/", ""): Reading(
            signing_pages.reading_page,
            tells_time=False,
            language=signing_pages.page_language,
            depends=signing_pages.form_state,
        )
    }
