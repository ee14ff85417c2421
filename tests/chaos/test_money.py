"""Kills between payment and books: one settlement, one receipt, balanced books, donors told the truth."""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from devtools.load.confirming import Mailboxes
from devtools.load.connection import Connection, Unanswered
from tests.chaos.evidence import Evidence, repeated
from tests.chaos.processes import POSTGRES, Processes, eventually
from tests.journeys.running import Running

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
SETTLE_SECONDS = 270.0
"""The sweeper comes every minute, and leaves a donation without a page alone for two."""


@dataclass
class Donor:
    """One donor: what they sent, what they were told, and whether they paid."""

    number: int
    amount: int
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: dict[str, Any] | None = None  # JSON
    paid: bool = False
    told: list[bool | None] = field(default_factory=list)

    @property
    def email(self) -> str:
        return f"donor-{self.number}@example.org"


@dataclass
class Donors:
    """Donors of one run, against the real API and Stripe's simulator."""

    running: Running
    evidence: Evidence
    all: list[Donor] = field(default_factory=list)

    def new(self) -> Donor:
        number = len(self.all) + 1
        self.all.append(Donor(number, 1000 + number))
        return self.all[-1]

    async def ask(self, donor: Donor) -> bool:
        """Send the form, always with the same key; whether it was answered with a page to pay on."""
        connection = Connection(self.running.public)
        form = {"amount": donor.amount, "currency": "GBP", "email": donor.email, "name": "Dora Donor"}
        try:
            path = f"/api/v1/appeals/{SLUG}/donations"
            answer = await connection.request("POST", path, form, {"Idempotency-Key": donor.key})
        except Unanswered:
            return False
        finally:
            connection.close()
        # 409: Stripe is still busy with the same request, sent before the kill.
        assert answer.status == 201 or (answer.status in (409, 503) and "retry-after" in answer.headers), (
            answer
        )
        if answer.status == 201:
            donor.started = answer.json()  # type: ignore[assignment]  # an object
        return answer.status == 201

    async def give(self, donor: Donor) -> None:
        """Ask until there is a page, as somebody does who wants to give."""
        for _ in range(60):
            if await self.ask(donor):
                return
            await asyncio.sleep(0.5)
        raise AssertionError(f"donor {donor.number} never got a page")

    async def pay(self, donor: Donor) -> None:
        assert donor.started is not None
        sessions = [s for s in await self.sessions() if s["client_reference_id"] == donor.started["id"]]
        await self.simulate("pay", session=sessions[0]["id"], email=donor.email)
        donor.paid = True

    async def look(self, donor: Donor) -> bool | None:
        """Ask as the donor whether they were charged, and remember what they were told."""
        assert donor.started is not None
        connection = Connection(self.running.public)
        headers = {"Authorization": f"Bearer {donor.started['token']}"}
        try:
            answer = await connection.request(
                "GET", f"/api/v1/donations/{donor.started['id']}", headers=headers
            )
        except Unanswered:
            return None
        finally:
            connection.close()
        assert answer.status in (200, 503), answer
        told = answer.json()["charged"] if answer.status == 200 else None  # type: ignore[index]  # an object
        donor.told.append(told)
        return bool(told) if told is not None else None

    async def wait_told(self, donor: Donor) -> None:
        """Look again and again until the answer is yes."""
        for _ in range(int(SETTLE_SECONDS)):
            if await self.look(donor):
                return
            await asyncio.sleep(1)
        raise AssertionError(f"donor {donor.number} was told {Counter(donor.told)}")

    async def simulate(self, what: str, **order: object) -> dict[str, Any]:  # JSON
        connection = Connection(self.running.stripe)
        answer = await connection.request("POST", f"/_sim/{what}", order)
        connection.close()
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json()  # type: ignore[assignment]  # an object
        return found

    async def objects(self, kind: str) -> list[dict[str, Any]]:  # JSON
        connection = Connection(self.running.stripe)
        state: Any = (await connection.request("GET", "/_sim/state")).json()
        connection.close()
        found: list[dict[str, Any]] = state["objects"][kind]
        return found

    async def sessions(self) -> list[dict[str, Any]]:  # JSON
        return await self.objects("checkout.session")

    def rows(self) -> dict[str, tuple[str, str | None]]:
        """State and charge of each donation, by its id."""
        found = self.evidence.query("select id::text, state, stripe_charge_id from donations")
        return {id_: (state, charge) for id_, state, charge in found}


@pytest.fixture
def donors(running: Running, evidence: Evidence) -> Donors:
    return Donors(running, evidence)


async def test_kills_between_payment_and_books_change_nothing_in_the_end(
    running: Running,
    processes: Processes,
    evidence: Evidence,
    donors: Donors,
    seed: str,
    tell: Callable[[str], None],
) -> None:
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    abandoned: list[Donor] = []
    rounds: list[Callable[[], Coroutine[Any, Any, None]]] = [  # nothing is sent to them
        *[lambda: the_worker_dies_while_it_settles(processes, donors, chance)] * 2,
        *[lambda: the_public_process_dies_while_stripe_answers(processes, donors, abandoned)] * 2,
        *[lambda: the_database_dies_while_payments_settle(processes, donors, chance)] * 3,
    ]
    for kill in chance.sample(rounds, len(rounds)):
        await kill()
        for outage in processes.outages:
            if outage.back_at is None:
                await processes.wait_back(outage)

    paying = [donor for donor in donors.all if donor.paid]
    began = time.monotonic()
    for donor in paying:
        await donors.wait_told(donor)
    await eventually(lambda: ended(donors, abandoned), SETTLE_SECONDS, "the given up still hang")
    await evidence.settle(60)
    settled_in = time.monotonic() - began
    mailboxes = Mailboxes(running.mail)
    connection = Connection(running.mail)
    await mailboxes.look(connection)
    connection.close()
    kills = Counter(outage.name for outage in processes.outages)
    again = repeated(mailboxes.caught)
    tell(
        f"killed {dict(kills)}; donations {len(paying)} paid, {len(abandoned)} given up; "
        f"mails {len(mailboxes.caught)}, sent twice {sum(again.values())}; all settled in {settled_in:.1f} s"
    )

    await every_payment_is_booked_once(donors, evidence, paying)
    await whoever_gave_up_cannot_be_charged(donors, abandoned)
    everybody_was_told_once(evidence, mailboxes, paying, abandoned)
    assert sum(again.values()) <= kills["worker"] + kills[POSTGRES]
    assert not any(told is False for donor in paying for told in donor.told), "told a lie after paying"
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)


