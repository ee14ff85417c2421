"""What can go wrong for staff. None of the texts tells whether an account exists."""

from app.core.errors import AppError


class LoginFailed(AppError):
    """No account of that address has that password, or it is disabled: the three are not told apart."""

    code = "login_failed"
    detail = "This e-mail address and password do not match. Please check both."


class LoginLocked(AppError):
    """Too many attempts for this address or from this network; `retry_after` says how long to wait."""

    code = "login_locked"
    detail = "Too many attempts. Please wait before you try again."


class SessionExpired(AppError):
    """There is no session, or it has ended."""

    code = "session_expired"
    detail = "Please log in again."


class CsrfFailed(AppError):
    """The form did not come from a page of this session."""

    code = "csrf_failed"
    detail = "This form did not come from this site, or your session has changed. Please load the page again."


class Forbidden(AppError):
    """The account lacks the role that this needs."""

    code = "forbidden"
    detail = "Your account has no role that allows this. Please ask an administrator."


class WeakPassword(AppError):
    """The password is short, or is made of what everybody knows about its owner."""

    code = "weak_password"
    detail = "Please choose a longer password that does not contain your name or e-mail address."


class StaffEmailInvalid(AppError):
    """The address of the new account is no e-mail address."""

    code = "staff_email_invalid"
    detail = "This is not an e-mail address."


class StaffEmailTaken(AppError):
    """There is an account with that address already."""

    code = "staff_email_taken"
    detail = "There is an account with this e-mail address already."


class RoleUnknown(AppError):
    """The role is not one of those that exist."""

    code = "role_unknown"
    detail = "This role does not exist. Roles are: editor, finance, privacy, admin."
