"""Log in and out, and change one's password."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.core.errors import AppError
from app.core.networks import UNKNOWN
from app.http.client import client_network
from app.http.context import Session, Staff
from app.http.statuses import STATUS
from app.staff.accounts import set_watch_mail, wants_watch_mail
from app.staff.errors import LoginFailed, LoginLocked, SessionExpired, WeakPassword
from app.staff.passwords import MIN_LENGTH
from app.staff.sessions import end_session
from app.web.admin.cookies import clear_session_cookie, set_session_cookie
from app.web.admin.destinations import safe_next
from app.web.admin.guarding import (
    Desk,
    Member,
    MemberForm,
    Moderator,
    OwnForm,
    current_staff,
    member_form,
    session_token,
    text_of,
)
from app.web.admin.rendering import redirect, render

router = APIRouter()


@router.get("/login")
async def login_page(request: Request, role: Staff) -> Response:
    """The form; whoever is logged in already goes on."""
    wanted = safe_next(request.query_params.get("next", "/"))
    try:
        await current_staff(request, role)
    except SessionExpired:
        return _login_form(request, wanted)
    return redirect(wanted)


@router.post("/login")
async def log_in(request: Request, role: Staff, form: OwnForm, desk: Desk) -> Response:
    """Open a session under a fresh token, or say no in the same words whatever was wrong."""
    wanted = safe_next(text_of(form, "next"))
    email, password = text_of(form, "email"), text_of(form, "password")
    network = client_network(request) or UNKNOWN
    try:
        token = await desk.log_in(email, password, network, session_token(request, role))
    except (LoginFailed, LoginLocked) as error:
        return _login_form(request, wanted, email=email, error=error)
    response = redirect(wanted)
    set_session_cookie(response, role.settings.web.staff_url, token)
    return response


@router.post("/logout", dependencies=[Depends(member_form)])
async def log_out(request: Request, role: Staff, session: Session) -> Response:
    """End the session here and in the browser."""
    await end_session(session, session_token(request, role), "logged out")
    response = redirect("/login")
    clear_session_cookie(response, role.settings.web.staff_url)
    return response


@router.get("/account")
async def account_page(request: Request, member: Member, session: Session) -> Response:
    """Who one is here, a form for another password, and which mail one wants."""
    query = request.query_params
    watch_mail = await wants_watch_mail(session, member.id)
    return _account(member, watch_mail=watch_mail, changed="changed" in query, chosen="chosen" in query)


@router.post("/account/mail")
async def choose_mail(member: Moderator, form: MemberForm, session: Session) -> Response:
    """Switch on or off what the fraud watch mails."""
    await set_watch_mail(session, member.id, wanted=text_of(form, "watch_mail") == "yes")
    return redirect("/account?chosen=1")


@router.post("/account")
async def change_password(
    request: Request, role: Staff, member: Member, form: MemberForm, desk: Desk
) -> Response:
    """Set another password; all other sessions of the account end."""
    network = client_network(request) or UNKNOWN
    try:
        await desk.change_password(member, text_of(form, "current"), text_of(form, "password"), network)
    except (LoginFailed, LoginLocked, WeakPassword) as error:
        async with role.database.begin() as session:
            watch_mail = await wants_watch_mail(session, member.id)
        return _account(member, watch_mail=watch_mail, error=error)
    return redirect("/account?changed=1")


def _login_form(request: Request, wanted: str, *, email: str = "", error: AppError | None = None) -> Response:
    response = render(
        "login",
        member=None,
        title="Log in",
        status=STATUS[error.code] if error else 200,
        email=email,
        wanted=wanted,
        error=error,
        has_ended="ended" in request.query_params,
        # The cookie is SameSite=Strict: who follows a link from elsewhere seems logged out for one page.
        came_from_elsewhere=request.headers.get("sec-fetch-site") == "cross-site",
    )
    return _with_wait(response, error)


def _account(
    member: Member,
    *,
    watch_mail: bool,
    error: AppError | None = None,
    changed: bool = False,
    chosen: bool = False,
) -> Response:
    response = render(
        "account",
        member=member,
        title="Your account",
        status=STATUS[error.code] if error else 200,
        error=error,
        changed=changed,
        chosen=chosen,
        watch_mail=watch_mail,
        min_length=MIN_LENGTH,
    )
    return _with_wait(response, error)


def _with_wait(response: Response, error: AppError | None) -> Response:
    if error and error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response
