"""Documents lead where they say, decisions have their form, and the API's page knows every call."""

import re
from collections import Counter
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.api.routes import add_api
from app.api.v1.caching import FRESH_SECONDS, STALE_SECONDS
from app.http.connections import HEAD_SECONDS
from app.mail.allowance import MOST, WINDOW
from app.petitions.acting import COMMENT_LENGTH
from app.petitions.breakdowns import MOST_ROWS
from app.settings import Settings, WebSettings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
LOCAL_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/")
MOST_IMAGE_BYTES = 300_000


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        if re.match(r"https?:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (document.parent / target) if target else document
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_knows_somebodys_folders(document: Path) -> None:
    assert not LOCAL_PATH.search(document.read_text(encoding="utf-8"))


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs").glob("images/*"))

    assert pictures
    assert sum(picture.stat().st_size for picture in pictures) < MOST_IMAGE_BYTES


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_context_decision_and_consequences(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")

    number = int(decision.stem.partition("-")[0])
    assert re.match(rf"# (ADR )?0*{number}\b", text), text.partition("\n")[0]
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[:3] == ["Context", "Decision", "Consequences"]
    assert len(text.split()) < 700, "one page"


def test_every_decision_has_its_own_number() -> None:
    numbers = Counter(decision.stem.partition("-")[0] for decision in DECISIONS)

    assert not [number for number, count in numbers.items() if count > 1]


def test_the_api_page_names_every_call() -> None:
    app = FastAPI()
    add_api(app, Settings())
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    plain = re.sub(r"\$\w+|\{\w+\}|refugees-welcome", "{}", page)

    paths = app.openapi()["paths"]
    assert paths
    for path, methods in paths.items():
        bare = re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1"))
        for method in methods:
            told = rf"{method.upper()} {re.escape(bare)}\b" if not bare.endswith("}") else re.escape(bare)
            shown = rf"(-X {method.upper()} )?\{{}}{re.escape(bare)}"
            assert re.search(told, plain) or re.search(shown, plain), (method, path)


def test_the_api_page_tells_the_limits_that_are_kept() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    web = WebSettings()
    body = f"{web.max_body_bytes // 1024} KiB (`HAVEN_MAX_BODY_BYTES`)"

    for told in (
        f"{body}, complete within {web.request_timeout_seconds:g} seconds",
        f"complete within {HEAD_SECONDS:g} seconds",
        f"| 100, {COMMENT_LENGTH}, 254 characters |",
        f"at most {MOST_ROWS:,} rows",
        f"s-maxage={FRESH_SECONDS}",
        f"stale-while-revalidate={STALE_SECONDS}",
    ):
        assert told in page, told
    assert (MOST, WINDOW.total_seconds()) == (3, 6 * 3600)
    assert "three in six hours" in page
