"""Letters come and go by the million; the table they lie in meanwhile stays small."""

import time
from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest

from tests.factories import World

LETTERS, LETTER_BYTES, WAVES = 3_000, 500, 5
BACKLOG = 20_000
"""A wave has more letters than the dead rows which autovacuum waits for on this table (2,000), and fewer than
it would wait for beside such a backlog (a fifth of it) were the table like others."""
VACUUM_SECONDS = 240.0
MOST_GROWN = 2.5
"""Without room used again it would be as often as there are waves."""

POST = """
    insert into intake (id, petition_id, kind, sealed)
    select gen_random_uuid(), %s, %s, decode(repeat('ab', %s), 'hex') from generate_series(1, %s)
"""
VACUUMED = "select autovacuum_count from pg_stat_user_tables where relname = 'intake'"
ROOM = "select pg_total_relation_size('intake')"


@pytest.fixture
def looked_after(superuser: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The server looks each second, not each minute, whether a table wants a vacuum."""
    superuser.execute("alter system set autovacuum_naptime = '1s'")
    superuser.execute("select pg_reload_conf()")
    yield superuser
    superuser.execute("alter system reset autovacuum_naptime")
    superuser.execute("select pg_reload_conf()")


def number(connection: psycopg.Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def until_vacuumed(connection: psycopg.Connection, before: int) -> None:
    began = time.monotonic()
    connection.execute("select pg_stat_force_next_flush()")
    while number(connection, VACUUMED) == before:
        assert time.monotonic() - began < VACUUM_SECONDS, "autovacuum leaves the letterbox alone"
        time.sleep(0.1)


def test_wave_after_wave_takes_the_room_of_one(looked_after: psycopg.Connection, world: World) -> None:
    looked_after.execute(POST, [world.petition_id, "signature", LETTER_BYTES, BACKLOG])
    looked_after.execute("analyze intake")
    backlog, rooms = number(looked_after, ROOM), list[int]()
    for _ in range(WAVES):
        vacuumed = number(looked_after, VACUUMED)
        looked_after.execute(POST, [world.petition_id, "change", LETTER_BYTES, LETTERS])
        rooms.append(number(looked_after, ROOM) - backlog)
        looked_after.execute("delete from intake where kind = 'change'")
        until_vacuumed(looked_after, vacuumed)
    assert rooms[0] > LETTERS * LETTER_BYTES
    assert max(rooms) < MOST_GROWN * rooms[0], rooms
