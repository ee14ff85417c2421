"""Logging in: book the attempt, compare the password with no transaction open, then settle the outcome."""

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.recording import record
from app.core.db import Database
from app.crypto.hashing import Hasher
from app.staff.attempts import Attempt, book, give_back
from app.staff.errors import LoginFailed, SessionExpired
from app.staff.models import StaffAccount
from app.staff.passwords import Passwords, check_strength
from app.staff.sessions import StaffMember, end_lapsed_sessions, end_other_sessions, end_session, open_session

_LONGEST_EMAIL = 254


@dataclass(frozen=True, slots=True)
class _Known:
    """An account as it was when the attempt was booked."""

    id: int
    email: str
    name: str
    password_hash: str


class LoginDesk:
    """Where staff log in and change their passwords."""

    def __init__(self, database: Database, hasher: Hasher, passwords: Passwords) -> None:
        self._database = database
        self._hasher = hasher
        self._passwords = passwords

    async def log_in(self, email: str, password: str, network: str, replacing: str | None = None) -> str:
        """Open a session and return its token.

        An address without an account costs the same queries and the same hashing, counts and locks alike,
        and gets the same answer.

        Args:
            email: As typed.
            password: As typed.
            network: Where the attempt comes from, by `app.core.networks.network_of`.
            replacing: The token the browser sent, if any: that session ends, its token is never used again.

        Raises:
            LoginFailed: Wrong address or password, or the account is disabled.
            LoginLocked: Too many attempts; nothing was compared.
            Overloaded: Too many log in at once; the attempt stays counted.
        """
        folded = fold_email(email)
        async with self._database.begin() as session:
            attempt = await book(session, self._hasher, folded, network)
            known = await _find(session, folded)
        verdict = await self._passwords.verify(password, known.password_hash if known else None)
        fresh_hash = await self._passwords.hash(password) if verdict.needs_rehash else None
        async with self._database.begin() as session:
            if known and verdict.matches and await _enter(session, known, fresh_hash):
                await give_back(session, attempt)
                await end_session(session, replacing, "replaced")
                await end_lapsed_sessions(session)
                return await open_session(session, known.id)
            await _record_failure(session, known, attempt)
        raise LoginFailed

    async def change_password(self, member: StaffMember, current: str, new: str, network: str) -> None:
        """Set a new password and end every other session of the account.

        Raises:
            LoginFailed: The current password is wrong.
            LoginLocked: Too many attempts at the current password.
            WeakPassword: The new one is easy to guess.
            SessionExpired: The account has changed meanwhile.
        """
        check_strength(new, email=member.email, name=member.name)
        async with self._database.begin() as session:
            attempt = await book(session, self._hasher, member.email, network)
            known = await _find(session, member.email)
        verdict = await self._passwords.verify(current, known.password_hash if known else None)
        fresh_hash = await self._passwords.hash(new) if verdict.matches else None
        async with self._database.begin() as session:
            if known and fresh_hash:
                if not await _replace_hash(session, known, fresh_hash):
                    raise SessionExpired
                await give_back(session, attempt)
                await end_other_sessions(session, member, "password changed")
                await record(session, member.actor, "staff:password:changed", member.actor)
                return
            await _record_failure(session, known, attempt)
        raise LoginFailed("The current password is not right.", field="current")


def fold_email(email: str) -> str:
    """The address as accounts hold it: trimmed, in lower case, cut where no address is longer."""
    storable = email.replace("\0", "").encode("utf-8", "replace").decode()
    return storable.strip().lower()[: _LONGEST_EMAIL + 1]


async def _find(session: AsyncSession, folded: str) -> _Known | None:
    query = select(StaffAccount).where(StaffAccount.email == folded, StaffAccount.disabled_at.is_(None))
    found = await session.scalar(query)
    return _Known(found.id, found.email, found.name, found.password_hash) if found else None


async def _enter(session: AsyncSession, known: _Known, fresh_hash: str | None) -> bool:
    """Note the login, unless the account was disabled or its password changed in the meantime."""
    if not await _replace_hash(session, known, fresh_hash or known.password_hash):
        return False
    await session.execute(
        update(StaffAccount).where(StaffAccount.id == known.id).values(last_login_at=func.now())
    )
    subject = f"staff:{known.id}"
    await record(session, subject, "staff:login:succeeded", subject)
    return True


async def _replace_hash(session: AsyncSession, known: _Known, password_hash: str) -> bool:
    replaced = await session.scalar(
        update(StaffAccount)
        .where(
            StaffAccount.id == known.id,
            StaffAccount.disabled_at.is_(None),
            StaffAccount.password_hash == known.password_hash,
        )
        .values(password_hash=password_hash)
        .returning(StaffAccount.id)
    )
    return replaced is not None


async def _record_failure(session: AsyncSession, known: _Known | None, attempt: Attempt) -> None:
    subject = f"staff:{known.id}" if known else "staff:unknown"
    await record(session, "anonymous", "staff:login:failed", subject)
    if attempt.locks:
        await record(session, "anonymous", "staff:login:locked", subject)
