"""What one person answered speaks for that person alone, and what was shown is what is held."""

from collections.abc import Callable

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import select, text

from app.core.db import Database
from app.petitions.linking import Confirmer, MySignature, read_my_signature
from app.petitions.models import Signature
from app.petitions.resolving import Resolver
from app.petitions.signing import Answer
from tests.factories import World
from tests.petitions.conftest import Signer, a_form

WANTS_NEWS = (Answer("signature", 1, given=True), Answer("updates", 1, given=True))


async def _signatures(internal: Database) -> list[Signature]:
    async with internal.begin() as session:
        return list(await session.scalars(select(Signature).order_by(Signature.id)))


async def _look(public: Database, token: str) -> MySignature:
    async with public.begin() as session:
        return await read_my_signature(session, token)


async def _confirm(public: Database, token: str) -> None:
    confirmer = Confirmer(public)
    confirmer.start()
    try:
        await confirmer.confirm(token)
    finally:
        await confirmer.stop()


async def test_a_stranger_at_the_same_address_answers_for_nobody_else(
    sign: Signer,
    resolver: Resolver,
    public: Database,
    internal: Database,
    token_of: Callable[..., str],
) -> None:
    await sign(a_form())
    await resolver.run()
    [anna] = await _signatures(internal)
    await _confirm(public, token_of(anna.id))
    before = await _look(public, token_of(anna.id))
    await sign(a_form(name="Mallory Fenn", answers=WANTS_NEWS))
    await resolver.run()
    after = await _look(public, token_of(anna.id))
    assert after.consents == before.consents
    assert {c["purpose"]: c["given"] for c in after.consents} == {"signature": True, "updates": False}


async def test_invented_names_keep_the_owner_of_a_mailbox_out_for_an_hour_at_most(
    sign: Signer, resolver: Resolver, internal: Database, superuser: psycopg.Connection
) -> None:
    await sign(a_form(name="Fake A"), a_form(name="Fake B"), a_form(name="Real Owner"))
    await resolver.run()
    async with internal.begin() as session:
        kinds = (await session.scalars(text("select kind from mails order by id"))).all()
    assert kinds == ["confirm_signature", "confirm_signature", "mailbox_full"]
    superuser.execute("update signatures set signed_at = now() - interval '61 minutes'")
    superuser.execute("update mail_allowances set queued_at = '{}'")
    await sign(a_form(name="Real Owner"))
    await resolver.run()
    assert [s.state for s in await _signatures(internal)] == ["lapsed", "lapsed", "pending"]


async def test_a_confirmed_person_never_gives_way(
    sign: Signer,
    resolver: Resolver,
    public: Database,
    internal: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> None:
    await sign(a_form(), a_form(name="Tom Fenn"))
    await resolver.run()
    suzie, tom = await _signatures(internal)
    await _confirm(public, token_of(suzie.id))
    await _confirm(public, token_of(tom.id))
    superuser.execute("update signatures set signed_at = now() - interval '2 hours'")
    await sign(a_form(name="Una Fenn"))
    await resolver.run()
    assert [s.state for s in await _signatures(internal)] == ["confirmed", "confirmed"]


async def test_a_signer_is_shown_the_very_words_they_agreed_to(
    sign: Signer,
    resolver: Resolver,
    public: Database,
    internal: Database,
    owner: psycopg.Connection,
    world: World,
    token_of: Callable[..., str],
) -> None:
    await sign(a_form(text_version=1, placement="front-page"))
    await resolver.run()
    [suzie] = await _signatures(internal)
    with owner.transaction(force_rollback=True):
        owner.execute(
            "insert into petition_text_versions (petition_id, number, title, body, asks, correction) "
            "select petition_id, 2, title, body, asks, %s from petition_text_versions where id = %s",
            (Jsonb({"en": "A date was wrong."}), world.text_version_id),
        )
        owner.execute(
            "insert into wordings (campaign_id, purpose, version, text, required) "
            "values (%s, 'signature', 2, %s, true)",
            (world.campaign_id, Jsonb({"en": "Other words."})),
        )
        row = owner.execute(
            "select text_version, placement, consents from read_signature(%s)", (suzie.link_hash,)
        ).fetchone()
    assert row is not None
    version, placement, consents = row
    assert (version, placement) == (1, "front-page")
    texts = {consent["purpose"]: consent["text"]["en"] for consent in consents}
    assert texts["signature"] == "Wording for signature."
    assert (await _look(public, token_of(suzie.id))).text_version == 1
