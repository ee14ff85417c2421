"""Which ports a run takes."""

import socket
from pathlib import Path

import pytest

from devtools.run.ports import choose_ports
from devtools.run.say import CannotRun
from tests.ports import free_port

ROOT = Path("/somewhere/haven")


def given(**more: str) -> dict[str, str]:
    names = ("PUBLIC", "STAFF", "MAIL", "SMTP", "STRIPE")
    return {f"HAVEN_{name}_PORT": str(free_port()) for name in names} | more


def test_two_checkouts_look_for_their_hidden_ports_in_different_places() -> None:
    first = choose_ports(given(), ROOT, simulator=True, database=True)
    second = choose_ports(given(), ROOT.with_name("other"), simulator=True, database=True)

    assert first.worker != second.worker
    assert first.postgres != second.postgres


def test_given_ports_are_taken_as_they_are() -> None:
    worker, postgres = str(free_port()), str(free_port())
    ports = choose_ports(
        given(HAVEN_WORKER_PORT=worker, HAVEN_POSTGRES_PORT=postgres), ROOT, simulator=True, database=True
    )

    assert (ports.worker, ports.postgres) == (int(worker), int(postgres))


def test_every_problem_is_named_at_once() -> None:
    with socket.socket() as taken, socket.socket() as also_taken:
        for listener in (taken, also_taken):
            listener.bind(("127.0.0.1", 0))
            listener.listen()
        environment = given(
            HAVEN_PUBLIC_PORT=str(taken.getsockname()[1]), HAVEN_SMTP_PORT=str(also_taken.getsockname()[1])
        )

        with pytest.raises(CannotRun) as refusal:
            choose_ports(environment, ROOT, simulator=True, database=True)

    assert "HAVEN_PUBLIC_PORT" in str(refusal.value)
    assert "HAVEN_SMTP_PORT" in str(refusal.value)


def test_the_same_port_twice() -> None:
    port = str(free_port())

    with pytest.raises(CannotRun, match=f"HAVEN_STAFF_PORT and HAVEN_PUBLIC_PORT are both {port}"):
        choose_ports(
            given(HAVEN_PUBLIC_PORT=port, HAVEN_STAFF_PORT=port), ROOT, simulator=True, database=True
        )


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(CannotRun, match="HAVEN_PUBLIC_PORT"):
        choose_ports(given(HAVEN_PUBLIC_PORT=text), ROOT, simulator=True, database=True)


def test_simulators_port_does_not_matter_without_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = given(HAVEN_STRIPE_PORT=str(taken.getsockname()[1]))

        choose_ports(environment, ROOT, simulator=False, database=True)
        with pytest.raises(CannotRun, match="HAVEN_STRIPE_PORT"):
            choose_ports(environment, ROOT, simulator=True, database=True)
