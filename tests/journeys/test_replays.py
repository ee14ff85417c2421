"""Stripe promises neither order nor a single delivery: whatever comes, a donation settles once."""

import asyncio
import itertools
import random
from typing import Any

import httpx
import psycopg
import pytest

from tests.journeys.figures import APPEAL, PublicFigures
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, person
from tests.journeys.running import Running, Second
from tests.journeys.signing import all_quiet
from tests.journeys.waiting import until

Body = dict[str, Any]  # JSON


async def _start(api: httpx.AsyncClient, donor: Person, amount: int = 1000) -> Body:
    body = {"amount": amount, "currency": "GBP", "email": donor.email, "name": donor.name}
    answer = await api.post(f"/api/v1/appeals/{APPEAL}/donations", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _held(simulator: httpx.AsyncClient, mode: str) -> None:
    (await simulator.post("/_sim/webhooks", json={"mode": mode})).raise_for_status()


async def _pay(simulator: httpx.AsyncClient, started: Body, card: str = "4242424242424242") -> None:
    session = started["checkout_url"].partition("?")[0].partition("#")[0].rpartition("/")[2]
    (await simulator.post("/_sim/pay", json={"session": session, "card": card})).raise_for_status()


async def _events(simulator: httpx.AsyncClient, started: Body) -> list[str]:
    """Ids of the events about a donation, in the order they happened."""
    objects = (await simulator.get("/_sim/state")).json()["objects"]
    ours = {
        item["id"]
        for kind in ("checkout.session", "payment_intent", "charge")
        for item in objects[kind]
        if item["metadata"].get("donation_id") == started["id"] or started["id"] in str(item["metadata"])
    }
    return [event["id"] for event in objects["event"] if event["data"]["object"]["id"] in ours]


async def _send(simulator: httpx.AsyncClient, event: str, times: int = 1) -> set[int]:
    answer = await simulator.post("/_sim/webhooks/resend", json={"event_id": event, "times": times})
    return set(answer.raise_for_status().json()["statuses"])


def _postings(superuser: psycopg.Connection, started: Body) -> list[tuple[Any, ...]]:
    return superuser.execute(
        "select p.cause_kind, sum(abs(e.amount_minor)) / 2 from ledger_postings p "
        "join ledger_entries e on e.posting_id = p.id join donations d on d.id = %s "
        "where p.cause_id in (d.id::text, d.stripe_charge_id, d.stripe_payment_intent_id) group by p.id, 1",
        [started["id"]],
    ).fetchall()


async def _settled_once(
    superuser: psycopg.Connection, mailbox: Mailbox, donor: Person, started: Body
) -> None:
    assert [amount for _, amount in _postings(superuser, started)] == [1000]
    row = superuser.execute("select state from donations where id = %s", [started["id"]]).fetchone()
    assert row == ("succeeded",)
    assert [mail.subject for mail in await mailbox.all(donor.email)] == ["Your receipt"]


async def test_a_thousand_replays_settle_once(
    running: Running,
    second: Second,
    api: httpx.AsyncClient,
    simulator: httpx.AsyncClient,
    mailbox: Mailbox,
    superuser: psycopg.Connection,
    figures: PublicFigures,
) -> None:
    donor, before = person("Dana Moss"), await figures.raised()
    started = await _start(api, donor)
    await _pay(simulator, started)
    events = await _events(simulator, started)
    assert len(events) >= 3
    each = -(-1000 // len(events))
    statuses = await asyncio.gather(
        *(_send(simulator, event, times=each // 4 + 1) for event in events for _ in range(4))
    )
    assert set().union(*statuses) == {200}
    await all_quiet(superuser)
    await _settled_once(superuser, mailbox, donor, started)
    await until(figures.raised, lambda raised: raised == before + 1000)
    query = "select count(*), count(handled_at) from stripe_events where id = any(%s)"
    stored = superuser.execute(query, [events]).fetchone()
    assert stored is not None
    assert 1 <= stored[0] == stored[1] <= len(events)


async def test_every_order_of_the_deciding_events_settles_once(
    running: Running,
    second: Second,
    api: httpx.AsyncClient,
    simulator: httpx.AsyncClient,
    mailbox: Mailbox,
    superuser: psycopg.Connection,
    figures: PublicFigures,
) -> None:
    before, orders = await figures.raised(), random.Random(7)  # noqa: S311 - the same orders at every run
    await _held(simulator, "drop")
    donors = [person("Dana Moss") for _ in range(24)]
    try:
        donations = [await _start(api, donor) for donor in donors]
        for started in donations:
            await _pay(simulator, started)
        for place, started in enumerate(donations):
            events = await _events(simulator, started)
            # All orders of the last four, the rest anywhere between them; some come twice.
            last = list(list(itertools.permutations(events[-4:]))[place % 24])
            for event in events[:-4]:
                last.insert(orders.randrange(len(last) + 1), event)
            await asyncio.gather(*(_send(simulator, event, times=1 + place % 2) for event in last))
    finally:
        await _held(simulator, "deliver")
    await all_quiet(superuser)
    for donor, started in zip(donors, donations, strict=True):
        await _settled_once(superuser, mailbox, donor, started)
    await until(figures.raised, lambda raised: raised == before + 24 * 1000)


@pytest.mark.parametrize("mode", ["reverse", "duplicate"])
async def test_a_decline_before_the_payment_changes_nothing(
    running: Running,
    api: httpx.AsyncClient,
    simulator: httpx.AsyncClient,
    mailbox: Mailbox,
    superuser: psycopg.Connection,
    mode: str,
) -> None:
    donor = person("Dana Moss")
    started = await _start(api, donor)
    await _held(simulator, mode)
    try:
        for card in ("4000000000000002", "4000000000009995", "4242424242424242"):
            await _pay(simulator, started, card)
        await mailbox.newest(donor.email)
    finally:
        await _held(simulator, "deliver")
    await all_quiet(superuser)
    await _settled_once(superuser, mailbox, donor, started)


async def test_events_that_nobody_signed_are_refused(
    api: httpx.AsyncClient, superuser: psycopg.Connection
) -> None:
    known = superuser.execute("select count(*) from stripe_events").fetchone()
    for headers, body in (
        ({}, b"{}"),
        ({"stripe-signature": "t=1,v1=00"}, b'{"id": "evt_1", "type": "charge.succeeded"}'),
        ({"stripe-signature": "nonsense"}, b"\xff\xfe"),
    ):
        answer = await api.post("/webhooks/stripe", content=body, headers=headers)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
    assert superuser.execute("select count(*) from stripe_events").fetchone() == known
