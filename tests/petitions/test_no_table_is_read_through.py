"""With a million signatures there, nothing that a request or a batch does reads a large table through.

The real calls are made, and PostgreSQL's own counters of sequential scans tell, which see into functions too.
Each statement that went by is then explained, whether SQLAlchemy or psycopg took it there, so that one which
happened to read little is found as well.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any  # statements' parameters and plans are of all kinds

import psycopg
import pytest
from sqlalchemy import text

from app.core.clock import SystemClock
from app.core.db import Database
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.mail.deliver import Deliverer
from app.petitions.acting import SignerActions, Wish
from app.petitions.breakdowns import read_breakdown
from app.petitions.changing import Changer
from app.petitions.judging import Judge
from app.petitions.letterbox import Letterbox
from app.petitions.linking import Confirmer
from app.petitions.opening import LetterOpener
from app.petitions.published import recent_signers
from app.petitions.recording import Recorder
from app.petitions.remembering import PublishedPetitions
from app.petitions.resolving import Resolver
from app.petitions.signing import write_letter
from app.petitions.writing_mail import MailWriter
from app.settings import MailSettings
from tests.conftest import Addresses
from tests.factories import World
from tests.petitions.conftest import PUBLIC_URL, a_form

ROWS = 1_000_000
LARGE = (
    "signatures",
    "consents",
    "mails",
    "mail_allowances",
    "published_signers",
    "suppressions",
)
FEWEST_STATEMENTS = 20
PAST_SQLALCHEMY = ("insert into intake", "delete from intake", "confirm_signatures")
"""Parts of statements that psycopg takes to the server by itself."""
SCANS = "select relname, seq_scan from pg_stat_user_tables where relname = any(%s)"


@pytest.fixture
def filled(superuser: psycopg.Connection, world: World) -> Iterator[psycopg.Connection]:
    values = {
        "rows": ROWS,
        "campaign": world.campaign_id,
        "petition": world.petition_id,
        "version": world.text_version_id,
        "wording": world.wordings["signature"],
    }
    superuser.execute("set session_replication_role = replica")
    superuser.execute("set synchronous_commit = off")
    for statement in FILL:
        superuser.execute(statement.encode(), values)
    superuser.execute("set session_replication_role = origin")
    superuser.execute("analyze")
    yield superuser
    superuser.execute("set synchronous_commit = on")


FILL = (
    # One in a hundred waits for its confirmation, one in a thousand has waited too long.
    """
    insert into signatures (id, petition_id, supporter_id, text_version_id, state, country, locale, name_hash,
      details_sealed, own_copy, link_hash, signed_at, expires_at)
    select gen_random_uuid(), %(petition)s, gen_random_uuid(), %(version)s,
           case when n %% 100 = 0 then 'pending' else 'confirmed' end, 'GB', 'en', sha256(n::text::bytea),
           'x', 'x', substr(sha256(n::text::bytea), 1, 16), now(),
           now() + case when n %% 1000 = 0 then interval '-1 s' else '7 days' end
      from generate_series(1, %(rows)s) n
    """,
    """
    insert into consents (subject_id, wording_id, given, via)
    select s.id, %(wording)s, true, 'my' from signatures s where get_byte(s.link_hash, 0) < 25
    """,
    """
    insert into mails (kind, campaign_id, subject_id, message_id, state)
    select 'confirm_signature', %(campaign)s, s.id, gen_random_uuid(), 'sent'
      from signatures s where get_byte(s.link_hash, 0) < 64
    """,
    """
    insert into mail_allowances (address_hash, queued_at)
    select s.name_hash, array[now()] from signatures s where get_byte(s.link_hash, 0) < 64
    """,
    """
    insert into suppressions (address_hash, reason)
    select sha256(('s' || n)::bytea), 'asked' from generate_series(1, %(rows)s / 10) n
    """,
    """
    insert into published_signers (signature_id, petition_id, name)
    select s.id, %(petition)s, 'Somebody' from signatures s where get_byte(s.link_hash, 0) < 25
    """,
)


@pytest.fixture
async def logins(
    addresses: Addresses, filled: psycopg.Connection
) -> AsyncIterator[tuple[Database, Database]]:
    """Public and internal login with connections of their own: a session that ends has told its counters."""
    public, internal = Database(addresses.public), Database(addresses.internal)
    yield public, internal
    await public.close()
    await internal.close()


def scans(superuser: psycopg.Connection) -> dict[str, int]:
    superuser.execute("select pg_stat_clear_snapshot()")
    return dict(superuser.execute(SCANS, [list(LARGE)]).fetchall())


async def test_no_large_table_is_read_through(
    filled: psycopg.Connection,
    logins: tuple[Database, Database],
    world: World,
    sealer: Sealer,
    opener: Opener,
    hasher: Hasher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    public, internal = logins
    said = Statements(monkeypatch)
    filled.execute("select pg_stat_force_next_flush()")
    before = scans(filled)

    await everything_a_signer_does(public, internal, world, sealer, opener, hasher)
    await everything_the_worker_does(internal, opener, world)
    await public.close()
    await internal.close()

    assert scans(filled) == before
    assert len(said.heard) > FEWEST_STATEMENTS
    for part in PAST_SQLALCHEMY:
        assert any(part in statement for statement in said.heard), part
    assert said.reading_through(filled) == []
    harmful = "select 1 from signatures where locale = %(locale)s"
    said.heard[harmful] = {"locale": "uk"}
    assert said.reading_through(filled) == [harmful], "one that does is seen"
    # Left in the end: those who lapsed are gone, and the lapsing found them by their index.
    assert filled.execute("select count(*) from signatures where state = 'lapsed'").fetchone() == (
        ROWS / 1000,
    )


class Statements:
    """What psycopg's connections said to the database, SQLAlchemy's among them; each statement once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: dict[str, Any] = {}
        execute = psycopg.AsyncCursor.execute

        async def heard(  # as psycopg defines it
            cursor: psycopg.AsyncCursor[Any], query: Any, params: Any = None, **options: Any
        ) -> psycopg.AsyncCursor[Any]:
            self._hear(query, params)
            return await execute(cursor, query, params, **options)

        monkeypatch.setattr(psycopg.AsyncCursor, "execute", heard)

    def _hear(self, statement: Any, parameters: Any) -> None:  # queries are text, bytes or composed
        begun = ("select", "insert", "update", "delete", "with")
        if isinstance(statement, str) and statement.strip().lower().startswith(begun):
            self.heard.setdefault(statement, parameters)

    def reading_through(self, superuser: psycopg.Connection) -> list[str]:
        """The statements whose plan scans a large table from end to end."""
        found = []
        for statement, parameters in self.heard.items():
            row = superuser.execute(f"explain (format json) {statement}".encode(), parameters).fetchone()
            assert row is not None
            if set(_scanned(row[0][0]["Plan"])) & set(LARGE):
                found.append(statement)
        return found


