"""Many at once, with real commits: whatever the order, people are counted once and figures agree."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from itertools import product

import psycopg
import pytest

from app.core.db import Database
from app.core.errors import AppError
from app.core.tokens import link_hash
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.petitions.changing import Changer
from app.petitions.errors import LinkExpired, SignatureEnded
from app.petitions.judging import Judge
from app.petitions.letterbox import Letterbox
from app.petitions.linking import Confirmer, withdraw
from app.petitions.opening import LetterOpener
from app.petitions.published import read_petition
from app.petitions.recording import Recorder
from app.petitions.resolving import Resolver
from app.petitions.signing import Form, write_letter
from app.petitions.writing_mail import MailWriter
from app.reports.checking import run_checks
from tests.conftest import Addresses
from tests.factories import World
from tests.petitions.conftest import PUBLIC_URL, a_form


@pytest.fixture
async def pools(addresses: Addresses, public: Database, internal: Database) -> AsyncIterator[list[Database]]:
    """Two more processes' connections: a public one, and a worker's."""
    made = [Database(addresses.public, pool_size=5), Database(addresses.internal, pool_size=5)]
    yield made
    for database in made:
        await database.close()


@pytest.fixture
async def letterboxes(public: Database, pools: list[Database]) -> AsyncIterator[list[Letterbox]]:
    boxes = [Letterbox(public, batch=7), Letterbox(pools[0], batch=7)]
    for box in boxes:
        box.start()
    yield boxes
    for box in boxes:
        await box.stop()


@pytest.fixture
async def confirmers(public: Database, pools: list[Database]) -> AsyncIterator[list[Confirmer]]:
    made = [Confirmer(public, batch=5), Confirmer(pools[0], batch=5)]
    for confirmer in made:
        confirmer.start()
    yield made
    for confirmer in made:
        await confirmer.stop()


@pytest.fixture
def workers(
    internal: Database, pools: list[Database], opener: Opener, sealer: Sealer, hasher: Hasher
) -> list[Resolver]:
    """Two workers with small batches, so that they meet often."""
    return [
        Resolver(
            database,
            LetterOpener(opener, hasher),
            Recorder(sealer, hasher, MailWriter(PUBLIC_URL, hasher)),
            Changer(opener, sealer, hasher),
            Judge(database, hasher),
            batch=9,
        )
        for database in (internal, pools[1])
    ]


class Posting:
    """Posts forms through both letterboxes at once."""

    def __init__(self, public: Database, boxes: list[Letterbox], sealer: Sealer, world: World) -> None:
        self.public, self.boxes, self.sealer, self.world = public, boxes, sealer, world

    async def __call__(self, forms: Sequence[Form], slug: str | None = None) -> None:
        async with self.public.begin() as session:
            petition = await read_petition(
                session, slug or self.world.petition_slug, datetime(2026, 3, 2, tzinfo=UTC)
            )
        letters = [write_letter(petition, form, self.sealer) for form in forms]
        await asyncio.gather(*(self.boxes[i % 2].put(letter) for i, letter in enumerate(letters)))


@pytest.fixture
def post(public: Database, letterboxes: list[Letterbox], sealer: Sealer, world: World) -> Posting:
    return Posting(public, letterboxes, sealer, world)


async def work(workers: Sequence[Resolver]) -> None:
    """Both workers, until the letterbox is empty."""

    async def drain(worker: Resolver) -> None:
        while await worker.run():
            pass

    await asyncio.gather(*map(drain, workers))
    await drain(workers[0])  # what the other held when one looked


async def check(internal: Database) -> None:
    async with internal.begin() as session:
        findings = await run_checks(session)
    assert {f.name: f.violations for f in findings if f.violations} == {}


def one(superuser: psycopg.Connection, query: str) -> object:
    row = superuser.execute(query.encode()).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def spellings(count: int) -> list[str]:
    """One mailbox at Gmail in dots, tags and capitals."""
    dots = ["suziefenn", "suzie.fenn", "s.u.z.i.e.fenn", "suzi.efenn", "SuzieFenn", "SUZIE.FENN"]
    tags = ["", "+haven", "+1", "+a.b", "+NEWS"]
    domains = ["gmail.com", "googlemail.com", "GMAIL.com", "Googlemail.Com"]
    found = [f"{local}{tag}@{domain}" for local, tag, domain in product(dots, tags, domains)]
    return [found[i % len(found)] for i in range(count)]


async def test_two_hundred_letters_of_one_person_are_one_signature_and_three_mails(
    post: Posting, workers: list[Resolver], internal: Database, superuser: psycopg.Connection
) -> None:
    await asyncio.gather(
        post([a_form(email=email) for email in spellings(200)]),
        work(workers),
    )
    await work(workers)
    assert one(superuser, "select count(*) from intake") == 0
    assert one(superuser, "select count(*) from intake_rejected") == 0
    assert one(superuser, "select count(*) from signatures") == 1
    assert one(superuser, "select count(distinct supporter_id) from signatures") == 1
    assert one(superuser, "select count(*) from mails") == 3
    await check(internal)


async def test_a_second_person_at_the_mailbox_signs_and_a_third_does_not(
    post: Posting, workers: list[Resolver], internal: Database, superuser: psycopg.Connection
) -> None:
    names = ["Suzie Fenn", "Tom Fenn", "Una Fenn"]
    forms = [
        a_form(email=email, name=names[i % 3] if i % 2 else names[i % 3].upper())
        for i, email in enumerate(spellings(90))
    ]
    await asyncio.gather(post(forms), work(workers))
    await work(workers)
    numbers = superuser.execute("select person_number from signatures order by 1").fetchall()
    assert numbers == [(1,), (2,)]
    assert one(superuser, "select count(distinct name_hash) from signatures") == 2
    assert one(superuser, "select count(*) from mails") == 3
    await check(internal)


async def test_a_person_signs_two_petitions_and_still_gets_three_mails(
    post: Posting, workers: list[Resolver], internal: Database, superuser: psycopg.Connection, world: World
) -> None:
    forms = [a_form(email=email) for email in spellings(40)]
    await asyncio.gather(
        post(forms), post(forms, slug=world.second_petition_slug), work(workers), work(workers[::-1])
    )
    await work(workers)
    assert one(superuser, "select count(*) from signatures") == 2
    assert one(superuser, "select count(distinct supporter_id) from signatures") == 1
    assert one(superuser, "select count(*) from mails") == 3
    await check(internal)


async def test_a_link_used_by_many_hands_counts_once(
    post: Posting,
    workers: list[Resolver],
    confirmers: list[Confirmer],
    internal: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> None:
    await post([a_form()])
    await work(workers)
    token = token_of(one(superuser, "select id from signatures"))
    await asyncio.gather(*(confirmers[i % 2].confirm(token) for i in range(60)))
    assert one(superuser, "select counted from petition_counts") == 1
    assert one(superuser, "select sum(confirmed) from tallies where dimension = 'all'") == 1
    await check(internal)


async def test_confirming_withdrawing_and_signing_again_at_the_same_time(
    post: Posting,
    workers: list[Resolver],
    confirmers: list[Confirmer],
    public: Database,
    internal: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
    world: World,
) -> None:
    chance = random.Random(4711)  # noqa: S311 - a shuffle that can be repeated
    people = [a_form(email=f"person{i}@example.com", name=f"Person {i}") for i in range(30)]
    partners = [a_form(email=f"person{i}@example.com", name=f"Partner {i}") for i in range(30)]
    await post(people)
    await work(workers)
    tokens = [token_of(row[0]) for row in superuser.execute("select id from signatures").fetchall()]
    troubles: list[AppError] = []

    async def confirm(token: str, hand: int) -> None:
        await asyncio.sleep(chance.random() * 0.3)
        try:
            await confirmers[hand % 2].confirm(token)
        except (SignatureEnded, LinkExpired):  # left before, after or without confirming
            pass
        except AppError as error:
            troubles.append(error)

    async def leave(token: str) -> None:
        await asyncio.sleep(chance.random() * 0.3)
        try:
            async with public.begin() as session:
                await withdraw(session, token)
        except AppError as error:
            troubles.append(error)

    acts = [confirm(token, hand) for token in tokens for hand in range(3)]
    acts += [leave(token) for token in tokens[::2] for _ in range(2)]
    chance.shuffle(acts)
    await asyncio.gather(
        *acts, post(people), post(partners), work(workers), work(workers), post(people), work(workers)
    )
    await work(workers)
    assert troubles == [], "nobody waits in a circle, nobody is told to come back"
    ended = one(superuser, "select count(*) from signatures where state in ('withdrawn', 'lapsed')")
    assert ended == len(tokens[::2])
    assert one(superuser, "select count(*) from signatures where state = 'confirmed'") == 15
    assert one(superuser, "select sum(counted) from petition_counts") == 15
    assert (
        one(
            superuser,
            "select count(*) from (select supporter_id from signatures where supporter_id is not null "
            "group by petition_id, supporter_id having count(*) > 2) x",
        )
        == 0
    )
    await check(internal)


async def test_withdrawing_takes_no_lock_that_a_worker_waits_for(
    post: Posting,
    workers: list[Resolver],
    confirmers: list[Confirmer],
    addresses: Addresses,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> None:
    # A worker's batch, held half way: it has locked the person and has not written its figures yet.
    await post([a_form()])
    await work(workers)
    token = token_of(one(superuser, "select id from signatures"))
    await confirmers[0].confirm(token)
    with psycopg.connect(addresses.internal) as worker:
        worker.execute("select id from signatures for key share")
        async with await psycopg.AsyncConnection.connect(addresses.public) as leaver:
            leaving = asyncio.create_task(
                leaver.execute("select withdraw_signature(%s)", (link_hash(token),))
            )
            await asyncio.sleep(0.1)
            assert not leaving.done(), "it waits for the person, first of all"
            # Were the counter locked by now, this would be a deadlock.
            worker.execute("set lock_timeout = '500ms'")
            worker.execute("select id from signatures for update")
            worker.execute("update tallies set signed = signed")
            worker.commit()
            await leaving
            await leaver.commit()
    assert one(superuser, "select state from signatures") == "withdrawn"


async def test_who_ends_somebody_at_one_petition_takes_no_figures_out_of_turn(
    post: Posting,
    workers: list[Resolver],
    addresses: Addresses,
    internal: Database,
    superuser: psycopg.Connection,
    world: World,
) -> None:
    assert world.petition_id < world.second_petition_id
    await post([a_form()])
    await post([a_form()], slug=world.second_petition_slug)
    await work(workers)
    superuser.execute(
        "update signatures set expires_at = now() - interval '1 hour' where petition_id = %s",
        (world.second_petition_id,),
    )
    await post([a_form(email="tom@example.com")])
    await post([a_form()], slug=world.second_petition_slug)
    of = "update tallies set signed = signed where petition_id = %s"
    # Somebody who confirms at both petitions, and has come as far as the first.
    with psycopg.connect(addresses.superuser) as confirming:
        confirming.execute(of, (world.petition_id,))
        working = asyncio.create_task(work(workers[:1]))
        waiting = "select count(*) from pg_stat_activity where usename = 'haven_internal'"
        for _ in range(200):
            await asyncio.sleep(0.02)
            if one(superuser, f"{waiting} and wait_event_type = 'Lock'"):
                break
        try:
            confirming.execute("set lock_timeout = '500ms'")
            confirming.execute(of, (world.second_petition_id,))
        finally:
            confirming.rollback()
            await working
    assert one(superuser, "select count(*) from signatures where state = 'pending'") == 3
    await check(internal)


async def test_one_that_is_confirmed_at_the_last_moment_stays(
    post: Posting,
    workers: list[Resolver],
    addresses: Addresses,
    internal: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> None:
    await post([a_form()])
    await work(workers)
    token = token_of(one(superuser, "select id from signatures"))
    superuser.execute("update signatures set expires_at = now() + interval '400 milliseconds'")
    with psycopg.connect(addresses.public) as confirming:
        confirming.execute("select * from confirm_signatures(%s)", ([link_hash(token)],))
        await asyncio.sleep(0.5)  # its time runs out while the confirmation is on its way to the disk
        await post([a_form()])
        ending = [asyncio.create_task(work(workers)), asyncio.create_task(_lapse(addresses))]
        await asyncio.sleep(0.2)
        confirming.commit()
    await asyncio.gather(*ending)
    assert one(superuser, "select array_agg(state) from signatures") == ["confirmed"]
    await check(internal)


async def _lapse(addresses: Addresses) -> None:
    async with await psycopg.AsyncConnection.connect(addresses.internal, autocommit=True) as connection:
        await connection.execute("select lapse_signatures(10)")
