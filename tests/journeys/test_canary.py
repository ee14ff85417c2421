"""A marked name, address and postcode go through every flow; nothing of them stays behind in clear."""

import base64
import json
import random
import string
from secrets import choice, token_hex

import httpx
import psycopg
import pytest

from tests.journeys.figures import APPEAL, PETITION, StaffDesk
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, person
from tests.journeys.running import Running, Second
from tests.journeys.signing import SIGN, all_quiet, form_of, sign, sign_and_confirm
from tests.journeys.traces import Marks, database_files, dump, forms, log_traces, told_to_stripe, traces
from tests.journeys.waiting import until

GIVE, PAGE = f"/api/v1/appeals/{APPEAL}/donations", f"/petitions/{PETITION}"
SESSIONS = "POST /v1/checkout/sessions"


def _letters(length: int) -> str:
    return "".join(choice(string.ascii_lowercase) for _ in range(length))


@pytest.fixture(scope="module")
def marks() -> Marks:
    """One set for the whole file."""
    end = "".join(choice("ABDEFGHJLNPQRSTUWXYZ") for _ in range(2))
    return Marks(
        name=f"Kanari{_letters(12)}",
        address=f"kanari{_letters(12)}",
        postcode=f"ZE{choice('123')} {choice(string.digits)}{end}",
        comment=f"zwitscher{_letters(12)}",
    )


class Canary:
    """The marked person, and whoever shares their mailbox; each takes an address of their own per flow."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks

    def somebody(self, first: str = "Zoë", prefix: str = "") -> Person:
        address = f"{prefix}{self.marks.address}.{token_hex(3)}@readers.example.net"
        return Person(f"{first} {self.marks.name}", address, "GB", self.marks.postcode)


@pytest.fixture
def canary(marks: Marks) -> Canary:
    return Canary(marks)


async def _errors(api: httpx.AsyncClient, canary: Canary) -> None:
    """What is wrong with these is said; what was sent is neither stored nor logged."""
    marks, zoe = canary.marks, canary.somebody()
    good = await form_of(api, zoe)
    wrongs: tuple[dict[str, object], ...] = (
        {"email": f"{marks.address} at example"},
        {"email": f"{marks.address}@"},
        {"country": "XX"},
        {"postcode": f"{marks.postcode} {marks.name}"},
        {"consents": []},
        {"name": zoe.name + "\u202e"},
        {"name": [zoe.name]},
        {"name": zoe.name * 100},
        {"name": zoe.name + "\x00"},
        {marks.name: marks.address},
        {"placement": f"{marks.name} {marks.address}"},
        {"locale": marks.name},
    )
    for changes in wrongs:
        assert (await api.post(SIGN, json=good | changes)).status_code == 422
    broken = json.dumps(good)[:-1].encode()
    headers = {"content-type": "application/json", "idempotency-key": marks.name, "cookie": f"x={marks.name}"}
    assert (await api.post(SIGN, content=broken, headers=headers)).status_code == 400
    assert (await api.post(f"/api/v1/petitions/{marks.address}/signatures", json=good)).status_code == 404
    assert (await api.post(SIGN, content=broken + b"x" * 400_000, headers=headers)).status_code == 413
    form = {"name": zoe.name, "email": zoe.email, "country": "GB", "postcode": marks.postcode}
    for wrong in ({}, {"email": marks.address, "consent": "1"}, {"name": f"{zoe.name}\0"}):
        assert (await api.post(PAGE, data=form | wrong)).status_code == 422
    for path in (f"/confirm/{marks.address}", f"/my/{marks.name}", f"/donations/{marks.name}"):
        assert (await api.get(path, params={"email": marks.address})).status_code == 404
    for way in (api.get, api.delete):
        bearer = {"Authorization": f"Bearer {marks.address}"}
        assert (await way("/api/v1/my", headers=bearer)).status_code == 404
    assert (await api.post("/api/v1/signatures/confirm", json={"token": marks.name})).is_client_error
    event = {"id": "evt_1", "data": {"object": {"customer_email": zoe.email, "name": zoe.name}}}
    assert (await api.post("/webhooks/stripe", json=event)).status_code == 400


async def _mail_that_fails(api: httpx.AsyncClient, canary: Canary, superuser: psycopg.Connection) -> None:
    """Bounced for good, and put off once; the mail catcher does so by the address's beginning."""
    for prefix in ("bounce-", "later-"):
        await sign(api, canary.somebody(prefix=prefix))
    await all_quiet(superuser)

    async def replies() -> list[tuple[object, ...]]:
        return superuser.execute("select state, last_reply from mails where last_reply <> '250'").fetchall()

    assert await until(replies, lambda rows: len(rows) >= 2)


