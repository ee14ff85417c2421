"""The page to give on lives while the database is away."""

import pytest

from app.core.clock import FrozenClock
from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.donations.appeals import PublishedAppeals
from app.donations.errors import AppealNotFound
from tests.factories import World

NOWHERE = "postgresql://haven_public:none@127.0.0.1:1/none"


async def test_an_appeal_is_shown_while_the_database_is_away_but_not_for_ever(
    public: Database, clock: FrozenClock, world: World
) -> None:
    appeals = PublishedAppeals(public, clock, max_age=0)
    with pytest.raises(AppealNotFound):
        await appeals.get("no-such-appeal")
    read = await appeals.get(world.appeal_slug)
    away = Database(NOWHERE)
    appeals._database = away
    try:
        assert await appeals.get(world.appeal_slug) is read
        appeals._stale_for = 0
        with pytest.raises(DatabaseUnavailable):
            await appeals.get(world.appeal_slug)
    finally:
        await away.close()
