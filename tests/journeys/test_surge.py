"""The surge ladder in real processes: up in order, down by itself, and nobody who was told yes is lost."""

import asyncio
import itertools
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.chaos.processes import Processes
from tests.journeys.figures import PETITION, StaffDesk
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, person
from tests.journeys.running import Own, Running, own_public
from tests.journeys.signing import SIGN, all_quiet, form_of, sign, sign_and_confirm
from tests.journeys.waiting import until
from tests.petitions.test_proof_of_work import solve

PAGE = f"/petitions/{PETITION}"
LETTERBOX, BACKLOG = 40, 120
UP = ["calm", "breakdowns", "signers", "mail", "work", "refuse"]


@dataclass
class Small:
    """A public process on the same database whose letterbox and backlog are small, and what it says."""

    api: httpx.AsyncClient
    pid: int
    log: Path

    @property
    def steps(self) -> list[str]:
        """Every step so far, by its log: whoever asks now and then may miss one."""
        lines = (
            json.loads(line) for line in self.log.read_text("utf-8").splitlines() if "surge:step:" in line
        )
        return ["calm", *(line["step"] for line in lines)]

    async def step(self) -> str:
        answer = await self.api.get("/readyz")
        assert answer.status_code == 200, "it serves on every step"
        name: str = answer.json()["surge"]["name"]
        return name

    async def reaches(self, name: str, seconds: float = 60) -> None:
        await until(self.step, lambda step: step == name, seconds)

    async def post(self, somebody: Person, **more: str) -> httpx.Response:
        """The form, as a browser without scripts sends it."""
        form = {
            "name": somebody.name,
            "email": somebody.email,
            "country": somebody.country,
            "consent": "1",
            "updates": "no",
            "text_version": "1",
        }
        return await self.api.post(PAGE, data=form | more)


@pytest.fixture
def own(running: Running) -> Iterator[Own]:
    sizes = {"letterbox_capacity": str(LETTERBOX), "backlog_capacity": str(BACKLOG)}
    with own_public(running, "small-public", **sizes) as started:
        yield started


@pytest.fixture
async def small(own: Own) -> AsyncIterator[Small]:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=own.public, timeout=90, limits=limits, trust_env=False) as api:
        yield Small(api, own.pid, own.log)


