"""Public reads from memory: bytes that were made once, handed out by pure ASGI in front of FastAPI.

What is not on the shelf, or not asked for in its plain form, goes on to the app behind, which has a route for
each of these; both make the answer by the same function.
"""

import gzip
import hashlib
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import brotli
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.context import PublicRole
from app.http.middleware import host_of, request_names, surrounding_headers
from app.petitions.published import PublishedPetition

log = structlog.get_logger("http")
MOST_BYTES = 8 * 1024 * 1024
"""Of all answers together; the longest unasked goes first. Placements in the query make many of one page."""
_LONGEST_QUERY = 200
_LONGEST_HEADER = 200
"""As much of a reader's wishes is looked at, and remembered by those who interpret them."""
_WORTH_PACKING = 600
_HEADERS_BYTES = 3_000
_PLAIN = b""
_PREFERRED = (b"br", b"gzip", _PLAIN)
_REFUSED = re.compile(rb"q\s*=\s*0(?:\.0*)?")
# In the loop, once for each count: brotli's higher qualities take fifty times as long for a tenth less.
_PACKED: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"br": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=5),
    b"gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
_LOG_EVERY = 10.0
RawHeaders = list[tuple[bytes, bytes]]


Make = Callable[[PublishedPetition, Request, PublicRole], Response]
"""Makes the answer of one kind, without waiting for anything; its status is 200."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One kind of answer about a petition.

    Attributes:
        tells_time: It says when it was read, so that it changes with every reading.
        language: For pages: the language that an Accept-Language header gets.
        depends: What else the answer depends on; it is made anew when this changes.
    """

    make: Make
    tells_time: bool
    language: Callable[[PublishedPetition, str], str] | None = None
    depends: Callable[[PublishedPetition, PublicRole], object] | None = None


class Ready(NamedTuple):
    """What goes out, but for what the server adds; `head` is the headers as they are written."""

    status: int
    headers: RawHeaders
    head: bytes
    body: bytes
    request_id: bytes


