"""The pages against abuse in the system's Chromium: accessible and fitting on every screen."""

from typing import Literal

import psycopg
import pytest

from app.core.db import Database
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.petitions.sweeping import Sweeper
from app.petitions.watching import Watcher
from tests.factories import World
from tests.web.admin.conftest import Visitor, where
from tests.web.admin.moderating import ABUSE, DECIDE, fields_of, look, moderator, sign
from tests.web.conftest import Opened
from tests.web.test_pages_axe import AXE, SCREENS, findings

__all__ = ["moderator"]


async def bodies(visitor: Visitor, sweeper: Sweeper) -> dict[str, bytes]:
    """Every page in its states, by a path of its own."""
    token = {"csrf_token": await visitor.csrf_token()}
    found = {"/empty-sweeps": await visitor.get("/sweeps"), "/empty-lists": await visitor.get("/lists")}
    trial = await look(visitor, pattern="robot *")
    page = where(await visitor.post(DECIDE, fields_of(trial, DECIDE) | {"reason": "bot"}))
    found |= {
        "/overview": await visitor.get("/abuse?looking=1"),
        "/petition": await visitor.get(f"{ABUSE}?asked=1"),
        "/form": await visitor.get(DECIDE),
        "/form-wrong": await look(visitor, network="x"),
        "/trial": trial,
        "/trial-release": await look(visitor, action="release", score_from="100"),
        "/trial-nothing": await look(visitor, placement="nowhere"),
        "/running": await visitor.get(page),
        "/following": await visitor.get(f"{page}?follow=1"),
    }
    await sweeper.run(page.rpartition("/")[2])
    for kind, value in (("network", "2001:db8::/64"), ("address", "eve@example.org")):
        line = {"action": "block", "kind": kind, "value": value, "note": "spam run of 3 March"}
        await visitor.post("/lists", token | line)
    found |= {
        "/done": await visitor.get(page),
        "/undo": await visitor.get(f"{page}/undo"),
        "/sweeps": await visitor.get("/sweeps"),
        "/lists": await visitor.get("/lists"),
        "/lists-wrong": await visitor.post("/lists", token | {"action": "block", "kind": "domain"}),
        "/account-chosen": await visitor.get("/account?chosen=1"),
    }
    return {path: response.content for path, response in found.items()}


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
async def test_every_page_is_accessible_and_fits(
    opened: Opened,
    moderator: Visitor,
    superuser: psycopg.Connection,
    world: World,
    sealer: Sealer,
    hasher: Hasher,
    opener: Opener,
    internal: Database,
    width: int,
    scheme: Literal["dark", "light"],
) -> None:
    sign(superuser, world, sealer, hasher, 45)
    sign(superuser, world, sealer, hasher, 12, name="Wolfeschlegelsteinhausenbergerdorff", score=120)
    sign(superuser, world, sealer, hasher, 4, name="محمد", score=1000, state="confirmed")
    superuser.commit()
    await Watcher(internal, sealer, opener, hasher, "https://staff.example").run()
    pages = await bodies(moderator, Sweeper(internal, sealer, opener, hasher))
    async with opened(width, color_scheme=scheme, reduced_motion="reduce") as (page, site):
        site.pages = pages
        await page.add_init_script(AXE)
        found = [f"{path}: {finding}" for path in pages for finding in await findings(page, path)]
    assert not found, "\n".join(found)
    assert not site.complaints
    assert not site.strangers
