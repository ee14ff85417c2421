"""The flood guard: a network that floods waits, everybody else and every crowd goes on."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from app.http.flooding import FloodGuard, Windows
from app.http.problems import install_problems
from app.settings import Settings, WebSettings
from app.web.errors import error_page


def guarded(*, demo: bool = False, minute: int = 3_000) -> ASGIApp:
    settings = Settings(demo=demo, web=WebSettings(flood_requests_a_minute=minute))
    app = FastAPI()
    app.state.settings = settings

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(path: str) -> str:
        return path

    install_problems(app, error_page)
    return FloodGuard(app, app, settings, error_page)


async def send(
    app: ASGIApp, times: int, client: str, method: str = "POST", path: str = "/x", **headers: str
) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app, client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return [await http.request(method, path, headers=named) for _ in range(times)]


def refused(answers: list[httpx.Response]) -> int:
    return sum(answer.status_code == 429 for answer in answers)


async def test_a_flood_is_refused_with_the_time_to_come_back() -> None:
    app = guarded(minute=100)
    answers = await send(app, 8, "203.0.113.9", path="/api/v1/petitions/x/signatures")
    assert refused(answers) >= 1
    answer = answers[-1]
    assert answer.json()["code"] == "too_many_requests"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit-policy"] == '"flood";q=5;w=1'
    assert answer.headers["ratelimit"].startswith('"flood";r=0;t=')
    assert "ratelimit" not in answers[0].headers, "other answers stay alike"
    assert refused(await send(app, 1, "203.0.113.10")) == 0


async def test_people_see_a_page() -> None:
    app = guarded(minute=20)
    answer = (await send(app, 3, "203.0.113.9", path="/petitions/x"))[-1]
    assert answer.status_code == 429
    assert "Too many tries in a short time" in answer.text


async def test_a_crowd_is_far_below_it() -> None:
    assert refused(await send(guarded(), 140, "203.0.113.9")) == 0


async def test_reading_from_memory_is_not_counted_and_a_link_is() -> None:
    app = guarded(minute=20)
    assert refused(await send(app, 10, "203.0.113.9", "GET", "/petitions/x")) == 0
    assert refused(await send(app, 10, "203.0.113.9", "GET", "/my/token")) > 0


async def test_a_household_of_ipv6_is_one_network() -> None:
    app = guarded(minute=20)
    answers = [*await send(app, 1, "2001:db8::1"), *await send(app, 1, "2001:db8::ffff:1")]
    assert refused(answers) == 1


@pytest.mark.parametrize("client", ["127.0.0.1", "::1"])
async def test_this_machine_is_exempt_in_a_demo_unless_it_names_somebody_else(client: str) -> None:
    app = guarded(demo=True, minute=20)
    assert refused(await send(app, 10, client)) == 0
    assert refused(await send(app, 10, client, x_forwarded_for="203.0.113.9")) > 0
    assert refused(await send(guarded(minute=20), 10, client)) > 0


async def test_a_made_up_header_opens_no_other_window() -> None:
    app = guarded(minute=20)
    answers = [
        answer
        for i in range(10)
        for answer in await send(app, 1, "203.0.113.9", x_forwarded_for=f"192.0.2.{i}")
    ]
    assert refused(answers) > 0


async def test_nought_is_no_limit() -> None:
    assert refused(await send(guarded(minute=0), 300, "203.0.113.9")) == 0


async def test_windows_end_and_are_bounded() -> None:
    windows = Windows(most=100)
    assert [windows.incr("a", 0.05) for _ in range(3)] == [1, 2, 3]
    await asyncio.sleep(0.06)
    assert windows.get("a") == 0
    assert windows.incr("a", 60) == 1
    for i in range(1_000):
        windows.incr(f"network {i}", 60)
    assert len(windows._counts) <= 100
