"""`servers`: the same public app served by uvicorn as `haven serve` sets it up, and by granian."""

from importlib.metadata import PackageNotFoundError, version

from devtools.bench.figures import Report, Rounds
from devtools.bench.load import Load, Result
from devtools.bench.options import Options, said
from devtools.bench.processes import CannotMeasure, granian_processes, public_processes, worker_process
from devtools.bench.signing import drain, look, verify
from devtools.bench.world import World

FIGURES = ("count", "page", "signing")
MISSING = (
    "granian is not installed, and no lock holds it; "
    "`.venv/bin/python -m uv pip install --python .venv/bin/python granian` puts it beside Haven"
)


def versions() -> dict[str, str]:
    """Of both servers. Raises CannotMeasure without granian."""
    try:
        return {name: version(name) for name in ("uvicorn", "granian")}
    except PackageNotFoundError:
        raise CannotMeasure(MISSING) from None


class Servers:
    """The rounds of one measurement; whichever does not serve meanwhile is idle."""

    def __init__(self, world: World, load: Load, seconds: float) -> None:
        self._world, self._load, self._seconds = world, load, seconds
        self._slug = world.loaded.petition_slug
        self.rounds = Rounds()

    def warm(self, origin: str) -> None:
        """Every process has answered everything before it counts."""
        seconds = min(1, self._seconds)
        self._load.read(f"{origin}/api/v1/petitions/{self._slug}/count", seconds)
        self._load.read(f"{origin}/petitions/{self._slug}", seconds)
        self._load.sign(f"{origin}/api/v1/petitions/{self._slug}/signatures", seconds)
        drain(self._world)

    def count(self, server: str, origin: str) -> None:
        """What a page's counter asks for."""
        self._read(f"{server}_count", f"{origin}/api/v1/petitions/{self._slug}/count")

    def page(self, server: str, origin: str) -> None:
        """The petition's page."""
        self._read(f"{server}_page", f"{origin}/petitions/{self._slug}")

    def signing(self, server: str, origin: str) -> None:
        """Accepted signatures, while the worker resolves them; all of them are there afterwards."""
        before = look(self._world)
        result = self._load.sign(f"{origin}/api/v1/petitions/{self._slug}/signatures", self._seconds)
        verify(before, look(self._world), result)
        self._note(f"{server}_signing", result)
        drain(self._world)

    def _read(self, name: str, url: str) -> None:
        result = self._load.read(url, self._seconds)
        if result.refused or result.broken:
            raise CannotMeasure(f"{name}: {result.refused} refused, {result.broken} broken")
        self._note(name, result)

    def _note(self, name: str, result: Result) -> None:
        self.rounds.add(f"{name}_per_second", result.per_second)
        self.rounds.add(f"{name}_p50_ms", result.p50_ms)
        self.rounds.add(f"{name}_p99_ms", result.p99_ms)


def measure(world: World, load: Load, options: Options) -> Report:
    """Interleaved rounds; in every other one granian goes first."""
    known = versions()
    world.fill(options.signatures)
    with (
        worker_process(world),
        public_processes(world, options.processes),
        granian_processes(world, options.processes) as granian,
    ):
        servers = Servers(world, load, options.seconds)
        origins = [("uvicorn", world.origin), ("granian", granian)]
        for _, origin in origins:
            servers.warm(origin)
        for number in range(options.rounds):
            said(f"servers: round {number + 1} of {options.rounds}")
            for step in (servers.count, servers.page, servers.signing):
                for server, origin in origins:
                    step(server, origin)
            origins.reverse()
    rounds = servers.rounds
    ratios = {
        f"uvicorn_to_granian_{name}": rounds.ratio(f"uvicorn_{name}_per_second", f"granian_{name}_per_second")
        for name in FIGURES
    } | {
        f"uvicorn_to_granian_{name}_p99": rounds.ratio(f"uvicorn_{name}_p99_ms", f"granian_{name}_p99_ms")
        for name in FIGURES
    }
    return Report("servers", rounds, ratios, (), options.conditions() | {"servers": known})
