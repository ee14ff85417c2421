"""What nobody should send: a clear refusal with code and field, and never a fault of ours."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.journeys.figures import APPEAL, CAMPAIGN, PETITION, REPORT
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import person
from tests.journeys.running import Running
from tests.journeys.signing import SIGN, Body, form_of, sign_and_confirm

GIVE, CONFIRM, MY = f"/api/v1/appeals/{APPEAL}/donations", "/api/v1/signatures/confirm", "/api/v1/my"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection,unsupported_method"
)
NUL, LONE, OVERRIDE, ISOLATE = "Su\x00zie", "Su\ud800zie", "Su\u202ezie", "Su\u2066zie"
WRONG_TYPES: tuple[object, ...] = (None, 1, 1.5, True, [], {}, ["x"], {"a": 1})
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture
async def token(api: httpx.AsyncClient, mailbox: Mailbox) -> str:
    """The link's token of somebody who has signed."""
    return (await sign_and_confirm(api, person("Bea Stone"), mailbox)).token


def _refused(answer: httpx.Response, *fields: str, what: object = None) -> None:
    """A problem in JSON, with a code, and pointing at the field that was wrong."""
    assert 400 <= answer.status_code < 500, (answer.status_code, what)
    assert answer.headers["content-type"] == "application/problem+json", what
    problem = answer.json()
    assert problem["code"] != "internal_error"
    if fields:
        at = {fault["field"].partition(".")[0] for fault in problem["errors"]}
        assert at == set(fields), (at, what)
        assert problem["field"].partition(".")[0] in fields, what


def _sent(body: Body) -> bytes:
    """JSON that keeps lone surrogates, as escapes."""
    return json.dumps(body).encode("ascii")


async def _post(api: httpx.AsyncClient, path: str, content: bytes, **headers: str) -> httpx.Response:
    return await api.post(path, content=content, headers={"content-type": "application/json"} | headers)


@pytest.mark.parametrize("text", [NUL, LONE, OVERRIDE, ISOLATE, "\ufffe", "\x1b[2J", "x" * 5000, "\ud83d"])
async def test_texts_that_are_none_are_refused_at_their_field(api: httpx.AsyncClient, text: str) -> None:
    good = await form_of(api, person("Bea Stone"))
    for field in ("name", "email", "country", "postcode", "placement", "locale"):
        _refused(await _post(api, SIGN, _sent(good | {field: text})), field, what=field)
    gift = {"amount": 1000, "currency": "GBP", "email": "bea@example.net"}
    for field in ("name", "email", "currency", "placement", "locale", "frequency", "mode"):
        _refused(await _post(api, GIVE, _sent(gift | {field: text})), field, what=field)
    _refused(await _post(api, CONFIRM, _sent({"token": text})))


async def test_wrong_types_are_refused_at_their_field(api: httpx.AsyncClient, token: str) -> None:
    good = await form_of(api, person("Bea Stone"))
    gift = {"amount": 1000, "currency": "GBP", "email": "bea@example.net"}
    optional = {"postcode", "placement", "name", "wording_version"}
    for wrong in WRONG_TYPES:
        for field in ("name", "email", "country", "postcode", "placement", "locale", "consents"):
            if (wrong is None and field in optional - {"name"}) or (wrong == [] and field == "consents"):
                continue
            _refused(await api.post(SIGN, json=good | {field: wrong}), field, what=(field, wrong))
        for field in ("amount", "currency", "email", "locale", "name", "wording_version"):
            harmless = (wrong is None and field in optional) or (wrong == 1 and field != "email")
            if harmless and isinstance(wrong, int | None):
                continue
            _refused(await api.post(GIVE, json=gift | {field: wrong}), field, what=(field, wrong))
        for field in ("show_name", "comment", "hide", "consents"):
            if wrong is None or (wrong == [] and field == "consents") or (wrong is True and field == "hide"):
                continue
            headers = {"Authorization": f"Bearer {token}"}
            answer = await api.patch(MY, json={field: wrong}, headers=headers)
            _refused(answer, field, what=(field, wrong))


@pytest.mark.parametrize("number", ["1e400", "-1", "0", "1.0000001", "9" * 400, "NaN", "2.5e3", "1e15"])
async def test_numbers_that_are_no_amounts_are_refused(api: httpx.AsyncClient, number: str) -> None:
    body = f'{{"amount": {number}, "currency": "GBP", "email": "bea@example.net"}}'
    answer = await _post(api, GIVE, body.encode())
    _refused(answer, what=number)
    versions = f'[{{"purpose": "signature", "wording_version": {number}, "given": true}}]'
    good = json.dumps((await form_of(api, person("Bea Stone"))) | {"consents": "?"})
    _refused(await _post(api, SIGN, good.replace('"?"', versions).encode()), what=number)


