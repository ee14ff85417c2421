"""`reading`: what everybody asks for, from memory, beside a FastAPI route that returns a constant."""

import http.client
from urllib.parse import urlsplit

from devtools.bench.figures import Aim, Report, Rounds
from devtools.bench.load import Load
from devtools.bench.options import Options, said
from devtools.bench.processes import CannotMeasure, comparison_processes, public_processes, worker_process
from devtools.bench.world import World

AIMS = (
    Aim("count_to_constant", at_least=1.5),
    Aim("petition_to_constant", at_least=1.5),
    Aim("page_to_constant", at_least=1.5),
)
_HELD_TENTHS = 9
"""Of ten requests, so many come with an ETag: a counter that polls has asked before."""
_SAMPLE = 100


def etag_of(url: str) -> str:
    """The ETag of what is there now; empty where there is none."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request("GET", parts.path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise CannotMeasure(f"{parts.path} answers {answer.status}")
    return answer.getheader("ETag") or ""


def share_of_304(url: str, etag: str) -> float:
    """How many of a hundred callers who hold that ETag are told that nothing has changed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    unchanged = 0
    for _ in range(_SAMPLE):
        connection.request("GET", parts.path, headers={"If-None-Match": etag} if etag else {})
        answer = connection.getresponse()
        answer.read()
        unchanged += answer.status == http.HTTPStatus.NOT_MODIFIED
    connection.close()
    return unchanged / _SAMPLE


def measure(world: World, load: Load, options: Options) -> Report:
    """Interleaved rounds of every address, without an ETag and with one in nine of ten requests."""
    world.fill(options.signatures)
    rounds = Rounds()
    slug = world.loaded.petition_slug
    with (
        worker_process(world),
        public_processes(world, options.processes),
        comparison_processes(world, options.processes) as plain,
    ):
        urls = {
            "count": f"{world.origin}/api/v1/petitions/{slug}/count",
            "petition": f"{world.origin}/api/v1/petitions/{slug}",
            "page": f"{world.origin}/petitions/{slug}",
            "constant": f"{plain}/constant",
        }
        for url in urls.values():
            load.read(url, min(1, options.seconds))
        for number in range(options.rounds):
            said(f"reading: round {number + 1} of {options.rounds}")
            for name, url in urls.items():
                _one(load, rounds, name, url, options.seconds)
    ratios = {
        f"{name}_to_constant": rounds.ratio(f"{name}_per_second", "constant_per_second")
        for name in ("count", "petition", "page", "count_held", "petition_held", "page_held")
    }
    return Report("reading", rounds, ratios, AIMS, options.conditions())


def _one(load: Load, rounds: Rounds, name: str, url: str, seconds: float) -> None:
    result = load.read(url, seconds)
    if result.refused or result.broken:
        raise CannotMeasure(f"{name}: {result.refused} refused, {result.broken} broken")
    rounds.add(f"{name}_per_second", result.per_second)
    rounds.add(f"{name}_p99_ms", result.p99_ms)
    if name == "constant":
        return
    etag = etag_of(url)
    rounds.add(f"{name}_share_of_304", share_of_304(url, etag))
    if etag:
        held = load.read(url, seconds, etag=etag, tenths=_HELD_TENTHS)
        rounds.add(f"{name}_held_per_second", held.per_second)
