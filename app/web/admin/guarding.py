"""Who is asking, and whether a form came from our own page."""

from collections.abc import Callable
from functools import cache
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

from app.http.context import Staff, StaffRole
from app.staff.errors import CsrfFailed, Forbidden
from app.staff.login import LoginDesk
from app.staff.passwords import Passwords
from app.staff.roles import MODERATORS, Role
from app.staff.sessions import StaffMember, check_csrf, find_member
from app.web.admin.cookies import cookie_name

_MAX_FIELDS = 20


@cache
def standard_passwords() -> Passwords:
    """One hasher for the process, so that its limit on hashing at once holds."""
    return Passwords()


def login_desk(role: Staff, passwords: Annotated[Passwords, Depends(standard_passwords)]) -> LoginDesk:
    """Where logging in happens."""
    return LoginDesk(role.database, role.hasher, passwords)


Desk = Annotated[LoginDesk, Depends(login_desk)]


def session_token(request: Request, role: StaffRole) -> str | None:
    """The token that the browser sent, whatever it is worth."""
    return request.cookies.get(cookie_name(role.settings.web.staff_url))


async def current_staff(request: Request, role: Staff) -> StaffMember:
    """Who is logged in; the look, and the note that the session was used, are a unit of work of their own.

    Raises:
        SessionExpired: Nobody is; the error page sends a GET to the login.
    """
    async with role.database.begin() as session:
        return await find_member(session, session_token(request, role))


Member = Annotated[StaffMember, Depends(current_staff)]


def allow(*roles: Role) -> Callable[[StaffMember], StaffMember]:
    """A dependency: the member, if one of their roles is among these. Raises Forbidden."""
    allowed = frozenset(roles)

    def check(member: Member) -> StaffMember:
        if not allowed & member.roles:
            raise Forbidden
        return member

    return check


reader = allow(*Role)
"""Anybody with any role may see the reports; who has none may only change their password."""

Reader = Annotated[StaffMember, Depends(reader)]

Moderator = Annotated[StaffMember, Depends(allow(*MODERATORS))]
"""Who decides which signatures count."""


async def own_form(request: Request, role: Staff) -> FormData:
    """A form that a page of ours sent, by what the browser says of its origin. Raises CsrfFailed."""
    check_origin(request, role.settings.web.staff_url)
    return await request.form(max_files=0, max_fields=_MAX_FIELDS)


async def member_form(form: Annotated[FormData, Depends(own_form)], member: Member) -> FormData:
    """A form of this very session, by its token too. Raises CsrfFailed, SessionExpired."""
    check_csrf(member, text_of(form, "csrf_token"))
    return form


OwnForm = Annotated[FormData, Depends(own_form)]
MemberForm = Annotated[FormData, Depends(member_form)]


def check_origin(request: Request, staff_url: str) -> None:
    """Refuse a form that another site sent (OWASP, "Cross-Site Request Forgery Prevention").

    Every browser of today sends `Origin` with a POST, and `Sec-Fetch-Site` to https and to this machine.
    None may object and one must vouch: a request with neither is refused. `Origin: null` says nothing.

    Raises:
        CsrfFailed: The form may come from elsewhere.
    """
    origin = request.headers.get("origin", "null")
    site = request.headers.get("sec-fetch-site")
    vouches = (origin == staff_url, site == "same-origin")
    objects = (origin not in {"null", staff_url}, site not in {None, "same-origin"})
    if any(objects) or not any(vouches):
        raise CsrfFailed(f"This form was not sent from {staff_url}. Please open that address and try again.")


def line_of(form: FormData, name: str) -> str:
    """A field's text as one line: without what cannot be printed, or stored."""
    return "".join(letter for letter in text_of(form, name) if letter.isprintable()).strip()


def text_of(form: FormData, name: str) -> str:
    """A field's text; empty where it is missing or a file."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
