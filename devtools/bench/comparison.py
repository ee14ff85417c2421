"""What Haven is compared with: FastAPI as one would write it first, by the same checks and the same crypto.

One process, wired from `BENCH_…` variables; `devtools.bench.serving` runs several on one port.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from starlette.types import ASGIApp

from app.api.v1.petitions import Accepted, ConfirmAnswer, ConfirmRequest, SignatureRequest
from app.core.db import Database
from app.crypto.hashing import Hasher
from app.crypto.keys import parse_key, parse_sealing_key
from app.crypto.sealing import Sealer
from app.http.wiring import register_key
from app.petitions.published import PublishedPetition, read_petition
from app.petitions.signing import Answer, Form, write_letter
from devtools.bench.plain import PlainSigning, Unsealed


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    url, key = os.environ["BENCH_DATABASE_URL"], os.environ["BENCH_SEALING_KEY"]
    sealing = parse_sealing_key(key, "BENCH_SEALING_KEY")
    database = Database(url, pool_size=2, name="bench")
    sealer = Sealer(await register_key(database, sealing), sealing)
    async with database.begin() as session:
        app.state.petition = await read_petition(session, os.environ["BENCH_SLUG"], datetime.now(UTC))
    await database.close()
    hasher = Hasher(parse_key(os.environ["BENCH_HASH_KEY"], "BENCH_HASH_KEY"))
    app.state.sealer = sealer
    app.state.plain = PlainSigning(url, sealer, hasher, app.state.petition.campaign.id)
    yield
    await app.state.plain.close()


def build() -> ASGIApp:
    """The app's factory."""
    app = FastAPI(lifespan=_lifespan)

    @app.get("/constant")
    async def constant() -> dict[str, int]:
        return {"count": 265_826}

    @app.post("/validation/petitions/{slug}/signatures", status_code=202)
    async def validation_only(slug: str, body: SignatureRequest, request: Request) -> Accepted:
        write_letter(_petition(request, slug), _form(body, request), Unsealed())
        return Accepted()

    @app.post("/no-database/petitions/{slug}/signatures", status_code=202)
    async def no_database(slug: str, body: SignatureRequest, request: Request) -> Accepted:
        write_letter(_petition(request, slug), _form(body, request), request.app.state.sealer)
        return Accepted()

    @app.post("/plain/petitions/{slug}/signatures", status_code=202)
    async def plain(slug: str, body: SignatureRequest, request: Request) -> Accepted:
        kept = Unsealed()
        letter = write_letter(_petition(request, slug), _form(body, request), kept)
        signing: PlainSigning = request.app.state.plain
        await signing.sign(letter.id, letter.petition_id, kept.payload)
        return Accepted()

    @app.post("/plain/signatures/confirm")
    async def plain_confirm(body: ConfirmRequest, request: Request) -> ConfirmAnswer:
        signing: PlainSigning = request.app.state.plain
        count = await signing.confirm(body.token)
        return ConfirmAnswer(petition=os.environ["BENCH_SLUG"], count=count, manage_url=f"/my/{body.token}")

    return app


def _petition(request: Request, slug: str) -> PublishedPetition:
    petition: PublishedPetition = request.app.state.petition
    if petition.slug != slug:
        raise LookupError(slug)
    return petition


def _form(body: SignatureRequest, request: Request) -> Form:
    return Form(
        name=body.name,
        email=body.email,
        country=body.country,
        postcode=body.postcode or "",
        placement=body.placement,
        locale=body.locale,
        answers=[Answer(c.purpose, c.wording_version, given=c.given) for c in body.consents],
        network=request.client.host if request.client else "",
    )
