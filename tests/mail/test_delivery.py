"""Delivery against a real SMTP server and a real database."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from pydantic import JsonValue
from sqlalchemy import text

from app.core.db import Database
from app.mail.deliver import LEASE, MOST_ATTEMPTS, Deliverer
from tests.conftest import Addresses
from tests.mail.conftest import Post, Relay


async def test_a_mail_is_sent_once_and_its_content_forgotten(
    post: Post, relay: Relay, deliverer: Deliverer
) -> None:
    await post.queue("zoya@example.com")
    assert await deliverer.run() == 1
    assert await deliverer.run() == 0
    assert len(relay.taken) == 1
    assert relay.recipients == ["zoya@example.com"]
    [row] = await post.rows()
    assert (row["state"], row["attempts"], row["emptied"]) == ("sent", 1, True)


async def test_what_a_message_holds(
    post: Post, relay: Relay, deliverer: Deliverer, superuser: psycopg.Connection
) -> None:
    await post.queue("zoya@example.com")
    await deliverer.run()
    [message] = relay.taken
    row = superuser.execute("select message_id from mails").fetchone()
    assert row is not None
    assert message["Message-ID"] == f"<{row[0]}@haven.example>"
    assert message["From"] == "Пошта <post@haven.example>"
    assert message["To"] == "zoya@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "uk"
    assert message["Date"].datetime.tzinfo is not None
    assert message["List-Unsubscribe"] is None
    assert message["Subject"]
    assert message.get_content_type() == "multipart/alternative"
    parts = [part.get_content_type() for part in message.iter_parts()]
    assert parts == ["text/plain", "text/html"]
    for part in message.iter_parts():
        assert "https://haven.example/confirm/abc" in part.get_content()
        assert "Зоя Коваль" in part.get_content()


async def test_a_mail_that_can_be_refused_says_how(post: Post, relay: Relay, deliverer: Deliverer) -> None:
    await post.queue("zoya@example.com", values={"unsubscribe_url": "https://haven.example/u/1"})
    await deliverer.run()
    [message] = relay.taken
    assert message["List-Unsubscribe"] == "<https://haven.example/u/1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
async def test_a_refusal_for_now_is_tried_again_as_the_same_message(
    post: Post, relay: Relay, deliverer: Deliverer, superuser: psycopg.Connection, stage: str
) -> None:
    relay.refusals[stage] = ["451 4.3.0 later", "451 4.3.0 later"]
    await post.queue("zoya@example.com")
    waits = []
    for _ in range(2):
        await deliverer.run()
        [row] = await post.rows()
        assert (row["state"], row["last_reply"], row["emptied"]) == ("queued", "451", False)
        waits.append(row["seconds"])
        assert await deliverer.run() == 0, "not before its time"
        await post.make_due()
    assert waits[0] in (14, 15)
    assert waits[1] in (29, 30)
    before = superuser.execute("select message_id from mails").fetchone()
    await deliverer.run()
    assert await post.states() == ["sent"]
    assert before is not None
    assert [m["Message-ID"] for m in relay.taken] == [f"<{before[0]}@haven.example>"]


@pytest.mark.parametrize(("stage", "reply"), [("RCPT", "550 5.1.1 nobody"), ("DATA", "554 5.7.1 spam")])
async def test_a_refusal_for_good_bounces_and_the_content_goes(
    post: Post, relay: Relay, deliverer: Deliverer, stage: str, reply: str
) -> None:
    relay.refusals[stage] = [reply]
    await post.queue("nobody@example.com", "zoya@example.com")
    await deliverer.run()
    first, second = await post.rows()
    assert (first["state"], first["last_reply"], first["emptied"]) == ("bounced", reply[:3], True)
    assert second["state"] == "sent", "the next on the same connection is not to blame"
    assert await deliverer.run() == 0


async def test_a_relay_that_does_not_take_us_bounces_nobody(
    post: Post, relay: Relay, deliverer: Deliverer
) -> None:
    relay.refusals["MAIL"] = ["550 5.7.1 sender not allowed"]
    await post.queue("zoya@example.com")
    await deliverer.run()
    [row] = await post.rows()
    assert (row["state"], row["emptied"]) == ("queued", False)
    await post.make_due()
    await deliverer.run()
    assert await post.states() == ["sent"]


async def test_while_the_relay_is_down_mail_waits(post: Post, relay: Relay, deliverer: Deliverer) -> None:
    relay.stop()
    await post.queue("zoya@example.com", "tom@example.com")
    assert await deliverer.run() == 0
    assert await post.states() == ["queued", "queued"]
    await relay.start()
    assert await deliverer.run() == 0, "each waits its time"
    await post.make_due()
    assert await deliverer.run() == 2
    assert sorted(relay.recipients) == ["tom@example.com", "zoya@example.com"]


async def test_a_connection_that_breaks_costs_one_mail_a_wait(
    post: Post, relay: Relay, deliverer: Deliverer
) -> None:
    relay.drop_after = 2
    await post.queue(*(f"person{i}@example.com" for i in range(4)))
    await deliverer.run()
    assert await post.states() == ["sent", "queued", "sent", "sent"]
    assert relay.connections == 2


async def test_after_a_day_of_trying_it_has_failed(
    post: Post, relay: Relay, deliverer: Deliverer, superuser: psycopg.Connection
) -> None:
    relay.refusals["RCPT"] = ["451 later"] * MOST_ATTEMPTS
    await post.queue("zoya@example.com")
    waited = 0
    for attempt in range(1, MOST_ATTEMPTS + 1):
        await deliverer.run()
        [row] = await post.rows()
        assert row["attempts"] == attempt
        waited += int(str(row["seconds"])) if row["state"] == "queued" else 0
        await post.make_due()
    [row] = await post.rows()
    assert (row["state"], row["emptied"]) == ("failed", True)
    assert 23 * 3600 < waited < 26 * 3600
    assert await deliverer.run() == 0


async def test_two_workers_send_each_mail_once(
    post: Post, relay: Relay, deliverer_to: Callable[..., Deliverer], addresses: Addresses
) -> None:
    await post.queue(*(f"person{i}@example.com" for i in range(60)))
    other = Database(addresses.internal, pool_size=3)
    deliverers = [deliverer_to(relay, database) for database in (None, other)]

    async def drain(one: Deliverer) -> None:
        while await one.run():
            pass

    await asyncio.gather(*map(drain, deliverers), *map(drain, deliverers))
    await other.close()
    assert sorted(relay.recipients) == sorted(f"person{i}@example.com" for i in range(60))
    assert set(await post.states()) == {"sent"}


async def test_what_a_dead_worker_had_in_hand_is_sent_when_its_lease_ends(
    post: Post, relay: Relay, deliverer: Deliverer, deliverer_to: Callable[..., Deliverer]
) -> None:
    await post.queue("zoya@example.com")
    dead = deliverer_to(relay)
    assert len(await dead._claim()) == 1
    assert await deliverer.run() == 0
    [row] = await post.rows()
    assert row["state"] == "sending"
    assert int(LEASE.total_seconds()) - 2 <= int(str(row["seconds"])) <= LEASE.total_seconds()
    await post.make_due()
    assert await deliverer.run() == 1
    assert await deliverer.run() == 0
    assert relay.recipients == ["zoya@example.com"]


async def test_a_worker_that_slept_through_its_lease_sends_nothing(
    post: Post, relay: Relay, deliverer: Deliverer, deliverer_to: Callable[..., Deliverer]
) -> None:
    await post.queue("zoya@example.com")
    sleeper = deliverer_to(relay)
    [mail] = await sleeper._claim()
    await post.make_due()
    await deliverer.run()
    connection = await sleeper._connect()
    slept = replace(mail, claimed_at=mail.claimed_at - LEASE.total_seconds())
    await sleeper._send(connection, slept)
    connection.close()
    assert len(relay.taken) == 1
    [row] = await post.rows()
    assert (row["state"], row["attempts"]) == ("sent", 2)


async def test_a_mail_that_nobody_can_read_fails_alone(
    post: Post, relay: Relay, deliverer: Deliverer, superuser: psycopg.Connection
) -> None:
    await post.queue("a@example.com", "b@example.com", "c@example.com", "d@example.com")
    superuser.execute("update mails set payload_sealed = 'nothing' where id = (select min(id) from mails)")
    # Sealed for another row: moved bytes do not open.
    superuser.execute(
        "update mails m set payload_sealed = (select payload_sealed from mails order by id offset 3 limit 1) "
        "where id = (select id from mails order by id offset 1 limit 1)"
    )
    assert await deliverer.run() == 4
    rows = await post.rows()
    assert [row["state"] for row in rows] == ["failed", "failed", "sent", "sent"]
    assert rows[0]["last_reply"] == "CannotOpen"
    assert relay.recipients == ["c@example.com", "d@example.com"]


@pytest.mark.parametrize(
    ("value", "wrong"),
    [("surplus", "x"), ("expires_at", "tomorrow"), ("expires_at", {"a": 1})],
)
async def test_a_mail_that_cannot_be_written_fails_alone(
    post: Post, relay: Relay, deliverer: Deliverer, value: str, wrong: JsonValue
) -> None:
    await post.queue("broken@example.com", values={value: wrong})
    await post.queue("zoya@example.com")
    await deliverer.run()
    assert await post.states() == ["failed", "sent"]


@pytest.mark.parametrize(
    ("typed", "told", "utf8"),
    [
        ("zoya@приклад.укр", "zoya@xn--80aikifvh.xn--j1amh", False),
        ("ivan@straße.example", "ivan@xn--strae-oqa.example", False),
        ("зоя@приклад.укр", "зоя@приклад.укр", True),
        ("o'brien+tag@example.com", "o'brien+tag@example.com", False),
    ],
)
async def test_addresses_of_every_script_are_reached(
    post: Post, relay: Relay, deliverer: Deliverer, typed: str, told: str, utf8: bool
) -> None:
    await post.queue(typed)
    await deliverer.run()
    assert relay.recipients == [told]
    assert relay.taken[0]["To"] == told
    assert ("SMTPUTF8" in relay.options[0]) is utf8
    assert await post.states() == ["sent"]


async def test_a_relay_without_smtputf8_reaches_what_it_can(
    post: Post, relay: Relay, deliverer: Deliverer
) -> None:
    relay.utf8 = False
    await post.queue("зоя@приклад.укр", "zoya@приклад.укр")
    await deliverer.run()
    first, second = await post.rows()
    assert (first["state"], first["last_reply"], first["emptied"]) == ("bounced", "SMTPUTF8 needed", True)
    assert second["state"] == "sent"


async def test_what_yields_goes_when_nothing_else_is_due(
    post: Post, relay: Relay, deliverer: Deliverer
) -> None:
    await post.queue(*(f"bot{i}@example.com" for i in range(60)), yields=True)
    await post.queue("zoya@example.com", "ada@example.com")
    assert await deliverer.run() == 50
    assert {"zoya@example.com", "ada@example.com"} <= set(relay.recipients)
    assert await deliverer.run() == 12
    assert len(set(relay.recipients)) == 62
    assert await deliverer.run() == 0


async def test_who_stops_hands_back_what_is_left(post: Post, relay: Relay, deliverer: Deliverer) -> None:
    await post.queue(*(f"person{i}@example.com" for i in range(5)))
    await deliverer.run(stopping=lambda: len(relay.taken) >= 2)
    rows = await post.rows()
    assert [row["state"] for row in rows] == ["sent", "sent", "queued", "queued", "queued"]
    assert [row["attempts"] for row in rows] == [1, 1, 0, 0, 0]
    assert await deliverer.run() == 3
    assert len(set(relay.recipients)) == len(relay.recipients) == 5


async def test_a_mail_that_is_cancelled_under_way_is_not_queued_again(
    post: Post, relay: Relay, deliverer: Deliverer, internal: Database
) -> None:
    async def cancel() -> None:
        async with internal.begin() as session:
            await session.execute(
                text("update mails set state = 'cancelled', payload_sealed = null, ended_at = now()")
            )
        relay.taken.clear()

    relay.before_answer = cancel
    await post.queue("zoya@example.com")
    await deliverer.run()
    [row] = await post.rows()
    assert (row["state"], row["emptied"]) == ("cancelled", True)
