"""Group commit: whoever waits is written together, in one transaction, and answered after it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.core.errors import Overloaded

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class _Waiter(Generic[Item, Result]):
    item: Item
    answer: asyncio.Future[Result] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def succeed(self, result: Result) -> None:
        """Answer, unless the caller has gone away meanwhile."""
        if not self.answer.done():
            self.answer.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Pass the error on, unless the caller has gone away meanwhile."""
        if not self.answer.done():
            self.answer.set_exception(error)


class GroupCommit(Generic[Item, Result]):
    """A bounded queue and one writer, which takes what waits and never waits for more.

    Args:
        write: Stores all items in one transaction and returns a result for each, in order. When it raises,
            nothing of the batch is stored; the batch is then halved until the items that break it stand
            alone, and only those fail.
        capacity: How many may wait; one more gets `Overloaded`.
        batch: The most items in one transaction.
        give_up: Errors that no halving will mend (the database is away): the whole batch fails at once.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        capacity: int = 2000,
        batch: int = 200,
        give_up: tuple[type[BaseException], ...] = (Overloaded,),
    ) -> None:
        self._write = write
        self._batch = batch
        self._give_up = give_up
        self._waiting: asyncio.Queue[_Waiter[Item, Result]] = asyncio.Queue(capacity)
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        """How many items wait for the next transaction."""
        return self._waiting.qsize()

    def start(self) -> None:
        """Start the writer on the running loop."""
        self._task = asyncio.create_task(self._run(), name="group-commit")

    async def stop(self, patience: float = 5.0) -> None:
        """Take no more, write what waits for at most `patience` seconds, and end."""
        self._closing = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._waiting.join(), patience)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while not self._waiting.empty():
            self._waiting.get_nowait().fail(Overloaded())

    async def put(self, item: Item) -> Result:
        """Store one item; returns once its transaction is committed.

        Raises:
            Overloaded: The queue is full, or the process is ending; the item is not stored.
        """
        if self._closing:
            raise Overloaded
        waiter: _Waiter[Item, Result] = _Waiter(item)
        try:
            self._waiting.put_nowait(waiter)
        except asyncio.QueueFull:
            raise Overloaded from None
        return await waiter.answer

    async def _run(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < self._batch and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                await self._store(batch)
            except BaseException:
                for waiter in batch:
                    waiter.fail(Overloaded())
                raise
            finally:
                for _ in batch:
                    self._waiting.task_done()

    async def _store(self, batch: list[_Waiter[Item, Result]]) -> None:
        try:
            results = await self._write([waiter.item for waiter in batch])
        except self._give_up as error:
            for waiter in batch:
                waiter.fail(error)
        except Exception as error:  # noqa: BLE001 - whatever one item raises is its own caller's to see
            if len(batch) == 1:
                batch[0].fail(error)
                return
            middle = len(batch) // 2
            await self._store(batch[:middle])
            await self._store(batch[middle:])
        else:
            if len(results) != len(batch):  # a fault of `write`; whose result is whose, nobody knows
                for waiter in batch:
                    waiter.fail(RuntimeError(f"{len(results)} results for {len(batch)} items"))
                return
            for waiter, result in zip(batch, results, strict=True):
                waiter.succeed(result)
