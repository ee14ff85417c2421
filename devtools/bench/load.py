"""The load: wrk from Debian, driven by a Lua script that is written for each run."""

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.bench.processes import CannotMeasure
from devtools.bench.signers import Profile, profiles_in_lua

CONNECTIONS = 64
THREADS = 2
_DONE = """
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests": %d, "microseconds": %d, "refused": %d, "broken": %d, ' ..
    '"p50_us": %d, "p90_us": %d, "p99_us": %d}\\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99)))
end
"""
# Each thread has a Lua state of its own; they are told apart by a number.
_THREADS = """
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end
"""
_SIGN = """
local sent = 0
function request()
  sent = sent + 1
  local k = (sent * 7919 + number * 104729) % #before + 1
  local unique = RUN .. "x" .. number .. "x" .. sent
  return wrk.format("POST", PATH, HEADERS, before[k] .. unique .. after[k])
end
"""
_CONFIRM = """
local tokens, before, after
local sent = 0
function request()
  if tokens == nil then
    tokens = {}
    for line in io.lines(TOKENS .. "." .. number) do tokens[#tokens + 1] = line end
    -- All are of one length: one request, formatted once, is every request's frame.
    local first = wrk.format("POST", PATH, HEADERS, '{"token": "' .. tokens[1] .. '"}')
    local from, to = first:find(tokens[1], 1, true)
    before, after = first:sub(1, from - 1), first:sub(to + 1)
  end
  sent = sent + 1
  if sent >= #tokens then wrk.thread:stop() end
  return before .. tokens[(sent - 1) % #tokens + 1] .. after
end
"""
_READ = """
local plain, held
local sent = 0
-- Formatted once: a client that is busy with strings takes time from the server that it measures.
function init()
  plain, held = wrk.format("GET", PATH), wrk.format("GET", PATH, HELD)
end
function request()
  sent = sent + 1
  if sent % 10 < TENTHS then return held end
  return plain
end
"""
_DELAY = """
math.randomseed(RUN_SEED)
function delay()
  return math.random(0, 2 * MILLISECONDS)
end
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of the load came to.

    Attributes:
        refused: Answers with a status of 400 or more.
        broken: Connections and requests that got no answer.
    """

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p90_ms: float
    p99_ms: float

    @property
    def acknowledged(self) -> int:
        """Answers that were no refusal."""
        return self.requests - self.refused

    @property
    def per_second(self) -> float:
        """Acknowledged requests a second."""
        return self.acknowledged / self.seconds if self.seconds else 0.0


class Load:
    """Runs wrk; where it is missing, Haven's own client, which costs more and so measures less."""

    def __init__(self, folder: Path, profiles: Sequence[Profile], *, own_client: bool = False) -> None:
        self._folder = folder
        self._people = profiles_in_lua(profiles)
        self._profiles = profiles
        self._runs = 0
        # Two loads on one database must not bring the same people.
        self._name = secrets.token_hex(3)
        self.program = None if own_client else shutil.which("wrk")

    @property
    def name(self) -> str:
        """Which client it is, for the record."""
        return "wrk" if self.program else "devtools.bench.client (wrk is missing: figures are lower)"

    def sign(
        self, url: str, seconds: float, *, connections: int = CONNECTIONS, pause_ms: float = 0
    ) -> Result:
        """Distinct valid signers, none of whom was there before."""
        self._runs += 1
        script = self._people + _SIGN
        if pause_ms:
            script += _DELAY
        names: dict[str, object] = {
            "RUN": f"{self._name}r{self._runs}",
            "RUN_SEED": self._runs,
            "MILLISECONDS": round(pause_ms),
        }
        return self._run(url, seconds, script, names, connections)

    def confirm(self, url: str, seconds: float, tokens: Sequence[str]) -> Result:
        """Each token once, until the time or the tokens are over."""
        file = self._folder / "tokens"
        for thread in range(THREADS):
            mine = tokens[thread::THREADS]
            file.with_name(f"tokens.{thread}").write_text("\n".join(mine) + "\n", "ascii")
        return self._run(url, seconds, _CONFIRM, {"TOKENS": str(file)}, CONNECTIONS)

    def read(
        self,
        url: str,
        seconds: float,
        *,
        connections: int = CONNECTIONS,
        etag: str | None = None,
        tenths: int = 0,
    ) -> Result:
        """The same address again and again, so many tenths of the requests with an ETag."""
        held = {"If-None-Match": etag} if etag else {}
        return self._run(url, seconds, _READ, {"HELD": held, "TENTHS": tenths if etag else 0}, connections)

    def _run(
        self, url: str, seconds: float, script: str, names: Mapping[str, object], connections: int
    ) -> Result:
        origin, slash, path = url.partition("://")[2].partition("/")
        known = dict(names) | {"PATH": slash + path, "HEADERS": {"Content-Type": "application/json"}}
        if self.program is None:
            return self._run_own(f"http://{origin}", seconds, known, connections)
        file = self._folder / "load.lua"
        lines = [f"{name} = {_in_lua(value)}" for name, value in known.items()]
        file.write_text("\n".join(lines) + _THREADS + script + _DONE, "utf-8")
        threads = min(THREADS, connections)
        command = [
            self.program,
            f"-t{threads}",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "10s",
            "-s",
            str(file),
            f"http://{origin}",
        ]
        return _finished(command, seconds)

    def _run_own(self, origin: str, seconds: float, known: Mapping[str, object], connections: int) -> Result:
        file = self._folder / "load.json"
        profiles = [[profile.before, profile.after] for profile in self._profiles]
        told = dict(known) | {
            "origin": origin,
            "seconds": seconds,
            "connections": connections,
            "profiles": profiles,
        }
        file.write_text(json.dumps(told), "utf-8")
        return _finished([sys.executable, "-m", "devtools.bench.client", str(file)], seconds)


def _finished(command: Sequence[str], seconds: float) -> Result:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not found:
        raise CannotMeasure(
            f"the load ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"
        )
    said: dict[str, float] = json.loads(found[0].removeprefix("RESULT "))
    return Result(
        requests=int(said["requests"]),
        seconds=said["microseconds"] / 1e6,
        refused=int(said["refused"]),
        broken=int(said["broken"]),
        p50_ms=said["p50_us"] / 1000,
        p90_ms=said["p90_us"] / 1000,
        p99_ms=said["p99_us"] / 1000,
    )


def _in_lua(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)
