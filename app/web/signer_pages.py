"""`/confirm/{token}` and `/my/{token}`: what the holder of a signature's link sees and does."""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from app.core.errors import AppError
from app.core.languages import pick_text
from app.donations.appeals import PublishedAppeal, list_appeals
from app.http.context import Public, PublicRole
from app.petitions.acting import Wish
from app.petitions.errors import LinkExpired, LinkUnknown, SignatureEnded
from app.petitions.linking import MySignature
from app.petitions.published import PublishedPetition
from app.petitions.signing import Answer
from app.web.describing import give_form, tally_of
from app.web.pages import NO_STORE, Asked, asked, frame, read_form, show
from app.web.views.frame import FieldError
from app.web.views.signing import (
    ConfirmedView,
    ConfirmView,
    ConsentRecord,
    DetailsForm,
    MyView,
    ShowForm,
    WithdrawView,
)

router = APIRouter(include_in_schema=False)
Saved = Literal["details", "showing", "updates"]
_SHOWN = frozenset({"shown_name", "comment"})


@router.get("/confirm/{token}")
async def confirm_page(token: str, request: Request, role: Public) -> Response:
    """A page with a button: mail scanners open links, so opening one must change nothing."""
    try:
        mine = await role.signers.look(token)
    except LinkUnknown:
        return _cannot_confirm(request, role, token, "unknown")
    petition = await role.petitions.fresh(mine.petition_slug)
    if mine.state == "confirmed":
        return show(await _confirmed_view(request, role, token, mine, petition), role)
    if mine.state == "withdrawn":
        return _cannot_confirm(request, role, token, "withdrawn", petition)
    if mine.state == "lapsed" or mine.expires_at <= role.clock.now():
        return _cannot_confirm(request, role, token, "expired", petition)
    return _cannot_confirm(request, role, token, "ready", petition)


@router.post("/confirm/{token}")
async def confirm(token: str, request: Request, role: Public) -> Response:
    """Confirm; then see the page that a reload shows again without harm."""
    try:
        await role.signers.confirm(token)
    except (LinkUnknown, LinkExpired, SignatureEnded):
        return await confirm_page(token, request, role)
    return _back(request, f"/confirm/{token}")


@router.get("/my/{token}")
async def my_page(token: str, request: Request, role: Public) -> Response:
    """What is held about a signer."""
    saved = request.query_params.get("saved")
    known: Saved | None = saved if saved in ("details", "showing", "updates") else None  # type: ignore[assignment]  # narrowed by the test
    return await _my(token, request, role, saved=known)


@router.get("/my/{token}/data.json")
async def my_data(token: str, role: Public) -> Response:
    """The same for machines, to take away."""
    mine = await role.signers.look(token)
    body = {
        "petition": mine.petition_slug,
        "state": mine.state,
        **mine.details,
        "region": mine.region,
        "placement": mine.placement,
        "locale": mine.locale,
        "text_version": mine.text_version,
        "shown_name": mine.shown_name,
        "comment": mine.shown_comment,
        "consents": list(mine.consents),
        "signed_at": mine.signed_at.isoformat(),
        "confirmed_at": mine.confirmed_at.isoformat() if mine.confirmed_at else None,
    }
    headers = {"Cache-Control": NO_STORE, "Content-Disposition": 'attachment; filename="my-signature.json"'}
    return JSONResponse(body, headers=headers)


@router.post("/my/{token}/details")
async def change_details(token: str, request: Request, role: Public) -> Response:
    """Correct name and postcode."""
    answers = await read_form(request)
    wish = Wish(name=answers.get("name", ""), postcode=answers.get("postcode", ""))
    return await _change(token, request, role, wish, "details")


@router.post("/my/{token}/showing")
async def change_showing(token: str, request: Request, role: Public) -> Response:
    """Show a name and a comment, or hide both."""
    answers = await read_form(request)
    if answers.get("show_name"):
        wish = Wish(show_name=answers.get("shown_name", ""), comment=answers.get("comment", ""))
    else:
        wish = Wish(hide=True)
    return await _change(token, request, role, wish, "showing")


@router.post("/my/{token}/updates")
async def change_updates(token: str, request: Request, role: Public) -> Response:
    """Say yes or no to news."""
    answers = await read_form(request)
    mine = await role.signers.look(token)
    version = (await role.petitions.get(mine.petition_slug)).wordings["updates"].version
    answer = Answer("updates", version, given=answers.get("updates") == "yes")
    return await _change(token, request, role, Wish(answers=[answer]), "updates")


@router.get("/my/{token}/withdraw")
async def withdraw_page(token: str, request: Request, role: Public) -> Response:
    """Asks once more."""
    return await _withdraw_view(token, request, role, is_done=False)


@router.post("/my/{token}/withdraw")
async def withdraw(token: str, request: Request, role: Public) -> Response:
    """Withdraw, and say that it is done."""
    await role.signers.withdraw(token)
    return await _withdraw_view(token, request, role, is_done=True)


async def _change(token: str, request: Request, role: PublicRole, wish: Wish, part: Saved) -> Response:
    try:
        await role.signers.change(token, wish)
    except (LinkUnknown, SignatureEnded):
        raise
    except AppError as error:
        return await _my(
            token, request, role, errors=(FieldError(error.field or "", error.code),), status=422
        )
    return _back(request, f"/my/{token}", saved=part)


