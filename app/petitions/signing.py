"""Sign a petition: check a form, seal it, and drop it into the letterbox.

The public role decides nothing about people here. A new signer, one who signed before and one who is
blocked all leave the same letter, so they get the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from app.campaigns.placing import clean_placement
from app.campaigns.published import PublishedWording
from app.core.checking import Checks
from app.core.errors import AppError, InvalidInput
from app.core.ids import new_id
from app.core.languages import COUNTRIES, DEFAULT_LOCALE, LOCALES
from app.core.text import TextMissing, clean_line, has_visible
from app.crypto.sealing import Sealer
from app.petitions.errors import ConsentRequired, ConsentUnknown, PetitionClosed
from app.petitions.letterbox import SealedLetter
from app.petitions.published import PublishedPetition
from app.supporters.identity import fold_email, normalise_postcode

NAME_LENGTH = 100
SIGN = "sign"


class CountryUnknown(InvalidInput):
    """A country is two letters of ISO 3166-1."""

    code = "country_unknown"
    detail = "Please choose your country from the list."


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one versioned wording."""

    purpose: str
    wording_version: int
    given: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """What a form says of how it was filled in; judged by the worker, and never told.

    Attributes:
        form_seconds: The age of the form; None without a good token.
        trapped: The field that people do not see was filled in.
        worked: A proof of work came along.
        unworked: One was asked for and did not: a form without script.
    """

    form_seconds: int | None = None
    trapped: bool = False
    worked: bool = False
    unworked: bool = False


NO_MARKS = Marks()


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody entered, before any check. A repr shows nothing personal.

    Attributes:
        text_version: The number of the version that was read; None or an unknown one stands for the present.
        via: How it came: `form` or `api`.
        network: The client's address as the server sees it; it travels sealed, and is hashed by the worker.
    """

    name: str = field(repr=False)
    email: str = field(repr=False)
    country: str = field(repr=False)
    postcode: str = field(default="", repr=False)
    placement: str | None = None
    locale: str = DEFAULT_LOCALE
    answers: Sequence[Answer] = ()
    text_version: int | None = None
    via: str = "api"
    network: str = field(default="", repr=False)
    marks: Marks = NO_MARKS


def write_letter(petition: PublishedPetition, form: Form, sealer: Sealer) -> SealedLetter:
    """The sealed letter of a form that holds all it must.

    Raises:
        PetitionClosed: The petition takes no signatures.
        InvalidFields: One error for each field to mend.
    """
    if not petition.is_open:
        raise PetitionClosed
    checks = Checks()
    name = checks.run("name", lambda: clean_name(form.name))
    email = checks.run("email", lambda: fold_email(form.email).deliver_to)
    country = checks.run("country", lambda: _country(form.country))
    postcode = checks.run("postcode", lambda: _postcode(form.postcode, form.country))
    placement = checks.run("placement", lambda: clean_placement(form.placement))
    consents = checks.run("consents", lambda: _consents(petition.wordings, form.answers))
    checks.finish()
    letter_id = new_id()
    payload: dict[str, JsonValue] = {
        "name": name,
        "email": email,
        "country": country,
        "postcode": postcode,
        "placement": placement,
        "locale": form.locale if form.locale in LOCALES else DEFAULT_LOCALE,
        "consents": consents,
        "text_version_id": petition.text_versions.get(form.text_version or 0, petition.text_version_id),
        "via": form.via,
        "network": form.network,
        "form_seconds": form.marks.form_seconds,
        "trapped": form.marks.trapped,
        "worked": form.marks.worked,
        "unworked": form.marks.unworked,
    }
    return SealedLetter(letter_id, petition.id, SIGN, sealer.seal(payload, letter_id))


def clean_name(value: str, field_name: str = "name") -> str:
    """A person's name on one line.

    Raises:
        TextMissing: Nothing was entered that one could read.
        InvalidText: It holds control characters, or is longer than 100 characters.
    """
    try:
        name = clean_line(value, NAME_LENGTH)
    except AppError as error:
        error.field = field_name
        raise
    if not has_visible(name):
        raise TextMissing(field=field_name)
    return name


def _country(value: str) -> str:
    country = value.strip().upper()
    if country not in COUNTRIES:
        raise CountryUnknown(field="country")
    return country


def _postcode(value: str, country: str) -> str:
    """Asked of the UK only: elsewhere it serves nothing, so it is not kept."""
    if not value.strip() or country.strip().upper() != "GB":
        return ""
    return normalise_postcode(value)


def _consents(wordings: dict[str, PublishedWording], answers: Sequence[Answer]) -> list[JsonValue]:
    """Pairs of wording id and answer. Every required wording needs a yes in its version in force."""
    offered = {p: w for p, w in wordings.items() if p in ("signature", "updates")}
    consents: list[JsonValue] = []
    agreed = set()
    for answer in answers:
        wording = offered.get(answer.purpose)
        if wording is None or wording.version != answer.wording_version or answer.purpose in agreed:
            raise ConsentUnknown(field="consents")
        agreed.add(answer.purpose)
        if wording.required and not answer.given:
            raise ConsentRequired(field="consents")
        consents.append([wording.id, int(answer.given)])
    if any(w.required and p not in agreed for p, w in offered.items()):
        raise ConsentRequired(field="consents")
    return consents
