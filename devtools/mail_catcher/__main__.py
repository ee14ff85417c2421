"""`python -m devtools.mail_catcher`: SMTP on HAVEN_SMTP_PORT, the page on HAVEN_MAIL_PORT, at HAVEN_HOST."""

import asyncio
import os
import socket
import sys

import uvicorn

from devtools.mail_catcher.faults import Faults
from devtools.mail_catcher.page import create_page
from devtools.mail_catcher.receiving import smtp_session
from devtools.mail_catcher.store import MessageStore


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    host = os.environ.get("HAVEN_HOST", "127.0.0.1")
    smtp_socket = _listen(host, "HAVEN_SMTP_PORT", "1025")
    page_socket = _listen(host, "HAVEN_MAIL_PORT", "8025")
    asyncio.run(_serve(smtp_socket, page_socket))


async def _serve(smtp_socket: socket.socket, page_socket: socket.socket) -> None:
    store, faults = MessageStore(), Faults()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: smtp_session(store, faults), sock=smtp_socket)
    page = uvicorn.Server(
        uvicorn.Config(
            create_page(store, faults),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
    )
    host, port = page_socket.getsockname()[:2]
    smtp_port = smtp_socket.getsockname()[1]
    print(f"Mail catcher: http://{host}:{port} (SMTP on {smtp_port})", flush=True)
    try:
        await page.serve(sockets=[page_socket])
    finally:
        smtp.close()


def _listen(host: str, setting: str, default: str) -> socket.socket:
    port = os.environ.get(setting) or default
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=512)
    except (OSError, OverflowError, ValueError) as problem:
        sys.exit(f"Mail catcher: cannot listen on {host}:{port} ({problem}). Set {setting} to another port.")


if __name__ == "__main__":
    main()
