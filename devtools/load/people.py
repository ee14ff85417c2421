"""Invented people who sign: distinct, valid, and as mixed as real ones."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

FIRST = ("Ada", "Олена", "Zoë", "Tomasz", "Suzie", "Mykola", "Fatima", "Jürgen", "Aoife", "ليلى")
LAST = ("Fenn", "Шевченко", "Nowak", "O'Neill", "van Dijk", "Okafor", "Müller", "Haddad", "García", "Smith")
# About as a British newspaper's readers come.
COUNTRIES = ("GB",) * 14 + ("UA", "UA", "PL", "DE", "IE", "US")
POSTCODES = ("N1 9GU", "SW1A 1AA", "M1 1AE", "EH1 1YZ", "CF10 1EP", "BT1 5GS", "G1 1XQ", "LS1 4AP")
LOCALES = ("en",) * 8 + ("uk", "ar")
PLACEMENTS = (None, None, "front-page", "how-to-help", "morning-newsletter", "what-families-need")


@dataclass(frozen=True, slots=True)
class Wording:
    """A consent that a petition asks for, as its API tells."""

    purpose: str
    version: int
    required: bool


@dataclass(frozen=True, slots=True)
class Person:
    """One signer; the same number and seed make the same person."""

    number: int
    name: str
    email: str
    country: str
    postcode: str | None
    locale: str
    placement: str | None
    wants_updates: bool

    def form(self, wordings: Sequence[Wording]) -> dict[str, object]:
        """What the API is sent."""
        answers = [
            {"purpose": w.purpose, "wording_version": w.version, "given": w.required or self.wants_updates}
            for w in wordings
        ]
        optional = {"postcode": self.postcode, "placement": self.placement}
        form: dict[str, object] = {
            "name": self.name,
            "email": self.email,
            "country": self.country,
            "locale": self.locale,
            "consents": answers,
        }
        return form | {name: value for name, value in optional.items() if value is not None}


def invent(number: int, seed: str, domain: str | None = None) -> Person:
    """The person of that number, with an address at that domain or at one of seven."""
    chance = random.Random(f"{seed}:{number}")  # noqa: S311 - nothing secret
    country = chance.choice(COUNTRIES)
    return Person(
        number=number,
        name=f"{chance.choice(FIRST)} {chance.choice(LAST)}",
        email=f"signer.{number}.{seed}@{domain or f'readers{number % 7}.example'}",
        country=country,
        postcode=chance.choice(POSTCODES) if country == "GB" and chance.random() < 0.7 else None,  # noqa: PLR2004
        locale=chance.choice(LOCALES),
        placement=chance.choice(PLACEMENTS),
        wants_updates=chance.random() < 0.3,  # noqa: PLR2004 - about a third say yes
    )
