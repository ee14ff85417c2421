from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from app.campaigns.published import list_campaigns, wordings_in_force
from app.cli.demo import loading
from app.cli.demo.loading import Loaded, NotTheDemo, load
from app.cli.demo.reading import demo_texts
from app.core.db import Database
from app.petitions.published import read_petition
from tests.conftest import Addresses

WRITTEN = (
    "campaigns",
    "wordings",
    "placements",
    "petitions",
    "petition_text_versions",
    "petition_counts",
    "appeals",
    "beneficiaries",
    "allocation_shares",
)


def rows(connection: psycopg.Connection, query: str, *values: object) -> list[tuple[object, ...]]:
    return connection.execute(query.encode(), values).fetchall()


def test_a_second_load_changes_nothing(demo: Addresses) -> None:
    with psycopg.connect(demo.owner, autocommit=True) as connection:
        first = load(connection)
        before = {table: rows(connection, f"select * from {table} order by 1, 2, 3") for table in WRITTEN}  # noqa: S608
        second = load(connection)
        after = {table: rows(connection, f"select * from {table} order by 1, 2, 3") for table in WRITTEN}  # noqa: S608
    assert second == replace(first, inserted=0)
    assert before == after
    assert all(before.values())
    assert len(before["wordings"]) == 4
    assert len(before["allocation_shares"]) == 3


def test_it_is_marked_as_a_demo(demo_owner: psycopg.Connection, loaded: Loaded) -> None:
    assert rows(demo_owner, "select is_demo from campaigns where id = %s", loaded.campaign_id) == [(True,)]


async def test_the_public_role_sees_it(demo: Addresses, loaded: Loaded) -> None:
    database = Database(demo.public, pool_size=1)
    async with database.begin() as session:
        assert [c.slug for c in await list_campaigns(session)] == [loaded.campaign_slug]
        petition = await read_petition(session, loaded.petition_slug, datetime.now(UTC))
        wordings = await wordings_in_force(session, loaded.campaign_id)
    await database.close()
    assert petition.is_open
    assert len(petition.asks) == 2
    assert petition.carried_over_count == 265_826
    assert {w.purpose: w.id for w in wordings.values()} == loaded.wording_ids
    assert wordings["donation"].version == 2
    assert "1062638" in wordings["donation"].text["ar"]


def test_money_goes_to_others_from_3_march_on(demo_owner: psycopg.Connection, loaded: Loaded) -> None:
    query = """select b.charity_number from allocation_shares a
                 join beneficiaries b on b.id = a.beneficiary_id
                where a.appeal_id = %s and a.starts_at = (select max(starts_at) from allocation_shares
                where appeal_id = a.appeal_id and starts_at <= %s) order by 1"""
    on_2_march, on_3_march = datetime(2022, 3, 2, 12, tzinfo=UTC), datetime(2022, 3, 3, tzinfo=UTC)
    assert rows(demo_owner, query, loaded.appeal_id, on_2_march) == [("213890",), ("220949",)]
    assert rows(demo_owner, query, loaded.appeal_id, on_3_march) == [("1062638",)]


def test_what_staff_changed_stays(demo_owner: psycopg.Connection, loaded: Loaded) -> None:
    demo_owner.execute("update petitions set goal = 1 where id = %s", [loaded.petition_id])
    assert load(demo_owner).inserted == 0
    assert rows(demo_owner, "select goal from petitions where id = %s", loaded.petition_id) == [(1,)]


def test_only_missing_versions_are_added(
    demo_owner: psycopg.Connection, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = demo_texts()
    other = texts.campaign.title
    edited = tuple(wording.model_copy(update={"text": other}) for wording in texts.wordings)
    newer = edited[0].model_copy(update={"version": 2})
    asks = tuple(v.model_copy(update={"asks": (other,)}) for v in texts.petition.version)
    changed = texts.model_copy(
        update={
            "wordings": (*edited, newer),
            "petition": texts.petition.model_copy(update={"version": asks}),
        }
    )
    monkeypatch.setattr(loading, "demo_texts", lambda: changed)
    before = rows(demo_owner, "select id, text from wordings order by id")
    again = load(demo_owner)
    assert again.inserted == 1
    assert again.wording_ids["signature"] != loaded.wording_ids["signature"]
    assert rows(demo_owner, "select id, text from wordings order by id")[: len(before)] == before


@pytest.mark.parametrize("table", ["campaigns", "petitions"])
def test_a_real_campaign_of_that_name_is_left_alone(
    demo_owner: psycopg.Connection, loaded: Loaded, table: str
) -> None:
    if table == "campaigns":
        demo_owner.execute("update campaigns set is_demo = false where id = %s", [loaded.campaign_id])
    else:
        demo_owner.execute("update campaigns set slug = 'another' where id = %s", [loaded.campaign_id])
    with pytest.raises(NotTheDemo):
        load(demo_owner)
