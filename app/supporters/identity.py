"""Who somebody is, for comparison only: folded addresses, names and places.

Mail always goes to the address as typed; what is folded is hashed with a key and never shown.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from app.core.errors import AppError
from app.core.text import InvalidText, TextTooLong, clean_line
from app.supporters.providers import BY_DOMAIN

MAX_ADDRESS = 254
"""Characters, as RFC 5321 §4.5.3.1.3 leaves them between the angle brackets of a path."""

# Within every limit on lengths; capitals in front of the @ have rules of their own.
_PLAIN = re.compile(
    r"(?=.{3,150}\Z)(?P<local>(?=[^@]{1,64}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*)@(?P<domain>[A-Za-z0-9.-]+)"
)

# What comes along when an address is pasted from a page or a messenger.
_PASTED = "\u200b\u200e\u200f\u2060\ufeff"

# Marks that people leave out when they are in a hurry: Latin, Greek and Cyrillic accents, Hebrew and Arabic
# vowel points. Vowel signs of other scripts make other names and stay.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0670]")
_BARRED_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ʼ": ""})

_UK_POSTCODE = re.compile(
    r"(?P<outward>GIR|[A-Z][0-9][0-9A-Z]?|[A-Z]{2}[0-9][0-9A-Z]?)(?P<inward>[0-9][ABD-HJLNP-UW-Z]{2})"
)
_OTHER_POSTCODE = re.compile(r"[0-9A-Z][0-9A-Z \-]{1,10}")


class InvalidEmail(AppError):
    """The text is no address that mail could be sent to."""

    code = "email_invalid"
    detail = "This does not look like an e-mail address. Please check it; it looks like name@example.org."


class InvalidPostcode(AppError):
    """The text is no postcode of that country."""

    code = "postcode_invalid"
    detail = "This does not look like a postcode. Please check it, or leave it out."


@dataclass(frozen=True, slots=True)
class FoldedEmail:
    """One address: how to write to it, and what it is compared by. A repr shows neither.

    Attributes:
        deliver_to: As typed, with the domain in lower case.
        envelope: The same with the domain in ASCII where the local part allows, for servers without SMTPUTF8.
        folded: For comparison only; other spellings of the same mailbox fold to the same text.
    """

    deliver_to: str = field(repr=False)
    envelope: str = field(repr=False)
    folded: str = field(repr=False)


def fold_email(address: str) -> FoldedEmail:
    """Read an address as somebody typed it. No network is used.

    Raises:
        InvalidEmail: no address, or one with control characters, changes of direction or invisible marks.
    """
    return _fold_plain(address) or _fold_any(address)


def _fold_plain(address: str) -> FoldedEmail | None:
    """The same for what nearly all type: lower case ASCII. None for anything else, right or wrong."""
    found = _PLAIN.fullmatch(address)
    if found is None:
        return None
    domain = _plain_domain(found["domain"])
    if domain is None:
        return None
    whole = f"{found['local']}@{domain}"
    return FoldedEmail(deliver_to=whole, envelope=whole, folded=_one_spelling(found["local"], domain))


@lru_cache(8_000)
def _plain_domain(domain: str) -> str | None:
    """The domain as the library gives it back; None for one that it refuses, or changes beyond case."""
    try:
        valid = _validated(f"a@{domain}")
    except InvalidEmail:
        return None
    return valid.ascii_domain if valid.domain == valid.ascii_domain == domain.lower() else None


def _fold_any(address: str) -> FoldedEmail:
    valid = _validated(address)
    local = _folded(valid.local_part)
    if "" in local.split(".") or any(c == "@" or c.isspace() for c in local):
        # Look-alikes of @, dot and space, which only compatibility folding shows for what they are.
        raise InvalidEmail(field="email")
    domain = valid.ascii_domain.lower()
    return FoldedEmail(
        deliver_to=valid.normalized,
        envelope=valid.ascii_email or valid.normalized,
        folded=_one_spelling(local, domain),
    )


def fold_name(name: str) -> str:
    """The name without what people write now so, now otherwise: case, accents, hyphens, order of words."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", _folded(name)))
    words = _folded(plain).translate(_BARRED_LETTERS).split()
    bare = sorted("".join(c for c in word if unicodedata.category(c)[0] in "LNM") for word in words)
    return " ".join(filter(None, bare)) or _folded(name)


def fold_place(country: str, postcode: str | None) -> str:
    """Country (ISO 3166-1 alpha-2) and postcode as one text; without a postcode the country alone."""
    bare = "".join(c for c in _folded(postcode or "") if c.isalnum())
    return f"{country.upper()}:{bare}"


def normalise_postcode(postcode: str, country: str = "GB") -> str:
    """The postcode in capitals; a British one in its two parts with one space ("sw1a1aa" → "SW1A 1AA").

    Shape only: whether it exists is nobody's business here. Elsewhere any short run of letters and figures.

    Raises:
        InvalidPostcode: it has not that shape.
    """
    capitals = " ".join(unicodedata.normalize("NFKC", postcode).upper().split())
    if country != "GB":
        if _OTHER_POSTCODE.fullmatch(capitals) is None:
            raise InvalidPostcode(field="postcode")
        return capitals
    found = _UK_POSTCODE.fullmatch(re.sub(r"[\s\-]", "", capitals))
    if found is None:
        raise InvalidPostcode(field="postcode")
    return f"{found['outward']} {found['inward']}"


def _validated(address: str) -> ValidatedEmail:
    try:
        typed = clean_line(address, MAX_ADDRESS + len(_PASTED)).strip(_PASTED + " ")
        # The library counts to 254 itself, and refuses special-use domains (.test, .local, localhost), whose
        # mail goes nowhere. It lets .example and example.com/.org/.net through, as RFC 6761 §6.5 asks; demo
        # and tests live there.
        return validate_email(typed, check_deliverability=False, allow_quoted_local=False)
    except (EmailNotValidError, InvalidText, TextTooLong, UnicodeError):
        # Their messages quote what was typed; ours must not.
        raise InvalidEmail(field="email") from None


def _folded(text: str) -> str:
    """NFKC and case folding, repeated until nothing changes (Unicode §3.13, toNFKC_Casefold)."""
    before, after = None, text
    while after != before:
        before, after = after, unicodedata.normalize("NFKC", after.casefold())
    return after


def _one_spelling(local: str, domain: str) -> str:
    provider = BY_DOMAIN.get(domain)
    if provider is None:
        name, _, parent = domain.partition(".")
        provider = BY_DOMAIN.get(parent)
        if provider is None or not provider.subdomains:
            return f"{local}@{domain}"
        local, domain = name, parent
    base = local.partition("+")[0].rstrip(".") if provider.plus else local
    bare = "".join(c for c in base if c not in provider.ignored)
    return f"{bare or local}@{provider.canonical or domain}"
