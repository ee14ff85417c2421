"""The load generator's people, its connection, and what it records."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest

from app.core.languages import COUNTRIES, LOCALES
from app.supporters.identity import fold_email, normalise_postcode
from devtools.load.confirming import read_message
from devtools.load.connection import Connection, Unanswered
from devtools.load.people import Wording, invent
from devtools.load.signing import Pace, SigningLoad, attempt

WORDINGS = [Wording("signature", 1, required=True), Wording("updates", 2, required=False)]


class Server:
    """Answers each request with the next of these bytes; None hangs up."""

    def __init__(self, answers: list[bytes | None]) -> None:
        self.answers = answers
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
            length = next(
                (int(x[15:]) for x in head.lower().split(b"\r\n") if x[:15] == b"content-length:"), 0
            )
            self.requests.append(head + await reader.readexactly(length))
            answer = self.answers.pop(0)
            if answer is None:
                break
            writer.write(answer)
            await writer.drain()
        writer.close()


Serve: TypeAlias = Callable[..., Awaitable[tuple[str, Server]]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[asyncio.Server] = []

    async def begin(*answers: bytes | None) -> tuple[str, Server]:
        server = Server(list(answers))

        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await server.serve(reader, writer)
            except asyncio.IncompleteReadError:
                writer.close()

        servers.append(await asyncio.start_server(guarded, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}", server

    yield begin
    for server in servers:
        server.close()


def answer(status: str, body: bytes = b"{}", *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 " + status.encode(), b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


def test_people_are_distinct_valid_and_always_the_same() -> None:
    people = [invent(number, "seed") for number in range(500)]

    assert people == [invent(number, "seed") for number in range(500)]
    assert len({fold_email(p.email).folded for p in people}) == 500
    assert {p.country for p in people} <= set(COUNTRIES)
    assert {p.locale for p in people} <= set(LOCALES)
    for person in people:
        assert person.postcode is None or normalise_postcode(person.postcode) == person.postcode
    assert invent(1, "another").email != people[1].email


def test_a_form_agrees_to_what_is_required_and_leaves_out_what_is_not_there() -> None:
    person = next(
        p for p in (invent(n, "seed") for n in range(100)) if not p.wants_updates and not p.postcode
    )

    form = person.form(WORDINGS)

    assert form["consents"] == [
        {"purpose": "signature", "wording_version": 1, "given": True},
        {"purpose": "updates", "wording_version": 2, "given": False},
    ]
    assert "postcode" not in form


async def test_a_connection_is_used_again_until_it_is_closed(serve: Serve) -> None:
    closing = answer("200 OK", b'{"n": 2}', b"Connection: close")
    origin, server = await serve(answer("200 OK", b'{"n": 1}'), closing, answer("404 Not Found"))
    connection = Connection(origin)

    assert (await connection.request("GET", "/one")).json() == {"n": 1}
    assert (await connection.request("POST", "/two", {"a": "ü"}, {"x-own": "1"})).json() == {"n": 2}
    assert server.connections == 1
    assert (await connection.request("GET", "/three")).status == 404
    assert server.connections == 2
    assert b"x-own: 1\r\n" in server.requests[1]
    assert server.requests[1].endswith(b'{"a": "\\u00fc"}')
    connection.close()


async def test_what_is_not_answered_says_whether_it_may_have_arrived(serve: Serve) -> None:
    origin, _ = await serve(None)
    with pytest.raises(Unanswered) as hung_up:
        await Connection(origin).request("GET", "/")
    assert hung_up.value.sent

    with pytest.raises(Unanswered) as nobody:
        await Connection("http://127.0.0.1:1").request("GET", "/")
    assert not nobody.value.sent


async def test_an_attempt_notes_status_and_retry_after(serve: Serve) -> None:
    origin, _ = await serve(answer("503 Service Unavailable", b"{}", b"Retry-After: 5"), None)
    connection = Connection(origin)

    refused, _ = await attempt(connection, 7, "GET", "/")
    silent, _ = await attempt(connection, 8, "GET", "/")

    assert (refused.subject, refused.status, refused.retry_after) == (7, 503, True)
    assert (silent.subject, silent.status, silent.may_have_arrived) == (8, 0, True)


async def test_a_load_counts_as_accepted_only_what_was_accepted(serve: Serve) -> None:
    petition = answer(
        "200 OK", b'{"consents": [{"purpose": "signature", "wording_version": 1, "required": true}]}'
    )
    answers = [answer("202 Accepted"), answer("500 Internal Server Error"), None, answer("202 Accepted")]
    origin, server = await serve(petition, *answers, *[answer("503 Service Unavailable")] * 500)
    load = SigningLoad(origin, "a-petition", "seed", rate=200, clients=1, repeats=0)

    running = asyncio.create_task(load.run())
    await asyncio.sleep(0.3)
    load.stopping.set()
    await running

    assert [a.status for a in load.attempts[:5]] == [202, 500, 0, 202, 503]
    assert load.accepted == {a.subject for a in load.attempts if a.status == 202}
    assert len(server.requests) == len(load.attempts) + 1


async def test_a_bot_goes_as_fast_as_it_is_answered_until_it_has_had_enough(serve: Serve) -> None:
    petition = answer(
        "200 OK", b'{"consents": [{"purpose": "signature", "wording_version": 1, "required": true}]}'
    )
    origin, server = await serve(petition, *[answer("429 Too Many Requests")] * 30)
    load = SigningLoad(
        origin,
        "a-petition",
        "seed",
        rate=float("inf"),
        clients=3,
        most=30,
        domain="bots.example",
        network=lambda number: f"198.18.0.{number}",
    )

    await asyncio.wait_for(load.run(), 10)

    assert load.statuses() == {429: 30}
    assert {p.email.partition("@")[2] for p in load.people.values()} == {"bots.example"}
    sent = b"".join(server.requests)
    assert all(f"x-forwarded-for: 198.18.0.{a.subject}\r\n".encode() in sent for a in load.attempts)


async def test_a_body_of_bytes_goes_as_a_form(serve: Serve) -> None:
    origin, server = await serve(answer("200 OK"))
    connection = Connection(origin)
    await connection.request("POST", "/petitions/x", b"name=Ada")
    connection.close()
    assert b"content-type: application/x-www-form-urlencoded\r\n" in server.requests[0]
    assert server.requests[0].endswith(b"\r\n\r\nname=Ada")


async def test_a_pace_spreads_turns_evenly() -> None:
    pace = Pace(rate=100)
    clock = asyncio.get_running_loop().time
    began = clock()

    await asyncio.gather(*(pace.wait() for _ in range(20)))

    assert 0.15 < clock() - began < 1


def test_a_mail_gives_its_token_whatever_it_ends_in() -> None:
    token = "-" + "a" * 30 + "-"
    mail = {
        "message_id": "<1@host>",
        "to": "a@b.example",
        "subject": "Please",
        "text": f"See\n\nhttp://h/confirm/{token}\n\nBye",
    }

    caught = read_message(mail)

    assert (caught.token, caught.asks_to_confirm) == (token, True)
    assert read_message(mail | {"text": "Thank you"}).token == ""