async def test_unknown_fields_are_named(api: httpx.AsyncClient) -> None:
    good = await form_of(api, person("Bea Stone"))
    answer = await api.post(SIGN, json=good | {"nmae": "Bea", "$where": "1"})
    _refused(answer, "nmae", "$where")
    assert {fault["code"] for fault in answer.json()["errors"]} == {"unknown_field"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{]",
        b"\xff\xfe{\x00}\x00",
        b'{"name": "\xff\xfe"}',
        b'{"name": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        DEEP,
        b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
        b"\x00" * 1000,
        b"{'name': 'Bea'}",
    ],
    ids=lambda content: repr(content[:20]),
)
async def test_bodies_that_are_no_json_are_refused(api: httpx.AsyncClient, content: bytes) -> None:
    for path in (SIGN, GIVE, CONFIRM):
        _refused(await _post(api, path, content), what=path)


async def test_other_content_types_are_refused(api: httpx.AsyncClient) -> None:
    good = _sent(await form_of(api, person("Bea Stone")))
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "nonsense",
        "",
    ):
        _refused(await api.post(SIGN, content=good, headers={"content-type": kind}), what=kind)
    assert (await _post(api, SIGN, good, **{"content-type": "application/json; charset=utf-8"})).is_success


async def test_a_key_twice_is_no_fault(api: httpx.AsyncClient) -> None:
    good = json.dumps(await form_of(api, person("Bea Stone")))
    assert (await _post(api, SIGN, good.replace('"country"', '"name": "Bea", "country"').encode())).is_success
    _refused(await _post(api, SIGN, good.replace('"country"', '"name": 1, "country"').encode()), "name")


@pytest.mark.parametrize("path", [SIGN, GIVE, CONFIRM, "/webhooks/stripe"])
async def test_ten_megabytes_are_too_much_for_programs(api: httpx.AsyncClient, path: str) -> None:
    body = b'{"name": "' + b"x" * 10_000_000 + b'"}'
    answer = await _post(api, path, body)
    assert answer.status_code == 413
    _refused(answer)

    async def trickle() -> object:
        for _ in range(200):
            yield b"x" * 50_000

    streamed = await api.post(path, content=trickle(), headers={"content-type": "application/json"})  # type: ignore[arg-type]  # an async generator
    assert streamed.status_code == 413


PAGES = (f"/petitions/{PETITION}", f"/appeals/{APPEAL}")


async def _is_a_page_that_refuses(answer: httpx.Response, what: object = None) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, what)
    if answer.status_code == 413:  # said before anybody looks at who asks
        _refused(answer)
    else:
        assert answer.headers["content-type"].startswith("text/html"), what
        assert "</html>" in answer.text


@pytest.mark.parametrize("page", PAGES)
async def test_forms_that_no_browser_sends_are_refused(api: httpx.AsyncClient, token: str, page: str) -> None:
    urlencoded = {"content-type": "application/x-www-form-urlencoded"}
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    bodies: list[tuple[dict[str, str], bytes]] = [
        (urlencoded, b"&".join(b"field%d=x" % n for n in range(1000))),
        (urlencoded, b"name=%00&email=%00&consent=%00&amount=%00&currency=%00"),
        (urlencoded, b"name=%ff%fe&email=%ed%a0%80"),
        (urlencoded, b"\xff\x00\xfe=\x00"),
        (urlencoded, b"name=" + b"x" * 10_000_000),
        (urlencoded, b"amount=" + b"9" * 5000 + b"&other_amount=1e999&currency=GBP&terms=1e9"),
        (urlencoded, b"consent=99999999999999999999&updates_version=-1&updates=yes&name=B&email=b@b.org"),
        (multipart, b"".join(part % (b"f%d" % n, b"", b"x") for n in range(1000)) + b"--x--\r\n"),
        (multipart, part % (b"name", b'; filename="x.exe"', b"MZ" * 1000) + b"--x--\r\n"),
        (multipart, part % (b"name", b"", b"\x00\xff" * 100) + b"--x--\r\n"),
        (multipart, b"no boundary at all"),
        (multipart, b"--x\r\n" + b"X-Header: " + b"a" * 100_000 + b"\r\n\r\n\r\n--x--\r\n"),
        ({"content-type": "multipart/form-data"}, b"--x--"),
        ({"content-type": "application/json"}, b'{"name": "Bea"}'),
        ({"content-type": "text/plain"}, b"name=Bea"),
        ({}, b"name=Bea"),
    ]
    for headers, body in bodies:
        await _is_a_page_that_refuses(await api.post(page, content=body, headers=headers), body[:40])
    for path in ("details", "showing"):
        for body in (b"name=%00&shown_name=%00&show_name=yes&comment=%00", b"name=" + b"x" * 9000):
            answer = await api.post(f"/my/{token}/{path}", content=body + b"&show_name=1", headers=urlencoded)
            await _is_a_page_that_refuses(answer, (path, body[:20]))