def _scanned(plan: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan reads through."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for part in plan.get("Plans", []):
        yield from _scanned(part)


async def everything_a_signer_does(
    public: Database, internal: Database, world: World, sealer: Sealer, opener: Opener, hasher: Hasher
) -> None:
    petitions = PublishedPetitions(public, SystemClock())
    petition = await petitions.get(world.petition_slug)
    await petitions.refresh()
    letterbox, confirmer = Letterbox(public), Confirmer(public)
    letterbox.start()
    confirmer.start()
    resolver = Resolver(
        internal,
        LetterOpener(opener, hasher),
        Recorder(sealer, hasher, MailWriter(PUBLIC_URL, hasher)),
        Changer(opener, sealer, hasher),
        Judge(internal, hasher),
    )
    letters = [write_letter(petition, a_form(email=f"new{n}@example.com"), sealer) for n in range(5)]
    # One after the other: letters of one moment have no order, and the first one makes the link.
    for written in (letters, [write_letter(petition, a_form(email="new1@example.com"), sealer)]):
        for letter in written:
            await letterbox.put(letter)
        while await resolver.run():
            pass
    signers = SignerActions(public, confirmer, sealer)
    tokens = [hasher.link_token(letter.id, 1) for letter in letters]
    for token in tokens:
        await signers.confirm(token)
        await signers.look(token)
    await signers.change(tokens[0], Wish(name="Suzie F.", show_name="Suzie"))
    while await resolver.run():
        pass
    await signers.withdraw(tokens[0])
    await letterbox.stop()
    await confirmer.stop()


async def everything_the_worker_does(internal: Database, opener: Opener, world: World) -> None:
    async with internal.begin() as session:
        await session.execute(text("select lapse_signatures(1000)"))
        await recent_signers(session, world.petition_id)
        for dimension in ("country", "region", "day", "placement"):
            await read_breakdown(session, world.petition_id, dimension, "Europe/London")
    settings = MailSettings(smtp_port=1)
    await Deliverer(internal, opener, settings, SystemClock(), PUBLIC_URL).run()
