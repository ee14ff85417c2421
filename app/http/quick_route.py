"""A FastAPI route with a short way for the requests that nearly all are.

FastAPI reads JSON into dictionaries, these into the model, and asks for every dependency anew. Where the
body is at once what the model says, one pass of Pydantic does the same. Whatever else comes, right or wrong,
goes FastAPI's own way: it alone says what is wrong with a request, and it writes the OpenAPI document.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

Quick = Callable[[Request, bytes], Awaitable[Response | None]]
"""Answers by the body's bytes, or says None: then the route's own function is asked."""
_JSON = (b"content-type", b"application/json")


def quick_route(quick: Quick) -> type[APIRoute]:
    """A route class, for `route_class_override`, whose plain JSON requests are first offered to `quick`.

    Requests with an `Idempotency-Key` or another content type are not; dependencies of the route are not
    asked for.
    """

    class QuickRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # FastAPI's type
            usual = super().get_route_handler()

            async def handle(request: Request) -> Response:
                if _is_plain(request):
                    try:
                        body = await request.body()
                    except (HTTPException, ClientDisconnect):
                        return await usual(request)
                    answer = await quick(request, body)
                    if answer is not None:
                        return answer
                return await usual(request)

            return handle

    return QuickRoute


def _is_plain(request: Request) -> bool:
    headers = request.scope["headers"]
    return _JSON in headers and not any(name == b"idempotency-key" for name, _ in headers)
