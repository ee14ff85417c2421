"""Build a role from its settings: keys parsed, the database judged, every part handed what it needs."""

import asyncio

import psycopg
import structlog
from nacl.public import PrivateKey
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from app.core.clock import SystemClock
from app.core.db import Database, is_unavailable
from app.core.schema import check_database
from app.crypto.errors import InvalidKey
from app.crypto.hashing import Hasher
from app.crypto.keys import parse_key, parse_sealing_key, public_of
from app.crypto.models import SealingKey
from app.crypto.sealing import Opener, OpeningSealer, Sealer
from app.donations.appeals import PublishedAppeals
from app.donations.giving import Giving
from app.donations.stripe_gateway import StripeGateway
from app.http.context import PublicRole, StaffRole
from app.petitions.acting import SignerActions
from app.petitions.breakdowns import Breakdowns
from app.petitions.form_tokens import FormTokens
from app.petitions.letterbox import Letterbox
from app.petitions.linking import Confirmer
from app.petitions.proof_of_work import ProofOfWork
from app.petitions.remembering import PublishedPetitions
from app.petitions.surge_watching import SurgeWatch
from app.settings import ConfigurationRefused, Role, Settings, check

log = structlog.get_logger(__name__)
_PATIENCE_SECONDS = 30


def open_database(settings: Settings, role: Role) -> Database:
    """The role's login."""
    section = settings.database
    url = section.public_database_url if role is Role.PUBLIC else section.internal_database_url
    return Database(
        secret(url),
        pool_size=section.database_pool_size,
        prepare=section.database_prepare,
        name=f"haven-{role}",
    )


async def wait_for_database(database: Database) -> None:
    """Check the database, waiting for one that is still starting.

    Raises:
        ConfigurationRefused: It cannot be reached in half a minute, or what it is does not do.
    """
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        try:
            await check_database(database)
        except (DBAPIError, psycopg.OperationalError, OSError) as error:
            lost = isinstance(error, DBAPIError) and not is_unavailable(error)
            if lost or asyncio.get_running_loop().time() > deadline:
                raise ConfigurationRefused(
                    ["The database cannot be reached: check its URL, and that it runs."]
                ) from None
            await asyncio.sleep(0.5)
        else:
            return


async def build_public(settings: Settings) -> PublicRole:
    """The public role. Raises ConfigurationRefused."""
    check(settings, Role.PUBLIC)
    keys = _parsed(settings, "sealing_key", "form_key")
    database = open_database(settings, Role.PUBLIC)
    await wait_for_database(database)
    clock = SystemClock()
    sealer = Sealer(await _key_id(database, keys["sealing_key"]), keys["sealing_key"])
    letterbox = Letterbox(database, capacity=settings.surge.letterbox_capacity)
    surge = SurgeWatch(database, Role.PUBLIC, letterbox, backlog_capacity=settings.surge.backlog_capacity)
    petitions = PublishedPetitions(database, clock, sheds_signers=lambda: surge.sheds_signers)
    confirmer = Confirmer(database, petitions.count)
    gateway = build_gateway(settings)
    return PublicRole(
        settings=settings,
        clock=clock,
        database=database,
        sealer=sealer,
        letterbox=letterbox,
        signers=SignerActions(database, confirmer, sealer),
        petitions=petitions,
        appeals=PublishedAppeals(database, clock),
        gateway=gateway,
        giving=Giving(
            database=database,
            sealer=sealer,
            gateway=gateway,
            form_key=keys["form_key"],
            public_url=settings.web.public_url,
            clock=clock,
        ),
        form_tokens=FormTokens(keys["form_key"]),
        work=ProofOfWork(database, keys["form_key"], lambda: surge.asks_work),
        surge=surge,
        breakdowns=Breakdowns(database, clock, lambda: surge.sheds_breakdowns),
    )


async def build_staff(settings: Settings, role: Role = Role.STAFF) -> StaffRole:
    """The staff role; also what a worker stands on. Raises ConfigurationRefused."""
    check(settings, role)
    keys = _parsed(settings, "sealing_key", "opening_key", "hash_key")
    if public_of(keys["opening_key"]) != keys["sealing_key"]:
        raise ConfigurationRefused(
            ["HAVEN_SEALING_KEY and HAVEN_OPENING_KEY are no pair: `haven keys new` makes one."]
        )
    database = open_database(settings, role)
    await wait_for_database(database)
    key_id = await register_key(database, keys["sealing_key"])
    opening = PrivateKey(keys["opening_key"])
    return StaffRole(
        settings=settings,
        clock=SystemClock(),
        database=database,
        sealer=OpeningSealer(key_id, opening),
        opener=Opener({key_id: opening}),
        hasher=Hasher(keys["hash_key"]),
    )


def build_gateway(settings: Settings) -> StripeGateway:
    """Stripe, or the simulator in its place."""
    stripe = settings.stripe
    return StripeGateway(
        secret(stripe.stripe_secret_key),
        stripe.stripe_webhook_secret.get_secret_value() if stripe.stripe_webhook_secret else "",
        api_base=stripe.stripe_api_base,
        timeout_seconds=stripe.stripe_timeout_seconds,
    )


async def register_key(database: Database, public_key: bytes) -> int:
    """The id of a sealing key, which is written down where it is new."""
    async with database.begin() as session:
        await session.execute(insert(SealingKey).values(public_key=public_key).on_conflict_do_nothing())
        found = await session.scalar(select(SealingKey.id).where(SealingKey.public_key == public_key))
    if found is None:
        raise RuntimeError("a key that was just written is not there")
    return found


def secret(value: SecretStr | None) -> str:
    """The secret in clear; `check` has seen to it that it is there."""
    if value is None:
        raise ConfigurationRefused(["A secret is missing."])
    return value.get_secret_value()


def _parsed(settings: Settings, *names: str) -> dict[str, bytes]:
    problems, keys = [], {}
    for name in names:
        parse = parse_sealing_key if name == "sealing_key" else parse_key
        try:
            keys[name] = parse(secret(getattr(settings.keys, name)), f"HAVEN_{name.upper()}")
        except InvalidKey as error:
            problems.append(str(error))
    if problems:
        raise ConfigurationRefused(problems)
    return keys


async def _key_id(database: Database, public_key: bytes) -> int:
    """The public role may not register a key: the worker, staff or `haven migrate` has."""
    async with database.begin() as session:
        found = await session.scalar(select(SealingKey.id).where(SealingKey.public_key == public_key))
    if found is None:
        raise ConfigurationRefused(
            ["HAVEN_SEALING_KEY is not registered: run `haven migrate` with it, or start the worker first."]
        )
    return found