async def _my(
    token: str,
    request: Request,
    role: PublicRole,
    *,
    saved: Saved | None = None,
    errors: tuple[FieldError, ...] = (),
    status: int = 200,
) -> Response:
    mine = await role.signers.look(token)
    petition = await role.petitions.get(mine.petition_slug)
    if mine.state == "lapsed":
        return _cannot_confirm(request, role, token, "expired", petition)
    if not mine.is_live:
        return await _withdraw_view(token, request, role, is_done=True)
    reader = asked(request, petition.campaign)
    updates = next((c for c in mine.consents if c["purpose"] == "updates"), None)
    view = MyView(
        page=frame(reader, role, petition.campaign, private=True),
        token=token,
        petition_slug=petition.slug,
        petition_title=reader.text(petition.title),
        email=mine.details.get("email", ""),
        country=mine.details.get("country", ""),
        signed_at=mine.signed_at,
        confirmed_at=mine.confirmed_at,
        text_version=mine.text_version,
        wants_updates=bool(updates and updates["given"]),
        details=DetailsForm(
            errors=tuple(e for e in errors if e.field not in _SHOWN),
            name=mine.details.get("name", ""),
            postcode=mine.details.get("postcode", ""),
        ),
        show=_show_form(mine, tuple(e for e in errors if e.field in _SHOWN)),
        consents=tuple(_consents(mine, reader)),
        comment_state=_comment_state(mine),
        saved=saved,
    )
    return show(view, role, status=status)


async def _withdraw_view(token: str, request: Request, role: PublicRole, *, is_done: bool) -> Response:
    mine = await role.signers.look(token)
    petition = await role.petitions.fresh(mine.petition_slug)
    reader = asked(request, petition.campaign)
    view = WithdrawView(
        page=frame(reader, role, petition.campaign, private=True),
        token=token,
        petition_slug=petition.slug,
        petition_title=reader.text(petition.title),
        is_done=is_done or not mine.is_live,
    )
    return show(view, role)


def _cannot_confirm(
    request: Request,
    role: PublicRole,
    token: str,
    state: Literal["ready", "expired", "withdrawn", "unknown"],
    petition: PublishedPetition | None = None,
) -> Response:
    campaign = petition.campaign if petition else None
    reader = asked(request, campaign)
    view = ConfirmView(
        page=frame(reader, role, campaign, private=True),
        token=token,
        state=state,
        petition_slug=petition.slug if petition else None,
        petition_title=reader.text(petition.title) if petition else None,
    )
    status = {"ready": 200, "unknown": 404}.get(state, 410)
    return show(view, role, status=status)


async def _confirmed_view(
    request: Request, role: PublicRole, token: str, mine: MySignature, petition: PublishedPetition
) -> ConfirmedView:
    reader = asked(request, petition.campaign)
    # Whoever came from an article gives from there too: the mail's link does not say so, the signature does.
    reader = replace(reader, placement=reader.placement or mine.placement)
    appeal = await _open_appeal(role, petition.campaign.id)
    give = None
    if appeal is not None:
        give = give_form(appeal, email=mine.details.get("email", ""), name=mine.details.get("name", ""))
    return ConfirmedView(
        page=frame(reader, role, petition.campaign, private=True),
        token=token,
        petition_slug=petition.slug,
        petition_title=reader.text(petition.title),
        tally=tally_of(petition, reader),
        show=_show_form(mine),
        give=give,
    )


async def _open_appeal(role: PublicRole, campaign_id: int) -> PublishedAppeal | None:
    async with role.database.begin() as session:
        appeals = await list_appeals(session, campaign_id)
    slug = next((a.slug for a in appeals if a.state == "open"), None)
    return await role.appeals.get(slug) if slug else None


def _show_form(mine: MySignature, errors: tuple[FieldError, ...] = ()) -> ShowForm:
    return ShowForm(
        errors=errors,
        show_name=mine.shown_name is not None,
        shown_name=mine.shown_name or "",  # a full name is theirs to type: initials will do
        comment=mine.shown_comment or "",
    )


def _comment_state(mine: MySignature) -> Literal["none", "waiting", "shown"]:
    if not mine.shown_comment:
        return "none"
    return "shown" if mine.comment_approved else "waiting"


def _consents(mine: MySignature, reader: Asked) -> list[ConsentRecord]:
    records = []
    for consent in mine.consents:
        purpose = consent["purpose"]
        if purpose in ("signature", "updates"):
            given_at = datetime.fromisoformat(consent["recorded_at"])
            text = pick_text(consent["text"], reader.locale)
            records.append(ConsentRecord(purpose, consent["given"], text, given_at))
    return records


def _back(request: Request, path: str, **extra: str) -> Response:
    """303 to a page that may be reloaded, in the same language."""
    kept = {key: value for key in ("lang", "placement") if (value := request.query_params.get(key))}
    url = request.url.replace(path=path, query="", fragment="").include_query_params(**kept, **extra)
    target = url.path + (f"?{url.query}" if url.query else "")
    return RedirectResponse(target, 303, headers={"Cache-Control": NO_STORE})