async def the_worker_dies_while_it_settles(
    processes: Processes, donors: Donors, chance: random.Random
) -> None:
    """Stripe is slow to say what became of the payment, and the worker is killed while it waits."""
    payers = [donors.new() for _ in range(3)]
    for donor in payers:
        await donors.give(donor)
    await donors.simulate("faults", operation="*", kind="delay", times=20, seconds=5)
    for donor in payers:
        await donors.pay(donor)
    await asyncio.sleep(chance.uniform(0.5, 3))
    rows = donors.rows()
    assert {rows[d.started["id"]][0] for d in payers if d.started} == {"pending"}, "settled too early"
    await processes.kill("worker")
    await donors.simulate("faults", clear=True)


async def the_public_process_dies_while_stripe_answers(
    processes: Processes, donors: Donors, abandoned: list[Donor]
) -> None:
    """The row is written and Stripe is asked; one of the two donors tries again, the other never does."""
    faithful, lost = donors.new(), donors.new()
    before = len(donors.rows())
    await donors.simulate("faults", operation="POST /v1/checkout/sessions", kind="delay", times=2, seconds=6)
    asking = [asyncio.create_task(donors.ask(donor)) for donor in (faithful, lost)]
    await eventually(lambda: len(donors.rows()) == before + 2 or None, 10, "no row was written")
    await asyncio.sleep(0.5)
    outage = await processes.kill("public")
    assert await asyncio.gather(*asking) == [False, False], "answered too early"
    await donors.simulate("faults", clear=True)
    await processes.wait_back(outage)
    abandoned.append(lost)
    await donors.give(faithful)
    await donors.pay(faithful)


async def the_database_dies_while_payments_settle(
    processes: Processes, donors: Donors, chance: random.Random
) -> None:
    """Five payments at once, and the database is killed while their events arrive and are settled."""
    payers = [donors.new() for _ in range(5)]
    for donor in payers:
        await donors.give(donor)
    await donors.simulate("webhooks", mode="hold")
    for donor in payers:
        await donors.pay(donor)
    await donors.simulate("webhooks", mode=chance.choice(["deliver", "duplicate"]))
    await asyncio.sleep(chance.uniform(0, 0.6))
    await processes.kill(POSTGRES)
    await donors.simulate("webhooks", mode="deliver")


def ended(donors: Donors, abandoned: list[Donor]) -> bool | None:
    """Whether the sweeper has ended every donation that nobody went on with; None while it has not."""
    states = Counter(state for state, _ in donors.rows().values())
    return states["failed"] + states["expired"] >= len(abandoned) or None


async def every_payment_is_booked_once(donors: Donors, evidence: Evidence, paying: list[Donor]) -> None:
    rows = donors.rows()
    charges = [c for c in await donors.objects("charge") if c["status"] == "succeeded"]
    assert len(charges) == len(paying)
    booked = Counter(
        cause
        for (cause,) in evidence.query("select cause_id from ledger_postings where cause_kind = 'charge'")
    )
    assert booked == Counter(charge["id"] for charge in charges)
    for donor in paying:
        assert donor.started is not None
        state, charge = rows[donor.started["id"]]
        assert (state, booked[charge or ""]) == ("succeeded", 1)
    ids = Counter(s["client_reference_id"] for s in await donors.sessions())
    assert max(ids.values()) == 1, "one donation, two pages to pay on"
    connection = Connection(donors.running.public)
    await asyncio.sleep(1.5)  # figures are a second old at the most
    appeal: Any = (await connection.request("GET", f"/api/v1/appeals/{SLUG}")).json()
    connection.close()
    assert appeal["raised"] == {"amount": sum(donor.amount for donor in paying), "currency": "GBP"}


async def whoever_gave_up_cannot_be_charged(donors: Donors, abandoned: list[Donor]) -> None:
    rows = donors.rows()
    paid = {donor.started["id"] for donor in donors.all if donor.paid and donor.started}
    left = {id_: state for id_, (state, _) in rows.items() if id_ not in paid}
    assert len(left) == len(abandoned)
    assert set(left.values()) <= {"failed", "expired"}
    pages = [s for s in await donors.sessions() if s["client_reference_id"] in left]
    assert all(page["status"] == "expired" for page in pages)


def everybody_was_told_once(
    evidence: Evidence, mailboxes: Mailboxes, paying: list[Donor], abandoned: list[Donor]
) -> None:
    mails = evidence.mails("donation_%")
    assert {state for state, _ in mails.values()} == {"sent"}
    subjects = Counter(subject for _, subject in mails.values())
    assert set(subjects.values()) == {1}
    addressed = {mail.message_id: mail.to for mail in mailboxes.caught}
    assert set(addressed) == set(mails)
    assert Counter(addressed.values()) == Counter(donor.email for donor in [*paying, *abandoned])
