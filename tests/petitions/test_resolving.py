"""The worker: poison kept apart, allowances kept exactly, placements bounded."""

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

import psycopg
import pytest
from pydantic import JsonValue
from sqlalchemy import text

from app.campaigns import placing
from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.core.ids import new_id
from app.crypto.sealing import Sealer
from app.mail import allowance
from app.petitions.resolving import _TAKE_CHANGES, _TAKE_SIGNATURES, Resolver
from app.reports.checking import run_checks
from tests.conftest import Addresses
from tests.factories import World
from tests.petitions.conftest import Signer, a_form

GOOD: dict[str, JsonValue] = {
    "name": "Suzie Fenn",
    "country": "GB",
    "postcode": "N1 9GU",
    "placement": None,
    "locale": "en",
    "consents": [],
    "via": "api",
    "network": "",
}
POISON: Mapping[str, tuple[dict[str, JsonValue], str]] = {
    "a text that is not there": ({"text_version_id": 999_999}, "IntegrityError"),
    "a wording that is not there": ({"consents": [[999_999, 1]]}, "IntegrityError"),
    "a consent of another shape": ({"consents": [7]}, "TypeError"),
    "a way that is unknown": ({"consents": [[1, 1]], "via": "pigeon"}, "IntegrityError"),
    "a country that is too long": ({"country": "Britain"}, "DataError"),
    "a version that is no number": ({"text_version_id": "one"}, "DataError"),
    "an address that is none": ({"email": "nobody"}, "InvalidEmail"),
    "a placement that cannot be": ({"placement": "a b"}, "IntegrityError"),
    "a NUL": ({"locale": "e\u0000n"}, "DataError"),
}


def _drop(
    superuser: psycopg.Connection, sealer: Sealer, world: World, payload: Mapping[str, JsonValue]
) -> UUID:
    identifier = new_id()
    given = {**GOOD, "email": f"{identifier}@example.com", "text_version_id": world.text_version_id}
    superuser.execute(
        "insert into intake (id, petition_id, kind, sealed) values (%s, %s, 'sign', %s)",
        (identifier, world.petition_id, sealer.seal({**given, **payload}, identifier)),
    )
    return identifier


@pytest.mark.parametrize("what", POISON)
async def test_poison_is_kept_apart_and_hinders_nobody(
    resolver: Resolver,
    internal: Database,
    superuser: psycopg.Connection,
    sealer: Sealer,
    world: World,
    what: str,
) -> None:
    payload, error = POISON[what]
    before = _drop(superuser, sealer, world, {})
    bad = _drop(superuser, sealer, world, payload)
    after = _drop(superuser, sealer, world, {})
    assert await resolver.run() == 3
    assert await resolver.run() == 0
    rows = superuser.execute("select id from signatures order by id").fetchall()
    assert [row[0] for row in rows] == sorted([before, after])
    rejected = superuser.execute("select id, kind, error, octet_length(sealed) > 48 from intake_rejected")
    found = rejected.fetchall()
    assert [(row[0], row[1], row[3]) for row in found] == [(bad, "sign", True)]
    assert error in found[0][2] or found[0][2].endswith(("Error", "Exception"))
    assert superuser.execute("select count(*) from mails").fetchone() == (2,)
    async with internal.begin() as session:
        assert {f.name for f in await run_checks(session) if f.violations} == set()


async def test_all_poison_at_once(
    resolver: Resolver, superuser: psycopg.Connection, sealer: Sealer, world: World
) -> None:
    good = []
    for payload, _ in POISON.values():
        _drop(superuser, sealer, world, payload)
        good.append(_drop(superuser, sealer, world, {}))
    while await resolver.run():
        pass
    rows = superuser.execute("select id from signatures order by id").fetchall()
    assert [row[0] for row in rows] == sorted(good)  # those of one millisecond come in any order
    assert superuser.execute("select count(*) from intake_rejected").fetchone() == (len(POISON),)


async def test_a_database_that_is_away_rejects_nothing(
    resolver: Resolver, sign: Signer, superuser: psycopg.Connection
) -> None:
    await sign(a_form(), a_form(email="tom@example.com"))
    superuser.execute("begin")
    superuser.execute("lock table mail_allowances in access exclusive mode")
    working = asyncio.create_task(resolver.run())
    for _ in range(100):
        await asyncio.sleep(0.02)
        ended = superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where usename = 'haven_internal' and wait_event_type = 'Lock'"
        ).fetchall()
        if ended:
            break
    superuser.execute("rollback")
    with pytest.raises(DatabaseUnavailable):
        await working
    assert superuser.execute("select count(*) from intake").fetchone() == (2,)
    assert superuser.execute("select count(*) from intake_rejected").fetchone() == (0,)
    assert await resolver.run() == 2
    # Judged in a transaction of its own, before the other broke: what came back is not counted again.
    counted = superuser.execute("select day_count from signals where kind = 'petition'").fetchall()
    assert counted == [(2,)]


