"""Donations against a real database and the simulator, spoken to by the real SDK over HTTP."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from app.api.routes import add_api
from app.core.clock import SystemClock
from app.core.db import Database
from app.core.money import Money
from app.crypto.keys import KeySet
from app.crypto.sealing import Opener, Sealer
from app.donations.appeals import PublishedAppeals
from app.donations.gift import Gift
from app.donations.giving import Giving, StartedDonation
from app.donations.receipts import Receipts
from app.donations.settlement import Settlement
from app.donations.stripe_gateway import StripeGateway
from app.donations.sweeper import Sweeper
from app.http.context import PublicRole
from app.http.problems import install_problems
from app.petitions.acting import SignerActions
from app.petitions.breakdowns import Breakdowns
from app.petitions.form_tokens import FormTokens
from app.petitions.letterbox import Letterbox
from app.petitions.linking import Confirmer
from app.petitions.proof_of_work import ProofOfWork
from app.petitions.remembering import PublishedPetitions
from app.petitions.surge_watching import SurgeWatch
from app.settings import Settings
from app.web.routes import build_public_router
from devtools.stripe_sim.config import Config
from devtools.stripe_sim.kinds import Object
from devtools.stripe_sim.server import Running, running

WEBHOOK_SECRET = "whsec_tests_of_donations_only"
PUBLIC_URL = "http://127.0.0.1:8000"


def pytest_configure(config: pytest.Config) -> None:
    """The SDK calls httpx in a way that httpx would rather not see any more."""
    config.addinivalue_line("filterwarnings", "ignore:Use 'content=:DeprecationWarning")


@dataclass
class Stripe:
    """The simulator, as a test moves it."""

    running: Running
    http: httpx.AsyncClient

    async def control(self, path: str, **wanted: object) -> Object:
        answer = await self.http.post(f"/_sim/{path}", json=wanted)
        assert answer.status_code == 200, answer.text
        body: Object = answer.json()
        return body

    async def pay(self, started: StartedDonation, card: str = "4242424242424242", **more: str) -> Object:
        assert started.checkout_url is not None
        session_id = started.checkout_url.rsplit("/", 1)[1]
        return await self.control("pay", session=session_id, card=card, **more)

    async def fault(self, operation: str, kind: str, times: int = 1, seconds: float = 30) -> None:
        await self.control("faults", operation=operation, kind=kind, times=times, seconds=seconds)

    def objects(self, kind: str) -> list[Object]:
        return [dict(body) for body in self.running.simulator.store.all(kind).values()]

    async def refund(self, intent_id: str, amount: int) -> None:
        answer = await self.http.post(
            "/v1/refunds",
            data={"payment_intent": intent_id, "amount": str(amount)},
            headers={"Authorization": "Bearer sk_test_donations"},
        )
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="session")
def simulator() -> Iterator[Running]:
    with running(Config(port=0, webhook_secret=WEBHOOK_SECRET, contract=True, settle_seconds=0)) as started:
        yield started


@pytest.fixture
async def stripe(simulator: Running) -> AsyncIterator[Stripe]:
    async with httpx.AsyncClient(base_url=simulator.url, timeout=10, trust_env=False) as http:
        stripe = Stripe(simulator, http)
        await stripe.control("reset")
        yield stripe
        assert simulator.simulator.contract is not None
        assert simulator.simulator.contract.violations == []


@pytest.fixture
async def gateway(simulator: Running) -> AsyncIterator[StripeGateway]:
    made = StripeGateway(
        "sk_test_donations",
        WEBHOOK_SECRET,
        api_base=simulator.url,
        timeout_seconds=1,
        retries=1,
        deadline_seconds=5,
    )
    yield made
    await made.close()


@dataclass
class Donating:
    """Both sides of a donation: the public role's and the worker's, each with its own login."""

    public: Database
    internal: Database
    gateway: StripeGateway
    giving: Giving
    receipts: Receipts
    settlement: Settlement
    sweeper: Sweeper
    superuser: psycopg.Connection
    slug: str
    opener: Opener
    gifts: list[Gift] = field(default_factory=list)

    async def give(
        self, amount: Money | None = None, *, key: str | None = None, **more: object
    ) -> StartedDonation:
        gift = Gift(
            **{  # type: ignore[arg-type]
                "appeal_slug": self.slug,
                "amount": amount or Money(2500, "GBP"),
                "email": "ada@example.org",
                "name": "Ada",
                "wording_version": 1,
                **more,
            }
        )
        return await self.giving.start(gift, caller="192.0.2.1", idempotency_key=key)

    def row(self, statement: str, *values: object) -> tuple[object, ...]:
        found = self.superuser.execute(statement.encode(), values).fetchone()
        assert found is not None
        return tuple(found)

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self.superuser.execute(statement.encode(), values).fetchall()]

    def state(self, donation_id: object) -> str:
        return str(self.row("select state from donations where id = %s", donation_id)[0])

    def mails(self, donation_id: object) -> list[str]:
        found = self.rows("select kind from mails where subject_id = %s order by id", donation_id)
        return [str(kind) for (kind,) in found]

    def book(self) -> dict[str, int]:
        """The sum of every account, by its kind."""
        found = self.rows(
            "select a.kind, sum(e.amount_minor)::bigint from ledger_entries e "
            "join ledger_accounts a on a.id = e.account_id group by a.kind"
        )
        return {str(kind): int(str(amount)) for kind, amount in found}


@pytest.fixture
async def donating(
    public: Database,
    internal: Database,
    superuser: psycopg.Connection,
    gateway: StripeGateway,
    stripe: Stripe,
    sealer: Sealer,
    opener: Opener,
    keys: KeySet,
    world: object,
) -> Donating:
    receipts = Receipts(sealer=sealer, opener=opener, public_url=PUBLIC_URL)
    settlement = Settlement(database=internal, gateway=gateway, receipts=receipts)
    at_once = timedelta(0)
    return Donating(
        public=public,
        internal=internal,
        gateway=gateway,
        giving=Giving(
            database=public,
            sealer=sealer,
            gateway=gateway,
            form_key=keys.form,
            public_url=PUBLIC_URL,
            clock=SystemClock(),
        ),
        receipts=receipts,
        settlement=settlement,
        sweeper=Sweeper(
            database=internal,
            gateway=gateway,
            settlement=settlement,
            receipts=receipts,
            pending_for=at_once,
            unattached_for=at_once,
            unhandled_for=at_once,
        ),
        superuser=superuser,
        slug="shelter",
        opener=opener,
    )


@pytest.fixture
async def http(donating: Donating, sealer: Sealer) -> AsyncIterator[httpx.AsyncClient]:
    """The public role over HTTP: its API and its pages."""
    settings, clock = Settings(demo=True), SystemClock()
    letterbox, confirmer = Letterbox(donating.public), Confirmer(donating.public)
    surge = SurgeWatch(donating.public, "public", letterbox)
    app = FastAPI(max_body_size=settings.web.max_body_bytes)
    app.state.role = PublicRole(
        settings=settings,
        clock=clock,
        database=donating.public,
        sealer=sealer,
        letterbox=letterbox,
        signers=SignerActions(donating.public, confirmer, sealer),
        petitions=PublishedPetitions(donating.public, clock),
        appeals=PublishedAppeals(donating.public, clock, max_age=0),
        gateway=donating.gateway,
        giving=donating.giving,
        form_tokens=FormTokens(b"f" * 32),
        work=ProofOfWork(donating.public, b"f" * 32, lambda: surge.asks_work),
        surge=surge,
        breakdowns=Breakdowns(donating.public, clock, lambda: surge.sheds_breakdowns),
    )
    add_api(app, settings)
    app.include_router(build_public_router(settings))
    install_problems(app, None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client
