"""`/petitions/{slug}`: read, sign, and the page that says what comes next."""

import hashlib
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from app.core.errors import AppError, InvalidFields, Overloaded
from app.core.languages import pick_text
from app.http.client import client_network
from app.http.context import Public, PublicRole
from app.petitions.errors import PetitionClosed
from app.petitions.published import PublishedPetition
from app.petitions.signing import Answer, Form, Marks, write_letter
from app.supporters.typos import suggest_address
from app.web.describing import tally_of
from app.web.pages import Asked, Slug, asked, frame, language_of, read_form, show, whole_number
from app.web.views.frame import FieldError, Wording
from app.web.views.signing import Correction, InboxView, PetitionView, Signer, SignForm, YesNo

router = APIRouter(include_in_schema=False)
_ORDER = ("name", "email", "country", "postcode", "consent", "updates")
_FIELDS = {"consents": "consent"}
_TYPED = 500
_MARK_SECONDS = 10
"""For so long readers get one form's mark, so a form may look that much older than it is."""


@router.get("/petitions/{slug}")
async def petition_page(slug: Slug, request: Request, role: Public) -> Response:
    """The petition with its form."""
    return reading_page(await role.petitions.get(slug), request, role)


def reading_page(petition: PublishedPetition, request: Request, role: PublicRole) -> Response:
    """The petition with its empty form, from memory or by the route."""
    reader = asked(request, petition.campaign)
    token = role.form_tokens.issue(petition.id, role.clock.now())
    response = show(_petition_view(petition, reader, role, SignForm(form_token=token)), role)
    # A form's age is no reason to load the same page again.
    same = hashlib.blake2b(bytes(response.body).replace(token.encode(), b""), digest_size=12)
    response.headers["ETag"] = f'"{same.hexdigest()}"'
    return response


def form_state(petition: PublishedPetition, role: PublicRole) -> tuple[int, bool]:
    """What the form depends on besides the petition: the age of its mark, and whether work is asked."""
    return int(role.clock.now().timestamp()) // _MARK_SECONDS, role.work.is_asked(petition.id)


def page_language(petition: PublishedPetition, accept_language: str) -> str:
    """The language of a reader who chose none by `?lang=`."""
    return language_of(accept_language, petition.campaign)


@router.post("/petitions/{slug}")
async def sign(slug: Slug, request: Request, role: Public) -> Response:
    """Take the form. The answer is the page itself, so that no address ever stands in a URL."""
    answers = await read_form(request)
    petition = await role.petitions.get(slug)
    reader = asked(request, petition.campaign)
    typed = _typed(answers)
    form = _form(answers, typed, reader, petition)
    try:
        marks = await _marks(answers, petition, role)
        await role.letterbox.put(write_letter(petition, replace(form, marks=marks), role.sealer))
    except InvalidFields as error:
        typed = _typed(answers, _mistakes(error))
        return show(_petition_view(petition, reader, role, typed), role, status=422)
    except PetitionClosed as error:
        return show(_petition_view(petition, reader, role, _typed(answers, _whole(error))), role, status=409)
    except Overloaded as error:
        typed = _typed(answers, _whole(error))
        response = show(_petition_view(petition, reader, role, typed), role, status=503)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    return show(_inbox_view(petition, reader, role, typed, is_repeat="again" in answers), role)


def _form(answers: dict[str, str], typed: SignForm, reader: Asked, petition: PublishedPetition) -> Form:
    given = []
    if typed.consent:
        given.append(Answer("signature", whole_number(answers.get("consent")) or 0, given=True))
    if typed.updates:
        version = answers.get("updates_version") or str(petition.wordings["updates"].version)
        given.append(Answer("updates", whole_number(version) or 0, given=typed.updates == "yes"))
    return Form(
        name=typed.name,
        email=typed.email,
        country=typed.country,
        postcode=typed.postcode,
        placement=reader.placement,
        locale=reader.locale,
        text_version=whole_number(answers.get("text_version")),
        answers=given,
        via="form",
        network=client_network(reader.request),
    )


def _typed(answers: dict[str, str], errors: tuple[FieldError, ...] = ()) -> SignForm:
    choice = answers.get("updates", "")
    updates: YesNo = "yes" if choice == "yes" else "no" if choice == "no" else ""
    return SignForm(
        errors=errors,
        name=answers.get("name", "")[:_TYPED],
        email=answers.get("email", "").strip()[:_TYPED],
        country=answers.get("country", "")[:2],
        postcode=answers.get("postcode", "")[:_TYPED],
        consent=bool(answers.get("consent")),
        updates=updates,
        form_token=answers.get("form_token", "")[:_TYPED],
    )


async def _marks(answers: dict[str, str], petition: PublishedPetition, role: PublicRole) -> Marks:
    seconds = role.form_tokens.seconds(answers.get("form_token", ""), petition.id, role.clock.now())
    worked = await role.work.offered(answers.get("altcha", "")[:2_000], petition.id)
    return Marks(seconds, bool(answers.get("website")), worked=worked is True, unworked=worked is False)


def _mistakes(error: InvalidFields) -> tuple[FieldError, ...]:
    found = [FieldError(_FIELDS.get(e.field or "", e.field or ""), e.code) for e in error.errors]
    return tuple(sorted(found, key=lambda e: _ORDER.index(e.field) if e.field in _ORDER else len(_ORDER)))


def _whole(error: AppError) -> tuple[FieldError, ...]:
    return (FieldError("", error.code),)


def _petition_view(
    petition: PublishedPetition, reader: Asked, role: PublicRole, form: SignForm
) -> PetitionView:
    return PetitionView(
        page=frame(reader, role, petition.campaign),
        slug=petition.slug,
        title=reader.text(petition.title),
        summary=reader.text(petition.campaign.summary),
        body=reader.text(petition.body),
        target=reader.text(petition.target),
        asks=tuple(reader.text(ask) for ask in petition.asks),
        tally=tally_of(petition, reader),
        campaign_slug=petition.campaign.slug,
        campaign_title=reader.text(petition.campaign.title),
        consent=_wording(petition, "signature", reader.locale),
        updates=_wording(petition, "updates", reader.locale),
        form=replace(form, asks_work=role.work.is_asked(petition.id)) if petition.is_open else None,
        text_version=petition.text_version,
        signers=tuple(Signer(s.name, s.comment) for s in petition.shown_signers),
        corrections=tuple(
            Correction(reader.text(c.text), c.published_at.date()) for c in petition.corrections
        ),
        invalidated=tuple((i.reason, i.signatures) for i in petition.invalidated),
        closed_on=petition.closed_at.date() if petition.closed_at else None,
    )


def _wording(petition: PublishedPetition, purpose: str, locale: str) -> Wording:
    wording = petition.wordings[purpose]
    return Wording(wording.version, pick_text(wording.text, locale))


def _inbox_view(
    petition: PublishedPetition, reader: Asked, role: PublicRole, typed: SignForm, *, is_repeat: bool
) -> InboxView:
    return InboxView(
        page=frame(reader, role, petition.campaign, private=True),
        slug=petition.slug,
        form=typed,
        text_version=petition.text_version,
        consent_version=petition.wordings["signature"].version,
        updates_version=petition.wordings["updates"].version,
        suggestion=suggest_address(typed.email),
        is_repeat=is_repeat,
        subject=role.settings.mail.mail_subject,
    )