@contextmanager
def paused(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def signed(superuser: psycopg.Connection) -> int:
    row = superuser.execute("select count(*) from signatures").fetchone()
    return int(row[0]) if row else 0


def make_due(superuser: psycopg.Connection) -> None:
    superuser.execute(
        "update mails set next_attempt_at = now() - interval '1 s' where state = 'queued'; notify haven_mail"
    )


def queued(superuser: psycopg.Connection) -> set[str]:
    return {kind for (kind,) in superuser.execute("select kind from mails where state = 'queued'")}


def strangers() -> Iterator[Person]:
    return (person(f"Surge{n}") for n in itertools.count())


async def _two_mails_that_the_relay_puts_off(
    small: Small, mailbox: Mailbox, superuser: psycopg.Connection
) -> tuple[Person, Person]:
    """One that somebody waits for, and one that says that they have signed already."""
    before, now = person("Iryna"), person("Olha")
    await sign_and_confirm(small.api, before, mailbox)
    for somebody in (before, now):
        await mailbox.refuse(somebody.email, 451)
        await sign(small.api, somebody)

    async def kinds() -> set[str]:
        return queued(superuser)

    await until(kinds, lambda found: found == {"already_signed", "confirm_signature"})
    # However long it takes to get up there: neither goes out by itself meanwhile.
    superuser.execute("update mails set next_attempt_at = now() + interval '1 h' where state = 'queued'")
    return before, now


async def _worker_hears_of_it(superuser: psycopg.Connection) -> None:
    """The worker learns of the highest step when it tells its own: wait for that to happen anew, twice."""

    async def told() -> object:
        row = superuser.execute("select max(seen_at) from process_states where role = 'worker'").fetchone()
        return row[0] if row else None

    for _ in range(2):
        before = await told()
        await until(told, lambda at, before=before: at != before)  # type: ignore[misc]  # bound now


async def test_a_database_that_is_slow_leads_up_in_order_and_down_by_itself(
    running: Running,
    small: Small,
    superuser: psycopg.Connection,
    mailbox: Mailbox,
    staff: StaffDesk,
) -> None:
    await all_quiet(superuser)
    await small.step()
    before, fresh = await _two_mails_that_the_relay_puts_off(small, mailbox, superuser)
    await small.api.get(f"/api/v1/petitions/{PETITION}/breakdown?by=country")
    at_first, people = signed(superuser), list(itertools.islice(strangers(), LETTERBOX * 2))
    bodies = [await form_of(small.api, somebody) for somebody in people]
    with psycopg.connect(running.superuser_url) as holder:
        holder.execute("lock table intake in share row exclusive mode")
        posts = [asyncio.create_task(small.api.post(SIGN, json=body)) for body in bodies]
        await small.reaches("refuse")

        await _what_the_top_leaves_out(small, mailbox, superuser, before, fresh)
        shown = await until(staff.overview, lambda page: "come back later" in page)
        assert f"/{small.pid}" in shown
        told = await staff.metrics()
        assert re.search(rf'haven_surge_step{{process="[^"]+/{small.pid}",role="public"}} 5.0', told)
        assert re.search(rf'haven_letterbox_capacity{{process="[^"]+/{small.pid}",role="public"}} 40.0', told)
        assert "haven_mails_due " in told
    answers = await asyncio.gather(*posts)

    assert {answer.status_code for answer in answers} == {202, 503}
    assert all(int(a.headers["retry-after"]) > 0 for a in answers if a.status_code == 503)
    accepted = [who for who, answer in zip(people, answers, strict=True) if answer.status_code == 202]
    assert len(accepted) >= LETTERBOX

    await small.reaches("work")
    accepted.append(await _work_is_asked_of_programs(small))
    await small.reaches("calm")
    assert small.steps == [*UP, *reversed(UP[:-1])]
    make_due(superuser)
    await mailbox.newest(before.email, 2)
    await all_quiet(superuser)
    # The two who waited for their mail are signatures as well; one of them had signed before.
    assert signed(superuser) == at_first + len(accepted)
    for somebody in accepted:
        assert len(await mailbox.all(somebody.email)) == 1


async def _what_the_top_leaves_out(
    small: Small, mailbox: Mailbox, superuser: psycopg.Connection, before: Person, fresh: Person
) -> None:
    refused = await small.api.post(SIGN, json=await form_of(small.api, person("Late")))
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    page = await small.post(person("Late Reader"))
    assert (page.status_code, page.headers["retry-after"]) == (503, refused.headers["retry-after"])
    assert "Late Reader" in page.text, "what was typed is still there"

    known = await small.api.get(f"/api/v1/petitions/{PETITION}/breakdown?by=country")
    assert known.status_code == 200
    assert int(known.headers["age"]) > 0
    unknown = await small.api.get(f"/api/v1/petitions/{PETITION}/breakdown?by=placement")
    assert (unknown.status_code, unknown.json()["code"]) == (503, "overloaded")
    assert int(unknown.headers["retry-after"]) > 0
    assert (await small.api.get(f"/api/v1/petitions/{PETITION}")).json()["shown_signers"] == []
    assert "data-work=" in (await small.api.get(PAGE)).text
    # Mail that somebody waits for goes out, the other waits.
    await _worker_hears_of_it(superuser)
    make_due(superuser)
    await mailbox.newest(fresh.email)
    assert queued(superuser) == {"already_signed"}
    assert len(await mailbox.all(before.email)) == 1


async def _work_is_asked_of_programs(small: Small) -> Person:
    somebody = person("Worker")
    form = await form_of(small.api, somebody)
    missing = await small.api.post(SIGN, json=form)
    assert (missing.status_code, missing.json()["code"]) == (422, "proof_of_work_missing")
    solution = solve((await small.api.get(f"/api/v1/petitions/{PETITION}/challenge")).json())
    assert (await small.api.post(SIGN, json=form | {"altcha": solution})).status_code == 202
    return somebody


async def test_letters_that_no_worker_resolves_lead_up_and_all_of_them_are_signatures_afterwards(
    running: Running, small: Small, superuser: psycopg.Connection, mailbox: Mailbox
) -> None:
    await all_quiet(superuser)
    at_first, accepted = signed(superuser), 0
    with paused(await Processes(running).wait_alive("worker")):
        people = strangers()
        while (answer := await small.post(next(people))).status_code == 200:
            await small.step()
            accepted += 1
            assert accepted <= BACKLOG * 3, "nobody is turned away"
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        await small.step()
        assert small.steps == UP
        row = superuser.execute("select count(*) from intake").fetchone()
        assert row == (accepted,), "all that was acknowledged is there"
    await small.reaches("calm", 90)
    assert small.steps == [*UP, *reversed(UP[:-1])]
    await all_quiet(superuser, 90)
    assert signed(superuser) == at_first + accepted
