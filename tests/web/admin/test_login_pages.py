from collections.abc import Callable
from dataclasses import replace
from http.cookies import SimpleCookie

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.tokens import new_token
from app.staff.attempts import FOR_ADDRESS
from app.web.admin.destinations import safe_next
from tests.staff.conftest import EMAIL, PASSWORD
from tests.web.admin.conftest import Visitor, rows, where

HERE = "http://127.0.0.1:8001"


def cookie(response: httpx.Response) -> tuple[str, dict[str, object]]:
    """The one cookie that a response sets: its name and its attributes."""
    (header,) = response.headers.get_list("set-cookie")
    ((name, morsel),) = SimpleCookie(header).items()
    return name, {key: value for key, value in morsel.items() if value}


async def test_logging_in_leads_to_the_page_that_was_asked_for(visitor: Visitor) -> None:
    wanted = "/campaigns/welcome/report?range=7"
    asked = await visitor.get(wanted)
    assert where(asked) == "/login?next=%2Fcampaigns%2Fwelcome%2Freport%3Frange%3D7"
    form = await visitor.get(where(asked))
    assert 'value="/campaigns/welcome/report?range=7"' in form.text
    assert where(await visitor.log_in(next=wanted)) == wanted
    assert (await visitor.get(wanted)).status_code == 200


@pytest.mark.parametrize(
    ("staff_url", "name", "secure"),
    [
        ("https://staff.paper.example", "__Host-haven_staff", True),
        ("http://127.0.0.1:8001", "haven_staff_8001", None),
    ],
)
async def test_the_cookie_is_as_strict_as_the_address_allows(
    visitors: Callable[[str], Visitor], account: int, staff_url: str, name: str, secure: bool | None
) -> None:
    visitor = visitors(staff_url)
    given, attributes = cookie(await visitor.log_in())
    assert given == name
    assert attributes.get("secure") == secure
    assert {k: v for k, v in attributes.items() if k != "secure"} == {
        "path": "/",
        "httponly": True,
        "samesite": "strict",
    }


async def test_a_planted_session_is_not_taken_over(visitor: Visitor, superuser: psycopg.Connection) -> None:
    planted = new_token()
    visitor.client.cookies.set("haven_staff_8001", planted, domain="127.0.0.1")
    response = await visitor.log_in()
    assert planted not in response.headers["set-cookie"]
    first = visitor.client.cookies["haven_staff_8001"]
    await visitor.log_in()
    assert visitor.client.cookies["haven_staff_8001"] != first
    assert rows(superuser, "select count(*) from staff_sessions") == [(1,)]


async def test_unknown_address_and_wrong_password_get_the_same_page(visitor: Visitor) -> None:
    wrong = await visitor.post("/login", {"email": EMAIL, "password": "wrong"})
    unknown = await visitor.post("/login", {"email": "nobody@paper.example", "password": "wrong"})
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text.replace(EMAIL, "") == unknown.text.replace("nobody@paper.example", "")
    assert [k for k in wrong.headers.items() if k[0] != "content-length"] == [
        k for k in unknown.headers.items() if k[0] != "content-length"
    ]


async def test_a_locked_address_is_told_how_long_to_wait(visitor: Visitor) -> None:
    for _ in range(FOR_ADDRESS.free):
        await visitor.log_in("wrong")
    locked = await visitor.log_in()
    assert locked.status_code == 429
    assert 50 < int(locked.headers["retry-after"]) <= 60
    assert "seconds" in locked.text


@pytest.mark.parametrize(
    ("origin", "site", "taken"),
    [
        ("http://127.0.0.1:8001", "", True),
        ("http://127.0.0.1:8001", "same-origin", True),
        ("null", "same-origin", True),
        ("", "same-origin", True),
        ("", "", False),
        ("null", "", False),
        ("https://evil.example", "", False),
        ("http://127.0.0.1:8000", "same-site", False),
        ("http://127.0.0.1:8001", "cross-site", False),
        ("https://evil.example", "same-origin", False),
    ],
)
async def test_the_login_form_of_another_site_is_refused(
    visitor: Visitor, origin: str, site: str, taken: bool
) -> None:
    data = {"email": EMAIL, "password": PASSWORD}
    response = await visitor.post("/login", data, origin=origin, sec_fetch_site=site)
    assert response.status_code == (303 if taken else 403)
    assert ("set-cookie" in response.headers) is taken


async def test_logging_out_needs_the_sessions_own_token(
    visitor: Visitor, superuser: psycopg.Connection
) -> None:
    await visitor.log_in()
    for token in ({}, {"csrf_token": ""}, {"csrf_token": new_token()}):
        assert (await visitor.post("/logout", token)).status_code == 403
    own = await visitor.csrf_token()
    assert (
        await visitor.post("/logout", {"csrf_token": own}, origin="https://evil.example")
    ).status_code == 403
    assert rows(superuser, "select count(*) from staff_sessions") == [(1,)]
    out = await visitor.post("/logout", {"csrf_token": own})
    assert where(out) == "/login"
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert rows(superuser, "select count(*) from staff_sessions") == [(0,)]


