"""Staff accounts: made at the command line with the owner's login, which no serving process holds."""

from collections.abc import Iterable

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.recording import record
from app.staff.errors import StaffEmailInvalid, StaffEmailTaken
from app.staff.login import fold_email
from app.staff.models import StaffAccount
from app.staff.passwords import Passwords, check_strength
from app.staff.roles import MODERATORS, parse_roles


async def add_staff(
    session: AsyncSession,
    email: str,
    name: str,
    roles: Iterable[str],
    password: str,
    *,
    passwords: Passwords | None = None,
) -> int:
    """Make an account and return its id.

    Args:
        session: A unit of work of the owner's login: the internal one may not add accounts.
        email: Who logs in; kept in lower case.
        name: As shown to other staff; the address's first part where empty.
        roles: At least one of editor, finance, privacy, admin.
        password: Held to `passwords.check_strength`.
        passwords: The hasher to use; one with the standard cost where not given.

    Raises:
        StaffEmailInvalid, StaffEmailTaken, RoleUnknown, WeakPassword: Nothing is written.
    """
    folded = _checked(email)
    shown = name.strip() or folded.partition("@")[0]
    known = parse_roles(roles)
    check_strength(password, email=folded, name=shown)
    values = {
        "email": folded,
        "name": shown,
        "roles": sorted(known),
        "password_hash": await (passwords or Passwords()).hash(password),
    }
    statement = insert(StaffAccount).values(values).on_conflict_do_nothing(index_elements=["email"])
    staff_id: int | None = await session.scalar(statement.returning(StaffAccount.id))
    if staff_id is None:
        raise StaffEmailTaken(field="email")
    await record(
        session, "cli", "staff:account:added", f"staff:{staff_id}", {"roles": " ".join(sorted(known))}
    )
    return staff_id


async def watch_recipients(session: AsyncSession) -> list[tuple[str, str]]:
    """Address and name of everybody who moderates and wants to be mailed what the fraud watch finds."""
    query = (
        select(StaffAccount.email, StaffAccount.name)
        .where(
            StaffAccount.disabled_at.is_(None),
            StaffAccount.watch_mail,
            StaffAccount.roles.overlap(sorted(MODERATORS)),
        )
        .order_by(StaffAccount.id)
        .limit(100)
    )
    return [(email, name) for email, name in await session.execute(query)]


async def names_of(session: AsyncSession, actors: Iterable[str]) -> dict[str, str]:
    """How staff are called, by how the audit trail names them; who is no account keeps that name."""
    ids = {int(a.partition(":")[2]): a for a in actors if a.startswith("staff:") and a[6:].isdigit()}
    query = select(StaffAccount.id, StaffAccount.name).where(StaffAccount.id.in_(sorted(ids)))
    return {ids[staff_id]: name for staff_id, name in await session.execute(query)}


async def wants_watch_mail(session: AsyncSession, staff_id: int) -> bool:
    """Whether this account is mailed what the fraud watch finds."""
    return bool(await session.scalar(select(StaffAccount.watch_mail).where(StaffAccount.id == staff_id)))


async def set_watch_mail(session: AsyncSession, staff_id: int, *, wanted: bool) -> None:
    """Switch that mail on or off, for oneself."""
    await session.execute(update(StaffAccount).where(StaffAccount.id == staff_id).values(watch_mail=wanted))
    actor = f"staff:{staff_id}"
    await record(session, actor, f"staff:watch_mail:{'on' if wanted else 'off'}", actor)


def _checked(email: str) -> str:
    try:
        # A demo's addresses end in .example; whether mail arrives there is not asked here.
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise StaffEmailInvalid(field="email") from error
    return fold_email(checked.normalized)
