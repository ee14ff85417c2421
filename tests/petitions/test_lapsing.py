"""Who does not confirm in time lapses, once, also one that somebody had in hand when the walk came by."""

import psycopg

from app.petitions.resolving import Resolver
from tests.conftest import Addresses
from tests.petitions.conftest import Signer, a_form

LAPSE = "select lapse_signatures(%s)"


async def test_the_walk_comes_back_to_what_it_had_to_leave(
    sign: Signer, resolver: Resolver, superuser: psycopg.Connection, addresses: Addresses
) -> None:
    await sign(*(a_form(email=f"one{n}@example.com") for n in range(5)))
    await resolver.run()
    assert superuser.execute(LAPSE, (100,)).fetchone() == (0,), "their time is not over"
    superuser.execute("update signatures set expires_at = now()")
    with psycopg.connect(addresses.internal) as holder:
        holder.execute("select id from signatures order by id limit 1 for key share")
        assert superuser.execute(LAPSE, (3,)).fetchone() == (3,)
        assert superuser.execute(LAPSE, (3,)).fetchone() == (1,)
        assert superuser.execute(LAPSE, (3,)).fetchone() == (0,), "one is held"
    assert superuser.execute(LAPSE, (3,)).fetchone() == (1,)
    assert superuser.execute("select count(*) from signatures where state = 'lapsed'").fetchone() == (5,)


async def test_a_letter_that_waited_for_a_week_leaves_a_day_to_confirm(
    sign: Signer, resolver: Resolver, superuser: psycopg.Connection
) -> None:
    await sign(a_form())
    superuser.execute("update intake set received_at = now() - interval '8 days'")
    await resolver.run()
    left = superuser.execute("select expires_at > now() + interval '23 hours' from signatures").fetchone()
    assert left == (True,)
