import psycopg
import pytest
from nacl.public import PrivateKey
from psycopg import errors, sql

from app.cli.demo import history
from app.cli.demo.history import synthesise
from app.cli.demo.loading import Loaded
from app.cli.demo.people import DOMAIN
from app.core.db import Database
from app.core.tokens import hash_token, link_hash
from app.crypto import own_copy
from app.crypto.details import decrypt, open_sealed
from app.crypto.hashing import Hasher
from app.crypto.keys import KeySet
from app.crypto.sealing import WRAPPED_KEY_BYTES, Opener, OpeningSealer, Sealer
from app.reports.checking import run_checks
from tests.conftest import Addresses

KEY_ID = 1
APPEND_ONLY = ("wordings", "petition_text_versions", "allocation_shares", "consents", "ledger_entries")

TALLIED = """
    with events as (
      select s.*, p.slug as placement, e.event, e.at from signatures s
        left join placements p on p.id = s.placement_id
       cross join lateral (values ('signed', s.signed_at), ('confirmed', s.confirmed_at),
             ('withdrawn', case s.state when 'withdrawn' then s.ended_at end),
             ('lapsed', case s.state when 'lapsed' then s.ended_at end)) e (event, at)
       where e.at is not null)
    select d.dimension, d.value, date_trunc('hour', at, 'UTC'),
           count(*) filter (where event = 'signed')::int, count(*) filter (where event = 'confirmed')::int,
           count(*) filter (where event = 'withdrawn')::int, count(*) filter (where event = 'lapsed')::int
      from events cross join lateral (values ('all', ''), ('country', country::text), ('region', region),
             ('placement', placement), ('locale', locale)) d (dimension, value)
     where d.value is not null group by 1, 2, 3 order by 1, 2, 3
"""


@pytest.fixture(scope="module")
def demo_sealer(keys: KeySet) -> Sealer:
    return Sealer(KEY_ID, keys.sealing)


@pytest.fixture(scope="module")
def hasher_alone(keys: KeySet) -> Hasher:
    return Hasher(keys.hash)


@pytest.fixture(scope="module")
def told(demo: Addresses, hasher_alone: Hasher, demo_sealer: Sealer) -> list[tuple[int, int]]:
    """A history of 1,500 in three batches; what progress was told."""
    steps: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(history, "_BATCH", 500)
        synthesise(
            demo.owner,
            1500,
            hasher=hasher_alone,
            sealer=demo_sealer,
            processes=1,
            progress=lambda done, total: steps.append((done, total)),
        )
    return steps


def rows(connection: psycopg.Connection, query: str, *values: object) -> list[tuple[object, ...]]:
    return connection.execute(query.encode(), values).fetchall()


def assert_consistent(connection: psycopg.Connection) -> None:
    """Counter = rows = tallies, in every dimension and hour; the book balances and agrees with donations."""
    counted = rows(connection, "select counted from petition_counts")
    assert counted == rows(connection, "select count(*)::int from signatures where state = 'confirmed'")
    stored = "select dimension, value, utc_hour, signed, confirmed, withdrawn, lapsed from tallies"
    # Sorted here: the server sorts by its own collation.
    assert sorted(rows(connection, stored)) == sorted(rows(connection, TALLIED))
    unbalanced = "select posting_id from ledger_entries group by 1, currency having sum(amount_minor) <> 0"
    assert rows(connection, unbalanced) == []
    booked = "select currency::text, raised_minor, refunded_minor from appeal_totals order by 1"
    given = """select currency::text, sum(amount_minor)::bigint, sum(refunded_minor)::bigint from donations
                where settled_at is not null group by 1 order by 1"""
    assert sorted(rows(connection, booked)) == sorted(rows(connection, given))


def test_the_history_is_consistent(
    demo_owner: psycopg.Connection, loaded: Loaded, told: list[tuple[int, int]]
) -> None:
    assert told == [(500, 1500), (1000, 1500), (1500, 1500)]
    assert_consistent(demo_owner)
    assert rows(demo_owner, "select count(*) from signatures") == [(1500,)]
    states = {state for (state,) in rows(demo_owner, "select distinct state from signatures")}
    assert states == {"pending", "confirmed", "withdrawn", "lapsed"}
    # Rows hold what they should: one consent to each wording, shown names of the confirmed alone.
    assert rows(demo_owner, "select count(*) from consent_trail") == [(3000,)]
    required = "select count(*) from consent_trail where wording_id = %s and given"
    assert rows(demo_owner, required, loaded.wording_ids["signature"]) == [(1500,)]
    shown = "select distinct s.state from published_signers p join signatures s on s.id = p.signature_id"
    assert rows(demo_owner, shown) == [("confirmed",)]
    people = "select count(distinct supporter_id) from signatures"
    living = "select count(*) from signatures where supporter_id is not null"
    assert rows(demo_owner, people) == rows(demo_owner, living)
    assert rows(demo_owner, "select distinct cause_kind from ledger_postings") == [("demo",)]
    assert rows(demo_owner, "select count(*) from donations where state in ('created', 'pending')") == [(0,)]


