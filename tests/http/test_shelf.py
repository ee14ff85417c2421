"""Public reads from memory: the same as the routes behind, never old after a confirmation, quick with 304."""

from dataclasses import replace
from datetime import timedelta

import httpx
import psycopg
import pytest

from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.petitions.proof_of_work import ProofOfWork
from tests.factories import World
from tests.http.sites import Site

NOWHERE = "postgresql://haven_public:none@127.0.0.1:1/none"
CHANGING = {"x-request-id", "etag", "vary", "content-encoding", "content-length"}


def said(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGING}


async def test_the_shelf_says_what_the_route_says(site: Site) -> None:
    for path in site.paths:
        for query in ("", "?lang=uk", "?placement=front-page"):
            if query and path != site.paths[0]:
                continue
            front, behind = await site.shelf.get(path + query), await site.routes.get(path + query)

            assert (front.status_code, behind.status_code) == (200, 200), path
            assert front.content == behind.content, path
            assert said(front) == said(behind), path


async def test_a_forms_mark_is_renewed_and_no_reason_to_load_the_page_again(site: Site) -> None:
    path = site.paths[0]
    first = await site.shelf.get(path)
    site.clock.advance(timedelta(seconds=15))
    later = await site.shelf.get(path)

    assert first.content != later.content
    assert first.headers["etag"] == later.headers["etag"]
    held = {"If-None-Match": first.headers["etag"]}
    assert (await site.shelf.get(path, headers=held)).status_code == 304


async def test_a_form_asks_for_work_as_soon_as_it_should(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await site.shelf.get(site.paths[0])
    monkeypatch.setattr(ProofOfWork, "is_asked", lambda _self, _petition_id: True)
    after = await site.shelf.get(site.paths[0])

    assert b"challenge" not in before.content
    assert b"challenge" in after.content
    assert before.headers["etag"] != after.headers["etag"]


async def test_it_does_not_ask_the_database(site: Site) -> None:
    site.petitions._database = Database(NOWHERE)

    for path in site.paths:
        assert (await site.shelf.get(path)).status_code == 200, path
    with pytest.raises(DatabaseUnavailable):
        await site.petitions.refresh()
    for path in site.paths:
        assert (await site.shelf.get(path)).status_code == 200, path
    site.petitions._stale_for = 0
    assert (await site.shelf.get(site.paths[0])).status_code == 503
    await site.petitions._database.close()


async def test_a_head_has_no_body(site: Site) -> None:
    answer = await site.shelf.head(site.paths[0])

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


async def test_each_reader_gets_their_language(site: Site) -> None:
    for asked, expected in (("ar, en;q=0.5", "ar"), ("uk", "uk"), ("fr", "en"), ("", "en")):
        answer = await site.shelf.get(site.paths[0], headers={"Accept-Language": asked})

        assert answer.headers["content-language"] == expected
    chosen = await site.shelf.get(f"{site.paths[0]}?lang=ar", headers={"Accept-Language": "uk"})
    assert chosen.headers["content-language"] == "ar"


async def test_a_count_that_a_commit_told_shows_at_once(site: Site, world: World) -> None:
    before = {path: await site.shelf.get(path) for path in site.paths}

    site.petitions.count(world.petition_id, 4321)

    after = {path: await site.shelf.get(path) for path in site.paths}
    for path in site.paths:
        assert "4321" in after[path].text.replace(",", ""), path
        assert after[path].headers["etag"] != before[path].headers["etag"]


async def test_pages_are_not_made_anew_after_each_of_many_commits(
    site: Site, world: World, superuser: psycopg.Connection
) -> None:
    tags = set()
    for count in range(1, 101):
        site.petitions.count(world.petition_id, count)
        tags.add(site.petitions._held[world.petition_slug].edition)
    assert (await site.petitions.get(world.petition_slug)).count == 100, "who has confirmed sees it at once"
    assert len(tags) < 50

    superuser.execute(
        "insert into petition_counts (petition_id, counted) values (%s, 100)", [world.petition_id]
    )
    await site.petitions.refresh()
    assert "100" in (await site.shelf.get(f"{site.paths[0]}.json")).text


async def test_a_reading_that_began_before_a_commit_does_not_undo_what_it_told(
    site: Site, world: World
) -> None:
    held = site.petitions._held[world.petition_slug]
    site.petitions.count(world.petition_id, 77)
    site.petitions._held[world.petition_slug] = replace(
        site.petitions._held[world.petition_slug], as_at=held.as_at + 3600, mark=""
    )

    await site.petitions.refresh()

    assert (await site.shelf.get(f"/petitions/{world.petition_slug}/count.json")).json() == {
        "signature_count": 77
    }


async def test_one_query_sees_new_counts_and_new_texts(
    site: Site, world: World, superuser: psycopg.Connection
) -> None:
    await site.petitions.refresh()
    superuser.execute(
        "insert into petition_counts (petition_id, counted) values (%s, 5)", [world.petition_id]
    )
    superuser.execute("update petitions set goal = goal + 1 where id = %s", [world.petition_id])
    try:
        await site.petitions.refresh()
        answer = await site.shelf.get(f"/api/v1/petitions/{world.petition_slug}")
    finally:
        superuser.execute("update petitions set goal = goal - 1 where id = %s", [world.petition_id])

    assert (answer.json()["count"], answer.json()["goal"]) == (5, 1001)


async def test_what_is_no_plain_read_goes_on_to_the_routes(site: Site) -> None:
    foreign = await site.shelf.get(site.paths[0], headers={"Host": "elsewhere.example"})
    unknown = await site.shelf.get("/petitions/no-such-petition")
    long = await site.shelf.get(f"{site.paths[0]}?placement={'x' * 300}")

    assert foreign.status_code == 421
    assert unknown.status_code == 404
    assert (long.status_code, "x" * 300 in long.text) == (200, False)


async def test_memory_is_bounded_whatever_placements_are_made_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.http.shelf.MOST_BYTES", 200_000)
    front = site.shelf._transport.app  # type: ignore[attr-defined]  # httpx's own, to look inside
    for number in range(60):
        await site.shelf.get(f"{site.paths[0]}?placement=made-up-{number}")

    assert front._bytes == sum(answer.size for answer in front._answers.values())
    assert front._bytes <= 200_000


async def test_petition_readers_find_what_they_expect(site: Site, world: World) -> None:
    petition = (await site.shelf.get(f"/petitions/{world.petition_slug}.json")).json()

    assert petition["data"]["type"] == "petition"
    assert petition["data"]["id"] == world.petition_id
    attributes = petition["data"]["attributes"]
    assert attributes["action"] == "Open the door"
    assert attributes["background"] == "Send aid.\nGrant refuge."
    assert (attributes["state"], attributes["signature_count"]) == ("open", 0)
    assert attributes["opened_at"] == "2026-03-01T00:00:00.000Z"
    assert attributes["closed_at"] is None
    assert petition["links"]["self"].endswith(f"/petitions/{world.petition_slug}.json")
