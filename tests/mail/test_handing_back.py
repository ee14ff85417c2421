"""A worker that is told to stop hands back what it has claimed and not sent."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from app.core.clock import FrozenClock
from app.core.db import Database
from app.crypto.sealing import Opener, Sealer
from app.mail.deliver import Deliverer
from app.mail.queue import Draft, queue
from app.settings import MailSettings
from devtools.mail_catcher.faults import Faults
from devtools.mail_catcher.receiving import smtp_session
from devtools.mail_catcher.store import MessageStore
from tests.factories import World

VALUES = {"name": "Suzie", "publisher": "Haven", "link": "https://haven.example/confirm/x"}


@pytest.fixture
async def caught() -> AsyncIterator[tuple[MessageStore, int]]:
    store = MessageStore()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: smtp_session(store, Faults()), "127.0.0.1", 0)
    yield store, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def test_what_was_not_sent_is_due_at_once_and_sent_once(
    internal: Database,
    sealer: Sealer,
    opener: Opener,
    world: World,
    clock: FrozenClock,
    caught: tuple[MessageStore, int],
) -> None:
    store, port = caught
    settings = MailSettings(smtp_host="127.0.0.1", smtp_port=port)
    deliverer = Deliverer(internal, opener, settings, clock, "https://haven.example")
    drafts = [
        Draft(
            kind="confirm_signature",
            campaign_id=world.campaign_id,
            to=f"suzie{number}@example.com",
            locale="en",
            values=VALUES | {"expires_at": "2026-03-09T12:00:00+00:00"},
        )
        for number in range(3)
    ]
    async with internal.begin() as session:
        await queue(session, sealer, drafts)

    await deliverer.run(lambda: len(store.all()) == 1)

    assert len(store.all()) == 1
    async with internal.begin() as session:
        rows = await session.execute(text("select state, attempts, next_attempt_at <= now() from mails"))
    assert sorted(map(tuple, rows)) == [("queued", 0, True), ("queued", 0, True), ("sent", 1, False)]
    await deliverer.run()
    assert sorted(m.recipients for m in store.all()) == [
        (f"suzie{number}@example.com",) for number in range(3)
    ]
