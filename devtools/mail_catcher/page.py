"""The page and the JSON over the caught messages."""

import json
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from devtools.mail_catcher.faults import Faults
from devtools.mail_catcher.store import Message, MessageStore

_TEMPLATES = Path(__file__).parent / "templates"
_LINK = re.compile(r"https?://[^\s<>\"'\\^`{|}]+[^\s<>\"'\\^`{|}.,;:!?)\]]")
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A message's own HTML: nothing is loaded or run, links open in a window of their own.
_MESSAGE_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'none'; frame-ancestors 'self'"
)


class Pages:
    """The handlers, over one store and one set of faults."""

    def __init__(self, store: MessageStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined
        )
        self._templates.filters["links"] = with_links

    async def inbox(self, request: Request) -> Response:
        """All messages, the newest first; looks again by itself."""
        to = request.query_params.get("to") or None
        messages = self._store.all(to=to)[::-1]
        return self._page("inbox.html", {"Refresh": "5"}, messages=messages, to=to or "")

    async def message(self, request: Request) -> Response:
        """One message."""
        return self._page("message.html", {}, message=self._found(request))

    async def message_html(self, request: Request) -> Response:
        """The HTML part alone, for the frame."""
        html = f'<base target="_blank">{self._found(request).html}'
        return HTMLResponse(html, headers={"Content-Security-Policy": _MESSAGE_POLICY})

    async def messages_json(self, request: Request) -> Response:
        """All messages, the newest last; `?to=` one address, `?after=` an id."""
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise HTTPException(400, "after must be a message's id")
        found = self._store.all(to=request.query_params.get("to") or None, after=int(after))
        return JSONResponse([message.as_json() for message in found])

    async def delete_messages(self, _request: Request) -> Response:
        """Forget all messages."""
        self._store.clear()
        return Response(status_code=204)

    async def clear(self, _request: Request) -> Response:
        """The same by the page's button."""
        self._store.clear()
        return RedirectResponse("/", status_code=303)

    async def order_fault(self, request: Request) -> Response:
        """Refuse an address so many times: `{"address": …, "code": 451, "times": 1}`."""
        try:
            order = json.loads(await request.body())
            self._faults.order(str(order["address"]), int(order["code"]), int(order.get("times", 1)))
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            raise HTTPException(400, "address, code (400-599) and times are needed") from wrong
        return Response(status_code=204)

    async def delete_faults(self, _request: Request) -> Response:
        """Forget all ordered refusals, and who was put off."""
        self._faults.clear()
        return Response(status_code=204)

    def _found(self, request: Request) -> Message:
        message = self._store.get(request.path_params["id"])
        if message is None:
            raise HTTPException(404, "This message is not here any more")
        return message

    def _page(self, template: str, headers: dict[str, str], **values: object) -> Response:
        policy = {"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(self._templates.get_template(template).render(values), headers=policy | headers)


async def healthz(_request: Request) -> Response:
    """Whether it is up."""
    return JSONResponse({"status": "ok"})


async def style(_request: Request) -> Response:
    """The style sheet."""
    return Response((_TEMPLATES / "style.css").read_text(encoding="utf-8"), media_type="text/css")


def create_page(store: MessageStore, faults: Faults) -> Starlette:
    """The web application."""
    pages = Pages(store, faults)
    return Starlette(
        routes=[
            Route("/", pages.inbox),
            Route("/messages.json", pages.messages_json),
            Route("/messages", pages.delete_messages, methods=["DELETE"]),
            Route("/messages/{id:int}", pages.message),
            Route("/messages/{id:int}/html", pages.message_html),
            Route("/clear", pages.clear, methods=["POST"]),
            Route("/faults", pages.order_fault, methods=["POST"]),
            Route("/faults", pages.delete_faults, methods=["DELETE"]),
            Route("/healthz", healthz),
            Route("/style.css", style),
        ]
    )


def with_links(text: str) -> Markup:
    """Plain text as HTML, its http and https addresses made links."""
    pieces, end = [], 0
    for found in _LINK.finditer(text):
        url = escape(found.group())
        pieces += [
            escape(text[end : found.start()]),
            Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(url),
        ]
        end = found.end()
    return Markup().join([*pieces, escape(text[end:])])
