"""A webhook endpoint that remembers what it was sent and answers as told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import stripe

SECRET = "whsec_receiver"


@dataclass
class Receiver:
    """What came, and what to answer next (200 when nothing is said; 0 cuts the connection)."""

    answers: list[int] = field(default_factory=list)
    events: list[stripe.Event] = field(default_factory=list)
    attempts: int = 0
    url: str = ""

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def wait_for(self, *types: str, seconds: float = 15) -> None:
        """Until events of these types have been accepted; fails when they do not come."""
        deadline = time.monotonic() + seconds
        while not set(types) <= set(self.types()):
            assert time.monotonic() < deadline, f"only {self.types()} came, not {types}"
            time.sleep(0.01)

    def wait_for_count(self, count: int, seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while len(self.events) < count:
            assert time.monotonic() < deadline, f"only {self.types()} came"
            time.sleep(0.01)


class Endpoint:
    """Serves a receiver from a thread."""

    def __init__(self) -> None:
        self.receiver = receiver = Receiver()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.attempts += 1
                status = receiver.answers.pop(0) if receiver.answers else 200
                if status == 0:
                    self.close_connection = True
                    return
                if status == 200:
                    signature = self.headers["Stripe-Signature"]
                    event = stripe.Webhook.construct_event(body, signature, SECRET)
                    receiver.events.append(event)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        receiver.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/stripe"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