async def test_a_get_changes_nothing(visitor: Visitor) -> None:
    await visitor.log_in()
    assert (await visitor.get("/logout")).status_code == 405
    assert (await visitor.get("/account")).status_code == 200


async def test_a_token_that_was_logged_out_opens_nothing(visitor: Visitor) -> None:
    await visitor.log_in()
    token = visitor.client.cookies["haven_staff_8001"]
    await visitor.post("/logout", {"csrf_token": await visitor.csrf_token()})
    visitor.client.cookies.set("haven_staff_8001", token, domain="127.0.0.1")
    assert where(await visitor.get("/")) == "/login"


async def test_a_form_sent_after_the_session_ended_says_so(
    visitor: Visitor, superuser: psycopg.Connection
) -> None:
    await visitor.log_in()
    own = await visitor.csrf_token()
    superuser.execute("update staff_sessions set last_seen_at = now() - interval '31 minutes'")
    sent = await visitor.post(
        "/account", {"csrf_token": own, "current": PASSWORD, "password": "violet anchor meadow"}
    )
    assert where(sent) == "/login?ended=1"
    assert "was not stored" in (await visitor.get(where(sent))).text


async def test_changing_the_password_ends_other_browsers(
    visitor: Visitor, visitors: Callable[[str], Visitor]
) -> None:
    other = visitors("http://127.0.0.1:8001")
    await visitor.log_in()
    await other.log_in()
    form = {"csrf_token": await visitor.csrf_token(), "current": "wrong", "password": "violet anchor meadow"}
    assert (await visitor.post("/account", form)).status_code == 401
    form["current"] = PASSWORD
    weak = await visitor.post("/account", form | {"password": EMAIL})
    assert weak.status_code == 422
    assert EMAIL not in weak.text.replace(f"<dd>{EMAIL}</dd>", "").replace(f'value="{EMAIL}"', "")
    assert where(await visitor.post("/account", form)) == "/account?changed=1"
    assert where(await other.get("/")) == "/login"
    assert (await visitor.get("/account?changed=1")).status_code == 200


async def test_an_account_without_a_role_sees_no_figures(
    visitor: Visitor, superuser: psycopg.Connection
) -> None:
    superuser.execute("update staff_accounts set roles = '{retired}'")
    await visitor.log_in()
    for path in ("/", "/campaigns/welcome/report", "/campaigns/welcome/report.csv"):
        assert (await visitor.get(path)).status_code == 403
    assert (await visitor.get("/account")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/account", "/campaigns/welcome/report", "/campaigns/welcome/report.csv"]
)
async def test_nobody_sees_anything_without_logging_in(visitor: Visitor, path: str) -> None:
    assert where(await visitor.get(path)).startswith("/login")


@pytest.mark.parametrize("path", ["/login", "/", "/account", "/campaigns/welcome/report", "/nothing-here"])
async def test_pages_are_not_kept_indexed_or_framed_and_load_nothing(visitor: Visitor, path: str) -> None:
    if path != "/login":
        await visitor.log_in()
    page = await visitor.get(path)
    assert page.headers["cache-control"] == "no-store"
    assert "noindex" in page.headers["x-robots-tag"]
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    for forbidden in ("<script", " style=", "<style", "onclick", "javascript:"):
        assert forbidden not in page.text
    assert PASSWORD not in page.text


async def test_the_style_sheet_is_served_here_too(visitor: Visitor) -> None:
    page = await visitor.get("/login")
    sheet = page.text.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    served = await visitor.get(sheet)
    assert served.status_code == 200
    assert "immutable" in served.headers["cache-control"]
    assert (await visitor.get("/static/no-such.css")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/campaigns/welcome/report", "/campaigns/x/report?range=7&a=b%20c", "/account"]
)
def test_own_pages_are_gone_back_to(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/ok\\..",
        "\\/evil.example",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: x=y",
        "javascript:alert(1)",
        "campaigns",
        "/login?next=/login",
        "/logout",
        "/" + "a" * 3000,
        "/ünï",
    ],
)
def test_anything_else_leads_to_the_first_page(path: str) -> None:
    assert safe_next(path) == "/"


async def test_without_the_database_the_login_says_so_and_lets_nobody_in(
    make_app: Callable[[str], FastAPI], account: int
) -> None:
    app, away = make_app(HERE), Database("postgresql://haven_internal:none@127.0.0.1:1/none")
    app.state.role = replace(app.state.role, database=away)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        answer = await Visitor(client, HERE).log_in()
    await away.close()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "set-cookie" not in answer.headers
