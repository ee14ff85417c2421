from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest
import stripe

from devtools.stripe_sim.config import Config
from devtools.stripe_sim.kinds import API_VERSION
from devtools.stripe_sim.server import Running, running
from tests.devtools.stripe_sim.receiver import SECRET, Endpoint, Receiver

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # plain HTTP here; loading certificates takes time
KEY = "sk_test_51HavenSimulator"


@pytest.fixture(scope="session")
def shared() -> Iterator[Running]:
    """One simulator for all tests, strict about Stripe's description."""
    config = Config(port=0, contract=True, settle_seconds=0.05, retry_seconds=0.02, webhook_secret=SECRET)
    with running(config) as started:
        yield started


@pytest.fixture
def sim(shared: Running, shared_control: httpx.Client) -> Iterator[Running]:
    """The simulator, empty; a call that Stripe's description does not allow fails the test."""
    shared_control.post("webhooks", json={"url": ""}).raise_for_status()
    shared_control.post("reset").raise_for_status()
    contract = shared.simulator.contract
    assert contract is not None
    contract.violations.clear()
    yield shared
    assert contract.violations == []


@pytest.fixture(scope="session")
def shared_control(shared: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{shared.url}/_sim/", timeout=30, trust_env=False, verify=NO_TLS) as client:
        yield client


@pytest.fixture
def control(sim: Running, shared_control: httpx.Client) -> httpx.Client:
    return shared_control


@pytest.fixture
def browser(sim: Running) -> Iterator[httpx.Client]:
    """A browser without JavaScript, as far as the pages need one."""
    with httpx.Client(base_url=sim.url, timeout=30, trust_env=False, verify=NO_TLS) as client:
        yield client


@pytest.fixture
def client(sim: Running) -> Iterator[stripe.StripeClient]:
    yield from _client(sim)


@pytest.fixture
def hasty(sim: Running) -> Iterator[stripe.StripeClient]:
    """A client that gives up soon."""
    yield from _client(sim, timeout=0.5)


@pytest.fixture
def patient(sim: Running) -> Iterator[stripe.StripeClient]:
    """A client that tries again, with the same idempotency key."""
    yield from _client(sim, retries=2)


def _client(sim: Running, retries: int = 0, timeout: float = 10) -> Iterator[stripe.StripeClient]:
    http = stripe.RequestsClient(timeout=timeout)
    yield stripe.StripeClient(
        KEY,
        base_addresses={"api": sim.url},
        stripe_version=API_VERSION,
        max_network_retries=retries,
        http_client=http,
    )
    http.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def receiver(control: httpx.Client) -> Iterator[Receiver]:
    endpoint = Endpoint()
    control.post("webhooks", json={"url": endpoint.receiver.url})
    yield endpoint.receiver
    control.post("webhooks", json={"url": ""})
    control.post("reset")
    endpoint.close()
