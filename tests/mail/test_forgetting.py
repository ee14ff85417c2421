"""Mails that are done with go, and their counts stay; what waits or failed lately stays as it is."""

from datetime import timedelta

import psycopg
import pytest

from app.core.db import Database
from app.mail import forgetting
from app.mail.forgetting import forget_allowances, forget_mails
from tests.factories import World

MAILS = """
    insert into mails (kind, campaign_id, message_id, state, created_at, ended_at)
    select 'confirm_signature', %s, gen_random_uuid()::text, state,
           now() - cast(age as interval), case when ended then now() - cast(age as interval) end
      from (values ('sent', '3 days', true), ('sent', '3 days', true), ('queued', '3 days', false),
                   ('failed', '3 days', true), ('bounced', '31 days', true), ('cancelled', '49 hours', true),
                   ('sending', '3 days', false), ('sent', '47 hours', true), ('queued', '1 second', false))
           x (state, age, ended)
"""


async def test_what_is_done_with_goes_and_is_counted(
    internal: Database, superuser: psycopg.Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 2)
    superuser.execute(MAILS, (world.campaign_id,))
    await forget_mails(internal)
    left = superuser.execute("select state from mails order by id").fetchall()
    assert [state for (state,) in left] == ["queued", "failed", "sending", "sent", "queued"]
    counted = "select state, mails from mail_counts where campaign_id = %s and kind = 'confirm_signature'"
    rows: dict[str, int] = dict(superuser.execute(counted, (world.campaign_id,)).fetchall())
    assert rows == {"sent": 2, "bounced": 1, "cancelled": 1}
    superuser.execute("delete from mails")  # ids grow with time, which these rows pretend
    superuser.execute(MAILS, (world.campaign_id,))
    await forget_mails(internal)
    assert superuser.execute("select sum(mails) from mail_counts").fetchone() == (8,)


async def test_the_walk_ends_where_mails_are_young(
    internal: Database, superuser: psycopg.Connection, world: World
) -> None:
    superuser.execute(MAILS, (world.campaign_id,))
    query = "select forget_mails(0, interval '2 days', interval '30 days', %s)"
    assert superuser.execute(query, (3,)).fetchone() != (None,), "all of these are old: there may be more"
    assert superuser.execute(query, (100,)).fetchone() == (None,)


async def test_an_allowance_goes_when_its_window_is_over(
    internal: Database, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 2)
    superuser.execute("""
        insert into mail_allowances (address_hash, queued_at)
        select sha256(n::text::bytea), case when n % 3 = 0 then array[now() - interval '7 hours', now()]
               when n % 3 = 1 then array[now() - interval '7 hours'] else '{}' end
          from generate_series(1, 9) n
    """)
    await forget_allowances(internal)
    assert superuser.execute("select count(*) from mail_allowances").fetchone() == (3,)
    await forget_allowances(internal, window=timedelta(0))
    assert superuser.execute("select count(*) from mail_allowances").fetchone() == (0,)
