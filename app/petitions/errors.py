"""What can stand between a person and a signature."""

from app.core.errors import AppError, InvalidInput, NotFound


class PetitionNotFound(NotFound):
    """No published petition has this name."""

    code = "petition_not_found"
    detail = "There is no petition at this address. Please check the link."


class PetitionClosed(AppError):
    """The petition no longer takes signatures."""

    code = "petition_closed"
    detail = "This petition is closed and takes no more signatures. Its text and count stay here to read."


class ConsentRequired(InvalidInput):
    """A signature reveals a political opinion, so it needs an explicit yes."""

    code = "consent_missing"
    detail = "Please agree to this, or we may not store your signature."


class ConsentUnknown(InvalidInput):
    """A consent answers a purpose or a wording version that is not offered."""

    code = "consent_unknown"
    detail = "This wording is not the one in force. Read the petition again and answer its consents."


class LinkUnknown(NotFound):
    """The token belongs to nothing: mistyped, cut off, or long gone."""

    code = "link_unknown"
    detail = "This link does not work. It may be cut off or too old; you can sign again for a new one."


class LinkExpired(AppError):
    """The signature was not confirmed in time; what was stored about the person is gone or about to go."""

    code = "link_expired"
    detail = "This link has expired, and what you entered was deleted. You can sign again."


class ProofOfWorkMissing(InvalidInput):
    """Many sign at once, or bots do: programs are asked for a little work first."""

    code = "proof_of_work_missing"
    detail = "Please solve the petition's challenge and send it along as `altcha`."


class ProofOfWorkInvalid(InvalidInput):
    """The solution is wrong, too old, for another petition, or was used before."""

    code = "proof_of_work_invalid"
    detail = "This solution cannot be used. Please solve a fresh challenge."


class SweepUnknown(NotFound):
    """There is no such invalidation, or it cannot be undone."""

    code = "sweep_unknown"
    detail = "There is no such invalidation."


class ConditionsInvalid(AppError):
    """Conditions for many signatures at once that cannot be meant."""

    code = "conditions_invalid"
    detail = "Please check the conditions."


class ListEntryInvalid(AppError):
    """What should be blocked or allowed is no network, domain or address."""

    code = "list_entry_invalid"
    detail = "This is no network, domain or address that can be put on a list."


class SignatureEnded(AppError):
    """The signature was withdrawn; there is nothing left to change."""

    code = "signature_ended"
    detail = "This signature was withdrawn and nothing about you is stored any more. You can sign again."
