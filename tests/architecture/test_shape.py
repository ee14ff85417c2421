"""The shape that the code keeps: sizes, names, and who may do what. Import contracts are lint-imports'."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = sorted((ROOT / "app").rglob("*.py"))
CODE = [*APP, *sorted((ROOT / "devtools").rglob("*.py")), *sorted((ROOT / "migrations").rglob("*.py"))]
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
IN_ONE_PIECE = {
    "app/api/v1/donation_schemas.py of": "one literal, as long as the answer has fields",
    "app/petitions/published.py read_petition": "a query and the one literal of its answer",
    "app/cli/working.py run_worker": "what starts and ends together is read together",
}
NO_ACTIVITY = {"utils", "util", "helpers", "helper", "common", "misc", "service", "services", "manager"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _attribute_calls(tree: ast.Module, name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]


def test_there_is_code_to_look_at() -> None:
    assert len(APP) > 100
    assert ROOT / "app" / "core" / "db.py" in APP


def test_no_file_is_longer_than_one_reads() -> None:
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring: to explain more is no fault."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) and first.end_lineno:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_no_function_is_longer_than_one_keeps_in_mind() -> None:
    long = [
        f"{_name(path)} {function.name}: {_length(function)}"
        for path in CODE
        if path.parent.name != "versions"  # a migration is one statement after another
        for function in _functions(_tree(path))
        if _length(function) > LONGEST_FUNCTION
    ]
    assert [each for each in long if each.rpartition(":")[0] not in IN_ONE_PIECE] == []


def test_modules_are_named_for_what_they_do() -> None:
    named = [_name(path) for path in CODE if path.stem in NO_ACTIVITY or path.parent.name in NO_ACTIVITY]
    assert named == []


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize(
    ("package", "only"),
    [
        ("stripe", {"app/donations/stripe_gateway.py"}),
        ("aiosmtplib", {"app/mail/deliver.py"}),
        ("smtplib", set()),
        ("requests", set()),
    ],
)
def test_one_module_alone_speaks_to_an_outside_service(package: str, only: set[str]) -> None:
    assert {_name(path) for path in APP if package in _imported(_tree(path))} == only


def test_only_the_unit_of_work_commits() -> None:
    # The migrator is no unit of work: it holds a lock between migrations, which commit by themselves.
    committing = {_name(path) for path in APP if _attribute_calls(_tree(path), "commit")}
    assert committing <= {"app/core/db.py", "app/core/schema.py"}


def test_the_domain_does_not_open_sessions_of_its_own() -> None:
    making = {
        _name(path)
        for path in APP
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Name) and node.id in ("async_sessionmaker", "create_async_engine")
    }
    assert making == {"app/core/db.py"}


def test_nobody_asks_for_a_time_without_its_zone() -> None:
    naive = []
    for path in CODE:
        tree = _tree(path)
        naive += [f"{_name(path)}:{c.lineno}" for c in _attribute_calls(tree, "utcnow")]
        naive += [
            f"{_name(path)}:{call.lineno}"
            for call in _attribute_calls(tree, "now")
            if isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "datetime"
            and not (call.args or call.keywords)
        ]
    assert naive == []


def test_the_clock_is_handed_in() -> None:
    # The demo invents a history up to now; everything that serves is handed a clock.
    asking = {
        _name(path)
        for path in APP
        for call in _attribute_calls(_tree(path), "now")
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "datetime"
    }
    assert asking <= {"app/core/clock.py", "app/cli/demo/history.py"}


def test_any_says_why() -> None:
    """A module that needs Any gives a reason beside one of its uses."""
    silent = []
    for path in CODE:
        tree = _tree(path)
        used = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "Any"}
        lines = path.read_text(encoding="utf-8").splitlines()
        if used and not any(_reason_beside(lines, number) for number in used):
            silent.append(f"{_name(path)}: {sorted(used)}")
    assert silent == []


def _reason_beside(lines: list[str], number: int) -> bool:
    """A comment on the line or just before it, or a docstring after it."""
    before = [line.strip() for line in lines[max(0, number - 4) : number - 1]]
    after = lines[number].strip() if number < len(lines) else ""
    return "#" in lines[number - 1] or any(b.startswith("#") for b in before) or after.startswith('"""')


def test_public_code_is_documented() -> None:
    bare = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in APP
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert bare == []


def test_nothing_is_left_to_do_or_commented_out() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    left = [
        f"{_name(path)}:{number}"
        for path in CODE
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if marks.search(line)
    ]
    assert left == []
