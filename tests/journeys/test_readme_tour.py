"""The README's tour, pasted into a shell line by line: it does what it says."""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.journeys.running import Running

README = Path(__file__).resolve().parents[2] / "README.md"
CATCHES_TOKEN = "until token="
MEMORY_SECONDS = 2
PATIENCE_SECONDS = 60


def tour() -> list[str]:
    """The shell blocks of the tour that speak to the running system."""
    text = README.read_text(encoding="utf-8")
    section = text.partition("## A tour of five minutes")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def addressed(script: str, running: Running) -> str:
    """The script with this run's ports in place of the usual ones."""
    usual = {8000: running.public, 8001: running.staff, 8025: running.mail}
    for port, url in usual.items():
        script = script.replace(f"http://127.0.0.1:{port}", url)
    return script


def answers(printed: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def paste(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


async def test_the_tour_works_as_pasted(running: Running, simulator: httpx.AsyncClient) -> None:
    blocks = [block for block in tour() if ".venv/bin/haven" not in block]
    assert len(blocks) == 5
    assert sum(CATCHES_TOKEN in block for block in blocks) == 1

    await asyncio.sleep(MEMORY_SECONDS)  # whoever has just confirmed elsewhere shows in the counter
    done = await asyncio.to_thread(paste, addressed("\n".join(blocks), running))

    assert done.returncode == 0, done.stdout + done.stderr
    before, signed, confirmed, after, mine, donation = answers(done.stdout)
    assert signed == {"status": "check_your_inbox"}
    assert confirmed["status"] == "confirmed"
    assert confirmed["count"] == after["count"] == int(str(before["count"])) + 1
    assert (mine["name"], mine["state"]) == ("Suzie Fenn", "confirmed")
    assert (donation["status"], donation["amount"], donation["currency"]) == ("pending", 2500, "GBP")
    page = await simulator.get(urlsplit(str(donation["checkout_url"])).path)
    assert page.status_code == 200


def test_the_tour_names_the_usual_addresses_only() -> None:
    hosts = set(re.findall(r"http://127\.0\.0\.1:(\d+)", README.read_text(encoding="utf-8")))

    assert hosts == {"8000", "8001", "8025"}
