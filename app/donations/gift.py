"""What a donor fills in, and whether it can be taken."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from app.campaigns.placing import clean_placement
from app.core.checking import Checks
from app.core.languages import DEFAULT_LOCALE, supported
from app.core.money import Money
from app.core.text import clean_line
from app.donations.appeals import PublishedAppeal
from app.donations.errors import AppealClosed, CurrencyNotOffered, FrequencyNotOffered, WordingChanged
from app.donations.limits import check_amount
from app.supporters.identity import FoldedEmail, fold_email

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Gift:
    """A donor's form as it came; a repr shows nobody.

    Attributes:
        wording_version: The version of the terms that the donor read; None takes the present one.
        locale: A language tag; answers and mails come in the nearest language there is.
    """

    appeal_slug: str
    amount: Money
    email: str = field(repr=False)
    wording_version: int | None = None
    name: str | None = field(default=None, repr=False)
    locale: str = DEFAULT_LOCALE
    placement: str | None = None
    frequency: str = "once"


@dataclass(frozen=True, slots=True)
class CheckedGift:
    """The same, checked and in one form."""

    appeal_slug: str
    amount: Money
    address: FoldedEmail
    name: str | None = field(repr=False)
    locale: str
    placement: str | None
    frequency: str
    wording_version: int | None

    def body(self) -> dict[str, JsonValue]:
        """What makes two requests the same."""
        return {
            "appeal": self.appeal_slug,
            "amount_minor": self.amount.amount_minor,
            "currency": self.amount.currency,
            "email": self.address.deliver_to,
            "name": self.name,
            "locale": self.locale,
            "placement": self.placement,
            "frequency": self.frequency,
            "wording_version": self.wording_version,
        }


def check_answers(gift: Gift) -> CheckedGift:
    """A gift whose every field can be taken, whatever the appeal.

    Raises:
        FrequencyNotOffered: It is not for once.
        AppError: The one field to mend, named by its `field`; InvalidFields where there are several.
    """
    if gift.frequency != "once":
        raise FrequencyNotOffered(field="frequency")
    checks = Checks()
    checks.run("amount", lambda: check_amount(gift.amount))
    address = checks.run("email", lambda: fold_email(gift.email))
    name = checks.run("name", lambda: clean_line(gift.name or "", LONGEST_NAME))
    placement = checks.run("placement", lambda: clean_placement(gift.placement))
    if len(checks.errors) == 1:
        raise checks.errors[0]
    checks.finish()
    assert address is not None
    return CheckedGift(
        appeal_slug=gift.appeal_slug,
        amount=gift.amount,
        address=address,
        name=name or None,
        locale=supported(gift.locale) or DEFAULT_LOCALE,
        placement=placement,
        frequency=gift.frequency,
        wording_version=gift.wording_version,
    )


def check_against(gift: CheckedGift, appeal: PublishedAppeal) -> None:
    """Whether the appeal takes this gift now.

    Raises:
        AppealClosed, CurrencyNotOffered, WordingChanged: It does not.
    """
    if not appeal.is_open:
        raise AppealClosed
    if gift.amount.currency not in appeal.offers:
        raise CurrencyNotOffered(field="currency")
    if gift.wording_version not in (None, appeal.wording.version):
        raise WordingChanged(field="wording_version")
