"""The cookie that holds a session's token, under the rules that the staff address allows."""

from urllib.parse import urlsplit

from starlette.responses import Response

_NAME = "haven_staff"


def cookie_name(staff_url: str) -> str:
    """`__Host-haven_staff` over https: browsers then hold it to this host, https and the whole path.

    They refuse that name over plain http, which only a demo uses; there the name carries the port, because
    cookies are shared by all ports of one host and two installations would log each other out.
    """
    parts = urlsplit(staff_url)
    return f"__Host-{_NAME}" if parts.scheme == "https" else f"{_NAME}_{parts.port or 80}"


def set_session_cookie(response: Response, staff_url: str, token: str) -> None:
    """Hand the browser a session; it forgets it when it closes, the server when its time is over."""
    response.set_cookie(
        cookie_name(staff_url), token, path="/", httponly=True, samesite="strict", secure=_is_https(staff_url)
    )


def clear_session_cookie(response: Response, staff_url: str) -> None:
    """Take the session from the browser."""
    response.delete_cookie(
        cookie_name(staff_url), path="/", httponly=True, samesite="strict", secure=_is_https(staff_url)
    )


def _is_https(staff_url: str) -> bool:
    return staff_url.startswith("https://")