async def _signing(api: httpx.AsyncClient, canary: Canary, mailbox: Mailbox) -> None:
    """Twice, by three people at one mailbox, corrected, hidden, withdrawn."""
    zoe = canary.somebody()
    token = (await sign_and_confirm(api, zoe, mailbox)).token
    await sign(api, zoe)
    await sign(api, Person(canary.somebody("Bo").name, zoe.email, "GB", zoe.postcode))
    await sign(api, Person(canary.somebody("Cy").name, zoe.email, "GB", zoe.postcode))
    bearer = {"Authorization": f"Bearer {token}"}
    for change, status in (
        ({"name": canary.somebody("Zoe").name, "postcode": canary.marks.postcode}, 202),
        ({"show_name": canary.marks.name * 20}, 422),
        ({"comment": canary.marks.comment + "\u202e", "show_name": "Z"}, 422),
        ({"hide": True}, 202),
        ({canary.marks.comment: canary.marks.comment}, 422),
    ):
        answer = await api.patch("/api/v1/my", headers=bearer, json=change)
        assert answer.status_code == status, (change, answer.text)
    for path in ("", "/data.json", "/withdraw"):
        assert (await api.get(f"/my/{token}{path}")).status_code == 200
    form = {"name": zoe.name + "\0", "postcode": f"{canary.marks.name}"}
    assert (await api.post(f"/my/{token}/details", data=form)).status_code == 422
    assert (await api.post(f"/my/{token}/updates", data={"updates": "yes"})).status_code == 303
    assert (await api.post(f"/my/{token}/withdraw")).status_code == 200
    stays = canary.somebody()
    await sign_and_confirm(api, stays, mailbox)  # and is found in no dump
    await sign(api, canary.somebody())


async def _giving(
    api: httpx.AsyncClient, canary: Canary, mailbox: Mailbox, simulator: httpx.AsyncClient
) -> None:
    """Refused, declined, broken off and paid."""
    zoe = canary.somebody()
    gift = {"amount": 1000, "currency": "GBP", "email": zoe.email, "name": zoe.name}
    for changes in ({"amount": 1}, {"email": canary.marks.address}, {"name": f"{zoe.name}\0"}, {"mode": "x"}):
        assert (await api.post(GIVE, json=gift | changes)).status_code == 422
    form = {"other_amount": "0.50", "email": zoe.email, "name": zoe.name, "currency": "GBP", "terms": "1"}
    assert (await api.post(f"/appeals/{APPEAL}", data=form)).status_code == 422
    for kind in ("error_500", "error_500_after", "rate_limit_429", "reset_before", "reset_after"):
        fault = {"operation": SESSIONS, "kind": kind, "times": 20}
        (await simulator.post("/_sim/faults", json=fault)).raise_for_status()
        key = {"Idempotency-Key": f"{canary.marks.name}-{kind}"}
        assert (await api.post(GIVE, json=gift, headers=key)).status_code == 503
        await simulator.post("/_sim/faults", json={"clear": True})
        # Stripe repeats a 500 to whoever asks again with the same key.
        assert (await api.post(GIVE, json=gift, headers=key)).status_code in (201, 503)
    started = (await api.post(GIVE, json=gift)).json()
    session = httpx.URL(started["checkout_url"]).path.rpartition("/")[2]
    for card in ("4000000000000002", "4242424242424242"):
        paid = await simulator.post("/_sim/pay", json={"session": session, "card": card, "name": "C. Holder"})
        paid.raise_for_status()
    await mailbox.newest(zoe.email)
    assert (await api.get(f"/donations/{started['token']}")).status_code == 200


