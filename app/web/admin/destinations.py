"""Where to go after the login: only ever to a page of our own."""

import re
from urllib.parse import urlsplit

_LONGEST = 2000
_PLAIN = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
_NOT_BACK_TO = ("/login", "/logout")


def safe_next(path: str) -> str:
    """The path if it is one of ours, else the first page.

    It has to begin with one slash and hold printable ASCII without backslashes, so that no browser can read
    it as another host's address.
    """
    if len(path) > _LONGEST or not _PLAIN.fullmatch(path):
        return "/"
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or parts.path in _NOT_BACK_TO:
        return "/"
    return path
