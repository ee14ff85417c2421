"""`python -m devtools.load`: sign and confirm against a running Haven, and say what came of it."""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable

from devtools.load.confirming import ConfirmingLoad, Mailboxes
from devtools.load.signing import SigningLoad


def network_of(options: argparse.Namespace) -> Callable[[int], str] | None:
    """The address that a person of some number comes from, where one was asked for."""
    if not options.network:
        return None
    if options.network.endswith("."):
        return lambda number: f"{options.network}{number // 250}.{number % 250 + 1}"
    return lambda _number: str(options.network)


async def load(options: argparse.Namespace) -> int:
    """Run for the time or the requests asked for; 1 when an answer was neither accepted nor a 503."""
    signing = SigningLoad(
        options.public,
        options.petition,
        options.seed,
        rate=options.rate or float("inf"),
        clients=options.clients,
        repeats=options.repeats,
        most=options.requests or float("inf"),
        domain=options.domain or None,
        network=network_of(options),
    )
    confirming = ConfirmingLoad(options.public, Mailboxes(options.mail), options.seed, share=options.confirm)
    began = time.monotonic()
    signs = asyncio.create_task(signing.run())
    confirms = asyncio.create_task(confirming.run()) if options.confirm else None
    await asyncio.wait([signs], timeout=options.seconds)
    signing.stopping.set()
    await signs
    confirming.stopping.set()
    if confirms:
        await confirms
    times = sorted(a.seconds * 1000 for a in signing.attempts if a.status)
    taken = max((a.ended for a in signing.attempts), default=began) - began
    print(f"signing     {dict(signing.statuses())} in {taken:.1f} s")
    if times:
        p99 = times[len(times) * 99 // 100]
        print(
            f"  answered  median {statistics.median(times):.1f} ms, p99 {p99:.1f} ms, "
            f"worst {times[-1]:.1f} ms"
        )
    if options.times:
        print(f"times       {json.dumps([round(ms, 2) for ms in times])}")
    print(f"mails       {len(confirming.mailboxes.caught)}")
    print(f"confirmed   {len(confirming.confirmed)} of {len(confirming.wanted)} wanted")
    return 0 if set(signing.statuses()) <= {202, 503} else 1


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m devtools.load", description=__doc__)
    parser.add_argument("--public", default="http://127.0.0.1:8000")
    parser.add_argument("--mail", default="http://127.0.0.1:8025")
    parser.add_argument("--petition", default="refugees-welcome")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=50, help="signatures a second; 0: as fast as it goes")
    parser.add_argument("--requests", type=int, default=0, help="signatures at the most; 0: as time allows")
    parser.add_argument("--domain", default="", help="of the signers' addresses")
    parser.add_argument(
        "--network",
        default="",
        help="all come from this address, by X-Forwarded-For; 198.18.: each from one of their own there",
    )
    parser.add_argument("--repeats", type=float, default=0.05, help="the share of those who sign once more")
    parser.add_argument("--clients", type=int, default=16, help="connections at the most")
    parser.add_argument("--confirm", type=float, default=0.6, help="the share of mails that is confirmed")
    parser.add_argument("--times", action="store_true", help="say how long each answer took, in milliseconds")
    parser.add_argument("--seed", default="load", help="other words make other people")
    return asyncio.run(load(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