async def test_nothing_stays_behind_in_clear(
    running: Running,
    second: Second,
    api: httpx.AsyncClient,
    staff: StaffDesk,
    canary: Canary,
    mailbox: Mailbox,
    simulator: httpx.AsyncClient,
    superuser: psycopg.Connection,
) -> None:
    await _errors(api, canary)
    await _signing(api, canary, mailbox)
    await _mail_that_fails(api, canary, superuser)
    await _giving(api, canary, mailbox, simulator)
    failed = await staff.log_in(f"{canary.marks.address}@example.net", canary.marks.name)
    assert failed.status_code == 401
    await all_quiet(superuser)
    superuser.execute("checkpoint")
    assert log_traces(running, canary.marks) == []
    assert traces(canary.marks, dump(running)) == []
    jobs = superuser.execute("select to_jsonb(j)::text from procrastinate_jobs j").fetchall()
    assert traces(canary.marks, repr(jobs).encode()) == []
    on_disk = [(name, traces(canary.marks, data)) for name, data in database_files(running)]
    assert [(name, found) for name, found in on_disk if found] == []
    state = (await simulator.get("/_sim/state")).json()
    assert told_to_stripe(state, canary.marks) == []
    assert canary.marks.address in json.dumps(state)  # it was about this person, and only by address
    report = await staff.page()
    assert traces(canary.marks, report.encode()) == []


async def test_what_somebody_chose_to_show_is_there_and_would_be_found(
    running: Running, api: httpx.AsyncClient, mailbox: Mailbox, superuser: psycopg.Connection
) -> None:
    """The search can find: a name in `published_signers`, until it is hidden."""
    shown = Marks(f"Showa{_letters(12)}", f"showa{_letters(12)}", "ZE9 9ZZ", f"piep{_letters(12)}")
    token = (await sign_and_confirm(api, person("Ada"), mailbox)).token
    bearer = {"Authorization": f"Bearer {token}"}
    wish = {"show_name": shown.name, "comment": shown.comment}
    assert (await api.patch("/api/v1/my", headers=bearer, json=wish)).status_code == 202
    await all_quiet(superuser)
    found = traces(shown, dump(running))
    assert f"{shown.name} (clear)" in found
    assert f"{shown.comment} (clear)" in found
    assert (await api.patch("/api/v1/my", headers=bearer, json={"hide": True})).status_code == 202
    await all_quiet(superuser)
    assert traces(shown, dump(running)) == []
    assert log_traces(running, shown) == []
    # The log of changes remembers it for a while: what never was in clear is not even there.
    assert any(traces(shown, data) for _, data in database_files(running))


def test_every_form_of_a_mark_would_be_found() -> None:
    marks = Marks("Kanariabcdefghijkl", "kanarimnopqrstuvwx", "ZE1 2AB", "zwitscherabcdefghijkl")
    generator = random.Random(1)  # noqa: S311 - any bytes will do
    for mark in marks.all():
        for form, encoded in forms(mark).items():
            noise = generator.randbytes(1000)
            assert traces(marks, noise) == []
            assert any(mark in found for found in traces(marks, noise + encoded + noise)), form
    for prefix in ("", "x", "xy", '{"email": "'):
        hidden = base64.urlsafe_b64encode(f"{prefix}{marks.address}@example.net".encode())
        assert traces(marks, hidden), prefix
        assert traces(marks, f"{prefix}{marks.name}".encode().hex().encode()), prefix
