"""`python -m devtools.load`: sign and confirm against a running Haven, and say what came of it."""

import argparse
import asyncio
import statistics
import time

from devtools.load.confirming import ConfirmingLoad, Mailboxes
from devtools.load.signing import SigningLoad


async def load(options: argparse.Namespace) -> int:
    """Run for the time or the requests asked for; 1 when an answer was neither accepted nor a 503."""
    signing = SigningLoad(
        options.public,
        options.petition,
        options.seed,
        rate=options.rate or float("inf"),
        clients=options.clients,
        most=options.requests or float("inf"),
        domain=options.domain or None,
        network=(lambda _number: str(options.network)) if options.network else None,
    )
    confirming = ConfirmingLoad(options.public, Mailboxes(options.mail), options.seed, share=options.confirm)
    began = time.monotonic()
    tasks = [asyncio.create_task(signing.run()), asyncio.create_task(confirming.run())]
    await asyncio.wait(tasks[:1], timeout=options.seconds)
    signing.stopping.set()
    await tasks[0]
    confirming.stopping.set()
    await tasks[1]
    times = sorted(a.seconds * 1000 for a in signing.attempts if a.status)
    taken = max((a.ended for a in signing.attempts), default=began) - began
    print(f"signing     {dict(signing.statuses())} in {taken:.1f} s")
    if times:
        print(f"  answered  median {statistics.median(times):.1f} ms, worst {times[-1]:.1f} ms")
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
    parser.add_argument("--network", default="", help="an address that all come from, by X-Forwarded-For")
    parser.add_argument("--clients", type=int, default=16, help="connections at the most")
    parser.add_argument("--confirm", type=float, default=0.6, help="the share of mails that is confirmed")
    parser.add_argument("--seed", default="load", help="other words make other people")
    return asyncio.run(load(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
