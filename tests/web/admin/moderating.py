"""Moderators at work: their pages at the present time, and signatures for them to decide about."""

import re
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from app.core.clock import SystemClock
from app.core.ids import new_id
from app.crypto import details
from app.crypto.hashing import Hasher
from app.crypto.sealing import KEY_BYTES, Sealer
from app.petitions.judging import HASH_BYTES
from tests.factories import World
from tests.web.admin.conftest import Visitor

ABUSE = "/petitions/open-the-door/abuse"
DECIDE = "/petitions/open-the-door/decide"
FIELD = re.compile(r'<input[^>]*? name="(\w+)"[^>]*? value="([^"]*)"([^>]*)>')
NETWORK, DOMAIN = "203.0.113.9", "bot.example"


@pytest.fixture
async def moderator(make_app: Callable[[str], FastAPI], account: int) -> AsyncIterator[Visitor]:
    """An editor who is logged in. The clock is the real one: signatures are found by when they were made."""
    url = "http://127.0.0.1:8001"
    app = make_app(url)
    app.state.role = replace(app.state.role, clock=SystemClock())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        visitor = Visitor(client, url)
        await visitor.log_in()
        yield visitor


def sign(
    superuser: psycopg.Connection,
    world: World,
    sealer: Sealer,
    hasher: Hasher,
    count: int,
    *,
    name: str = "Robot",
    state: str = "pending",
    score: int = 0,
) -> None:
    """Signatures as the worker leaves them, of one network and domain."""
    now = datetime.now(UTC)
    origin = hasher.network(NETWORK, now.date())[:HASH_BYTES], hasher.domain(DOMAIN)[:HASH_BYTES]
    for number in range(count):
        signature_id = new_id()
        key = secrets.token_bytes(KEY_BYTES)
        superuser.execute(
            "insert into signatures (id, petition_id, supporter_id, text_version_id, country, locale, "
            "name_hash, details_sealed, own_copy, link_hash, signed_at, expires_at, network_hash, "
            "domain_hash, score, quarantined_at) "
            "values (%s, %s, %s, %s, 'GB', 'en', %s, %s, %s, %s, now(), now() + interval '7 days', "
            "%s, %s, %s, %s)",
            (
                *(signature_id, world.petition_id, signature_id, world.text_version_id, b"n"),
                *(sealer.seal_key(key, signature_id), details.encrypt(key, {"name": f"{name} {number}"})),
                *(signature_id.bytes, *origin, score, now if score >= 100 else None),
            ),
        )
        superuser.execute(
            "insert into tallies as t (petition_id, dimension, value, utc_hour, signed) "
            "select petition_id, dimension, value, date_trunc('hour', now(), 'UTC'), events "
            "from tally_dimensions(array[%s::uuid]) "
            "on conflict (petition_id, dimension, value, utc_hour) do update set signed = t.signed + 1",
            (signature_id,),
        )
        if state == "confirmed":
            superuser.execute("select confirm_signatures(array[%s::bytea])", (signature_id.bytes,))


def fields_of(page: httpx.Response, form: str) -> dict[str, str]:
    """What the form that goes to an address would send as it is."""
    inside = page.text.partition(f'action="{form}"')[2].partition("</form>")[0]
    assert inside, form
    return {
        name: value
        for name, value, rest in FIELD.findall(inside)
        if "checked" in rest or f'type="radio" name="{name}"' not in inside
    }


async def look(visitor: Visitor, **changes: str) -> httpx.Response:
    now = datetime.now(UTC)
    typed = {
        "csrf_token": await visitor.csrf_token(),
        "action": "invalidate",
        "since": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "until": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M}",
    }
    return await visitor.post(f"{DECIDE}/look", typed | changes)
