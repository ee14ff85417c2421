"""The short way of signing: what it takes, FastAPI's own way takes; all the rest goes there and is told."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.routes import add_api
from app.core.db import Database
from app.crypto.sealing import Opener, Sealer
from app.http.problems import install_problems
from app.petitions.letterbox import SealedLetter
from app.petitions.published import PublishedPetition, read_petition
from app.settings import Settings
from app.web.errors import error_page
from tests.factories import World

GOOD = {
    "name": "Suzie Fenn",
    "email": "suzie@example.org",
    "country": "GB",
    "postcode": "N1 9GU",
    "placement": "front-page",
    "locale": "en",
    "consents": [{"purpose": "signature", "wording_version": 1, "given": True}],
}
_PLAIN = {"Content-Type": "application/json"}
# A key that changes nothing but the way through the framework.
_USUAL = {**_PLAIN, "Idempotency-Key": "k"}


@dataclass
class Site:
    """Signing alone, its letters in memory."""

    client: httpx.AsyncClient
    path: str
    letters: list[SealedLetter] = field(default_factory=list)

    async def put(self, letter: SealedLetter) -> None:
        self.letters.append(letter)

    async def both(self, content: bytes, path: str = "") -> tuple[httpx.Response, httpx.Response]:
        """The same body by the short way, where it is taken, and by the long one."""
        url = path or self.path
        return (
            await self.client.post(url, content=content, headers=_PLAIN),
            await self.client.post(url, content=content, headers=_USUAL),
        )


@pytest.fixture
async def site(public: Database, sealer: Sealer, world: World) -> AsyncIterator[Site]:
    async with public.begin() as session:
        petition = await read_petition(session, world.petition_slug, datetime.now(UTC))
    app = FastAPI(openapi_url=None, max_body_size=4_000)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        site = Site(client, f"/api/v1/petitions/{world.petition_slug}/signatures")
        app.state.role = _role(site, petition, sealer)
        add_api(app, Settings())
        install_problems(app, error_page)
        yield site


def _role(site: Site, petition: PublishedPetition, sealer: Sealer) -> SimpleNamespace:
    async def get(slug: str) -> PublishedPetition:
        assert slug == petition.slug
        return petition

    async def require(solution: str | None, petition_id: int) -> bool:
        return False

    held = SimpleNamespace(petition=petition)
    return SimpleNamespace(
        settings=Settings(),
        sealer=sealer,
        letterbox=SimpleNamespace(put=site.put),
        work=SimpleNamespace(require=require),
        surge=SimpleNamespace(admit=lambda: None),
        petitions=SimpleNamespace(get=get, held=lambda slug: held if slug == petition.slug else None),
    )


def _alike(short: httpx.Response, long: httpx.Response) -> None:
    assert short.status_code == long.status_code
    assert short.headers == long.headers
    assert short.content == long.content


async def test_both_ways_take_the_same_signature(site: Site, opener: Opener) -> None:
    short, long = await site.both(json.dumps(GOOD).encode())

    assert short.status_code == 202
    _alike(short, long)
    first, second = (opener.open(letter.sealed, letter.id) for letter in site.letters)
    assert first == second
    assert first["name"] == "Suzie Fenn"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
        json.dumps(GOOD).encode("utf-16"),
        json.dumps(GOOD | {"name": "\ud800"}).encode(),
        json.dumps(GOOD | {"extra": 1}).encode(),
        json.dumps(GOOD | {"text_version": 1.0}).encode(),
        json.dumps(GOOD | {"text_version": "1"}).encode(),
        json.dumps(GOOD | {"text_version": True}).encode(),
        json.dumps(GOOD | {"text_version": 2**31}).encode(),
        json.dumps(GOOD | {"name": "x" * 101}).encode(),
        json.dumps(GOOD | {"name": None}).encode(),
        json.dumps(GOOD | {"consents": []}).encode(),
        json.dumps(GOOD | {"email": "nobody"}).encode(),
        json.dumps(GOOD)[:-1].encode() + b', "name": "Twice"}',
        json.dumps(GOOD)[:-1].encode() + b', "text_version": NaN}',
        b" " * 5_000,
    ],
)
async def test_whatever_is_odd_is_answered_alike(site: Site, content: bytes) -> None:
    short, long = await site.both(content)

    _alike(short, long)
    assert len(site.letters) in (0, 2)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_body_is_answered_otherwise(site: Site, data: st.DataObject) -> None:
    values: st.SearchStrategy[Any] = st.one_of(
        st.none(), st.booleans(), st.integers(-2, 2**33), st.floats(), st.text(max_size=20), st.just([])
    )
    body = GOOD | data.draw(
        st.dictionaries(st.sampled_from([*GOOD, "text_version", "other"]), values, max_size=3)
    )
    short, long = await site.both(json.dumps(body).encode())

    _alike(short, long)


async def test_an_unknown_petition_and_an_odd_name_go_the_long_way(site: Site) -> None:
    for slug in ("Not%20one", "x" * 101):
        short, long = await site.both(json.dumps(GOOD).encode(), f"/api/v1/petitions/{slug}/signatures")

        assert short.status_code == 422
        _alike(short, long)


async def test_a_body_that_is_no_json_by_its_header_is_refused(site: Site) -> None:
    answer = await site.client.post(
        site.path, content=json.dumps(GOOD), headers={"Content-Type": "text/plain"}
    )

    assert answer.status_code == 422
    assert site.letters == []