async def test_selfcheck_finds_nothing(demo: Addresses, told: object) -> None:
    database = Database(demo.internal, pool_size=1)
    async with database.begin() as session:
        findings = await run_checks(session)
    await database.close()
    assert {finding.name: finding.violations for finding in findings if finding.violations} == {}


def test_links_hashes_and_seals_are_real(
    demo_owner: psycopg.Connection, loaded: Loaded, told: object, hasher_alone: Hasher, keys: KeySet
) -> None:
    opener = Opener({KEY_ID: PrivateKey(keys.opening)})
    query = """select s.id, s.link_hash, s.own_copy, s.details_sealed, s.supporter_id, s.country
                 from signatures s where s.state = 'confirmed' limit 20"""
    for row_id, stored, copy, sealed, supporter_id, country in demo_owner.execute(query):
        token = hasher_alone.link_token(row_id, 1)
        assert link_hash(token) == stored
        details = open_sealed(opener, sealed, copy, row_id)
        assert decrypt(token, copy) == details
        assert details["country"] == country
        email = str(details["email"])
        assert email.endswith(DOMAIN)
        assert hasher_alone.supporter(loaded.campaign_id, email) == supporter_id
    for row_id, token_hash, copy in demo_owner.execute(
        "select id, token_hash, own_copy from donations limit 5"
    ):
        token = hasher_alone.link_token(row_id, 1)
        assert hash_token(token) == token_hash
        assert str(own_copy.decrypt(token, copy)["email"]).endswith(DOMAIN)


def test_invented_people_can_confirm_withdraw_and_lapse(
    demo: Addresses, demo_owner: psycopg.Connection, told: object
) -> None:
    waiting = "select link_hash from signatures where state = 'pending' and expires_at > now() limit 1"
    [(pending,)] = rows(demo_owner, waiting)
    [(confirmed,)] = rows(demo_owner, "select link_hash from signatures where state = 'confirmed' limit 1")
    outcome = rows(demo_owner, "select outcome from confirm_signatures(array[%s::bytea])", pending)
    assert outcome == [("confirmed",)]
    assert rows(demo_owner, "select withdraw_signature(%s)", confirmed) == [("confirmed",)]
    demo_owner.execute("update signatures set expires_at = signed_at where state = 'pending'")
    assert rows(demo_owner, "select lapse_signatures(1000)")[0][0] != 0
    counted = rows(demo_owner, "select counted from petition_counts")
    assert counted == rows(demo_owner, "select count(*)::int from signatures where state = 'confirmed'")


def test_history_is_append_only(demo_owner: psycopg.Connection, told: object) -> None:
    for table in APPEND_ONLY:
        with pytest.raises(errors.RestrictViolation), demo_owner.transaction():
            demo_owner.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))


def test_the_same_number_again_adds_nothing(
    demo: Addresses, demo_owner: psycopg.Connection, told: object, hasher_alone: Hasher, demo_sealer: Sealer
) -> None:
    for wanted in (1500, 3):
        done = synthesise(demo.owner, wanted, hasher=hasher_alone, sealer=demo_sealer)
        assert (done.before, done.total, done.added) == (1500, 1500, 0)
    assert rows(demo_owner, "select count(*) from signatures") == [(1500,)]


class Interrupted(Exception):
    """As Ctrl-C would."""


def test_an_interrupted_run_is_whole_and_goes_on_in_other_processes(
    demo: Addresses,
    told: object,
    hasher_alone: Hasher,
    demo_sealer: Sealer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise Interrupted

    monkeypatch.setattr(history, "_BATCH", 150)
    with pytest.raises(Interrupted):
        synthesise(demo.owner, 2000, hasher=hasher_alone, sealer=demo_sealer, processes=1, progress=interrupt)
    with psycopg.connect(demo.owner) as connection:
        assert rows(connection, "select count(*) from signatures") == [(1650,)]
        assert_consistent(connection)
    done = synthesise(demo.owner, 2000, hasher=hasher_alone, sealer=demo_sealer, processes=2)
    assert (done.before, done.total) == (1650, 2000)
    with psycopg.connect(demo.owner) as connection:
        assert rows(connection, "select count(*) from signatures") == [(2000,)]
        assert_consistent(connection)


def test_what_is_sealed_as_the_worker_seals_is_opened(
    demo: Addresses, told: object, hasher_alone: Hasher, keys: KeySet, demo_owner: psycopg.Connection
) -> None:
    opening = PrivateKey(keys.opening)
    [(before,)] = rows(demo_owner, "select count(*)::int from signatures")
    assert isinstance(before, int)
    demo_owner.rollback()
    sealer = OpeningSealer(KEY_ID, opening)
    synthesise(demo.owner, before + 200, hasher=hasher_alone, sealer=sealer)
    newest = "select id, details_sealed, own_copy from signatures where state = 'confirmed' order by id desc"
    for row_id, sealed, copy in demo_owner.execute(f"{newest} limit 20".encode()):
        assert len(sealed) == WRAPPED_KEY_BYTES
        assert open_sealed(Opener({KEY_ID: opening}), sealed, copy, row_id)["email"].endswith(DOMAIN)
    planned = "select reltuples::int from pg_class where relname in ('signatures', 'tally_totals') order by 1"
    assert rows(demo_owner, planned)[1] == (before + 200,), "the planner was told"
    assert_consistent(demo_owner)
