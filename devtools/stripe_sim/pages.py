"""The pages that people see: the hosted payment page, 3-D Secure, the receipt."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from devtools.stripe_sim import cards, checkout, currencies, forms, intents, markup
from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.kinds import Object, new_id
from devtools.stripe_sim.world import World

_EXPIRY = re.compile(r"(0?[1-9]|1[0-2])\s*/?\s*(?:20)?([0-9]{2})", re.ASCII)
_CVC = re.compile(r"[0-9]{3,4}", re.ASCII)


class Pages:
    """The browser's routes.

    Args:
        world: The account.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        """All pages."""
        return [
            Route("/c/pay/{session}", self.show, methods=["GET"]),
            Route("/c/pay/{session}", self.pay, methods=["POST"]),
            Route("/c/pay/{session}/authenticate", self.show_bank, methods=["GET"]),
            Route("/c/pay/{session}/authenticate", self.answer_bank, methods=["POST"]),
            Route("/3ds/{intent}", self.show_intent_bank, methods=["GET"]),
            Route("/3ds/{intent}", self.answer_intent_bank, methods=["POST"]),
            Route("/receipts/{intent}", self.receipt, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """The payment form, or why there is none."""
        session = self._session(request)
        if session is None or session["status"] != "open":
            return self._closed(session)
        intent = self._intent(session)
        message = ((intent or {}).get("last_payment_error") or {}).get("message", "")
        return self._form(session, {}, message, 200)

    async def pay(self, request: Request) -> Response:
        """Take the form; after a decline it stays, so that another card may be tried."""
        answers = await _form(request)
        session = self._session(request)
        if session is None or session["status"] != "open":
            return self._closed(session)
        problem = self._problem(answers, session)
        if problem:
            return self._form(session, answers, problem, 422)
        card = cards.find(re.sub(r"[\s-]", "", answers["cardNumber"]))
        assert card is not None
        payer = {"email": session["customer_email"] or answers["email"], "name": answers["billingName"]}
        self._act()
        status = checkout.pay(self.world, session, card, payer)
        return self._after(session, status, answers)

    async def show_bank(self, request: Request) -> Response:
        """The bank's question."""
        session = self._session(request)
        if session is None or session["status"] != "open":
            return self._closed(session)
        intent = self._intent(session)
        if intent is None or intent["status"] != "requires_action":
            return _see(f"/c/pay/{session['id']}")
        amount = currencies.display(session["amount_total"], session["currency"])
        return HTMLResponse(markup.authentication(amount, request.url.path))

    async def answer_bank(self, request: Request) -> Response:
        """The payer's answer to the bank."""
        answers = await _form(request)
        session = self._session(request)
        if session is None or session["status"] != "open" or self._intent(session) is None:
            return self._closed(session)
        self._act()
        passed = answers.get("action") == "complete"
        return self._after(session, checkout.authenticate(self.world, session, passed=passed), answers)

    async def show_intent_bank(self, request: Request) -> Response:
        """The bank's question for an intent confirmed over the API."""
        intent = self.world.store.find("payment_intent", request.path_params["intent"])
        if intent is None or intent["status"] != "requires_action":
            return HTMLResponse(
                markup.notice("Nothing to do", "There is nothing to authenticate.", None), 404
            )
        amount = currencies.display(intent["amount"], intent["currency"])
        return HTMLResponse(markup.authentication(amount, request.url.path))

    async def answer_intent_bank(self, request: Request) -> Response:
        """The payer's answer; back to the `return_url` with Stripe's parameters."""
        answers = await _form(request)
        intent = self.world.store.find("payment_intent", request.path_params["intent"])
        if intent is None:
            return HTMLResponse(
                markup.notice("Nothing to do", "There is nothing to authenticate.", None), 404
            )
        back = self.world.store.get("private", intent["id"]).get("return_url") or "/"
        self._act()
        status = intents.authenticate(self.world, intent, passed=answers.get("action") == "complete")
        self._done()
        query = {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if status == "succeeded" else "failed",
        }
        return _see(f"{back}{'&' if '?' in back else '?'}{urlencode(query)}")

    async def receipt(self, request: Request) -> Response:
        """What `receipt_url` leads to."""
        intent = self.world.store.find("payment_intent", request.path_params["intent"])
        if intent is None or intent["status"] != "succeeded":
            return HTMLResponse(markup.notice("No receipt", "There is no such receipt.", None), 404)
        amount = currencies.display(intent["amount"], intent["currency"])
        return HTMLResponse(markup.notice("Receipt", f"Paid in test mode: {amount}.", None))

    def _session(self, request: Request) -> Object | None:
        checkout.expire_due(self.world)
        self.world.store.flush()
        return self.world.store.find("checkout.session", request.path_params["session"])

    def _intent(self, session: Object) -> Object | None:
        key = session["payment_intent"]
        return self.world.store.find("payment_intent", key) if key else None

    def _form(self, session: Object, answers: Object, message: str, status: int) -> Response:
        items = self.world.store.get("line_items", session["id"])["items"]
        shown = markup.payment(session, items, answers, message)
        return HTMLResponse(shown, status, {"Cache-Control": "no-store"})

    def _closed(self, session: Object | None) -> Response:
        """No form: never was, is paid (on to the thanks), or expired."""
        if session is None:
            text = "The page you were looking for could not be found. Please check the address."
            return HTMLResponse(markup.notice("Something went wrong", text, None), 404)
        if session["status"] == "complete":
            return self._success(session)
        text = "This Checkout page has expired. You have not been charged."
        return HTMLResponse(markup.notice("This page has expired", text, session["cancel_url"]), 410)

    def _success(self, session: Object) -> Response:
        return _see(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))

    def _after(self, session: Object, status: str, answers: Object) -> Response:
        self._done()
        if status == "succeeded":
            return self._success(session)
        if status == "requires_action":
            return _see(f"/c/pay/{session['id']}/authenticate")
        intent = self._intent(session) or {}
        return self._form(session, answers, intent["last_payment_error"]["message"], 402)

    def _problem(self, answers: Object, session: Object) -> str:
        """What a payer must mend before anything is tried; empty when nothing."""
        number = re.sub(r"[\s-]", "", answers.get("cardNumber", ""))
        expiry = _EXPIRY.fullmatch(answers.get("cardExpiry", "").strip())
        if not session["customer_email"] and "@" not in answers.get("email", ""):
            return "Your email is incomplete."
        if cards.find(number) is None:
            return "Your card number is invalid."
        if expiry is None:
            return "Your card's expiration date is incomplete."
        if self._past(int(expiry[1]), 2000 + int(expiry[2])):
            return "Your card's expiration date is in the past."
        if not _CVC.fullmatch(answers.get("cardCvc", "").strip()):
            return "Your card's security code is incomplete."
        return "" if answers.get("billingName", "").strip() else "Your name is incomplete."

    def _past(self, month: int, year: int) -> bool:
        """Whether a card's month lies behind us; it is good until the month ends."""
        years, months = divmod(month, 12)
        return _months_since_epoch(self.world.now) >= (year + years - 1970) * 12 + months

    def _act(self) -> None:
        self.world.request = {"id": new_id("req_", 14), "idempotency_key": None}

    def _done(self) -> None:
        self.world.request = None
        self.world.store.flush()


def _months_since_epoch(seconds: int) -> int:
    moment = datetime.fromtimestamp(seconds, UTC)
    return (moment.year - 1970) * 12 + moment.month - 1


async def _form(request: Request) -> Object:
    try:
        answers = forms.decode(await request.body())
    except StripeFault:
        return {}
    return {name: value for name, value in answers.items() if isinstance(value, str)}


def _see(url: str) -> Response:
    return RedirectResponse(url, 303)
