"""The demo's texts, read from the TOML files beside this module and checked for completeness."""

import tomllib
from importlib.resources import files
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Translated(_Text):
    """Words in every language of the demo."""

    en: Words
    uk: Words
    ar: Words

    def stored(self) -> dict[str, str]:
        """As a translated column holds it."""
        return self.model_dump()


class CampaignText(_Text):
    """`campaign.toml`."""

    slug: str
    publisher: Words
    data_controller: Words
    contact_email: str
    locales: tuple[str, ...]
    time_zone: str
    published_at: AwareDatetime
    title: Translated
    summary: Translated
    story: Translated


class PetitionVersion(_Text):
    """One version of what the petition says and asks."""

    number: int
    published_at: AwareDatetime
    title: Translated
    body: Translated
    asks: tuple[Translated, ...] = Field(min_length=1)


class PetitionText(_Text):
    """`petition.toml`."""

    slug: str
    goal: int
    carried_over_count: int
    opened_at: AwareDatetime
    carried_over_note: Translated
    target: Translated
    version: tuple[PetitionVersion, ...] = Field(min_length=1)


class BeneficiaryText(_Text):
    """A charity as the Charity Commission's register has it."""

    name: Words
    charity_number: Words
    url: Words


class Allocation(_Text):
    """Who gets the money from a moment on, by weight."""

    starts_at: AwareDatetime
    weights: dict[str, int]


class AppealText(_Text):
    """`appeal.toml`."""

    slug: str
    currency: str
    currencies: tuple[str, ...]
    target_minor: int
    opened_at: AwareDatetime
    suggested_minor: dict[str, tuple[int, ...]]
    title: Translated
    story: Translated
    beneficiary: tuple[BeneficiaryText, ...]
    allocation: tuple[Allocation, ...]


class WordingText(_Text):
    """One version of what people agree to."""

    purpose: str
    version: int
    required: bool
    published_at: AwareDatetime
    text: Translated
    facts: dict[str, str] = {}


class WordingTexts(_Text):
    """`wordings.toml`."""

    wording: tuple[WordingText, ...]


class PlacementText(_Text):
    """An article or newsletter, and how often the invented signers came from it."""

    slug: str
    title: Words
    weight: int


class PlacementTexts(_Text):
    """`placements.toml`."""

    placement: tuple[PlacementText, ...]


class CountryMix(_Text):
    """How often a country, and which languages its signers choose."""

    weight: int
    en: int = 0
    uk: int = 0
    ar: int = 0


class NamePool(_Text):
    """Names, drawn apart."""

    first: tuple[str, ...]
    last: tuple[str, ...]


class PeopleTexts(_Text):
    """`people.toml`."""

    countries: dict[str, CountryMix]
    regions: dict[str, int]
    names: dict[str, NamePool]
    comments: dict[str, tuple[str, ...]]


Model = TypeVar("Model", bound=_Text)


def read(name: str, model: type[Model]) -> Model:
    """One file of texts.

    Raises:
        pydantic.ValidationError: A text is missing in a language, or something is there that nobody reads.
    """
    source = files("app.cli.demo").joinpath("texts", f"{name}.toml").read_text(encoding="utf-8")
    return model.model_validate(tomllib.loads(source))


class Texts(_Text):
    """All that the demo campaign says."""

    campaign: CampaignText
    petition: PetitionText
    appeal: AppealText
    wordings: tuple[WordingText, ...]
    placements: tuple[PlacementText, ...]


def demo_texts() -> Texts:
    """The demo campaign as this version of Haven has it."""
    return Texts(
        campaign=read("campaign", CampaignText),
        petition=read("petition", PetitionText),
        appeal=read("appeal", AppealText),
        wordings=read("wordings", WordingTexts).wording,
        placements=read("placements", PlacementTexts).placement,
    )


def demo_people() -> PeopleTexts:
    """What invented people are made of."""
    return read("people", PeopleTexts)
