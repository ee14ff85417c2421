"""Group commit: together, at once, and nobody suffers for another's fault."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import DatabaseUnavailable, Overloaded
from app.core.group_commit import GroupCommit


class Writer:
    """Remembers its transactions; a negative item breaks the one it is in."""

    def __init__(self) -> None:
        self.tried: list[list[int]] = []
        self.stored: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.tried.append(list(items))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        if any(item < 0 for item in items):
            raise ValueError(f"broken by {[item for item in items if item < 0]}")
        self.stored += items
        return [item * 10 for item in items]


async def gathered(group: GroupCommit[int, int], items: Sequence[int]) -> list[int | BaseException]:
    return await asyncio.gather(*(group.put(item) for item in items), return_exceptions=True)


async def waiting(group: GroupCommit[int, int], items: Sequence[int]) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(group.put(item)) for item in items]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_what_waits_is_written_together_and_answered_each_its_own() -> None:
    writer = Writer()
    group = GroupCommit(writer)
    group.start()
    assert await gathered(group, range(50)) == [item * 10 for item in range(50)]
    assert writer.tried == [list(range(50))]
    await group.stop()


async def test_one_alone_is_written_at_once() -> None:
    writer = Writer()
    group = GroupCommit(writer)
    group.start()
    started = time.perf_counter()
    assert await group.put(7) == 70
    assert time.perf_counter() - started < 0.1
    assert writer.tried == [[7]]
    await group.stop()


async def test_whoever_comes_during_a_transaction_shares_the_next() -> None:
    writer = Writer()
    writer.gate.clear()
    group = GroupCommit(writer)
    group.start()
    first = await waiting(group, [1])
    later = await waiting(group, [2, 3, 4])
    assert group.waiting == 3
    assert not first[0].done(), "nobody is answered before the commit"
    writer.gate.set()
    await asyncio.gather(*first, *later)
    assert writer.tried == [[1], [2, 3, 4]]
    await group.stop()


async def test_a_batch_has_a_size() -> None:
    writer = Writer()
    group = GroupCommit(writer, batch=10)
    group.start()
    await gathered(group, range(25))
    assert [len(items) for items in writer.tried] == [10, 10, 5]
    await group.stop()


async def test_one_too_many_is_told_so_and_not_stored() -> None:
    writer = Writer()
    writer.gate.clear()
    group = GroupCommit(writer, capacity=3)
    group.start()
    tasks = await waiting(group, [1])
    tasks += await waiting(group, [2, 3, 4])
    with pytest.raises(Overloaded) as refusal:
        await group.put(5)
    assert refusal.value.retry_after
    writer.gate.set()
    await asyncio.gather(*tasks)
    assert writer.stored == [1, 2, 3, 4]
    await group.stop()


async def test_a_broken_one_fails_alone() -> None:
    writer = Writer()
    group = GroupCommit(writer)
    group.start()
    answers = await gathered(group, [1, 2, -3, 4, 5, 6, 7, 8])
    assert [a for a in answers if not isinstance(a, BaseException)] == [10, 20, 40, 50, 60, 70, 80]
    assert isinstance(answers[2], ValueError)
    assert await group.put(9) == 90, "the writer goes on"
    await group.stop()


@settings(max_examples=60, deadline=None)
@given(
    items=st.lists(st.integers(min_value=-50, max_value=50).filter(bool), max_size=60),
    batch=st.integers(min_value=1, max_value=20),
)
def test_exactly_the_broken_ones_fail(items: list[int], batch: int) -> None:
    async def scenario() -> None:
        writer = Writer()
        group = GroupCommit(writer, batch=batch)
        group.start()
        answers = await gathered(group, items)
        await group.stop()
        for item, answer in zip(items, answers, strict=True):
            assert isinstance(answer, ValueError) if item < 0 else answer == item * 10
        assert sorted(writer.stored) == sorted(item for item in items if item > 0), "each stored once"
        assert all(len(tried) <= batch for tried in writer.tried)

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [DatabaseUnavailable(), Overloaded()])
async def test_a_database_that_is_away_fails_all_at_once(error: Overloaded) -> None:
    writer = Writer()
    writer.error = error
    group = GroupCommit(writer)
    group.start()
    answers = await gathered(group, range(100))
    assert all(isinstance(answer, type(error)) for answer in answers)
    assert len(writer.tried) == 1, "no halving: each half would wait for the database again"
    writer.error = None
    assert await group.put(1) == 10
    await group.stop()


async def test_who_goes_away_does_not_stop_the_others() -> None:
    writer = Writer()
    writer.gate.clear()
    group = GroupCommit(writer)
    group.start()
    gone_while_written = await waiting(group, [1])
    gone_while_waiting, staying = await waiting(group, [2, 3])
    for task in (*gone_while_written, gone_while_waiting):
        task.cancel()
    writer.gate.set()
    assert await staying == 30
    for task in (*gone_while_written, gone_while_waiting):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await group.put(4) == 40
    await group.stop()


async def test_who_goes_away_from_a_broken_batch_does_not_stop_the_others() -> None:
    writer = Writer()
    writer.gate.clear()
    group = GroupCommit(writer)
    group.start()
    await waiting(group, [1])
    broken, staying = await waiting(group, [-2, 3])
    broken.cancel()
    writer.gate.set()
    assert await staying == 30
    assert await group.put(4) == 40
    await group.stop()


async def test_stopping_writes_what_waits_and_takes_no_more() -> None:
    writer = Writer()
    writer.gate.clear()
    group = GroupCommit(writer, batch=2)
    group.start()
    tasks = await waiting(group, [1, 2, 3, 4, 5])
    stopping = asyncio.create_task(group.stop())
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await group.put(6)
    writer.gate.set()
    await stopping
    assert [task.result() for task in tasks] == [10, 20, 30, 40, 50]


async def test_stopping_waits_for_so_long_and_no_longer() -> None:
    writer = Writer()
    writer.gate.clear()
    group = GroupCommit(writer, batch=1)
    group.start()
    tasks = await waiting(group, [1, 2, 3])
    started = time.perf_counter()
    await group.stop(patience=0.2)
    assert 0.15 < time.perf_counter() - started < 1
    for task in tasks:  # neither the one in hand nor those that waited hang for ever
        with pytest.raises(Overloaded):
            await asyncio.wait_for(task, 1)
    assert writer.stored == []


async def test_a_writer_that_answers_for_too_few_fails_them_and_goes_on() -> None:
    calls = 0

    async def write(items: Sequence[int]) -> list[int]:
        nonlocal calls
        calls += 1
        return list(items)[1:] if calls == 1 else list(items)

    group = GroupCommit(write)
    group.start()
    answers = await asyncio.wait_for(gathered(group, [1, 2]), 2)
    assert all(isinstance(answer, RuntimeError) for answer in answers)
    assert await asyncio.wait_for(group.put(3), 2) == 3
    await group.stop()
