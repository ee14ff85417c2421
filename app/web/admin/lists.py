"""The block and allow lists."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.http.context import Session, Staff
from app.http.statuses import STATUS
from app.petitions.errors import ListEntryInvalid
from app.petitions.listed import ALLOW, BLOCK, KINDS, put_on_list, read_lists, take_off_list, value_of
from app.staff.sessions import StaffMember
from app.web.admin.guarding import MemberForm, Moderator, line_of, member_form
from app.web.admin.rendering import redirect, render

router = APIRouter(prefix="/lists")
_LONGEST_NOTE = 200


@router.get("")
async def lists_page(request: Request, member: Moderator, session: Session) -> Response:
    """Both lists, and a form to add to them."""
    return await _page(session, member, {"kind": request.query_params.get("kind", "")})


@router.post("")
async def add(role: Staff, member: Moderator, form: MemberForm, session: Session) -> Response:
    """Block or allow; of an address the hash alone is kept."""
    typed = {name: line_of(form, name) for name in ("action", "kind", "value", "note")}
    try:
        value = value_of(typed["kind"], typed["value"], role.hasher)
    except ListEntryInvalid as error:
        return await _page(session, member, typed, error)
    if typed["action"] not in (BLOCK, ALLOW):
        return await _page(session, member, typed, ListEntryInvalid(field="action"))
    note = typed["note"][:_LONGEST_NOTE]
    await put_on_list(session, typed["action"], typed["kind"], value, note=note, actor=member.actor)
    return redirect("/lists")


@router.post("/{entry_id}/remove", dependencies=[Depends(member_form)])
async def remove(entry_id: int, member: Moderator, session: Session) -> Response:
    """Take a line off its list; what it quarantined stays so until staff release it."""
    await take_off_list(session, entry_id, actor=member.actor)
    return redirect("/lists")


async def _page(
    session: Session, member: StaffMember, typed: dict[str, str], error: ListEntryInvalid | None = None
) -> Response:
    return render(
        "lists",
        member=member,
        title="Block and allow lists",
        status=STATUS[error.code] if error else 200,
        entries=await read_lists(session),
        typed={"action": BLOCK, "kind": "", "value": "", "note": ""} | typed,
        kinds=KINDS,
        error=error,
    )
