"""What a running role holds, wired once in `app/main.py` and asked for by routes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import Clock
from app.core.db import Database
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.donations.appeals import PublishedAppeals
from app.donations.gateway import PaymentGateway
from app.donations.giving import Giving
from app.petitions.acting import SignerActions
from app.petitions.breakdowns import Breakdowns
from app.petitions.form_tokens import FormTokens
from app.petitions.letterbox import Letterbox
from app.petitions.proof_of_work import ProofOfWork
from app.petitions.remembering import PublishedPetitions
from app.petitions.surge_watching import SurgeWatch
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class PublicRole:
    """The public role: it seals, it pays in, it reads nobody's data without that person's token."""

    settings: Settings
    clock: Clock
    database: Database
    sealer: Sealer
    letterbox: Letterbox
    signers: SignerActions
    petitions: PublishedPetitions
    appeals: PublishedAppeals
    gateway: PaymentGateway
    giving: Giving
    form_tokens: FormTokens
    work: ProofOfWork
    surge: SurgeWatch
    breakdowns: Breakdowns


@dataclass(frozen=True, slots=True)
class StaffRole:
    """The staff role: admin pages, reports, exports."""

    settings: Settings
    clock: Clock
    database: Database
    sealer: Sealer
    opener: Opener
    hasher: Hasher


# Coroutines, though they wait for nothing: FastAPI would call plain functions in a thread, at every request.
async def public_role(request: Request) -> PublicRole:
    """The wiring of a public process."""
    return cast("PublicRole", request.app.state.role)


async def staff_role(request: Request) -> StaffRole:
    """The wiring of a staff process."""
    return cast("StaffRole", request.app.state.role)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A unit of work around one request; with function scope, it commits before the response goes out."""
    role = cast("PublicRole | StaffRole", request.app.state.role)
    async with role.database.begin() as session:
        yield session


Public = Annotated[PublicRole, Depends(public_role)]
Staff = Annotated[StaffRole, Depends(staff_role)]
Session = Annotated[AsyncSession, Depends(get_session, scope="function")]
