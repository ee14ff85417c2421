"""Clients that take their time, against a real uvicorn with Haven's own options."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.http import connections
from tests.http.conftest import HOST, one_answer, served, small_app, surrounded, until_closed
from tests.ports import free_port

Connect = Callable[[int], socket.socket]
HEAD = f"POST /api/v1/raw HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\n".encode()
JSON_HEAD = (
    f"POST /api/v1/entries HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    "Content-Length: 100\r\n\r\n"
).encode()
GET = f"GET /api/v1/things/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


@pytest.mark.parametrize("head", [HEAD, JSON_HEAD], ids=["read by us", "read by the framework"])
def test_a_body_that_does_not_come_is_answered_and_the_connection_closed(
    connect: Connect, head: bytes
) -> None:
    with served(surrounded(small_app(), body_seconds=0.4)) as port:
        connection = connect(port)
        started = time.monotonic()
        connection.sendall(head + b"half")
        answer = until_closed(connection)
        taken = time.monotonic() - started
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code": "request_timeout"' in answer
    assert b"connection: close" in answer.lower()
    assert 0.3 < taken < 2


def test_a_body_that_trickles_in_is_not_waited_for_either(connect: Connect) -> None:
    with served(surrounded(small_app(), body_seconds=0.5)) as port:
        connection = connect(port)
        connection.sendall(HEAD)
        started = time.monotonic()
        connection.settimeout(0.1)
        answer = b""
        while time.monotonic() - started < 3 and not answer:
            try:
                connection.sendall(b"x")
                answer = connection.recv(4096)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_slow_answer_is_none_of_the_bodys_business(connect: Connect) -> None:
    with served(surrounded(small_app(), body_seconds=0.3)) as port:
        connection = connect(port)
        connection.sendall(HEAD + b"x" * 100)
        assert one_answer(connection).startswith(b"HTTP/1.1 200 ")
        time.sleep(0.5)
        connection.sendall(GET)
        assert one_answer(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: haven.ex"])
def test_a_head_that_does_not_come_is_not_waited_for(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    with served(surrounded(small_app())) as port:
        connection = connect(port)
        started = time.monotonic()
        connection.sendall(sent)
        assert until_closed(connection) == b""
        assert 0.4 < time.monotonic() - started < 3


def test_a_second_head_has_the_same_time(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    with served(surrounded(small_app())) as port:
        connection = connect(port)
        connection.sendall(GET)
        assert one_answer(connection).startswith(b"HTTP/1.1 200 ")
        time.sleep(0.7)  # idle between two requests: uvicorn's own clock
        connection.sendall(GET)
        assert one_answer(connection).startswith(b"HTTP/1.1 200 ")
        started = time.monotonic()
        connection.sendall(b"GET / HTT")
        assert until_closed(connection) == b""
        assert time.monotonic() - started < 3


def test_a_head_that_goes_on_for_ever_is_refused(connect: Connect) -> None:
    with served(surrounded(small_app())) as port:
        connection = connect(port)
        received = b""
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n")
            for _ in range(300):
                connection.sendall(b"X-More: " + b"x" * 1_000 + b"\r\n")
            connection.sendall(b"\r\n")
            received = connection.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            return
    # httptools has no bound of its own: at the least the process stays well and answers.
    assert received[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 431")


SERVER = """
import uvicorn
from app.http.connections import server_options
from tests.http.conftest import small_app, surrounded
import sys
uvicorn.run(surrounded(small_app(), body_seconds=60), **server_options("127.0.0.1", int(sys.argv[1])))
"""


@pytest.mark.parametrize("sent", [HEAD + b"half", b"GET / HTT", b""], ids=["body", "head", "nothing"])
def test_sigterm_ends_it_whoever_is_still_sending(connect: Connect, sent: bytes) -> None:
    port = free_port()
    root = Path(__file__).resolve().parents[2]
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)], cwd=root, env=os.environ | {"PYTHONPATH": str(root)}
    )
    try:
        for _ in range(200):
            try:
                connection = connect(port)
                break
            except OSError:
                time.sleep(0.05)
        else:
            pytest.fail("the server did not start")
        connection.sendall(sent)
        time.sleep(0.2)
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        assert time.monotonic() - started < 7
        if sent.endswith(b"half"):
            answered = connection.recv(4096)
            assert answered.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 5" in answered
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
