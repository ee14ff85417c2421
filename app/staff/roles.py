"""What staff may do, by role."""

from collections.abc import Iterable
from enum import StrEnum

from app.staff.errors import RoleUnknown


class Role(StrEnum):
    """A set of duties; an account may have several."""

    EDITOR = "editor"
    FINANCE = "finance"
    PRIVACY = "privacy"
    ADMIN = "admin"


MODERATORS = frozenset({Role.EDITOR, Role.ADMIN})
"""Who decides which signatures count, and is told what the fraud watch finds."""


def parse_roles(names: Iterable[str]) -> frozenset[Role]:
    """The roles of these names.

    Raises:
        RoleUnknown: One of the names is no role, or there is none at all.
    """
    try:
        roles = frozenset(Role(name) for name in names)
    except ValueError as error:
        raise RoleUnknown(field="roles") from error
    if not roles:
        raise RoleUnknown("An account needs at least one role.", field="roles")
    return roles


def known_roles(names: Iterable[str]) -> frozenset[Role]:
    """The roles among these names; what a later version wrote is passed over, and so allows nothing."""
    return frozenset(role for role in Role if role.value in frozenset(names))
