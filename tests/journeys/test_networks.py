"""Limits end to end: a crowd counts, a spoofed address is of no use, nobody is told how they were judged."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Network
from secrets import randbelow, token_hex

import httpx
import psycopg
import pytest

from tests.journeys.figures import PublicFigures
from tests.journeys.judged import judged
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, person
from tests.journeys.running import Own, Running, own_public
from tests.journeys.signing import SIGN, all_quiet, form_of
from tests.journeys.waiting import until

LARGE = "gmail.com"
"""A provider with so many people that its domain says nothing."""


def network() -> str:
    """One that no other test has used (RFC 2544's range for benchmarks)."""
    return str(IPv4Network("198.18.0.0/15")[randbelow(2**17)])


@pytest.fixture(scope="module")
def untrusting(running: Running) -> Iterator[Own]:
    """A public process as in production: it believes no proxy, this machine neither."""
    production = {
        "demo": "0",
        "public_url": "https://haven.test",
        "staff_url": "https://staff.haven.test",
        "stripe_webhook_secret": f"whsec_{token_hex(16)}",
        "flood_requests_a_minute": "60",
    }
    with own_public(running, "untrusting", without=("HAVEN_STRIPE_API_BASE",), **production) as started:
        yield started


@pytest.fixture
async def outside(untrusting: Own) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=untrusting.public, trust_env=False) as client:
        yield client


async def sign_from(
    api: httpx.AsyncClient, address: str | None, somebody: Person, **changes: object
) -> httpx.Response:
    headers = {"X-Forwarded-For": address} if address else {}
    return await api.post(SIGN, json=await form_of(api, somebody, **changes), headers=headers)


async def test_thirty_people_on_one_wifi_all_count(
    running: Running,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    figures: PublicFigures,
    superuser: psycopg.Connection,
) -> None:
    hostel, before = network(), await figures.count()
    people = [person(f"Guest{n}", domain=LARGE) for n in range(30)]
    answers = await asyncio.gather(*(sign_from(api, hostel, somebody) for somebody in people))
    assert [answer.status_code for answer in answers] == [202] * 30
    mails = [await mailbox.newest(somebody.email) for somebody in people]
    found = [judged(running, superuser, somebody) for somebody in people]
    assert len({each.network for each in found}) == 1, "all behind one address"
    assert found[0].network is not None
    assert not [each for each in found if each.apart]
    for mail in mails:
        answer = await api.post("/api/v1/signatures/confirm", json={"token": mail.token})
        assert answer.status_code == 200
    await until(figures.count, lambda count: count == before + 30)


async def test_trying_it_on_this_machine_never_runs_into_a_limit(
    running: Running, api: httpx.AsyncClient, superuser: psycopg.Connection
) -> None:
    people = [person(f"Local{n}", domain=LARGE) for n in range(45)]
    answers = await asyncio.gather(*(sign_from(api, None, somebody) for somebody in people))
    assert {answer.status_code for answer in answers} == {202}
    await all_quiet(superuser)
    assert {judged(running, superuser, somebody).score for somebody in people} == {0}


async def test_an_address_that_a_stranger_names_changes_nothing(
    running: Running,
    api: httpx.AsyncClient,
    outside: httpx.AsyncClient,
    superuser: psycopg.Connection,
) -> None:
    # Where this machine is believed, each is a network of its own …
    believed = [person(f"Real{n}", domain=LARGE) for n in range(6)]
    for somebody in believed:
        assert (await sign_from(api, network(), somebody)).status_code == 202
    # … and where nobody is, all are one: for the flood guard and for the score.
    spoofing = [person(f"Spoof{n}", domain=LARGE) for n in range(12)]
    answers = await asyncio.gather(*(sign_from(outside, network(), somebody) for somebody in spoofing))
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {202, 429}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 429)
    await all_quiet(superuser)
    taken = [who for who, code in zip(spoofing, codes, strict=True) if code == 202]
    assert len({judged(running, superuser, somebody).network for somebody in taken}) == 1
    assert len({judged(running, superuser, somebody).network for somebody in believed}) == 6


async def test_new_known_blocked_and_set_apart_get_the_same_answer(
    running: Running, api: httpx.AsyncClient, mailbox: Mailbox, superuser: psycopg.Connection
) -> None:
    mark, bad_network = token_hex(4), network()
    blocked, fresh = person("Blocked", domain=f"{mark}.example"), person("Fresh", domain=LARGE)
    listed, crowd = person("Listed", domain=LARGE), network()
    running.command("abuse", "block", "domain", f"{mark}.example")
    running.command("abuse", "block", "network", bad_network)
    running.command("abuse", "block", "address", listed.email)
    answers = [
        await sign_from(api, network(), fresh),
        await sign_from(api, network(), fresh),
        await sign_from(api, network(), blocked),
        await sign_from(api, bad_network, person("Elsewhere", domain=LARGE)),
        await sign_from(api, network(), listed),
        *[await sign_from(api, crowd, person(f"Bot{n}", domain=f"bot.{mark}.net")) for n in range(70)],
    ]
    await all_quiet(superuser)
    assert judged(running, superuser, blocked).apart
    assert judged(running, superuser, listed).apart
    assert await mailbox.all(listed.email) == []
    told = {
        (
            answer.status_code,
            answer.content,
            tuple((k, v) for k, v in answer.headers.items() if k not in {"date", "x-request-id"}),
        )
        for answer in answers
    }
    assert len(told) == 1
