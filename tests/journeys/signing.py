"""Signing over the API, and what the database holds about it."""

import asyncio
from typing import Any

import httpx
import psycopg

from tests.journeys.figures import PETITION
from tests.journeys.mailbox import Mail, Mailbox
from tests.journeys.people import Person
from tests.journeys.waiting import until

SIGN = f"/api/v1/petitions/{PETITION}/signatures"
Body = dict[str, Any]  # JSON


async def form_of(api: httpx.AsyncClient, somebody: Person, **changes: object) -> Body:
    """A signature with a yes to every wording that needs one, as the petition asks for them."""
    petition = (await api.get(f"/api/v1/petitions/{PETITION}")).json()
    consents = [
        {"purpose": c["purpose"], "wording_version": c["wording_version"], "given": c["required"]}
        for c in petition["consents"]
    ]
    body: Body = {
        "name": somebody.name,
        "email": somebody.email,
        "country": somebody.country,
        "consents": consents,
    }
    if somebody.postcode:
        body["postcode"] = somebody.postcode
    return body | changes


async def sign(api: httpx.AsyncClient, somebody: Person) -> None:
    """Post a signature; it is taken."""
    answer = await api.post(SIGN, json=await form_of(api, somebody))
    assert answer.status_code == 202, answer.text


async def sign_and_confirm(api: httpx.AsyncClient, somebody: Person, mailbox: Mailbox) -> Mail:
    """Post a signature and confirm it; the mail it was done with."""
    known = len(await mailbox.all(somebody.email))
    await sign(api, somebody)
    mail = await mailbox.newest(somebody.email, known + 1)
    answer = await api.post("/api/v1/signatures/confirm", json={"token": mail.token})
    assert answer.status_code == 200, answer.text
    return mail


_UNDER_WAY = """
    select (select count(*) from intake)
         + (select count(*) from mails where state in ('queued', 'sending')
             and next_attempt_at <= now() + interval '1 second')
         + (select count(*) from procrastinate_jobs where status in ('todo', 'doing')
             and coalesce(scheduled_at, now()) <= now())
"""


async def all_quiet(superuser: psycopg.Connection, seconds: float = 40) -> None:
    """Wait until every letter is resolved, every due mail sent, and every due job done."""

    async def waiting() -> int:
        await asyncio.sleep(0.05)
        row = superuser.execute(_UNDER_WAY).fetchone()
        return int(row[0]) if row else 0

    await until(waiting, lambda count: count == 0, seconds)


def signatures(superuser: psycopg.Connection, *states: str) -> int:
    """How many there are in these states."""
    row = superuser.execute(
        "select count(*) from signatures where state = any(%s)", [list(states)]
    ).fetchone()
    return int(row[0]) if row else 0
