"""Stands in for one of Haven's processes: notes its environment, says that it is ready, ends on SIGTERM."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PORTS = {
    "public": "HAVEN_PUBLIC_PORT",
    "staff": "HAVEN_STAFF_PORT",
    "worker": "HAVEN_WORKER_PORT",
    "mail": "HAVEN_MAIL_PORT",
    "stripe": "HAVEN_STRIPE_PORT",
}


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in {"/readyz", "/healthz"} else 404)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


def main(name: str) -> None:
    if os.environ.get("HAVEN_STUB_FAILS") == name:
        sys.exit(f"{name}: the reason why it failed")
    notes = Path(os.environ["HAVEN_DATA_DIR"]) / f"{name}.json"
    draft = notes.with_suffix(".draft")
    draft.write_text(json.dumps({"pid": os.getpid(), "environment": dict(os.environ)}))
    draft.rename(notes)
    if name not in PORTS:
        return
    if os.environ.get("HAVEN_STUB_STUBBORN") == name:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    HTTPServer(("127.0.0.1", int(os.environ[PORTS[name]])), Ready).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
