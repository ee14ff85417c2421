import asyncio
from typing import Any

import pytest
from argon2 import PasswordHasher

from app.core.errors import Overloaded
from app.staff.errors import WeakPassword
from app.staff.passwords import Cost, Passwords, check_strength


async def test_the_standard_cost_is_rfc_9106s_second_option() -> None:
    encoded = await Passwords().hash("maple lantern orbit")
    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_a_hash_with_other_parameters_asks_to_be_made_anew(passwords: Passwords) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash("maple lantern orbit")
    verdict = await passwords.verify("maple lantern orbit", old)
    assert verdict.matches
    assert verdict.needs_rehash
    fresh = await passwords.verify("maple lantern orbit", await passwords.hash("maple lantern orbit"))
    assert not fresh.needs_rehash


async def test_without_an_account_the_same_work_is_done(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def verify(_self: PasswordHasher, hash_: str, _password: bytes) -> bool:
        compared.append(hash_)
        return True

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    known = await passwords.hash("x")
    assert (await passwords.verify("x", known)).matches
    assert not (await passwords.verify("x", None)).matches
    assert len(compared) == 2
    assert compared[1].rpartition("$")[0].rpartition("$")[0] == known.rpartition("$")[0].rpartition("$")[0]


async def test_a_broken_hash_matches_nothing(passwords: Passwords) -> None:
    assert not (await passwords.verify("x", "no hash at all")).matches


async def test_more_than_can_wait_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(Cost(64, 1, 1), at_once=1, waiting=1)
    release = asyncio.Event()

    async def held(work: Any, *given: Any) -> Any:
        await release.wait()
        return work(*given)

    monkeypatch.setattr("app.staff.passwords.asyncio.to_thread", held)
    first = asyncio.create_task(passwords.hash("a"))
    second = asyncio.create_task(passwords.hash("b"))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await passwords.hash("c")
    release.set()
    await asyncio.gather(first, second)
    assert await passwords.hash("d")


async def test_composed_and_decomposed_letters_are_one_password(passwords: Passwords) -> None:
    stored = await passwords.hash("caf\u00e9 lantern orbit")
    assert (await passwords.verify("cafe\u0301 lantern orbit", stored)).matches


@pytest.mark.parametrize(
    "password",
    [
        "short one 1",
        "x" * 1025,
        "olena@paper.example",
        "olena.kovalenko1",
        "OLENAKOVALENKO99",
        "Kovalenko-paper-7",
        "passwordpassword",
        "aaaaaaaaaaaaaaaa",
        "abcdefghijklmnop",
        "1234567890123456",
        "qwertyuiop12345678",
        "welcome-haven-2026",
    ],
)
def test_what_a_stranger_would_try_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword) as refusal:
        check_strength(password, email="olena.kovalenko@paper.example", name="Olena Kovalenko")
    assert password not in str(refusal.value)


@pytest.mark.parametrize(
    "password", ["maple lantern orbit", "тихий ліхтар на горі", "Tr0ub4dor&3-horse", "jk29-xx!vQ7w"]
)
def test_what_nobody_can_guess_is_taken(password: str) -> None:
    check_strength(password, email="olena.kovalenko@paper.example", name="Olena Kovalenko")
