"""Stripe's HTTP interface: keys, versions, idempotency, faults, and then the operation."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devtools.stripe_sim import faults as failing
from devtools.stripe_sim import forms
from devtools.stripe_sim.contract import Contract
from devtools.stripe_sim.errors import StripeFault, unauthenticated
from devtools.stripe_sim.faults import Fault, Faults
from devtools.stripe_sim.idempotency import Idempotency
from devtools.stripe_sim.kinds import Object, new_id
from devtools.stripe_sim.operations import OPERATIONS, Operation, perform
from devtools.stripe_sim.world import World

_TEST_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9_]+", re.ASCII)
_REMEMBERED_CALLS = 2_000


@dataclass
class Call:
    """One request on its way through.

    Args:
        request: The HTTP request.
        operation: What it asks for; None when the address is unknown.
        request_id: Its id in the answer's `Request-Id`.
        key: Its idempotency key, if it has one that counts.
        raw: Its parameters as decoded, untyped.
        replayed: The request whose answer is given again.
        executed: Whether the operation began, so that its answer counts for the key.
    """

    request: Request
    operation: Operation | None
    request_id: str
    key: str = ""
    raw: Object | None = None
    replayed: str = ""
    executed: bool = False

    @property
    def object_id(self) -> str:
        """The id in the path, or an empty string."""
        return next((str(value) for value in self.request.path_params.values()), "")


class Api:
    """The `/v1` routes.

    Args:
        world: The account.
        faults: Failures in waiting.
        contract: Stripe's description to hold calls against, if wanted.
    """

    def __init__(self, world: World, faults: Faults, contract: Contract | None) -> None:
        self.world, self.faults, self.contract = world, faults, contract
        self.idempotency = Idempotency(world.store)
        self.calls: list[Object] = []

    def routes(self) -> list[Route]:
        """A route for each operation and one for everything else below `/v1`."""
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        known = [Route(op.path, self._endpoint(op), methods=[op.method]) for op in OPERATIONS]
        return [*known, Route("/v1/{rest:path}", self._endpoint(None), methods=methods)]

    def _endpoint(self, operation: Operation | None):  # type: ignore[no-untyped-def]  # noqa: ANN202
        async def endpoint(request: Request) -> Response:
            return await self.handle(Call(request, operation, new_id("req_", 14)))

        return endpoint

    async def handle(self, call: Call) -> Response:
        """Answer one request."""
        fault: Fault | None = None
        try:
            await self._admit(call)
            fault = self._fault(call)
            await self._fail_before(call, fault)
            status, body = await self._execute(call, fault)
        except StripeFault as refusal:
            status, body = refusal.status, self._error(call, refusal)
        finally:
            self.world.request = None
            self.world.store.flush()
            if call.key:
                self.idempotency.end(call.key)
        self._remember(call, status)
        if fault and fault.kind == "timeout_after":
            await failing.hang(call.request, fault.seconds)
        if fault and fault.kind in {"timeout_after", "reset_after", "timeout_before", "reset_before"}:
            failing.reset(call.request)
        return self._respond(call, status, body)

    async def _admit(self, call: Call) -> None:
        """Check key, version, address and encoding."""
        request = call.request
        _require_test_key(request.headers.get("authorization", ""))
        version = request.headers.get("stripe-version", self.world.config.api_version)
        if version != self.world.config.api_version:
            raise StripeFault(
                f"Invalid Stripe API version: {version}. "
                f"This simulator speaks {self.world.config.api_version}.",
            )
        if call.operation is None:
            raise StripeFault(
                f"Unrecognized request URL ({request.method}: {request.url.path}). Please see "
                "https://stripe.com/docs or we can help at https://support.stripe.com/.",
                status=404,
            )
        body = await request.body()
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if body and kind != "application/x-www-form-urlencoded":
            raise StripeFault(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
            )
        encoded = body if request.method == "POST" else request.url.query.encode()
        call.raw = forms.decode(encoded)

    def _fault(self, call: Call) -> Fault | None:
        name = call.operation.name if call.operation else ""
        return self.faults.take(name, call.request.method, call.request.url.path)

    async def _fail_before(self, call: Call, fault: Fault | None) -> None:
        if fault is None:
            return
        if fault.kind == "rate_limit_429":
            raise failing.rate_limited()
        if fault.kind == "timeout_before":
            await failing.hang(call.request, fault.seconds)
        if fault.kind in {"error_500", "timeout_before", "reset_before"}:
            raise failing.server_error()

    async def _execute(self, call: Call, fault: Fault | None) -> tuple[int, Object]:
        assert call.operation is not None
        assert call.raw is not None
        path, key = call.request.url.path, ""
        if call.request.method == "POST":
            key = call.request.headers.get("idempotency-key", "")
        if key and (saved := self.idempotency.begin(key, path, call.raw)):
            call.replayed = saved["request_id"]
            return saved["status"], saved["body"]
        call.key = key
        if fault and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        try:
            status, body = 200, self._run(call, call.operation, call.raw)
            if fault and fault.kind == "error_500_after":
                raise failing.server_error()
        except StripeFault as refusal:
            status, body = refusal.status, self._error(call, refusal)
        if key and call.executed:
            answer = {"status": status, "body": body, "request_id": call.request_id}
            self.idempotency.save(key, path, call.raw, answer)
        return status, body

    def _run(self, call: Call, operation: Operation, raw: Object) -> Object:
        params = operation.allowed.read(raw, "")
        if self.contract:
            self.contract.check_request(operation.method, operation.path, raw)
        call.executed = True
        self.world.request = {"id": call.request_id, "idempotency_key": call.key or None}
        if operation.method == "GET":
            self.world.request = None
        body = perform(self.world, operation, params, call.object_id)
        if self.contract:
            self.contract.check_response(operation.method, operation.path, body)
        return body

    def _error(self, call: Call, refusal: StripeFault) -> Object:
        more = {"request_log_url": f"https://dashboard.stripe.com/test/logs/{call.request_id}"}
        body = {"error": refusal.error() | (more if refusal.status != 401 else {})}  # noqa: PLR2004 - HTTP
        if self.contract:
            self.contract.check_error(body)
        return body

    def _remember(self, call: Call, status: int) -> None:
        key = call.request.headers.get("idempotency-key")
        self.calls.append(
            {
                "method": call.request.method,
                "path": call.request.url.path,
                "status": status,
                "idempotency_key": key,
                "replayed": bool(call.replayed),
                "request_id": call.request_id,
            },
        )
        del self.calls[:-_REMEMBERED_CALLS]

    def _respond(self, call: Call, status: int, body: Object) -> Response:
        headers = {
            "Request-Id": call.request_id,
            "Stripe-Version": self.world.config.api_version,
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "no-cache, no-store",
        }
        if key := call.request.headers.get("idempotency-key"):
            headers["Idempotency-Key"] = key
            headers["Original-Request"] = call.replayed or call.request_id
        if call.replayed:
            headers["Idempotent-Replayed"] = "true"
        if status >= 500 and (call.executed or call.replayed):  # noqa: PLR2004 - HTTP
            headers["Stripe-Should-Retry"] = "false"  # the key would only give the same answer again
        if status == 401:  # noqa: PLR2004 - HTTP
            headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
        content = json.dumps(body, indent=2).encode()
        return Response(content, status, headers, media_type="application/json")


def _require_test_key(authorization: str) -> None:
    scheme, _, credentials = authorization.partition(" ")
    key = credentials.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if not key:
        raise unauthenticated(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at "
            "https://support.stripe.com/.",
        )
    if key.startswith("pk_"):
        raise unauthenticated(
            "This API call cannot be made with a publishable API key. Please use a secret API key. You can "
            "find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
        )
    if not _TEST_KEY.fullmatch(key):
        raise unauthenticated(f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}")
