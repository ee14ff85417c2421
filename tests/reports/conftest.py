"""Tallies and postings of known sizes at known moments."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest

from app.core.db import Database
from app.reports.campaign_report import CampaignReport, Subject, find_subject, read_report
from app.reports.queries import begin_reading
from app.reports.ranges import DateRange
from tests.factories import World

LONDON = ZoneInfo("Europe/London")


def at(text: str) -> datetime:
    """A moment in UTC, from "2026-03-29 00:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Book:
    """Writes what the worker would have written, as superuser."""

    def __init__(self, connection: psycopg.Connection, world: World) -> None:
        self.connection = connection
        self.world = world

    def tally(
        self, hour: str, *, placement: str | None = None, petition: int | None = None, **events: int
    ) -> None:
        """Events of one hour of UTC, in the dimensions that they belong to."""
        values = [("all", "")] + ([("placement", placement)] if placement else [])
        columns = ", ".join(events)
        more = ", ".join(f"{name} = t.{name} + excluded.{name}" for name in events)
        for dimension, value in values:
            statement = (
                f"insert into tallies as t (petition_id, dimension, value, utc_hour, {columns}) "  # noqa: S608
                f"values (%s, %s, %s, %s, {', '.join(['%s'] * len(events))}) "
                f"on conflict (petition_id, dimension, value, utc_hour) do update set {more}"
            )
            key = (petition or self.world.petition_id, dimension, value, at(hour))
            self.connection.execute(statement.encode(), (*key, *events.values()))

    def donation(
        self,
        moment: str,
        minor: int,
        currency: str = "GBP",
        *,
        placement: str | None = None,
        state: str = "succeeded",
    ) -> UUID:
        """A donation, and its charge in the ledger where it succeeded."""
        donation, charge = uuid4(), f"ch_{uuid4().hex}"
        self.connection.execute(
            "insert into donations (id, appeal_id, state, amount_minor, currency, wording_id, placement, "
            "locale, token_hash, stripe_charge_id, created_at) "
            "values (%s, %s, %s, %s, %s, %s, %s, 'en', %s, %s, %s)",
            (
                *(donation, self.world.appeal_id, state, minor, currency, self.world.wordings["donation"]),
                *(placement, donation.bytes, charge, at(moment)),
            ),
        )
        if state == "succeeded":
            self.post("charge", charge, moment, minor, currency, debit="clearing", credit="donations")
        return donation

    def refund(self, moment: str, minor: int, currency: str = "GBP") -> None:
        """A refund in the ledger."""
        self.post("refund", f"re_{uuid4().hex}", moment, minor, currency, debit="refunds", credit="clearing")

    def post(
        self, kind: str, cause: str, moment: str, minor: int, currency: str, *, debit: str, credit: str
    ) -> None:
        row = self.connection.execute(
            "insert into ledger_postings (cause_kind, cause_id, occurred_at) values (%s, %s, %s) "
            "returning id",
            (kind, cause, at(moment)),
        ).fetchone()
        assert row is not None
        for account, amount in ((debit, minor), (credit, -minor)):
            self.connection.execute(
                "insert into ledger_accounts (appeal_id, kind, currency) values (%s, %s, %s) "
                "on conflict do nothing",
                (self.world.appeal_id, account, currency),
            )
            self.connection.execute(
                "insert into ledger_entries (posting_id, account_id, amount_minor, currency) "
                "select %s, id, %s, %s from ledger_accounts "
                "where appeal_id = %s and kind = %s and currency = %s",
                (row[0], amount, currency, self.world.appeal_id, account, currency),
            )


@pytest.fixture
def book(superuser: psycopg.Connection, world: World) -> Book:
    superuser.autocommit = False
    return Book(superuser, world)


@pytest.fixture
async def read(internal: Database, book: Book) -> Callable[[str, str], object]:
    async def read_days(first: str, last: str, zone: ZoneInfo = LONDON) -> CampaignReport:
        book.connection.commit()
        span = DateRange(*(datetime.fromisoformat(day).date() for day in (first, last)))
        async with internal.begin() as session:
            await begin_reading(session)
            found = await find_subject(session, "welcome")
            subject = Subject(
                found.id, found.slug, found.title, found.publisher, zone, found.is_published, found.is_demo
            )
            return await read_report(session, subject, span, span.last)

    return read_days
