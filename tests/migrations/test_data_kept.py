"""Databases that people have already gathered signatures in come through the migrations with all of them."""

import psycopg

from tests.factories import World, make_world
from tests.migrations.conftest import Server, migrate_to

LANDED = "0007"
GATHERED = (
    """
    insert into supporters (campaign_id, email_hash) select %(campaign)s, sha256(n::text::bytea)
      from generate_series(1, 3) n
    """,
    """
    insert into signatures (id, petition_id, supporter_id, text_version_id, state, country, locale, name_hash,
      place_hash, details_sealed, own_copy, link_hash, expires_at, confirmed_at)
    select uuid_in(md5(s.id::text)::cstring), %(petition)s, s.id, %(version)s, 'confirmed', 'GB', 'en',
           sha256(('n' || s.id)::bytea), sha256(('p' || s.id)::bytea), 'sealed', 'copy',
           sha256(('t' || s.id)::bytea), now() + interval '7 days', now() from supporters s
    """,
    """
    insert into consents (supporter_id, subject_id, wording_id, given, via)
    select s.supporter_id, s.id, w, w = %(signing)s, 'form'
      from signatures s, unnest(array[%(signing)s, %(updates)s]) w
    """,
    """
    insert into tallies (petition_id, dimension, value, utc_hour, signed, confirmed)
    select %(petition)s, 'country', 'GB', date_trunc('hour', now()) - h * interval '1 hour', 2, 1
      from generate_series(0, 2) h
    """,
)


def test_what_was_gathered_before_is_all_there(server: Server) -> None:
    with server.scratch("gathered") as owner_url:
        migrate_to(owner_url, LANDED)
        with psycopg.connect(owner_url) as owner:
            world = make_world(owner, bytes(range(32)))
            gather(owner, world)
        migrate_to(owner_url, "head")
        with psycopg.connect(owner_url) as owner:
            hashes = owner.execute("""
                select bool_and(uuid_send(s.supporter_id) = substr(sha256(n::text::bytea), 1, 16)), count(*)
                  from signatures s join generate_series(1, 3) n
                    on s.link_hash = substr(sha256(('t' || n)::bytea), 1, 16)
                   and s.name_hash = substr(sha256(('n' || n)::bytea), 1, 16)
                   and s.place_hash = substr(sha256(('p' || n)::bytea), 1, 8)""").fetchone()
            assert hashes == (True, 3)
            row = owner.execute(
                "select own_copy, consents from read_signature(substr(sha256('t1'::bytea), 1, 16))"
            ).fetchone()
            assert row is not None
            assert row[0] == b"copy"
            assert {c["purpose"]: c["given"] for c in row[1]} == {"signature": True, "updates": False}
            assert owner.execute("select count(*) from consent_trail").fetchone() == (6,)
            totals = "select signed, confirmed from tally_totals where dimension = 'country'"
            assert owner.execute(totals).fetchall() == [(6, 3)]
        migrate_to(owner_url, "head")


def test_taken_back_nothing_is_gone_but_bits(server: Server) -> None:
    with server.scratch("taken_back") as owner_url:
        migrate_to(owner_url, LANDED)
        with psycopg.connect(owner_url) as owner:
            world = make_world(owner, bytes(range(32)))
            gather(owner, world)
        migrate_to(owner_url, "head")
        with psycopg.connect(owner_url) as owner:
            sign_the_new_way(owner, world)
        for _ in range(20):
            with psycopg.connect(owner_url) as owner:
                if owner.execute("select version_num from alembic_version").fetchone() == (LANDED,):
                    break
            migrate_to(owner_url, "-1")
        with psycopg.connect(owner_url) as owner:
            people = owner.execute("""
                select count(*), count(distinct p.id), bool_and(length(p.email_hash) = 16)
                  from signatures s join supporters p on p.id = s.supporter_id""").fetchone()
            assert people == (4, 4, True)
            consents = """
                select count(*), count(distinct c.supporter_id), bool_and(c.supporter_id = s.supporter_id)
                  from consents c join signatures s on s.id = c.subject_id"""
            assert owner.execute(consents).fetchone() == (8, 4, True)
        migrate_to(owner_url, "head")


def gather(owner: psycopg.Connection, world: World) -> None:
    """Three signatures as they were kept then."""
    values = {
        "campaign": world.campaign_id,
        "petition": world.petition_id,
        "version": world.text_version_id,
        "signing": world.wordings["signature"],
        "updates": world.wordings["updates"],
    }
    for statement in GATHERED:
        owner.execute(statement.encode(), values)


def sign_the_new_way(owner: psycopg.Connection, world: World) -> None:
    """One more, with its answers as a set."""
    wordings = sorted((world.wordings["signature"], world.wordings["updates"]))
    owner.execute("insert into answer_sets (via, wordings, given) values ('api', %s, '{t,t}')", (wordings,))
    owner.execute(
        """insert into signatures (id, petition_id, supporter_id, text_version_id, country, locale,
             link_hash, expires_at, answers_id)
           select gen_random_uuid(), %s, gen_random_uuid(), %s, 'GB', 'en', 'hash', now(), id
             from answer_sets""",
        (world.petition_id, world.text_version_id),
    )
