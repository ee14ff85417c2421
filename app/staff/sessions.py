"""Server-side sessions: the browser holds a token, the table its hash; the database's clock ends them."""

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.recording import record
from app.core.tokens import hash_token, new_token, well_formed
from app.staff.errors import CsrfFailed, SessionExpired
from app.staff.roles import MODERATORS, Role, known_roles

IDLE_MINUTES = 30
LONGEST_HOURS = 12
"""OWASP Session Management Cheat Sheet: 15 to 30 minutes idle; 4 to 8 hours in all, here a long day."""

_ALIVE = f"s.expires_at > now() and s.last_seen_at > now() - interval '{IDLE_MINUTES} minutes'"
_LAPSED_AT_ONCE = 100

_OPEN = text(f"""
insert into staff_sessions (token_hash, staff_id, csrf_hash, expires_at)
values (:token_hash, :staff_id, :csrf_hash, now() + interval '{LONGEST_HOURS} hours')
""")  # noqa: S608 - built from constants
_FIND = text(f"""
select a.id, a.email, a.name, a.roles, s.csrf_hash, s.last_seen_at < now() - interval '1 minute' as stale
  from staff_sessions s join staff_accounts a on a.id = s.staff_id
 where s.token_hash = :token_hash and {_ALIVE} and a.disabled_at is null
""")  # noqa: S608 - built from constants
_TOUCH = text("update staff_sessions set last_seen_at = now() where token_hash = :token_hash")
_END = text("delete from staff_sessions where token_hash = :token_hash returning staff_id")
_END_OTHERS = text(
    "delete from staff_sessions where staff_id = :staff_id and token_hash <> :token_hash returning staff_id"
)
_END_LAPSED = text(f"""
delete from staff_sessions where token_hash in (
  select s.token_hash from staff_sessions s where not ({_ALIVE})
   limit {_LAPSED_AT_ONCE} for update skip locked)
returning staff_id
""")  # noqa: S608 - built from constants


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Whoever is logged in, for the length of one request."""

    id: int
    email: str
    name: str
    roles: frozenset[Role]
    token: str
    csrf_hash: bytes

    @property
    def actor(self) -> str:
        """How the audit trail names them."""
        return f"staff:{self.id}"

    @property
    def moderates(self) -> bool:
        """Whether they decide which signatures count."""
        return bool(MODERATORS & self.roles)

    @property
    def csrf_token(self) -> str:
        """What the forms of this session carry."""
        return csrf_token(self.token)

    def __repr__(self) -> str:
        return f"StaffMember(id={self.id})"


def csrf_token(token: str) -> str:
    """The secret of a session's forms, made from its token so that pages need not store it.

    The step is one-way: a page that leaks this leaks no session.
    """
    digest = hmac.digest(token.encode(), b"haven:staff:csrf:1", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def check_csrf(member: StaffMember, given: str) -> None:
    """Hold a form's token against the session's, in constant time. Raises CsrfFailed."""
    if not hmac.compare_digest(hash_token(given), member.csrf_hash):
        raise CsrfFailed


async def open_session(session: AsyncSession, staff_id: int) -> str:
    """Start a session under a fresh token, which is returned and stored nowhere."""
    token = new_token()
    values = {
        "token_hash": hash_token(token),
        "staff_id": staff_id,
        "csrf_hash": hash_token(csrf_token(token)),
    }
    await session.execute(_OPEN, values)
    return token


async def find_member(session: AsyncSession, token: str | None) -> StaffMember:
    """Whose session this is, and note that it was used.

    Raises:
        SessionExpired: There is no such session, it has been idle or open for too long, or the account is
            disabled.
    """
    if not token or not well_formed(token):
        raise SessionExpired
    token_hash = hash_token(token)
    row = (await session.execute(_FIND, {"token_hash": token_hash})).one_or_none()
    if row is None:
        raise SessionExpired
    if row.stale:
        await session.execute(_TOUCH, {"token_hash": token_hash})
    return StaffMember(row.id, row.email, row.name, known_roles(row.roles), token, bytes(row.csrf_hash))


async def end_session(session: AsyncSession, token: str | None, why: str) -> None:
    """End the session of a token, if there is one, and say so in the audit trail."""
    if not token or not well_formed(token):
        return
    await _record_ends(session, await session.scalars(_END, {"token_hash": hash_token(token)}), why)


async def end_other_sessions(session: AsyncSession, member: StaffMember, why: str) -> None:
    """End every session of the account but this one."""
    values = {"staff_id": member.id, "token_hash": hash_token(member.token)}
    await _record_ends(session, await session.scalars(_END_OTHERS, values), why)


async def end_lapsed_sessions(session: AsyncSession) -> None:
    """Remove sessions whose time is over, a bounded number at once."""
    await _record_ends(session, await session.scalars(_END_LAPSED), "lapsed")


async def _record_ends(session: AsyncSession, ended: Iterable[int], why: str) -> None:
    for staff_id in list(ended):
        subject = f"staff:{staff_id}"
        await record(session, subject, "staff:session:ended", subject, {"why": why})
