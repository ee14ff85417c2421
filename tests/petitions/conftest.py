"""What signing tests share: forms, letters, and a worker that resolves them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.core.clock import FrozenClock
from app.core.db import Database
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.petitions.changing import Changer
from app.petitions.judging import Judge
from app.petitions.letterbox import Letterbox
from app.petitions.opening import LetterOpener
from app.petitions.published import read_petition
from app.petitions.recording import Recorder
from app.petitions.resolving import Resolver
from app.petitions.signing import Answer, Form, write_letter
from app.petitions.writing_mail import MailWriter
from app.supporters.identity import fold_email
from tests.factories import World

PUBLIC_URL = "https://haven.example"
AGREED = (Answer("signature", 1, given=True), Answer("updates", 1, given=False))


def a_form(**changes: object) -> Form:
    form = Form(name="Suzie Fenn", email="suzie@example.com", country="GB", postcode="N1 9GU", answers=AGREED)
    return replace(form, **changes)  # type: ignore[arg-type]  # the tests name real fields


@pytest.fixture
def resolver(internal: Database, opener: Opener, sealer: Sealer, hasher: Hasher) -> Resolver:
    return Resolver(
        internal,
        LetterOpener(opener, hasher),
        Recorder(sealer, hasher, MailWriter(PUBLIC_URL, hasher)),
        Changer(opener, sealer, hasher),
        Judge(internal, hasher),
    )


class Signer:
    """Signs as the public role does: through the letterbox, with the public login."""

    def __init__(self, public: Database, sealer: Sealer, clock: FrozenClock, slug: str) -> None:
        self.public, self.sealer, self.clock, self.slug = public, sealer, clock, slug

    async def __call__(self, *forms: Form, slug: str | None = None) -> None:
        async with self.public.begin() as session:
            petition = await read_petition(session, slug or self.slug, self.clock.now())
        letterbox = Letterbox(self.public)
        letterbox.start()
        for form in forms:
            await letterbox.put(write_letter(petition, form, self.sealer))
        await letterbox.stop()


@pytest.fixture
def sign(public: Database, sealer: Sealer, clock: FrozenClock, world: World) -> Signer:
    return Signer(public, sealer, clock, world.petition_slug)


@pytest.fixture
def token_of(hasher: Hasher) -> Callable[..., str]:
    return lambda signature_id: hasher.link_token(signature_id, 1)


@pytest.fixture
def hasher_of(hasher: Hasher) -> Callable[[str], bytes]:
    """An address's hash as suppressions and allowances know it."""
    return lambda address: hasher.suppression(fold_email(address).folded)
