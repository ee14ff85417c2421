import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from app.core.languages import LOCALES, Text
from app.web.assets import asset_response, assets, embed_script
from app.web.markdown import markdown
from app.web.rendering import content_security_policy, render_page
from app.web.views.campaigns import CarriedOver
from app.web.views.frame import ErrorView, Page
from app.web.views.giving import AppealView, DonationView, GiveForm
from app.web.views.signing import PetitionView, SignForm
from tests.web.pages import every_page

PAGES = [(locale, name) for locale in LOCALES for name in every_page(locale)]
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}


class Elements(HTMLParser):
    """The start tags of a page, with their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def shown(name: str, locale: str = "en") -> tuple[str, Elements]:
    html = render_page(every_page(locale)[name]).decode()
    return html, Elements(html)


@pytest.mark.parametrize(("locale", "name"), PAGES)
def test_a_page_says_its_language_and_loads_nothing_from_elsewhere(locale: str, name: str) -> None:
    html, page = shown(name, locale)
    assert page.all("html") == [{"lang": locale, "dir": "rtl" if locale == "ar" else "ltr"}]
    for tag, attributes in page.found:
        assert "style" not in attributes
        assert not [attribute for attribute in attributes if attribute.startswith("on")]
        loaded = attributes.get(LOADING.get(tag, ""))
        if tag == "link" and attributes["rel"] in {"icon", "stylesheet"}:
            loaded = attributes["href"]
        assert loaded is None or asset_response(loaded), (tag, loaded)
    assert "<style" not in html
    assert all("src" in script for script in page.all("script"))
    ids = [attributes["id"] for _tag, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("locale", LOCALES)
def test_every_link_and_form_here_keeps_language_and_placement(locale: str) -> None:
    for name in every_page(locale):
        _html, page = shown(name, locale)
        here = [a["href"] or "" for a in page.all("a")] + [form["action"] or "" for form in page.all("form")]
        for address in here:
            parts = urlsplit(address)
            if parts.netloc not in {"", "haven.test"} or not parts.path.startswith("/"):
                continue
            assert "placement=mariupol-report" in parts.query, (name, address)
            assert "lang=" in parts.query, (name, address)


def test_pages_with_a_token_are_not_indexed_and_send_no_referrer() -> None:
    for name, view in every_page("en").items():
        html, _page = shown(name)
        assert ('content="noindex' in html) == (view.page.is_private or name == "embed"), name
        assert ('name="referrer" content="no-referrer"' in html) == (
            view.page.is_private or name == "embed"
        ), name


def test_titles_of_private_pages_do_not_name_the_cause() -> None:
    for name, view in every_page("en").items():
        html, _page = shown(name)
        title = html.partition("<title>")[2].partition("</title>")[0]
        assert title.strip()
        if view.page.is_private:
            assert "Ukraine" not in title, name


def test_what_was_typed_comes_back_escaped() -> None:
    html, _page = shown("inbox")
    assert "Олена &lt;b&gt;Коваль&lt;/b&gt;" in html
    assert "<b>Коваль" not in html


def test_what_was_typed_may_hold_lone_surrogates() -> None:
    view = every_page("en")["petition"]
    assert isinstance(view, PetitionView)
    html = render_page(replace(view, form=SignForm(name="A\ud800B"))).decode()
    assert 'value="A?B"' in html


def test_words_in_another_language_say_so() -> None:
    html, _page = shown("petition", "ar")
    assert '<div class="prose" lang="en" dir="ltr">' in html
    assert "<h1>افتحوا" in html


def test_the_form_asks_in_the_agreed_order_and_chooses_nothing_beforehand() -> None:
    html, page = shown("petition")
    places = [
        html.index(f'name="{name}"')
        for name in ("name", "email", "country", "postcode", "consent", "updates")
    ]
    assert places == sorted(places)
    assert html.index("Send aid to the countries") < html.index("Your safety first") < places[0]
    assert not [field for field in page.all("input") if "checked" in field]
    assert not [option for option in page.all("option") if "selected" in option]
    assert [option["value"] for option in page.all("option")][:5] == ["", "GB", "UA", "PL", "IE"]
    assert len(page.all("option")) == 251


def test_an_error_is_named_twice_and_tied_to_its_field() -> None:
    html, page = shown("petition-errors")
    summary = html.partition('class="summary"')[2].partition("</div>")[0]
    assert "autofocus" in summary
    for field in ("name", "email", "country", "postcode", "consent"):
        assert f'href="#{field}"' in summary
    email = next(field for field in page.all("input") if field.get("name") == "email")
    assert email["aria-invalid"] == "true"
    assert email["aria-describedby"] == "email-hint email-problem"
    assert email["value"] == "olena@"
    assert "<title>Please check your answers: " in html


def test_the_trap_is_hidden_from_people_and_their_tools() -> None:
    _html, page = shown("petition")
    trap = next(field for field in page.all("input") if field.get("name") == "website")
    assert trap["tabindex"] == "-1"
    assert trap["autocomplete"] == "off"


def test_a_carried_over_number_stands_apart() -> None:
    html, _page = shown("petition")
    assert "<strong>100,412</strong>" in html
    assert "They are not verified here." in html
    assert "more were gathered elsewhere" not in html
    assert "366,238" not in html


def test_a_carried_over_number_without_a_note_still_says_that_it_is_not_verified() -> None:
    view = every_page("en")["petition"]
    assert isinstance(view, PetitionView)
    bare = replace(view, tally=replace(view.tally, carried_over=CarriedOver(100_412, Text(""))))
    assert "more were gathered elsewhere and are not verified here." in render_page(bare).decode()


def test_the_button_names_the_amount_once_there_is_one() -> None:
    undecided, _page = shown("appeal")
    chosen, page = shown("appeal-chosen")
    review, _page = shown("review")
    assert ">Review your gift</button>" in undecided
    assert 'name="agreed" value=""' in undecided
    assert ">Give £25 once</button>" in chosen
    assert 'name="agreed" value="GBP 2500"' in chosen
    assert [field["value"] for field in page.all("input") if "checked" in field] == ["2500"]
    assert ">Give £25 once</button>" in review
    assert review.index("registered charity 220949") < review.index("Give £25 once")


def test_an_own_amount_comes_back_in_its_field() -> None:
    view = every_page("en")["appeal-errors"]
    assert isinstance(view, AppealView)
    assert isinstance(view.form, GiveForm)
    assert view.form.own_amount == "1.5"
    assert 'value="1.5"' in render_page(view).decode()
    assert replace(view.form, chosen=None, other_amount="12 pounds").own_amount == "12 pounds"


def test_a_payment_being_checked_loads_again_only_without_scripts() -> None:
    html, _page = shown("donation-checking")
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in html
    assert "http-equiv" not in shown("donation-succeeded")[0]


@pytest.mark.parametrize("state", ["cancelled", "declined", "expired", "not_opened"])
def test_who_was_not_charged_reads_so_and_finds_the_form_filled_in(state: str) -> None:
    html, page = shown(f"donation-{state}")
    assert "You have not been charged" in html
    assert [field["value"] for field in page.all("input") if "checked" in field] == ["2500"]
    assert 'value="olena@example.org"' in html


def test_a_page_that_never_opened_was_not_open_for_too_long() -> None:
    html, _page = shown("donation-not_opened")
    assert "The payment page did not open; you have not been charged." in html
    assert "too long" not in html


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        ("refunded", "A part of your gift has been refunded"),
        ("disputed", "Your bank is asking for this payment back"),
        ("dispute_lost", "Your bank has taken this payment back"),
    ],
)
def test_money_that_went_back_is_not_thanked_for(state: str, headline: str) -> None:
    html, page = shown(f"donation-{state}")
    assert headline in html
    assert "Thank you" not in html
    assert "The terms you agreed to" in html
    assert not page.all("form")
    assert ("£5 of £25" in html) == (state == "refunded")


def test_a_whole_refund_is_said_so() -> None:
    view = every_page("en")["donation-refunded"]
    assert isinstance(view, DonationView)
    html = render_page(replace(view, refunded=view.amount)).decode()
    assert "Your gift of £25 has been refunded" in html
    assert "£25 of £25" in html


def test_an_unknown_outcome_offers_no_second_payment() -> None:
    html, page = shown("donation-unknown")
    assert "Please do not pay again." in html
    assert not page.all("form")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 413, 422, 429, 500, 502, 503])
def test_every_status_has_a_page(status: int) -> None:
    page = Page(path="/x", base_url="https://haven.test")
    html = render_page(ErrorView(page=page, status=status, code="some_code", request_id="r-1")).decode()
    assert f"{status} some_code" in html
    assert "r-1" in html
    title = re.search("<title>(.*?)</title>", html)
    assert title is not None
    assert f"<h1>{title[1]}</h1>" in html


def test_who_may_have_paid_is_never_told_to_pay_again() -> None:
    page = Page(path="/x", base_url="https://haven.test")
    view = ErrorView(page=page, status=503, code="payment_outcome_unknown", request_id="r-1")
    html = render_page(view).decode()
    assert "Please do not pay again." in html
    assert "send your form again" not in html


def test_the_review_page_has_one_button_that_pays_and_it_names_the_amount() -> None:
    html, _page = shown("review")
    paying = [form for form in html.split("<form")[1:] if 'name="agreed"' in form]
    assert len(paying) == 1
    assert paying[0].count("<button") == 1
    assert ">Give £25 once</button>" in paying[0]


def test_a_retry_is_told_in_words() -> None:
    assert "You can try again in 30 seconds." in shown("error-503")[0]


def test_links_leave_out_what_is_not_there_and_share_nothing_of_the_reader() -> None:
    page = Page(path="/petitions/x", base_url="https://haven.test/", chosen_locale="uk", placement="letter 1")
    assert page.link("/my/t") == "/my/t?lang=uk&placement=letter%201"
    assert page.in_language("ar") == "/petitions/x?lang=ar&placement=letter%201"
    assert (
        page.absolute("/petitions/x", placement="shared") == "https://haven.test/petitions/x?placement=shared"
    )
    assert Page(path="/", base_url="https://haven.test").link("/a", currency=None) == "/a"


def test_the_embedded_page_opens_everything_in_the_whole_window() -> None:
    _html, page = shown("embed", "uk")
    assert page.all("a")
    for link in page.all("a"):
        assert link["target"] == "_top"
        assert (link["href"] or "").startswith("https://haven.test/")


def test_the_policy_allows_our_own_and_the_payment_page_and_nothing_else() -> None:
    policy = dict(part.split(" ", 1) for part in content_security_policy().split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["form-action"] == "'self' https://checkout.stripe.com"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in content_security_policy()
    assert "frame-ancestors *" in content_security_policy(embeddable=True)


def test_assets_are_addressed_by_content_and_kept_for_ever() -> None:
    sheet = assets()["site.css"]
    response = asset_response(sheet.url, "br, gzip")
    plain = asset_response(sheet.url)
    assert response is not None
    assert plain is not None
    assert re.fullmatch(r"/static/site\.[0-9a-f]{16}\.css", sheet.url)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.body) < len(plain.body)
    assert response.headers["etag"] != plain.headers["etag"]
    assert asset_response("/static/site.0000000000000000.css") is None
    assert asset_response("/static/../assets.py") is None


def test_the_embed_script_has_one_address_and_is_asked_for_again() -> None:
    response = embed_script()
    assert response.headers["cache-control"].startswith("public, max-age=300")
    assert response.headers["content-type"].startswith("text/javascript")
    assert embed_script(if_none_match=response.headers["etag"]).status_code == 304
    assert embed_script(if_none_match='W/"other"').status_code == 200


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("# One\n\n## Two", "<h2>One</h2>\n<h2>Two</h2>"),
        ("a **b** *c*", "<p>a <strong>b</strong> <em>c</em></p>"),
        ("[x](https://x.org)", '<p><a href="https://x.org" rel="noopener noreferrer">x</a></p>'),
    ],
)
def test_markdown(source: str, expected: str) -> None:
    assert markdown(source).strip() == expected


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,1)",
        "![x](https://tracker.example/pixel.gif)",
        '<a href="https://x.org" onclick="alert(1)">x</a>',
        "<https://x.org onmouseover=1>",
        "<style>*{display:none}</style>",
    ],
)
def test_markdown_lets_nothing_run_or_load(source: str) -> None:
    elements = Elements(markdown(source)).found
    assert {tag for tag, _attributes in elements} <= {"p", "a"}
    for _tag, attributes in elements:
        assert set(attributes) <= {"href", "rel"}
        assert (attributes.get("href") or "https:").startswith("https:")


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "made by a machine: 1,204"),
        ("uk", "створені машиною: 1\u00a0204"),
        ("ar", "من صنع آلة: 1,204"),
    ],
)
def test_what_was_invalidated_is_told_by_reason(locale: str, said: str) -> None:
    view = every_page(locale)["petition"]
    assert isinstance(view, PetitionView)
    assert said in render_page(view).decode()
    assert "of_later" not in render_page(view).decode()
    assert 'id="invalidated-title"' not in render_page(replace(view, invalidated=())).decode()
