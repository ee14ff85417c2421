"""What can stand between a person and a gift, and what must not be taken from Stripe."""

from app.core.errors import AppError, InvalidInput, NotFound


class AppealNotFound(NotFound):
    """No published appeal has this name."""

    code = "appeal_not_found"
    detail = "There is no appeal at this address. Please check the link."


class AppealClosed(AppError):
    """The appeal no longer takes donations."""

    code = "appeal_closed"
    detail = "This appeal is closed and takes no more donations. You have not been charged."


class CurrencyNotOffered(InvalidInput):
    """The appeal does not take this currency."""

    code = "currency_not_offered"
    detail = "This appeal does not take this currency. Please choose one that it offers."


class AmountTooSmall(InvalidInput):
    """Less than the currency's minimum."""

    code = "amount_too_small"
    detail = "This amount is below the least that can be given by card."


class AmountTooLarge(InvalidInput):
    """More than the currency's maximum."""

    code = "amount_too_large"
    detail = "This amount is above the most that can be given by card at once."


class FrequencyNotOffered(InvalidInput):
    """Monthly giving is not offered yet."""

    code = "frequency_not_offered"
    detail = "This appeal takes single donations only. Please give once."


class ModeNotOffered(InvalidInput):
    """Payment inside one's own page is not offered yet."""

    code = "mode_not_offered"
    detail = "Payments go through Stripe's own page only: use the mode 'checkout'."


class WordingChanged(InvalidInput):
    """The donor agreed to a wording that is not the one in force."""

    code = "wording_changed"
    detail = "The terms have changed since you opened this page. Please read them again; nothing was charged."


class IdempotencyKeyInvalid(InvalidInput):
    """The header is empty, too long, or holds something that is not printable ASCII."""

    code = "idempotency_key_invalid"
    detail = "An Idempotency-Key has 1 to 255 printable ASCII characters."


class IdempotencyMismatch(AppError):
    """The same key came with a different request."""

    code = "idempotency_mismatch"
    detail = "This Idempotency-Key was used for a different donation. Use a new key for a new donation."


class DonationInProgress(AppError):
    """The same donation is being started by another request right now."""

    code = "donation_in_progress"
    detail = "This donation is being started by another request. Send the same request again in a moment."

    def __init__(self, detail: str | None = None, *, retry_after: int = 2) -> None:
        super().__init__(detail, retry_after=retry_after)


class DonationNotFound(NotFound):
    """The token belongs to no donation."""

    code = "donation_not_found"
    detail = "This link does not belong to a donation. It may be cut off; please check it."


class PaymentUnavailable(AppError):
    """Stripe did not answer, or not so that one could know: the outcome is unknown."""

    code = "payment_outcome_unknown"
    detail = "The payment provider did not answer. Please do not pay again: we will mail you what happened."


class PaymentBusy(AppError):
    """Stripe turned the request away because of too many; it did nothing."""

    code = "payment_busy"
    detail = "The payment provider is busy. You have not been charged; please try again in a moment."

    def __init__(self, detail: str | None = None, *, retry_after: int = 10) -> None:
        super().__init__(detail, retry_after=retry_after)


class PaymentRefused(AppError):
    """Stripe refused the request for good; it did nothing."""

    code = "payment_refused"
    detail = "The payment provider did not accept this donation. You have not been charged."


class EmailRefused(PaymentRefused):
    """Stripe does not take this address."""

    code = "email_refused"
    detail = "The payment provider does not take this e-mail address. You have not been charged."


class WebhookInvalid(AppError):
    """The body is no event of Stripe's."""

    code = "webhook_payload_invalid"
    detail = "The body is not an event in JSON and UTF-8."


class WebhookSignatureInvalid(AppError):
    """The signature is missing, wrong, or too old or too new."""

    code = "webhook_signature_invalid"
    detail = "The Stripe-Signature header does not match the body and the time."


class WebhookLivemode(AppError):
    """The event is about real money, which this installation does not take."""

    code = "webhook_livemode"
    detail = "This installation takes events of Stripe's test mode only."


class PaymentObjectMissing(Exception):
    """Stripe does not know the object: another account, or one that was wiped."""
