"""Decide about many signatures at once: choose, look, confirm, watch it happen, undo it."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.core.errors import AppError
from app.core.ids import new_id
from app.http.context import Session, Staff, StaffRole
from app.http.statuses import STATUS
from app.petitions.errors import ConditionsInvalid, SweepUnknown
from app.petitions.sweeping import INVALIDATE, REASONS, RELEASE, Sweeper
from app.reports.abuse_report import (
    WatchedPetition,
    find_petition,
    find_sweep,
    find_trend,
    list_sweeps,
    state_of,
)
from app.reports.queries import begin_reading
from app.staff.accounts import names_of
from app.staff.sessions import StaffMember
from app.web.admin.condition_form import described, parse, typed_from, typed_of
from app.web.admin.guarding import MemberForm, Moderator, member_form, text_of
from app.web.admin.rendering import redirect, render

router = APIRouter()
REASON_WORDS: Final = {
    "bot": "made by a machine",
    "stolen_identity": "signed in somebody else’s name",
    "duplicate": "signed more than once by the same person",
    "false_name": "no real name",
    "legal": "for legal reasons",
    "mistake": "stored by mistake",
}
_TRIAL_SECONDS = 20
_DIGITS = len("2147483647")
_FOLLOW_SECONDS = 3


@router.get("/petitions/{slug}/decide")
async def conditions_page(
    slug: str, request: Request, role: Staff, member: Moderator, session: Session
) -> Response:
    """The form, filled in from a report of the fraud watch or a group in quarantine."""
    petition = await find_petition(session, slug)
    now = role.clock.now()
    typed = typed_from(request.query_params, now)
    if report_id := _uuid(request.query_params.get("report", "")):
        trend = await find_trend(session, report_id, role.opener, role.hasher)
        if trend is not None and trend.petition.id == petition.id:
            typed = typed_of(trend, now)
    return _form(petition, member, typed)


@router.post("/petitions/{slug}/decide/look")
async def look_first(
    slug: str, role: Staff, member: Moderator, form: MemberForm, session: Session
) -> Response:
    """How many match and a sample; a POST, so that no address or name stands in a URL. Changes nothing."""
    await begin_reading(session, seconds=_TRIAL_SECONDS)
    petition = await find_petition(session, slug)
    typed = typed_from(form, role.clock.now())
    if text_of(form, "change"):
        return _form(petition, member, typed)
    try:
        wanted = parse(petition.id, typed)
    except ConditionsInvalid as error:
        return _form(petition, member, typed, error)
    trial = await _sweeper(role).try_out(session, wanted, typed["action"])
    return render(
        "trial",
        member=member,
        title="Release these?" if typed["action"] == RELEASE else "Invalidate these?",
        petition=petition,
        typed=typed,
        trial=trial,
        described=described(wanted),
        reasons=REASON_WORDS,
        sweep_id=new_id(),
    )


@router.post("/petitions/{slug}/decide")
async def start(slug: str, role: Staff, member: Moderator, form: MemberForm, session: Session) -> Response:
    """Write the sweep down and have the worker do it. Raises ConditionsInvalid."""
    petition = await find_petition(session, slug)
    typed = typed_from(form, role.clock.now())
    wanted = parse(petition.id, typed)
    reason = text_of(form, "reason") if typed["action"] == INVALIDATE else "mistake"
    sweep_id, expected = _uuid(text_of(form, "sweep_id")), text_of(form, "expected")
    if reason not in REASONS:
        raise ConditionsInvalid("Please choose a reason.", field="reason")
    if sweep_id is None or not (expected.isascii() and expected.isdigit() and len(expected) < _DIGITS):
        raise ConditionsInvalid
    started = await _sweeper(role).start(
        session,
        typed["action"],
        wanted,
        reason=reason,
        actor=member.actor,
        expected=int(expected),
        sweep_id=sweep_id,
    )
    return redirect(f"/sweeps/{started}")


@router.get("/sweeps")
async def sweeps_page(member: Moderator, session: Session) -> Response:
    """What was done in bulk, the newest first."""
    await begin_reading(session)
    sweeps = await list_sweeps(session)
    return render(
        "sweeps",
        member=member,
        title="Decisions in bulk",
        sweeps=[(sweep, petition, state_of(sweep)) for sweep, petition in sweeps],
        names=await names_of(session, {sweep.actor for sweep, _ in sweeps}),
        reasons=REASON_WORDS,
    )


@router.get("/sweeps/{sweep_id}")
async def sweep_page(
    sweep_id: str, request: Request, role: Staff, member: Moderator, session: Session
) -> Response:
    """One of them with its progress. `?follow` has the browser look again by itself, until it is over."""
    await begin_reading(session)
    sweep, petition = await find_sweep(session, _known_uuid(sweep_id))
    state = state_of(sweep)
    wanted = _sweeper(role).conditions_of(sweep)
    follows = "follow" in request.query_params and state in ("running", "undoing")
    response = render(
        "sweep",
        member=member,
        title="Invalidation" if sweep.action == INVALIDATE else "Release",
        sweep=sweep,
        petition=petition,
        state=state,
        names=await names_of(session, {sweep.actor}),
        described=described(wanted) if wanted else None,
        reasons=REASON_WORDS,
        follows=follows,
    )
    if follows:
        response.headers["Refresh"] = str(_FOLLOW_SECONDS)
    return response


@router.get("/sweeps/{sweep_id}/undo")
async def undo_page(sweep_id: str, member: Moderator, session: Session) -> Response:
    """Asks once more."""
    sweep, petition = await find_sweep(session, _known_uuid(sweep_id))
    if sweep.action != INVALIDATE or sweep.undo_at:
        return redirect(f"/sweeps/{sweep.id}")
    return render("undo", member=member, title="Undo", sweep=sweep, petition=petition, reasons=REASON_WORDS)


@router.post("/sweeps/{sweep_id}/undo", dependencies=[Depends(member_form)])
async def undo(sweep_id: str, role: Staff, member: Moderator, session: Session) -> Response:
    """Have the worker restore all of it. Raises SweepUnknown."""
    known = _known_uuid(sweep_id)
    await _sweeper(role).start_undo(session, known, actor=member.actor)
    return redirect(f"/sweeps/{known}")


def _form(
    petition: WatchedPetition, member: StaffMember, typed: dict[str, str], error: AppError | None = None
) -> Response:
    return render(
        "conditions",
        member=member,
        title="Decide about many",
        status=STATUS[error.code] if error else 200,
        petition=petition,
        typed=typed,
        error=error,
    )


def _sweeper(role: StaffRole) -> Sweeper:
    return Sweeper(role.database, role.sealer, role.opener, role.hasher)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _known_uuid(text: str) -> UUID:
    found = _uuid(text)
    if found is None:
        raise SweepUnknown
    return found
