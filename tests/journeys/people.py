"""Somebody new, and how they go through the forms."""

from dataclasses import dataclass, field
from secrets import token_hex

from playwright.async_api import Page

GOOD, DECLINED, POOR, ERRING, SECURE = (
    "4242 4242 4242 4242",
    "4000 0000 0000 0002",
    "4000 0000 0000 9995",
    "4000 0000 0000 0119",
    "4000 0027 6000 3184",
)
"""Stripe's test cards: takes money, declined, insufficient funds, processing error, 3-D Secure."""


@dataclass(frozen=True)
class Person:
    """One person with an address that nobody else has."""

    name: str
    email: str
    country: str = "GB"
    postcode: str = ""
    mark: str = field(default="", repr=False)


def person(name: str = "Suzie Fenn", *, country: str = "GB", postcode: str = "", domain: str = "") -> Person:
    """Somebody who has never been here, by default at a domain of their own: many at one look like a bot."""
    mark = token_hex(5)
    address = f"{name.split(maxsplit=1)[0].lower()}.{mark}@{domain or f'{mark}.example'}"
    return Person(name, address, country, postcode, mark)


async def sign(page: Page, somebody: Person, *, updates: str = "no") -> None:
    """Fill in the form of the petition that is open, in any language, and send it."""
    await page.locator("#name").fill(somebody.name)
    await page.locator("#email").fill(somebody.email)
    await page.locator("#country").select_option(somebody.country)
    await page.locator("#postcode").fill(somebody.postcode)
    await page.locator("#consent").check()
    await page.locator(f"input[name=updates][value={updates}]").check()
    await page.locator("#sign button[type=submit]").click()


async def pay(page: Page, card: str = GOOD) -> None:
    """Fill in the payment provider's page and send it."""
    await page.locator("#cardNumber").fill(card)
    await page.locator("#cardExpiry").fill("12 / 34")
    await page.locator("#cardCvc").fill("123")
    await page.locator("#billingName").fill("Card Holder")
    await page.locator("button[type=submit]").click()
