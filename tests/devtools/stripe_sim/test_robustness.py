"""Whatever comes in, nothing breaks: an answer in Stripe's shape, never an unexplained 500."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devtools.stripe_sim.operations import OPERATIONS
from devtools.stripe_sim.params import Group, Kind, Several
from tests.devtools.stripe_sim.conftest import KEY

POSTS = [operation for operation in OPERATIONS if operation.method == "POST"]
VALUES = st.one_of(
    st.sampled_from(
        ["", "1", "0", "-1", "true", "gbp", "GBP", "payment", "9" * 18, "1.5", "é", "💷", "card"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


def names(kind: Kind, prefix: str = "") -> list[str]:
    """Every parameter's name in bracket form."""
    if isinstance(kind, Group):
        return [
            name
            for key, member in kind.members.items()
            for name in names(member, f"{prefix}[{key}]" if prefix else key)
        ]
    if isinstance(kind, Several):
        return names(kind.item, f"{prefix}[0]")
    return [prefix, f"{prefix}[0]", f"{prefix}[x]"]


@pytest.mark.parametrize("operation", POSTS, ids=lambda operation: operation.name)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_form_is_answered(browser: httpx.Client, operation: object, data: st.DataObject) -> None:
    chosen = next(each for each in POSTS if each is operation)
    known = st.sampled_from([*names(chosen.allowed), "colour", "a[b", "[]", "expand[]"])
    form = data.draw(st.dictionaries(known, VALUES, max_size=8))
    path = chosen.path.replace("{", "").replace("}", "")
    answer = browser.post(path, data=form, headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code in {200, 400, 402, 404}, answer.text
    assert answer.status_code == 200 or answer.json()["error"]["message"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered(browser: httpx.Client, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/v1/refunds", content=body, headers=headers).status_code == 400
    assert browser.post("/c/pay/cs_test_x", content=body).status_code == 404
    assert browser.post("/_sim/faults", content=body).status_code == 400
