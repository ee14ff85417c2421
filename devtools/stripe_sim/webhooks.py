"""Sends events to the webhook endpoint: signed, at the same time, again until they are accepted.

Stripe promises neither order nor a single delivery, so neither does this. The modes make it worse on purpose.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from typing import Literal, get_args

import httpx

from devtools.stripe_sim.kinds import Object
from devtools.stripe_sim.world import World

Mode = Literal["deliver", "hold", "duplicate", "reverse", "drop"]
MODES: tuple[str, ...] = get_args(Mode)
_ATTEMPTS, _LONGEST_WAIT, _QUIET, _TIMEOUT = 1_000, 15.0, 0.3, 10.0
_REMEMBERED = 5_000


def signature(payload: bytes, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header (https://docs.stripe.com/webhooks#verify-manually)."""
    signed = str(timestamp).encode() + b"." + payload
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


class Webhooks:
    """The sender.

    Args:
        world: The account whose events are sent.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.url, self.secret = world.config.webhook_url, world.config.webhook_secret
        self.mode: str = "deliver"
        self.waiting: list[str] = []
        self.log: list[Object] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False)
        self._turning: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Take up what a former run could not deliver."""
        for event in self.world.store.all("event").values():
            if event["pending_webhooks"]:
                self._spawn(event["id"])

    async def stop(self) -> None:
        """Stop sending; what is pending stays pending."""
        await self.forget()
        await self._client.aclose()

    async def forget(self) -> None:
        """Give up every delivery under way."""
        self.waiting.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def accept(self, event: Object) -> None:
        """Take a new event; called by the world with each."""
        if not self.url:
            return
        event["pending_webhooks"] = 1
        self.world.store.save(event)
        if self.mode in {"hold", "reverse"}:
            self.waiting.append(event["id"])
            if self.mode == "reverse" and (self._turning is None or self._turning.done()):
                self._turning = self._keep(asyncio.create_task(self._send_reversed()))
        elif self.mode != "drop":
            self._spawn(event["id"])
            if self.mode == "duplicate":
                self._spawn(event["id"])

    def switch(self, mode: str) -> None:
        """Change the mode; leaving `hold` sends what was held."""
        self.mode = mode
        if mode in {"deliver", "duplicate"}:
            held, self.waiting = self.waiting, []
            for event_id in held:
                self._spawn(event_id)
                if mode == "duplicate":
                    self._spawn(event_id)

    async def resend(self, event_id: str) -> int:
        """Send an event once more, whatever became of it; the endpoint's status, 0 without an answer."""
        return await self._send(self.world.store.get("event", event_id))

    def _spawn(self, event_id: str) -> None:
        self._keep(asyncio.create_task(self._deliver(event_id)))

    def _keep(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send_reversed(self) -> None:
        """Wait for a pause, then send what has come, newest first and one after another."""
        seen = -1
        while seen != len(self.waiting):
            seen = len(self.waiting)
            await asyncio.sleep(_QUIET)
        while self.waiting:
            await self._deliver(self.waiting.pop())

    async def _deliver(self, event_id: str) -> None:
        wait = self.world.config.retry_seconds
        for _ in range(_ATTEMPTS):
            event = self.world.store.find("event", event_id)
            if event is None or 200 <= await self._send(event) < 300:  # noqa: PLR2004 - success in HTTP
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _send(self, event: Object) -> int:
        payload = json.dumps(event, indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, self.secret, int(time.time())),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            status = (await self._client.post(self.url, content=payload, headers=headers)).status_code
        except httpx.HTTPError:
            status = 0
        self.log.append({"event": event["id"], "type": event["type"], "status": status, "at": time.time()})
        del self.log[:-_REMEMBERED]
        if 200 <= status < 300 and event["pending_webhooks"]:  # noqa: PLR2004 - success in HTTP
            event["pending_webhooks"] = 0
            self.world.store.save(event)
            self.world.store.flush()
        return status
