"""What all pages share: where they are, in which language, and what was wrong with a form."""

from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import quote, urlencode

from app.core.languages import DEFAULT_LOCALE, LOCALES, Text
from app.core.money import Money

EXIT_URL: Final = "https://www.bbc.co.uk/weather"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a page stands and around what.

    Attributes:
        path: This page's address without its query, for the language switcher.
        base_url: The installation's public address, for links that leave the page (sharing, previews).
        locale: The language that was negotiated.
        chosen_locale: The language that was asked for by `?lang=`; every link keeps it.
        placement: Where the reader came from; every link keeps it.
        languages: What the switcher offers. Leave empty on a page that answers a POST: switching would
            lose what was typed.
        publisher: Who runs the campaign, in the header and the footer.
        publisher_url: Their site, or empty.
        exit_url: Where the button that leaves in a hurry leads: a page that anybody may have open.
        is_demo: Shows that figures are invented and no money is taken.
        is_private: The page holds personal data or a token: no robots, no referrer, a title that
            says nothing to whoever looks through the history.
    """

    path: str
    base_url: str
    locale: str = DEFAULT_LOCALE
    chosen_locale: str | None = None
    placement: str | None = None
    languages: tuple[str, ...] = LOCALES
    publisher: str = ""
    publisher_url: str = ""
    exit_url: str = EXIT_URL
    is_demo: bool = False
    is_private: bool = False

    def link(self, path: str, **query: str | None) -> str:
        """A link to another page here that keeps language and placement; `None` leaves a part out."""
        kept: dict[str, str | None] = {"lang": self.chosen_locale, "placement": self.placement, **query}
        return _with_query(path, kept)

    def in_language(self, locale: str) -> str:
        """This page in another language."""
        return self.link(self.path, lang=locale)

    def absolute(self, path: str, **query: str | None) -> str:
        """An address for others: nothing of this reader's is kept in it but what is given."""
        return _with_query(self.base_url.rstrip("/") + path, query)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A page to render: the dataclass names its own template, so that the two cannot be mixed up."""

    template: ClassVar[str]
    page: Page


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one answer.

    Attributes:
        field: The input's name in the form; empty for the form as a whole.
        code: The stable code of an error; `app.web.messages` has its sentence.
        amount: The limit that an amount has crossed, for codes that name it.
    """

    field: str
    code: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form with what was typed into it, and what is wrong with that.

    Attributes:
        errors: In the order of the fields.
        form_token: The public role's own proof that it made the form; sent back in a hidden field.
    """

    errors: tuple[FieldError, ...] = ()
    form_token: str = ""

    def error(self, field: str) -> FieldError | None:
        """The first error of that field."""
        return next((error for error in self.errors if error.field == field), None)


@dataclass(frozen=True, slots=True)
class Wording:
    """A versioned text that somebody agrees to; the version goes with the form."""

    version: int
    text: Text


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """Who receives money: a charity, its registered number, and where to read about it (or empty)."""

    name: str
    charity_number: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView(View):
    """A page for what did not work.

    Attributes:
        status: The HTTP status; 404, 410, 413, 422, 429, 500 and 503 have their own words.
        code: The error's stable code, shown for whoever writes to us.
        request_id: The request's id in our logs.
        retry_after: Seconds after which trying again makes sense.
    """

    template: ClassVar[str] = "error.html.jinja"
    status: int
    code: str
    request_id: str
    retry_after: int | None = None


def _with_query(path: str, query: dict[str, str | None]) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given, quote_via=quote)}" if given else path
