from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import stripe

from devtools.stripe_sim.config import Config
from devtools.stripe_sim.kinds import API_VERSION
from devtools.stripe_sim.server import running
from tests.devtools.stripe_sim.conftest import KEY
from tests.devtools.stripe_sim.giving import open_session
from tests.devtools.stripe_sim.receiver import SECRET, Endpoint, Receiver


def connect(url: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        KEY,
        base_addresses={"api": url},
        stripe_version=API_VERSION,
        http_client=stripe.RequestsClient(timeout=5),
    )


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    serving = Endpoint()
    yield serving.receiver
    serving.close()


def test_a_restart_forgets_nothing_and_delivers_what_is_left(tmp_path: Path, endpoint: Receiver) -> None:
    state = tmp_path / "a folder" / "stripe.db"
    down = Config(port=0, state_path=state, webhook_url="http://127.0.0.1:9/", webhook_secret=SECRET)
    with running(down) as first:
        session = open_session(connect(first.url), key="k")
        httpx.post(f"{first.url}/_sim/pay", json={"session": session.id}, trust_env=False)
    assert state.stat().st_mode & 0o777 == 0o600
    up = Config(port=0, state_path=state, webhook_url=endpoint.url, webhook_secret=SECRET)
    with running(up) as second:
        client = connect(second.url)
        assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
        assert open_session(client, key="k").id == session.id
        endpoint.wait_for("checkout.session.completed", "charge.succeeded", "charge.updated")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            httpx.get(f"{url}/healthz", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_the_command_serves_survives_a_kill_and_ends_when_told(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {"HAVEN_STRIPE_PORT": str(port), "HAVEN_STRIPE_SIM_STATE": str(tmp_path / "stripe.db")}
    command = [sys.executable, "-m", "devtools.stripe_sim"]
    process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
    try:
        wait_until_healthy(url)
        session = open_session(connect(url))
        process.kill()
        process.wait(5)
        process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
        wait_until_healthy(url)
        assert connect(url).v1.checkout.sessions.retrieve(session.id).status == "open"
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert time.monotonic() - started < 8
    finally:
        process.kill()
        process.wait(5)


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("whsec_from_file\n", encoding="utf-8")
    config = Config.from_environment(
        {
            "HAVEN_STRIPE_PORT": "13000",
            "HAVEN_HOST": "127.0.0.2",
            "HAVEN_STRIPE_WEBHOOK_URL": "http://127.0.0.1:8000/webhooks/stripe",
            "HAVEN_STRIPE_WEBHOOK_SECRET_FILE": str(secret),
            "HAVEN_STRIPE_SIM_STATE": str(tmp_path / "s.db"),
        },
    )
    assert (config.port, config.host, config.webhook_secret) == (13000, "127.0.0.2", "whsec_from_file")
    assert Config.from_environment({}).port == 12111
    assert Config.from_environment({"HAVEN_STRIPE_WEBHOOK_SECRET": "whsec_x"}).webhook_secret == "whsec_x"
