"""What signers change about themselves, from their link to both copies and the public list."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from pydantic import JsonValue
from sqlalchemy import select

from app.core.clock import FrozenClock
from app.core.db import Database
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.tokens import hash_token
from app.crypto import own_copy
from app.crypto.details import open_sealed
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.petitions.acting import COMMENT_LENGTH, SignerActions, Wish
from app.petitions.approving import waiting_comments
from app.petitions.changing import CHANGE
from app.petitions.errors import (
    ConsentRequired,
    ConsentUnknown,
    LinkUnknown,
    SignatureEnded,
)
from app.petitions.letterbox import SealedLetter, post
from app.petitions.linking import Confirmer, MySignature
from app.petitions.models import PublishedSigner, Signature
from app.petitions.published import ShownSigner, recent_signers
from app.petitions.remembering import PublishedPetitions
from app.petitions.resolving import Resolver
from app.petitions.signing import Answer
from app.reports.checking import run_checks
from app.supporters.identity import fold_name
from tests.factories import World
from tests.petitions.conftest import Signer, a_form


@dataclass
class Suzie:
    """A signer with her link."""

    actions: SignerActions
    token: str
    resolver: Resolver
    internal: Database
    opener: Opener

    async def wish(self, **wish: object) -> MySignature:
        """Ask for a change, and let the worker carry it on."""
        await self.actions.change(self.token, Wish(**wish))  # type: ignore[arg-type]  # tests name real fields
        assert await self.resolver.run() == 1
        return await self.actions.look(self.token)

    async def row(self) -> Signature:
        async with self.internal.begin() as session:
            return (await session.scalars(select(Signature).order_by(Signature.id))).one()

    async def published(self) -> list[tuple[str, str | None, bool]]:
        async with self.internal.begin() as session:
            signers = await session.scalars(select(PublishedSigner))
            return [(s.name, s.comment, s.comment_approved_at is not None) for s in signers]

    async def sealed(self) -> dict[str, object]:
        row = await self.row()
        return dict(open_sealed(self.opener, row.details_sealed or b"", row.own_copy or b"", row.id))


@pytest.fixture
async def actions(public: Database, sealer: Sealer) -> AsyncIterator[SignerActions]:
    confirmer = Confirmer(public)
    confirmer.start()
    yield SignerActions(public, confirmer, sealer)
    await confirmer.stop()


@pytest.fixture
async def pending(
    actions: SignerActions,
    sign: Signer,
    resolver: Resolver,
    internal: Database,
    opener: Opener,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> Suzie:
    await sign(a_form())
    await resolver.run()
    row = superuser.execute("select id from signatures").fetchone()
    assert row is not None
    return Suzie(actions, token_of(row[0]), resolver, internal, opener)


@pytest.fixture
async def suzie(pending: Suzie) -> Suzie:
    await pending.actions.confirm(pending.token)
    return pending


async def test_nothing_is_shown_unasked(suzie: Suzie) -> None:
    assert await suzie.published() == []
    assert (await suzie.actions.look(suzie.token)).shown_name is None


async def test_a_name_and_a_comment_are_shown_as_chosen(suzie: Suzie) -> None:
    mine = await suzie.wish(show_name="Suzie F.", comment="Because.\n\nOf my gran.")
    assert (mine.shown_name, mine.shown_comment, mine.comment_approved) == (
        "Suzie F.",
        "Because.\n\nOf my gran.",
        False,
    )
    assert await suzie.published() == [("Suzie F.", "Because.\n\nOf my gran.", False)]
    assert mine.details["name"] == "Suzie Fenn", "what is held is not what is shown"


async def test_a_changed_comment_waits_for_approval_again(
    suzie: Suzie, superuser: psycopg.Connection
) -> None:
    await suzie.wish(show_name="Suzie F.", comment="Because.")
    superuser.execute("update published_signers set comment_approved_at = now()")
    assert (await suzie.wish(show_name="Suzie", comment="Because.")).comment_approved
    assert not (await suzie.wish(show_name="Suzie", comment="Buy my book.")).comment_approved
    superuser.execute("update published_signers set comment_approved_at = now()")
    assert not (await suzie.wish(show_name="Suzie")).comment_approved
    assert await suzie.published() == [("Suzie", None, False)]


async def test_who_hides_is_gone_from_the_list(suzie: Suzie) -> None:
    await suzie.wish(show_name="Suzie F.")
    await suzie.wish(hide=True)
    assert await suzie.published() == []


async def test_before_confirming_nothing_is_shown(pending: Suzie) -> None:
    await pending.wish(show_name="Suzie F.")
    assert await pending.published() == []


async def shown_to_all(suzie: Suzie) -> list[ShownSigner]:
    async with suzie.internal.begin() as session:
        return list(await recent_signers(session, (await suzie.row()).petition_id))


async def waiting(suzie: Suzie) -> list[str]:
    async with suzie.internal.begin() as session:
        assert {f.name: f.violations for f in await run_checks(session) if f.violations} == {}
        return [comment.comment for comment in await waiting_comments(session)]


async def test_whoever_is_in_quarantine_sees_what_everybody_sees_and_is_shown_once_released(
    pending: Suzie, superuser: psycopg.Connection
) -> None:
    superuser.execute("update signatures set quarantined_at = now(), score = 120")
    await pending.actions.confirm(pending.token)
    mine = await pending.wish(show_name="Suzie F.", comment="Because.")
    assert (mine.shown_name, mine.shown_comment, mine.comment_approved) == ("Suzie F.", "Because.", False)
    assert await shown_to_all(pending) == []
    assert await waiting(pending) == []
    superuser.execute("select release_signatures(array(select id from signatures))")
    assert await shown_to_all(pending) == [ShownSigner("Suzie F.", None)]
    assert await waiting(pending) == ["Because."]


async def test_an_invalidation_takes_the_name_down_and_an_undo_shows_it_again_as_approved(
    suzie: Suzie, superuser: psycopg.Connection, world: World
) -> None:
    await suzie.wish(show_name="Suzie F.", comment="Because.")
    superuser.execute("update published_signers set comment_approved_at = now()")
    sweep = UUID(int=7)
    superuser.execute(
        "insert into sweeps (id, petition_id, action, reason, actor, expected) "
        "values (%s, %s, 'invalidate', 'bot', 'cli', 1)",
        (sweep, world.petition_id),
    )
    superuser.execute("select invalidate_signatures(array(select id from signatures), %s)", (sweep,))
    assert await shown_to_all(suzie) == []
    assert await waiting(suzie) == []
    assert (await suzie.actions.look(suzie.token)).comment_approved, "its signer is not told"
    await suzie.wish(show_name="Suzie", comment="Because.")
    assert await shown_to_all(suzie) == []
    superuser.execute("select restore_signatures(array(select id from signatures), %s)", (sweep,))
    assert await waiting(suzie) == []
    assert await shown_to_all(suzie) == [ShownSigner("Suzie", "Because.")]


async def test_a_changed_name_goes_into_both_copies_and_the_hash(
    suzie: Suzie, hasher: Hasher, world: World
) -> None:
    before = await suzie.row()
    mine = await suzie.wish(name="  Susan   Fenn ", postcode="e8 1aa")
    assert (mine.details["name"], mine.details["postcode"]) == ("Susan Fenn", "E8 1AA")
    assert mine.details["email"] == "suzie@example.com"
    held = await suzie.sealed()
    assert (held["name"], held["postcode"], held["email"]) == ("Susan Fenn", "E8 1AA", "suzie@example.com")
    after = await suzie.row()
    assert after.name_hash == hasher.name(world.campaign_id, fold_name("Susan Fenn")) != before.name_hash
    assert after.place_hash != before.place_hash
    assert after.state == "confirmed"


async def test_a_change_beside_a_copy_of_the_first_kind_stays_readable(
    suzie: Suzie, superuser: psycopg.Connection, sealer: Sealer, public: Database
) -> None:
    """As a letter leaves it that waited while what is held changed its form."""
    row, mine = await suzie.row(), await suzie.actions.look(suzie.token)
    details = mine.details | {"name": "Susan Fenn"}
    superuser.execute("update signatures set own_copy = %s", (own_copy.encrypt(suzie.token, details),))
    letter = new_id()
    payload: dict[str, JsonValue] = {"link_hash": hash_token(suzie.token).hex(), "details": {**details}}
    async with public.begin() as session:
        sealed = SealedLetter(letter, row.petition_id, CHANGE, sealer.seal(payload, letter))
        await post(session, [sealed])
    assert await suzie.resolver.run() == 1
    assert (await suzie.sealed())["name"] == "Susan Fenn"
    assert (await suzie.actions.look(suzie.token)).details == details


async def test_a_postcode_can_be_taken_back(suzie: Suzie) -> None:
    mine = await suzie.wish(postcode="")
    assert mine.details["postcode"] == ""
    assert (await suzie.row()).place_hash is None
    assert (await suzie.sealed())["postcode"] == ""


async def test_the_change_and_its_letter_are_one(
    suzie: Suzie, superuser: psycopg.Connection, sealer: Sealer
) -> None:
    # A letter that cannot be dropped in takes the changed own copy back with it.
    superuser.execute("alter table intake rename to intake_away")
    try:
        with pytest.raises(Exception, match="intake"):
            await suzie.actions.change(suzie.token, Wish(name="Susan"))
    finally:
        superuser.execute("alter table intake_away rename to intake")
    assert (await suzie.actions.look(suzie.token)).details["name"] == "Suzie Fenn"
    assert (await suzie.wish(name="Susan")).details["name"] == "Susan"
    assert (await suzie.sealed())["name"] == "Susan"


async def test_updates_can_be_asked_for_and_refused_and_each_answer_is_kept(
    suzie: Suzie, superuser: psycopg.Connection
) -> None:
    for given in (True, False):
        mine = await suzie.wish(answers=[Answer("updates", 1, given=given)])
        assert {c["purpose"]: c["given"] for c in mine.consents} == {"signature": True, "updates": given}
    rows = superuser.execute("select given, via from consent_trail order by number, wording_id").fetchall()
    assert rows == [(True, "api"), (False, "api"), (True, "my"), (False, "my")]


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (Wish(name=" "), AppError),
        (Wish(name="\u200b"), AppError),
        (Wish(show_name=" \n"), AppError),
        (Wish(show_name="Suzie\u202e"), AppError),
        (Wish(postcode="nowhere"), AppError),
        (Wish(comment="x" * (COMMENT_LENGTH + 1), show_name="S"), AppError),
        (Wish(answers=[Answer("updates", 2, given=True)]), ConsentUnknown),
        (Wish(answers=[Answer("signature", 1, given=False)]), ConsentRequired),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    suzie: Suzie, superuser: psycopg.Connection, wish: Wish, error: type[AppError]
) -> None:
    with pytest.raises(error):
        await suzie.actions.change(suzie.token, wish)
    assert superuser.execute("select count(*) from intake").fetchone() == (0,)
    assert (await suzie.actions.look(suzie.token)).details["name"] == "Suzie Fenn"


async def test_who_has_left_changes_nothing_any_more(suzie: Suzie, superuser: psycopg.Connection) -> None:
    await suzie.actions.change(suzie.token, Wish(show_name="Suzie", name="Susan"))
    await suzie.actions.withdraw(suzie.token)
    assert await suzie.resolver.run() == 1, "the letter that was under way comes to nothing"
    assert await suzie.published() == []
    row = await suzie.row()
    assert (row.state, row.details_sealed, row.name_hash) == ("withdrawn", None, None)
    with pytest.raises(SignatureEnded):
        await suzie.actions.change(suzie.token, Wish(name="Susan"))
    with pytest.raises(LinkUnknown):
        await suzie.actions.change("A" * 32, Wish(name="Susan"))


async def test_withdrawing_takes_the_shown_name_away_at_once(suzie: Suzie) -> None:
    await suzie.wish(show_name="Suzie F.", comment="Because.")
    await suzie.actions.withdraw(suzie.token)
    assert await suzie.published() == []


async def test_what_is_held_in_memory_follows_those_who_show_themselves(
    suzie: Suzie, public: Database, clock: FrozenClock, world: World, superuser: psycopg.Connection
) -> None:
    petitions = PublishedPetitions(public, clock)
    await petitions.get(world.petition_slug)

    async def shown() -> list[tuple[str, str | None]]:
        await petitions.refresh()
        held = petitions.held(world.petition_slug)
        assert held is not None
        return [(signer.name, signer.comment) for signer in held.petition.shown_signers]

    assert await shown() == []
    await suzie.wish(show_name="Suzie F.", comment="Because.")
    assert await shown() == [("Suzie F.", None)]
    superuser.execute("update published_signers set comment_approved_at = now()")
    assert await shown() == [("Suzie F.", "Because.")]
    await suzie.actions.withdraw(suzie.token)
    assert await shown() == []


async def test_mail_that_was_still_to_be_sent_is_taken_back(
    pending: Suzie, superuser: psycopg.Connection
) -> None:
    superuser.execute("update mails set state = 'sending'")  # a worker has it in hand
    await pending.actions.withdraw(pending.token)
    rows = superuser.execute("select state, payload_sealed from mails").fetchall()
    assert rows == [("cancelled", None)]


async def test_changes_of_one_signer_are_applied_in_their_order(suzie: Suzie) -> None:
    for name in ("One", "Two", "Three"):
        await suzie.actions.change(suzie.token, Wish(name=name, show_name=name))
    assert await suzie.resolver.run() == 3
    assert await suzie.published() == [("Three", None, False)]
    assert (await suzie.sealed())["name"] == "Three"


async def test_a_broken_change_is_kept_apart(
    suzie: Suzie, superuser: psycopg.Connection, sealer: Sealer, world: World, sign: Signer
) -> None:
    broken: list[dict[str, JsonValue]] = [{}, {"link_hash": "xyz"}, {"link_hash": "00", "consents": [1]}]
    for number, payload in enumerate(broken):
        identifier = f"00000000-0000-7000-8000-00000000000{number}"
        sealed = sealer.seal(payload, UUID(identifier))
        superuser.execute(
            "insert into intake (id, petition_id, kind, sealed) values (%s, %s, 'change', %s)",
            (identifier, world.petition_id, sealed),
        )
    await suzie.actions.change(suzie.token, Wish(name="Susan"))
    await sign(a_form(email="tom@example.com"))
    while await suzie.resolver.run():
        pass
    errors = superuser.execute("select error from intake_rejected order by id").fetchall()
    assert errors == [("KeyError",), ("ValueError",)]
    assert superuser.execute("select count(*) from intake").fetchone() == (0,)
    assert superuser.execute("select count(*) from signatures").fetchone() == (2,)