@dataclass(frozen=True, slots=True)
class _Form:
    """An answer in one encoding."""

    headers: RawHeaders
    unchanged: RawHeaders
    head: bytes
    unchanged_head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer as bytes, by encoding; `edition` tells when it is outdated.

    Attributes:
        tag: What the ETags of all encodings begin with.
        size: What it takes in memory, about.
    """

    edition: object
    tag: bytes
    forms: Mapping[bytes, _Form]
    size: int


class Shelf:
    """Answers GET and HEAD of known paths from memory.

    Args:
        app: What answers everything else.
        readings: By what stands before and after the slug in the path.
        role: The running role, once there is one.
    """

    def __init__(
        self,
        app: ASGIApp,
        readings: Mapping[tuple[str, str], Reading],
        *,
        role: Callable[[], PublicRole | None],
        hosts: Collection[str],
        https: bool,
    ) -> None:
        self._app = app
        # The longest ending first: "" fits everything.
        self._readings = sorted(readings.items(), key=lambda item: -len(item[0][1]))
        self._starts = tuple({start for start, _ in readings})
        self._role = role
        self._hosts = frozenset(hosts)
        self._around = surrounding_headers(https=https)
        self._names = request_names()
        self._answers: OrderedDict[tuple[str, bytes, str], _Answer] = OrderedDict()
        self._bytes = 0
        self._served: Counter[tuple[str, int]] = Counter()
        self._logged_at = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        found = self.at_once(scope) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        named = [*found.headers, (b"x-request-id", found.request_id)]
        await send({"type": "http.response.start", "status": found.status, "headers": named})
        await send({"type": "http.response.body", "body": found.body})

    def at_once(self, scope: Scope) -> "Ready | None":
        """The answer to a request, if it is one from memory; for servers that need not wait for it either."""
        if not scope["path"].startswith(self._starts) or scope["method"] not in ("GET", "HEAD"):
            return None
        asked = dict(scope["headers"])
        found = self._look(scope, asked)
        if found is None:
            return None
        start, end, answer = found
        known = asked.get(b"if-none-match", b"")
        accepted = asked.get(b"accept-encoding", b"")[:_LONGEST_HEADER]
        form = answer.forms.get(encoding_for(accepted)) or answer.forms[_PLAIN]
        is_held = bool(known) and (answer.tag in known or known == b"*")
        status = 304 if is_held else 200
        self._note(f"{start}{{slug}}{end}", status)
        name = next(self._names).encode()
        if is_held:
            return Ready(status, form.unchanged, form.unchanged_head, b"", name)
        return Ready(status, form.headers, form.head, b"" if scope["method"] == "HEAD" else form.body, name)

    def _look(self, scope: Scope, asked: dict[bytes, bytes]) -> tuple[str, str, _Answer] | None:
        if host_of(asked.get(b"host", b"")) not in self._hosts:
            return None
        try:
            return self._find(scope, asked.get(b"accept-language", b"")[:_LONGEST_HEADER])
        except Exception:
            log.exception("shelf:answer:failed")  # the app behind knows how to say so
            return None

    def _find(self, scope: Scope, languages: bytes) -> tuple[str, str, _Answer] | None:
        """What stands on the shelf for this request, made now if it is missing or outdated."""
        path, query, role = scope["path"], scope["query_string"], self._role()
        if role is None or len(query) > _LONGEST_QUERY:
            return None
        for (start, end), reading in self._readings:
            if not path.startswith(start) or not path.endswith(end):
                continue
            held = role.petitions.held(path[len(start) : len(path) - len(end) or None])
            if held is None or (query and reading.language is None):
                return None
            petition = held.petition
            language = reading.language(petition, languages.decode("latin-1")) if reading.language else ""
            edition: object = held.as_at if reading.tells_time else held.edition
            if reading.depends:
                edition = edition, reading.depends(petition, role)
            answer = self._answers.get((path, query, language))
            if answer is None or answer.edition != edition:
                made = reading.make(petition, _request(path, query, languages), role)
                answer = self._keep((path, query, language), edition, made)
            else:
                self._answers.move_to_end((path, query, language))
            return start, end, answer
        return None

    def _keep(self, key: tuple[str, bytes, str], edition: object, response: Response) -> _Answer:
        old = self._answers.pop(key, None)
        answer = _answer(edition, response, self._around)
        self._answers[key] = answer
        self._bytes += answer.size - (old.size if old else 0)
        while self._bytes > MOST_BYTES and len(self._answers) > 1:
            self._bytes -= self._answers.popitem(last=False)[1].size
        return answer

    def _note(self, route: str, status: int) -> None:
        """Count; such answers are logged by the number, for a line each would cost more than they do."""
        self._served[route, status] += 1
        now = time.monotonic()
        if now - self._logged_at >= _LOG_EVERY:
            for (served_route, served_status), times in self._served.items():
                log.info("requests:answered", route=served_route, status=served_status, times=times)
            self._served.clear()
            self._logged_at = now


def _request(path: str, query: bytes, languages: bytes) -> Request:
    """The request as far as an answer may depend on it."""
    headers = [(b"accept-language", languages)] if languages else []
    return Request(
        {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "query_string": query,
            "headers": headers,
        }
    )


@lru_cache(1_000)
def encoding_for(accepted: bytes) -> bytes:
    """The encoding that an Accept-Encoding header gets: brotli before gzip, neither if refused (`;q=0`)."""
    offers = dict.fromkeys((_PLAIN,), True)
    for part in accepted.lower().split(b","):
        name, _, weight = part.partition(b";")
        offers[name.strip()] = not _REFUSED.fullmatch(weight.strip())
    return next((name for name in _PREFERRED if offers.get(name)), _PLAIN)


def _answer(edition: object, response: Response, around: RawHeaders) -> _Answer:
    body = bytes(response.body)
    own = {name: value for name, value in response.raw_headers if name != b"content-length"}
    own = dict(around) | own
    tag = own.pop(b"etag", b"").strip(b'"') or hashlib.blake2b(body, digest_size=12).hexdigest().encode()
    bodies = {_PLAIN: body}
    if len(body) >= _WORTH_PACKING:
        bodies |= {name: pack(body) for name, pack in _PACKED.items()}
        own[b"vary"] = b", ".join(filter(None, (own.get(b"vary"), b"Accept-Encoding")))
    kind = (b"content-type", own.pop(b"content-type"))
    forms = {name: _form(name, content, list(own.items()), kind, tag) for name, content in bodies.items()}
    return _Answer(edition, tag, forms, sum(map(len, bodies.values())) + _HEADERS_BYTES * len(forms))


def _form(name: bytes, body: bytes, shared: RawHeaders, kind: tuple[bytes, bytes], tag: bytes) -> _Form:
    """An answer in one encoding, with an ETag of its own (RFC 9110 §8.8.3.3)."""
    unchanged = [*shared, (b"etag", b'"%s-%s"' % (tag, name) if name else b'"%s"' % tag)]
    encoding = [(b"content-encoding", name)] if name else []
    headers = [*unchanged, kind, *encoding, (b"content-length", b"%d" % len(body))]
    return _Form(headers, unchanged, _written(headers), _written(unchanged), body)


def _written(headers: RawHeaders) -> bytes:
    return b"".join(b"%s: %s\r\n" % header for header in headers)