async def test_addresses_that_nobody_types_are_no_fault(api: httpx.AsyncClient) -> None:
    odd = ("%00", "%ff", "%ed%a0%80", "..%2f..%2fetc%2fpasswd", "%2e%2e", "a" * 8000, "%F0%9F%98%80", "'")
    for prefix in ("petitions", "appeals", "campaigns", "confirm", "my", "donations", "embed", "static"):
        for end in odd:
            answer = await api.get(f"/{prefix}/{end}")
            assert answer.status_code in (400, 404, 422), (prefix, end, answer.status_code)
    for prefix in ("petitions", "appeals", "campaigns", "donations"):
        for end in odd:
            answer = await api.get(f"/api/v1/{prefix}/{end}")
            assert answer.status_code in (404, 422), (prefix, end, answer.status_code)
            _refused(answer)
    for path in ("/", *PAGES, f"/campaigns/{CAMPAIGN}", f"/embed/{CAMPAIGN}"):
        for query in ("lang=%00", "lang=" + "a" * 5000, "placement=%ff", "currency=%00", "%ff=%ff"):
            assert (await api.get(f"{path}?{query}")).status_code == 200, (path, query)
    for by in ("%00", "name", "", "country&by=name"):
        _refused(await api.get(f"/api/v1/petitions/{PETITION}/breakdown?by={by}"), what=by)


async def test_headers_that_nobody_sends_are_no_fault(api: httpx.AsyncClient) -> None:
    odd: tuple[tuple[str, str | bytes], ...] = (
        ("accept-language", "en;q=" + "9" * 300),
        ("accept-language", "," * 5000),
        ("accept-language", b"\xff\xfe"),
        ("if-none-match", '"' * 5000),
        ("cookie", "=;" * 2000),
        ("authorization", b"Bearer \xff\xfe"),
        ("content-type", "multipart/form-data; boundary=" + "x" * 3000),
    )
    for name, value in odd:
        headers = {name.encode(): value if isinstance(value, bytes) else value.encode()}
        for path in (*PAGES, f"/api/v1/petitions/{PETITION}", f"/static/{'x' * 50}"):
            assert (await api.get(path, headers=headers)).status_code in (200, 404), (headers, path)
    for bearer in ("y", "x", "A" * 5000, "\x7f", "A" * 31 + "="):
        answer = await api.get(MY, headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code in (400, 404), bearer
    assert (await api.get("/", headers={"host": "evil.example"})).status_code == 421
    for method in ("TRACE", "PROPFIND", "DELETE", "PUT"):
        assert (await api.request(method, PAGES[0])).status_code == 405, method


async def test_the_staff_port_bears_the_same(running: Running) -> None:
    headers = {"origin": running.staff, "content-type": "application/x-www-form-urlencoded"}
    async with httpx.AsyncClient(base_url=running.staff, trust_env=False) as staff:
        for body in (
            b"email=%00&password=%00",
            b"email=%ff&password=%ff",
            b"&".join(b"field%d=x" % n for n in range(1000)),
            b"email=" + b"x" * 10_000_000,
            b"email=a%40b.org&password=" + b"x" * 100_000,
        ):
            answer = await staff.post("/login", content=body, headers=headers)
            assert 400 <= answer.status_code < 500, (answer.status_code, body[:30])
        for path in (f"{REPORT}?from=%00&to=%ff", "/campaigns/%00/report", "/%ff", "/login?next=%00"):
            assert (await staff.get(path)).status_code < 500, path


async def test_whatever_the_api_s_description_allows_or_forbids(
    running: Running, token: str, tmp_path: Path
) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(f'[parameters]\n"path.slug" = "{PETITION}"\n', encoding="utf-8")
    nothing = tmp_path / "nothing.toml"
    nothing.write_text("", encoding="utf-8")
    mine = ["-H", f"Authorization: Bearer {token}", "--include-path", MY, "--exclude-method", "DELETE"]
    # One worker: Python 3.11's `ast` breaks where threads parse at once (python/cpython#106905).
    for configuration, cases, more in ((nothing, 8, []), (settings, 25, []), (settings, 25, mine)):
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run"]
        options = ["--phases", "examples,coverage,fuzzing", "-n", str(cases), "-w", "1", "-c", CHECKS]
        quiet = ["--continue-on-failure", "--warnings", "off", "--no-color"]
        done = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
            [*command, f"{running.public}/api/v1/openapi.json", *options, *quiet, *more],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert "No issues found" in done.stdout
