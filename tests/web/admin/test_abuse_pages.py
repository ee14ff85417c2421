"""Moderators see who waits and what trends, decide about many at once, and undo it; others see none of it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from app.core.db import Database
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.petitions.judging import HASH_BYTES
from app.petitions.sweeping import Sweeper
from app.petitions.watching import WATCH, Watcher
from app.reports.checking import run_checks
from tests.factories import World
from tests.web.admin.conftest import Visitor, rows, where
from tests.web.admin.moderating import ABUSE, DECIDE, DOMAIN, NETWORK, fields_of, look, moderator, sign

__all__ = ["moderator"]


@pytest.fixture
def sweeper(internal: Database, sealer: Sealer, opener: Opener, hasher: Hasher) -> Sweeper:
    return Sweeper(internal, sealer, opener, hasher)


def one(superuser: psycopg.Connection, statement: str) -> object:
    return rows(superuser, statement)[0][0]


async def check(internal: Database) -> None:
    async with internal.begin() as session:
        findings = await run_checks(session)
    assert {f.name: f.violations for f in findings if f.violations} == {}


async def test_a_moderator_previews_invalidates_and_undoes(
    moderator: Visitor,
    superuser: psycopg.Connection,
    world: World,
    sealer: Sealer,
    hasher: Hasher,
    sweeper: Sweeper,
    internal: Database,
) -> None:
    sign(superuser, world, sealer, hasher, 8, state="confirmed")
    sign(superuser, world, sealer, hasher, 2)
    sign(superuser, world, sealer, hasher, 3, name="Zoe", state="confirmed")
    superuser.commit()
    trial = await look(moderator, network=NETWORK, pattern="robot *")
    assert trial.status_code == 200
    assert re.findall(r"<dd>(\d+)</dd>", trial.text)[:2] == ["10", "8"]
    assert "Robot 3" in trial.text
    assert "Zoe" not in trial.text
    assert one(superuser, "select count(*) from signatures where invalidated_at is not null") == 0

    form = fields_of(trial, DECIDE)
    assert where(await moderator.post(DECIDE, form | {"reason": "bot"})) == f"/sweeps/{form['sweep_id']}"
    assert where(await moderator.post(DECIDE, form | {"reason": "bot"})) == f"/sweeps/{form['sweep_id']}"
    assert rows(superuser, "select action, reason, expected from sweeps") == [("invalidate", "bot", 10)]
    page = f"/sweeps/{form['sweep_id']}"
    running = await moderator.get(page)
    assert "at work" in running.text
    assert "0 of about 10 so far" in running.text
    assert "refresh" not in running.headers
    assert (await moderator.get(f"{page}?follow=1")).headers["refresh"] == "3"

    await sweeper.run(form["sweep_id"])
    done = await moderator.get(f"{page}?follow=1")
    assert "10 do not count any more" in done.text
    assert "refresh" not in done.headers
    assert one(superuser, "select counted from petition_counts") == 3
    await check(internal)

    asked = await moderator.get(f"{page}/undo")
    assert "10 signatures" in asked.text
    assert one(superuser, "select counted from petition_counts") == 3, "a look undoes nothing"
    assert where(await moderator.post(f"{page}/undo", fields_of(asked, f"{page}/undo"))) == page
    assert "being undone" in (await moderator.get(page)).text
    await sweeper.undo(form["sweep_id"])
    assert "as it was before" in (await moderator.get(page)).text
    assert one(superuser, "select counted from petition_counts") == 11
    await check(internal)
    listed = (await moderator.get("/sweeps")).text
    assert "undone" in listed
    assert f"{page}/undo" not in listed
    assert rows(
        superuser, "select tag, actor like 'staff:%' from audit_entries where tag like 'signatures%'"
    ) == [
        ("signatures:invalidate:started", True),
        ("signatures:invalidate:undone", True),
    ]


async def test_the_quarantine_shows_groups_and_no_address(
    moderator: Visitor,
    superuser: psycopg.Connection,
    world: World,
    sealer: Sealer,
    hasher: Hasher,
    sweeper: Sweeper,
) -> None:
    sign(superuser, world, sealer, hasher, 4, score=120, state="confirmed")
    sign(superuser, world, sealer, hasher, 3, score=1000)
    sign(superuser, world, sealer, hasher, 2)
    superuser.commit()
    assert ">7<" in (await moderator.get("/abuse")).text
    page = (await moderator.get(ABUSE)).text
    network = hasher.network(NETWORK, datetime.now(UTC).date())[:HASH_BYTES].hex()
    assert f"network {network[:4]}…" in page
    assert f"domain {hasher.domain(DOMAIN).hex()[:4]}…" in page
    for shown in ("100 to 149", "on a block list", "without a placement"):
        assert shown in page
    assert NETWORK not in page
    assert DOMAIN not in page
    (link,) = set(re.findall(r'href="([^"]*score_from=100&[^"]*)"', page))
    form = fields_of(await moderator.get(link.replace("&amp;", "&")), f"{DECIDE}/look")
    assert (form["score_from"], form["score_below"]) == ("100", "150")
    trial = await look(moderator, action="release", **{k: form[k] for k in ("score_from", "score_below")})
    assert "Release these?" in trial.text
    started = await moderator.post(DECIDE, fields_of(trial, DECIDE))
    await sweeper.run(where(started).rpartition("/")[2])
    assert one(superuser, "select count(*) from signatures where quarantined_at is not null") == 3
    assert one(superuser, "select counted from petition_counts") == 4


async def test_a_report_leads_to_its_conditions(
    moderator: Visitor,
    superuser: psycopg.Connection,
    world: World,
    sealer: Sealer,
    hasher: Hasher,
    opener: Opener,
    internal: Database,
) -> None:
    sign(superuser, world, sealer, hasher, 60)
    superuser.commit()
    assert where(await moderator.post("/abuse/watch", {"csrf_token": await moderator.csrf_token()})) == (
        "/abuse?looking=1"
    )
    assert rows(superuser, "select task_name from procrastinate_jobs") == [(WATCH,)]
    await Watcher(internal, sealer, opener, hasher, "https://staff.example").run()
    page = (await moderator.get("/abuse")).text
    links = re.findall(r'href="(/petitions/open-the-door/decide\?report=[^"]+)"><bdi>([^<]+)', page)
    network = hasher.network(NETWORK, datetime.now(UTC).date())[:HASH_BYTES].hex()
    assert {label for _, label in links} == {
        f"network {network[:4]}…",
        f"domain {hasher.domain(DOMAIN).hex()[:4]}…",
        "names like “robot*”",
        "names like “Xx 9”",
    }
    filled = {}
    for link, label in links:
        form = fields_of(await moderator.get(link), f"{DECIDE}/look")
        filled[label.partition(" ")[0]] = form
        trial = await moderator.post(f"{DECIDE}/look", form)
        assert re.findall(r"<dd>(\d+)</dd>", trial.text)[0] == "60", label
    assert filled["network"]["network"] == network


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"since": "yesterday"}, "day and a time"),
        ({"since": "2026-01-01T00:00"}, "31 days"),
        ({"network": "somewhere"}, "no network"),
        ({"score_from": "-3"}, "whole number"),
    ],
)
async def test_what_cannot_be_meant_is_said(moderator: Visitor, changes: dict[str, str], said: str) -> None:
    answer = await look(moderator, **changes)
    assert answer.status_code == 422
    assert said in answer.text
    (name, value), *_ = changes.items()
    assert f'name="{name}"' in answer.text
    assert f'value="{value}"' in answer.text


async def test_lists_are_kept_by_hand(moderator: Visitor, superuser: psycopg.Connection) -> None:
    token = {"csrf_token": await moderator.csrf_token()}
    for kind, value in (
        ("network", "203.0.113.0/24"),
        ("domain", "mail.bot.example"),
        ("address", "Eve+1@gmail.com"),
    ):
        form = token | {"action": "block", "kind": kind, "value": value, "note": "spam run"}
        assert where(await moderator.post("/lists", form)) == "/lists"
    page = (await moderator.get("/lists")).text
    assert "203.0.113.0/24" in page
    assert "bot.example" in page
    assert "eve+1" not in page.lower()
    assert "hash " in page
    assert "203.0.113" not in str(rows(superuser, "select * from audit_entries"))
    for kind, value in (("network", "0.0.0.0/0"), ("domain", "no domain"), ("address", "x"), ("name", "y")):
        refused = await moderator.post("/lists", token | {"action": "block", "kind": kind, "value": value})
        assert refused.status_code == 422, kind
    [entry] = rows(superuser, "select id from abuse_lists where kind = 'network'")[0]
    assert where(await moderator.post(f"/lists/{entry}/remove", token)) == "/lists"
    assert one(superuser, "select count(*) from abuse_lists") == 2


async def test_work_is_asked_for_by_the_hour(moderator: Visitor, superuser: psycopg.Connection) -> None:
    form = {"csrf_token": await moderator.csrf_token(), "hours": "6"}
    assert where(await moderator.post("/petitions/open-the-door/work", form)) == f"{ABUSE}?asked=1"
    assert one(superuser, "select round(extract(epoch from until - now()) / 3600)::int from proof_rules") == 6
    assert "until" in (await moderator.get(f"{ABUSE}?asked=1")).text
    assert (await moderator.post("/petitions/open-the-door/work", form | {"hours": "900"})).status_code == 422
    await moderator.post("/petitions/open-the-door/work", form | {"hours": "0"})
    assert "Signatures need none now" in (await moderator.get(ABUSE)).text


async def test_the_mail_of_the_watch_is_a_choice(moderator: Visitor, superuser: psycopg.Connection) -> None:
    token = {"csrf_token": await moderator.csrf_token()}
    assert 'value="yes" checked' in (await moderator.get("/account")).text
    assert where(await moderator.post("/account/mail", token)) == "/account?chosen=1"
    assert one(superuser, "select watch_mail from staff_accounts") is False
    await moderator.post("/account/mail", token | {"watch_mail": "yes"})
    assert one(superuser, "select watch_mail from staff_accounts") is True


SWEEP = f"/sweeps/{UUID(int=1)}"
PAGES = (
    "/abuse",
    ABUSE,
    DECIDE,
    "/sweeps",
    SWEEP,
    f"{SWEEP}/undo",
    "/lists",
)
FORMS = (
    "/abuse/watch",
    "/petitions/open-the-door/work",
    f"{DECIDE}/look",
    DECIDE,
    f"{SWEEP}/undo",
    "/lists",
    "/lists/1/remove",
)


async def test_only_moderators_come_in(
    visitors: Callable[[str], Visitor], account: int, superuser: psycopg.Connection
) -> None:
    stranger = visitors("http://127.0.0.1:8001")
    for path in PAGES:
        assert where(await stranger.get(path)).startswith("/login")
    superuser.execute("update staff_accounts set roles = '{finance,privacy}'")
    superuser.commit()
    await stranger.log_in()
    token = {"csrf_token": await stranger.csrf_token()}
    for path in PAGES:
        assert (await stranger.get(path)).status_code == 403, path
    for path in FORMS:
        assert (await stranger.post(path, token)).status_code == 403, path
    assert "/abuse" not in (await stranger.get("/")).text


async def test_every_form_needs_its_token(moderator: Visitor, superuser: psycopg.Connection) -> None:
    for path in FORMS:
        assert (await moderator.post(path, {"csrf_token": "guessed"})).status_code == 403, path
    for table in ("sweeps", "abuse_lists", "proof_rules", "procrastinate_jobs"):
        assert one(superuser, f"select count(*) from {table}") == 0, table  # noqa: S608 - constants


async def test_what_cannot_be_printed_is_left_out(moderator: Visitor, superuser: psycopg.Connection) -> None:
    odd = {"placement": "front\0-page\x1b", "pattern": "\0*", "network": "\0", "domain": "bot\0.example"}
    trial = await look(moderator, **odd)
    assert trial.status_code == 200
    assert fields_of(trial, f"{DECIDE}/look")["placement"] == "front-page"
    form = {"csrf_token": await moderator.csrf_token(), "action": "allow", "kind": "domain"}
    assert where(await moderator.post("/lists", form | {"value": "a.example\0", "note": "\0n"})) == "/lists"
    assert rows(superuser, "select domain, note from abuse_lists") == [("a.example", "n")]


async def test_unknown_ones_are_not_found(moderator: Visitor, internal: Database) -> None:
    for path in (SWEEP, "/sweeps/x", "/petitions/none/abuse", "/petitions/none/decide"):
        assert (await moderator.get(path)).status_code == 404, path
    assert (await moderator.get(f"{DECIDE}?report={UUID(int=1)}")).status_code == 200
    assert (await moderator.get(f"{DECIDE}?report=x&network=%00&since=never")).status_code == 200
    async with internal.begin() as session:
        assert await session.scalar(text("select count(*) from sweeps")) == 0
