"""`python -m devtools.bench.client FILE`: the load without wrk, by processes of Python that cost more."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

PROCESSES = 2
_REFUSED = 400


@dataclass
class Tally:
    """What one process saw; latencies in microseconds."""

    latencies: list[int] = field(default_factory=list)
    refused: int = 0
    broken: int = 0


def main(file: Path) -> None:
    """Run what the file says, and print what wrk's script would."""
    told: dict[str, Any] = json.loads(file.read_text("utf-8"))  # JSON
    count = min(PROCESSES, told["connections"])
    began = time.perf_counter()
    with ProcessPoolExecutor(count) as pool:
        tallies = list(pool.map(_process, [told] * count, range(count)))
    taken = min(time.perf_counter() - began, told["seconds"])
    latencies = sorted(value for tally in tallies for value in tally.latencies)
    said = {
        "requests": len(latencies),
        "microseconds": round(taken * 1e6),
        "refused": sum(tally.refused for tally in tallies),
        "broken": sum(tally.broken for tally in tallies),
    }
    for name, share in (("p50_us", 0.5), ("p90_us", 0.9), ("p99_us", 0.99)):
        said[name] = latencies[int(len(latencies) * share)] if latencies else 0
    print("RESULT " + json.dumps(said))


def _process(told: dict[str, Any], number: int) -> Tally:  # JSON
    return asyncio.run(_connections(told, number))


async def _connections(told: dict[str, Any], number: int) -> Tally:  # JSON
    tally, request = Tally(), _requests(told, number)
    deadline = time.perf_counter() + told["seconds"]
    each = max(1, told["connections"] // PROCESSES)
    await asyncio.gather(*(_connection(told, tally, request, deadline) for _ in range(each)))
    return tally


async def _connection(
    told: dict[str, Any],  # JSON
    tally: Tally,
    request: Callable[[], bytes | None],
    deadline: float,
) -> None:
    parts = urlsplit(told["origin"])
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    chance = Random()  # noqa: S311 - spreads requests over time
    pause = told.get("MILLISECONDS", 0) / 1000
    while time.perf_counter() < deadline and (sent := request()) is not None:
        if pause:
            await asyncio.sleep(chance.uniform(0, 2 * pause))
        began = time.perf_counter()
        writer.write(sent)
        try:
            status = await _answer(reader)
        except (OSError, asyncio.IncompleteReadError):
            tally.broken += 1
            return
        tally.latencies.append(round((time.perf_counter() - began) * 1e6))
        tally.refused += status >= _REFUSED
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    await reader.readexactly(length)
    return int(head[9:12])


def _requests(told: dict[str, Any], number: int) -> Callable[[], bytes | None]:  # JSON
    """What the next request is: a signer, a token, or a look."""
    host, path, sent = urlsplit(told["origin"]).netloc, told["PATH"], 0
    tokens = Path(f"{told['TOKENS']}.{number}").read_text("ascii").splitlines() if "TOKENS" in told else None

    def post(body: str) -> bytes:
        content = body.encode()
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content

    def following() -> bytes | None:
        nonlocal sent
        sent += 1
        if tokens is not None:
            return post(json.dumps({"token": tokens[sent - 1]})) if sent <= len(tokens) else None
        if "RUN" in told:
            before, after = told["profiles"][sent % len(told["profiles"])]
            return post(f"{before}{told['RUN']}x{number}x{sent}{after}")
        held = told.get("HELD", {}) if sent % 10 < told.get("TENTHS", 0) else {}
        headers = "".join(f"{name}: {value}\r\n" for name, value in held.items())
        return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()

    return following


if __name__ == "__main__":
    main(Path(sys.argv[1]))
