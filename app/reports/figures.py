"""What a report says: signatures from the tallies, money from the ledger, and what follows from both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.core.money import Money
from app.reports.ranges import DateRange


@dataclass(frozen=True, slots=True)
class Signing:
    """Events of signatures; each counted at its own hour, so that a day may confirm more than it signs."""

    signed: int = 0
    confirmed: int = 0
    withdrawn: int = 0
    invalidated: int = 0
    lapsed: int = 0

    def __add__(self, other: "Signing") -> "Signing":
        return Signing(
            self.signed + other.signed,
            self.confirmed + other.confirmed,
            self.withdrawn + other.withdrawn,
            self.invalidated + other.invalidated,
            self.lapsed + other.lapsed,
        )

    @property
    def counted(self) -> int:
        """What these events add to the public count."""
        return self.confirmed - self.withdrawn - self.invalidated

    @property
    def waiting(self) -> int:
        """Over all time: signed, and neither confirmed nor lapsed."""
        return self.signed - self.confirmed - self.lapsed


@dataclass(frozen=True, slots=True)
class Giving:
    """Donations of one currency, in its minor units."""

    donations: int = 0
    given_minor: int = 0
    refunded_minor: int = 0

    def __add__(self, other: "Giving") -> "Giving":
        return Giving(
            self.donations + other.donations,
            self.given_minor + other.given_minor,
            self.refunded_minor + other.refunded_minor,
        )

    @property
    def net_minor(self) -> int:
        """What remains after refunds."""
        return self.given_minor - self.refunded_minor


NO_GIVING = Giving()


@dataclass(frozen=True, slots=True)
class Figures:
    """Signing, and giving by currency."""

    signing: Signing = field(default_factory=Signing)
    giving: Mapping[str, Giving] = field(default_factory=dict)

    def __add__(self, other: "Figures") -> "Figures":
        currencies = [*self.giving, *(c for c in other.giving if c not in self.giving)]
        return Figures(self.signing + other.signing, {c: self.of(c) + other.of(c) for c in currencies})

    def of(self, currency: str) -> Giving:
        """Giving in one currency."""
        return self.giving.get(currency, NO_GIVING)

    @property
    def donations(self) -> int:
        """Donations in every currency."""
        return sum(giving.donations for giving in self.giving.values())

    def given(self, currency: str) -> Money:
        """The sum given in one currency, refunds not taken off."""
        return Money(self.of(currency).given_minor, currency)

    def refunded(self, currency: str) -> Money:
        """The sum refunded in one currency."""
        return Money(self.of(currency).refunded_minor, currency)

    def net(self, currency: str) -> Money:
        """The sum given in one currency after refunds."""
        return Money(self.of(currency).net_minor, currency)


def total(figures: Iterable[Figures]) -> Figures:
    """The sum of figures."""
    return sum(figures, Figures())


@dataclass(frozen=True, slots=True)
class Period:
    """A day, week or month with its figures."""

    span: DateRange
    figures: Figures


@dataclass(frozen=True, slots=True)
class PlacementFigures:
    """One placement; `slug` is empty for those who came without one."""

    slug: str
    title: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way from signing to giving: how many, and the share of the step before (0 to 1)."""

    name: str
    count: int
    share: float | None


def conversion(figures: Figures) -> tuple[Step, Step, Step]:
    """Signed, confirmed, gave.

    Events of the same days, not the same people: a signature of the last evening may be confirmed the next
    morning, and one can give without signing. Shares may so pass 100 %.
    """
    signed, confirmed = figures.signing.signed, figures.signing.confirmed
    return (
        Step("signed", signed, None),
        Step("confirmed", confirmed, share(confirmed, signed)),
        Step("gave", figures.donations, share(figures.donations, confirmed)),
    )


def share(part: int, whole: int) -> float | None:
    """The part of the whole, or None of nothing."""
    return part / whole if whole else None
