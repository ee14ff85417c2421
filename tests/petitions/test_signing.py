from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import select, text

from app.core.db import Database
from app.core.errors import InvalidFields
from app.crypto.details import open_sealed
from app.crypto.sealing import Opener
from app.petitions.errors import LinkUnknown
from app.petitions.linking import Confirmer, read_my_signature, withdraw
from app.petitions.models import Signature
from app.petitions.resolving import Resolver
from tests.factories import World
from tests.petitions.conftest import Signer, a_form


async def _signatures(internal: Database) -> list[Signature]:
    async with internal.begin() as session:
        return list(await session.scalars(select(Signature).order_by(Signature.id)))


async def _figures(internal: Database, petition_id: int) -> tuple[int, int, int]:
    """Counter, rows, tallies: three ways to the same number."""
    async with internal.begin() as session:
        counter = await session.scalar(
            text("select coalesce(max(counted), 0) from petition_counts where petition_id = :p"),
            {"p": petition_id},
        )
        rows = await session.scalar(
            text("select count(*) from signatures where state = 'confirmed' and petition_id = :p"),
            {"p": petition_id},
        )
        tallies = await session.scalar(
            text(
                "select coalesce(sum(confirmed - withdrawn - invalidated), 0)::int from tallies "
                "where dimension = 'all' and petition_id = :p"
            ),
            {"p": petition_id},
        )
    return counter or 0, rows or 0, tallies or 0


async def _confirm(public: Database, token: str) -> None:
    confirmer = Confirmer(public)
    confirmer.start()
    try:
        await confirmer.confirm(token)
    finally:
        await confirmer.stop()


async def test_suzie_signs_confirms_and_withdraws(
    sign: Signer,
    resolver: Resolver,
    public: Database,
    internal: Database,
    world: World,
    token_of: Callable[..., str],
) -> None:
    await sign(a_form(placement="front-page"))
    assert await _signatures(internal) == []
    assert await resolver.run() == 1
    [signature] = await _signatures(internal)
    assert (signature.state, signature.region is not None, signature.person_number) == ("pending", True, 1)
    assert await _figures(internal, world.petition_id) == (0, 0, 0)

    token = token_of(signature.id)
    await _confirm(public, token)
    await _confirm(public, token)
    assert await _figures(internal, world.petition_id) == (1, 1, 1)
    async with public.begin() as session:
        mine = await read_my_signature(session, token)
    assert mine.details == {
        "name": "Suzie Fenn",
        "email": "suzie@example.com",
        "postcode": "N1 9GU",
        "country": "GB",
    }
    assert {c["purpose"]: c["given"] for c in mine.consents} == {"signature": True, "updates": False}

    async with public.begin() as session:
        assert await withdraw(session, token) == "confirmed"
    assert await _figures(internal, world.petition_id) == (0, 0, 0)
    [signature] = await _signatures(internal)
    assert (signature.supporter_id, signature.details_sealed, signature.own_copy, signature.name_hash) == (
        None,
    ) * 4
    async with public.begin() as session:
        assert (await read_my_signature(session, token)).state == "withdrawn"

    await sign(a_form())
    await resolver.run()
    assert [s.state for s in await _signatures(internal)] == ["withdrawn", "pending"]


async def test_a_mailbox_holds_two_people_and_no_third(
    sign: Signer, resolver: Resolver, internal: Database, opener: Opener
) -> None:
    await sign(
        a_form(),
        a_form(name="SUZIE  fenn", email="Suzie@Example.COM"),
        a_form(name="Tom Fenn"),
        a_form(name="Una Fenn"),
        a_form(name="Tom Fenn", country="FR"),
    )
    await resolver.run()
    signatures = await _signatures(internal)
    names = [
        open_sealed(opener, s.details_sealed or b"", s.own_copy or b"", s.id)["name"] for s in signatures
    ]
    assert names == ["Suzie Fenn", "Tom Fenn"]
    async with internal.begin() as session:
        kinds = (await session.scalars(text("select kind from mails order by id"))).all()
    assert kinds == ["confirm_signature"] * 3, "three mails in six hours, and no more"


async def test_a_stranger_elsewhere_cannot_use_a_mailbox(
    sign: Signer, resolver: Resolver, internal: Database
) -> None:
    await sign(a_form(), a_form(name="Mallory", country="FR", postcode=""))
    await resolver.run()
    assert len(await _signatures(internal)) == 1


async def test_who_lapsed_can_sign_again(
    sign: Signer,
    resolver: Resolver,
    internal: Database,
    superuser: psycopg.Connection,
    public: Database,
    token_of: Callable[..., str],
) -> None:
    await sign(a_form())
    await resolver.run()
    superuser.execute("update signatures set expires_at = now() - interval '1 second'")
    await sign(a_form())
    await resolver.run()
    old, new = await _signatures(internal)
    assert (old.state, old.details_sealed, new.state) == ("lapsed", None, "pending")
    async with internal.begin() as session:
        assert await session.scalar(text("select lapse_signatures(100)")) == 0
        assert await session.scalar(text("select sum(lapsed) from tallies where dimension = 'all'")) == 1


async def test_a_broken_letter_fails_alone(
    sign: Signer, resolver: Resolver, internal: Database, superuser: psycopg.Connection, world: World
) -> None:
    await sign(a_form())
    superuser.execute(
        "insert into intake (id, petition_id, kind, sealed) "
        "values (gen_random_uuid(), %s, 'sign', 'no letter')",
        (world.petition_id,),
    )
    await sign(a_form(email="tom@example.com"))
    assert await resolver.run() == 3
    assert len(await _signatures(internal)) == 2
    assert superuser.execute("select count(*), min(error) from intake_rejected").fetchone() == (
        1,
        "CannotOpen",
    )
    assert superuser.execute("select count(*) from intake").fetchone() == (0,)


async def test_errors_name_every_field(sign: Signer) -> None:
    with pytest.raises(InvalidFields) as raised:
        await sign(a_form(name=" ", email="nobody", country="XX", placement="a b", answers=()))
    found = {error.field: error.code for error in raised.value.errors}
    assert found == {
        "name": "text_missing",
        "email": "email_invalid",
        "country": "country_unknown",
        "placement": "placement_invalid",
        "consents": "consent_missing",
    }


async def test_an_unknown_link_is_unknown(public: Database) -> None:
    with pytest.raises(LinkUnknown):
        await _confirm(public, "A" * 32)
    with pytest.raises(LinkUnknown):
        await _confirm(public, "../../etc")
