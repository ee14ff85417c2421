"""Sign a petition: the one call that must hold a rush, on the shortest way that FastAPI has (ADR 43)."""

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Request, Response
from pydantic import ValidationError

from app.api.v1.petitions import Accepted, SignatureRequest
from app.api.v1.shapes import LongLine, Slug
from app.http.client import client_network
from app.http.context import Public, PublicRole
from app.http.quick_route import quick_route
from app.petitions.published import PublishedPetition
from app.petitions.signing import Answer, Form, Marks, write_letter

_ACCEPTED = Accepted().model_dump_json().encode()
_ALWAYS: Final = Response(_ACCEPTED, 202, media_type="application/json")
"""Never another one: made once."""


async def sign(
    slug: Slug,
    body: SignatureRequest,
    request: Request,
    role: Public,
    _idempotency_key: Annotated[LongLine | None, Header(alias="Idempotency-Key")] = None,
) -> Response:
    """Take a signature; it counts once the link in the mail is used.

    The answer is the same whether the address is new, has signed, or is blocked. The address itself makes a
    repeat harmless; an `Idempotency-Key` is accepted and changes nothing.
    """
    await _take(await role.petitions.get(slug), body, request, role)
    return Response(_ACCEPTED, 202, media_type="application/json")


async def _sign_quickly(request: Request, content: bytes) -> Response | None:
    """The same for a well-formed body and a petition in memory."""
    role: PublicRole = request.app.state.role
    held = role.petitions.held(request.path_params["slug"])
    if held is None:
        return None
    try:
        body = SignatureRequest.model_validate_json(content)
    except ValidationError:
        return None
    await _take(await role.petitions.get(held.petition.slug), body, request, role)
    return _ALWAYS


async def _take(
    petition: PublishedPetition, body: SignatureRequest, request: Request, role: PublicRole
) -> None:
    role.surge.admit()
    form = Form(
        name=body.name,
        email=body.email,
        country=body.country,
        postcode=body.postcode or "",
        placement=body.placement,
        locale=body.locale,
        text_version=body.text_version,
        answers=[Answer(c.purpose, c.wording_version, given=c.given) for c in body.consents],
        via="api",
        network=client_network(request),
    )
    letter = write_letter(petition, form, role.sealer)  # nothing is spent on a form that has to be mended
    if await role.work.require(body.altcha, petition.id):
        letter = write_letter(petition, replace(form, marks=Marks(worked=True)), role.sealer)
    await role.letterbox.put(letter)


def add_signing(
    app: FastAPI,
    prefix: str,
    responses: dict[int | str, dict[str, Any]],  # FastAPI's own
) -> None:
    """The route that must hold a rush: the app's own and its first, so that no other is tried before it."""
    app.router.add_api_route(
        f"{prefix}/petitions/{{slug}}/signatures",
        sign,
        methods=["POST"],
        status_code=202,
        summary="Sign",
        tags=["petitions"],
        response_model=Accepted,
        responses=responses,
        route_class_override=quick_route(_sign_quickly),
    )