async def test_an_address_gets_three_mails_in_six_hours_and_then_again(
    resolver: Resolver, sign: Signer, superuser: psycopg.Connection
) -> None:
    for _ in range(5):
        await sign(a_form())
        await resolver.run()
    assert superuser.execute("select count(*) from mails").fetchone() == (3,)
    superuser.execute(
        "update mail_allowances set queued_at = array[now() - interval '6 hours 1 second', "
        "now() - interval '5 hours 59 minutes', now() - interval '1 hour']"
    )
    for _ in range(3):
        await sign(a_form())
        await resolver.run()
    assert superuser.execute("select count(*) from mails").fetchone() == (4,), "one has fallen out"
    row = superuser.execute("select cardinality(queued_at) from mail_allowances").fetchone()
    assert row == (3,), "what has fallen out is forgotten"


async def test_allowances_are_exact_when_many_ask_at_once(
    internal: Database, addresses: Addresses, superuser: psycopg.Connection
) -> None:
    other = Database(addresses.internal, pool_size=8)
    hashes = [bytes([i]) * 32 for i in range(4)]

    async def ask(database: Database, order: list[bytes]) -> int:
        taken = 0
        async with database.begin() as session:
            left = await allowance.lock(session, order)
            for each in order:
                taken += left.take(each)
                taken += left.take(each)
            await asyncio.sleep(0.01)
            await allowance.save(session, left)
        return taken

    taken = await asyncio.gather(
        *(ask((internal, other)[i % 2], hashes[:: 1 if i % 3 else -1]) for i in range(16))
    )
    await other.close()
    assert sum(taken) == allowance.MOST * len(hashes)
    rows = superuser.execute("select cardinality(queued_at) from mail_allowances").fetchall()
    assert rows == [(allowance.MOST,)] * len(hashes)


async def test_who_gets_no_mail_spends_none_of_it(
    resolver: Resolver, sign: Signer, superuser: psycopg.Connection, hasher_of: Callable[[str], bytes]
) -> None:
    superuser.execute(
        "insert into suppressions (address_hash, reason) values (%s, 'asked')",
        (hasher_of("suzie@example.com"),),
    )
    await sign(a_form(), a_form(email="tom@example.com"))
    await resolver.run()
    rows = superuser.execute("select address_hash, cardinality(queued_at) from mail_allowances").fetchall()
    assert dict(rows) == {hasher_of("suzie@example.com"): 0, hasher_of("tom@example.com"): 1}


async def test_a_broken_batch_is_counted_once(
    resolver: Resolver, superuser: psycopg.Connection, sealer: Sealer, world: World
) -> None:
    for number in range(9):
        _drop(superuser, sealer, world, {"text_version_id": 999_999} if number == 4 else {})
    assert await resolver.run() == 9
    assert superuser.execute("select count(*) from signatures").fetchone() == (8,)
    counted = superuser.execute("select day_count from signals where kind = 'petition'").fetchall()
    assert counted == [(9,)]


async def test_a_suppressed_address_gets_nothing(
    resolver: Resolver, sign: Signer, superuser: psycopg.Connection, hasher_of: Callable[[str], bytes]
) -> None:
    superuser.execute(
        "insert into suppressions (address_hash, reason) values (%s, 'asked')",
        (hasher_of("suzie@example.com"),),
    )
    await sign(a_form(), a_form(email="tom@example.com"))
    await resolver.run()
    assert superuser.execute("select count(*) from signatures").fetchone() == (2,)
    assert superuser.execute("select count(*) from mails").fetchone() == (1,)


async def test_placements_beyond_the_limit_are_counted_as_other(
    resolver: Resolver,
    sign: Signer,
    superuser: psycopg.Connection,
    internal: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    superuser.execute("delete from placements")
    monkeypatch.setattr(placing, "MOST_PER_CAMPAIGN", 2)
    try:
        for number, slug in enumerate(["front", "sport", "third", "fourth", "front"]):
            await sign(a_form(email=f"p{number}@example.com", placement=slug))
            await resolver.run()
        slugs = superuser.execute("select slug from placements order by id").fetchall()
        assert slugs == [("front",), ("sport",), ("other",)]
        tallied = superuser.execute(
            "select value, sum(signed) from tallies where dimension = 'placement' group by 1 order by 1"
        ).fetchall()
        assert tallied == [("front", 2), ("other", 2), ("sport", 1)]
    finally:
        superuser.execute("delete from signatures")
        superuser.execute("delete from placements")


async def test_a_letter_claimed_by_one_worker_is_left_by_the_other(
    resolver: Resolver, sign: Signer, addresses: Addresses, superuser: psycopg.Connection
) -> None:
    await sign(a_form())
    with psycopg.connect(addresses.internal) as other:
        other.execute("select id from intake for update")
        assert await resolver.run() == 0
    async with resolver.database.begin() as session:
        assert await session.scalar(text("select count(*) from intake")) == 1
    assert await resolver.run() == 1


async def test_changes_are_found_without_reading_what_else_waits(
    resolver: Resolver, superuser: psycopg.Connection, world: World
) -> None:
    superuser.execute(
        "insert into intake (id, petition_id, kind, sealed)"
        " select gen_random_uuid(), %s, 'sign', 'x' from generate_series(1, 20000)",
        [world.petition_id],
    )
    superuser.execute("analyze intake")
    for statement, index in ((_TAKE_CHANGES, "ix_intake_changes"), (_TAKE_SIGNATURES, "pk_intake")):
        explained = superuser.execute(f"explain {statement}".encode(), {"most": resolver.batch}).fetchall()
        plan = "\n".join(line for (line,) in explained)
        assert f"Index Scan using {index}" in plan.replace("Index Only", "Index"), plan
        assert "Seq Scan" not in plan
