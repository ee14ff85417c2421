"""The list of campaigns, a campaign, and what newsrooms embed of it."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.languages import Text
from app.core.money import Money
from app.web.views.frame import View


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """Signatures from before the campaign moved here: shown apart, never added (campaign-facts.md)."""

    count: int
    source: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How a petition stands.

    Attributes:
        count: Confirmed signatures, exactly.
        goal: What the bar runs to; 0 for none.
        next_milestone: The next number worth announcing, below the goal; None where there is none.
    """

    count: int
    goal: int = 0
    next_milestone: int | None = None
    carried_over: CarriedOver | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Takings:
    """How an appeal stands, from the ledger. `target` is None where none is set."""

    raised: Money
    target: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PetitionCard:
    """A petition as a campaign lists it."""

    slug: str
    title: Text
    target: Text
    tally: Tally
    is_open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealCard:
    """An appeal as a campaign lists it."""

    slug: str
    title: Text
    summary: Text
    takings: Takings
    is_open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCard:
    """A campaign as the front page lists it; figures are None where it has no petition or appeal."""

    slug: str
    title: Text
    summary: Text
    signatures: int | None = None
    raised: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView(View):
    """`/`: every published campaign."""

    template: ClassVar[str] = "home.html.jinja"
    campaigns: tuple[CampaignCard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView(View):
    """`/campaigns/{slug}`: the story (Markdown), what to sign and where to give."""

    template: ClassVar[str] = "campaign.html.jinja"
    slug: str
    title: Text
    summary: Text
    story: Text
    petitions: tuple[PetitionCard, ...]
    appeals: tuple[AppealCard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedView(View):
    """`/embed/{slug}`: a campaign's first petition and appeal in an article's frame."""

    template: ClassVar[str] = "embed.html.jinja"
    slug: str
    title: Text
    petition: PetitionCard | None
    appeal: AppealCard | None
