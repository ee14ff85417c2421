"""The control interface for tests, `/_sim/…`: faults, webhooks, clock, headless payments, state."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devtools.stripe_sim import cards, charges, checkout
from devtools.stripe_sim.api import Api
from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.faults import KINDS, Fault, parse
from devtools.stripe_sim.kinds import Object
from devtools.stripe_sim.webhooks import MODES, Webhooks
from devtools.stripe_sim.world import World

_SHOWN = ("checkout.session", "payment_intent", "charge", "balance_transaction", "refund", "event")
_Handler = Callable[[Object], Awaitable[Object]]


class Control:
    """The `/_sim` routes.

    Args:
        world: The account.
        api: The API, for its faults and its memory of calls.
        webhooks: The sender.
    """

    def __init__(self, world: World, api: Api, webhooks: Webhooks) -> None:
        self.world, self.api, self.webhooks = world, api, webhooks

    def routes(self) -> list[Route]:
        """All control endpoints."""
        posts: dict[str, _Handler] = {
            "/_sim/faults": self.set_faults,
            "/_sim/webhooks": self.set_webhooks,
            "/_sim/webhooks/resend": self.resend,
            "/_sim/pay": self.pay,
            "/_sim/clock": self.move_clock,
            "/_sim/settings": self.change_settings,
            "/_sim/reset": self.reset,
        }
        gets = {"/_sim/state": self.state, "/_sim/contract": self.contract}
        return [
            *(Route(path, self._answering(handler), methods=["POST"]) for path, handler in posts.items()),
            *(Route(path, self._answering(handler), methods=["GET"]) for path, handler in gets.items()),
        ]

    async def set_faults(self, wanted: Object) -> Object:
        """`{operation, kind, times, seconds}` adds a fault; `{clear: true}` removes all."""
        if wanted.get("clear"):
            self.api.faults.pending.clear()
        else:
            if wanted["kind"] not in KINDS:
                raise ValueError(f"kind is one of {', '.join(KINDS)}")
            fault = Fault(parse(wanted["operation"]), wanted["kind"], int(wanted.get("times", 1)))
            fault.seconds = float(wanted.get("seconds", fault.seconds))
            self.api.faults.pending.append(fault)
        return {"pending": [vars(fault) for fault in self.api.faults.pending]}

    async def set_webhooks(self, wanted: Object) -> Object:
        """`{mode, url, secret}`, each optional."""
        if wanted.get("mode", "deliver") not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}")
        self.webhooks.url = wanted.get("url", self.webhooks.url)
        self.webhooks.secret = wanted.get("secret", self.webhooks.secret)
        self.webhooks.switch(wanted.get("mode", self.webhooks.mode))
        return {"mode": self.webhooks.mode, "url": self.webhooks.url, "waiting": len(self.webhooks.waiting)}

    async def resend(self, wanted: Object) -> Object:
        """`{event_id, times}` sends an event again and tells the endpoint's answers."""
        times = int(wanted.get("times", 1))
        return {"statuses": [await self.webhooks.resend(wanted["event_id"]) for _ in range(times)]}

    async def pay(self, wanted: Object) -> Object:
        """`{session, card, email, name, authenticate}` pays as a person would on the page.

        `authenticate` is `complete` (default), `fail`, or `leave` for someone who closes the window.
        """
        session = self.world.store.get("checkout.session", wanted["session"])
        card = cards.find(wanted.get("card", "4242424242424242").replace(" ", ""))
        if card is None:
            raise ValueError("card is no card number")
        if session["status"] != "open":
            raise ValueError(f"the session is {session['status']}")
        given = wanted.get("email") or session["customer_email"] or "payer@example.org"
        payer = {"email": given, "name": wanted.get("name", "Pat Payer")}
        status = checkout.pay(self.world, session, card, payer)
        step = wanted.get("authenticate", "complete")
        if status == "requires_action" and step != "leave":
            status = checkout.authenticate(self.world, session, passed=step == "complete")
        intent = self.world.store.get("payment_intent", session["payment_intent"])
        error = intent["last_payment_error"] or {}
        return {
            "status": status,
            "session": session,
            "payment_intent": intent["id"],
            "message": error.get("message"),
        }

    async def move_clock(self, wanted: Object) -> Object:
        """`{advance: seconds}` moves the clock of sessions, objects and keys; signatures keep real time."""
        offset = self.world.store.setting("clock", {"offset": 0})["offset"] + int(wanted["advance"])
        self.world.store.put("setting", "clock", {"offset": offset})
        checkout.expire_due(self.world)
        return {"now": self.world.now}

    async def change_settings(self, wanted: Object) -> Object:
        """`{rates: {eur: "0.9"}, settle_seconds, settle: true}`, each optional."""
        if "rates" in wanted:
            self.world.store.put(
                "setting", "rates", {key: str(rate) for key, rate in wanted["rates"].items()}
            )
        if "settle_seconds" in wanted:
            self.world.store.put("setting", "settling", {"seconds": float(wanted["settle_seconds"])})
        if wanted.get("settle"):
            charges.settle_due(self.world, everything=True)
        return {"rates": dict(self.world.rates), "settle_seconds": self.world.settle_seconds}

    async def reset(self, _wanted: Object) -> Object:
        """Forget everything but the webhook endpoint."""
        await self.webhooks.forget()
        self.webhooks.mode = "deliver"
        self.webhooks.log.clear()
        self.api.faults.pending.clear()
        self.api.calls.clear()
        self.api.idempotency.clear()
        self.world.store.clear()
        return {"reset": True}

    async def state(self, _wanted: Object) -> Object:
        """Everything there is, for a test to look at."""
        return {
            "api_version": self.world.config.api_version,
            "now": self.world.now,
            "objects": {kind: list(self.world.store.all(kind).values()) for kind in _SHOWN},
            "calls": self.api.calls,
            "faults": [vars(fault) for fault in self.api.faults.pending],
            "webhooks": {
                "mode": self.webhooks.mode,
                "url": self.webhooks.url,
                "waiting": list(self.webhooks.waiting),
                "log": self.webhooks.log,
            },
        }

    async def contract(self, _wanted: Object) -> Object:
        """Whether calls are checked against Stripe's description, which were, and what was wrong."""
        contract = self.api.contract
        if contract is None:
            return {"enabled": False, "version": None, "checked": {}, "violations": []}
        return {
            "enabled": True,
            "version": contract.version,
            "checked": dict(contract.checked),
            "violations": contract.violations,
        }

    def _answering(self, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        """JSON in, JSON out, and kept; what is wrong with the input is a 400."""

        async def endpoint(request: Request) -> Response:
            try:
                answer = await handler(dict(json.loads(await request.body() or b"{}")))
            except StripeFault as refusal:
                return JSONResponse({"error": refusal.error()}, refusal.status)
            except (KeyError, TypeError, ValueError) as problem:
                return JSONResponse({"error": {"message": str(problem)}}, 400)
            self.world.store.flush()
            return JSONResponse(answer)

        return endpoint
