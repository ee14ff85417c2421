"""Sentences for the codes that errors carry, in the reader's language.

What a form says wants other words than what an API says: here they are. A code that is not known yet still
gets a sentence that names no cause but tells what to do.
"""

from typing import Final

from app.core.languages import cldr, translations, with_sign
from app.web.views.frame import FieldError


def N_(source: str) -> str:  # noqa: N802 - the name that Babel's extractor looks for
    """Marks a sentence for translation where it stands; it is translated when it is shown."""
    return source


_UNKNOWN: Final = N_("This cannot be accepted as it is. Please change it.")

# By field and code where the field makes for a better sentence, else by the code alone.
_SENTENCES: Final[dict[tuple[str, str], str]] = {
    ("name", "text_missing"): N_("Enter your name."),
    ("name", "text_too_long"): N_("Your name is too long for this form. Please shorten it."),
    ("email", "text_missing"): N_("Enter your e-mail address."),
    ("email", "text_too_long"): N_("This e-mail address is too long."),
    ("email", "email_invalid"): N_("Enter an e-mail address like name@example.org."),
    ("email", "email_refused"): N_(
        "Our payment provider does not take this address. You have not been charged: please use another one."
    ),
    ("country", "country_unknown"): N_("Choose the country you live in."),
    ("postcode", "postcode_invalid"): N_("Enter a full UK postcode like SW1A 1AA, or leave it empty."),
    ("consent", "consent_missing"): N_(
        "Tick the box to agree. Without your consent we may not keep your signature."
    ),
    ("comment", "text_too_long"): N_("Your comment is too long. Please shorten it."),
    ("amount", "amount_missing"): N_("Choose an amount or enter your own."),
    ("amount", "amount_invalid"): N_("Enter the amount in figures, for example 25 or 25.50."),
    ("amount", "amount_too_small"): N_("The smallest amount we can take is %(amount)s."),
    ("amount", "amount_too_large"): N_(
        "The largest amount we can take here is %(amount)s. For more, please write to us."
    ),
    ("", "currency_unsupported"): N_("Choose one of the currencies offered."),
    ("", "currency_not_offered"): N_("Choose one of the currencies offered."),
    ("", "text_missing"): N_("Please fill this in."),
    ("", "text_too_long"): N_("This is too long. Please shorten it."),
    ("", "text_invalid"): N_("This holds characters that cannot be shown. Please type it again."),
    ("", "consent_unknown"): N_("The wording has changed since you opened this page. Please read it again."),
    ("", "wording_changed"): N_("The wording has changed since you opened this page. Please read it again."),
    ("", "petition_closed"): N_("This petition has closed, so your signature was not taken."),
    ("", "appeal_closed"): N_("This appeal has closed, so nothing was charged."),
    ("", "donation_in_progress"): N_(
        "Your gift is being started already. Please wait a moment before you try again."
    ),
    ("", "payment_busy"): N_(
        "Many people are giving at once. You have not been charged: please try again in a moment."
    ),
    ("", "payment_refused"): N_("Our payment provider did not accept this gift. You have not been charged."),
    ("", "overloaded"): N_("Many people are here at once and your form was not saved. Please send it again."),
    ("", "database_unavailable"): N_("We could not save your form. Please send it again."),
}


def message(error: FieldError, locale: str) -> str:
    """The sentence that tells a reader what to mend."""
    sentence = _SENTENCES.get((error.field, error.code)) or _SENTENCES.get(("", error.code)) or _UNKNOWN
    translated = translations(locale).gettext(sentence)
    return translated % {"amount": _limit(error, locale)}


def _limit(error: FieldError, locale: str) -> str:
    if error.amount is None:
        return ""
    return with_sign(error.amount.format_short(cldr(locale)), error.amount.currency, locale)
