"""Batching: rows of many requests go through the network together.

While one batch is being computed the next requests gather, and go together in the next: under load
batches grow by themselves, and a request that comes alone waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A")
T = TypeVar("T")
W = TypeVar("W")

# Rows of a batch, and rows that may wait; beyond them a request is turned away.
BATCH, WAITING = 256, 4096
# Characters of a batch that is computed at once, in a few milliseconds: handing it to a thread, and
# back, would take as long. Longer ones must not keep the other requests from being read. What is
# asked in another form than texts tells how many characters would take its time.
AT_ONCE = 20_000


class Full(Exception):
    """So many rows are waiting that another request would wait too long."""


@dataclass(frozen=True)
class Waiting(Generic[A, T]):
    """What one request asks, and who waits for the answers."""

    asked: list[A]
    answers: asyncio.Future[list[T]]


class Batcher(Generic[A, T]):
    """The requests that wait for one model, for as long as one event loop runs.

    Parameters
    ----------
    work : (asked) -> list
        Gives one answer for each row that is asked.
    waiting : int
        Rows that may wait.
    prepare : () -> None
        Called in the thread of large batches, before the first.
    size : (row) -> int
        How many characters of texts take as long as a row.
    """

    def __init__(
        self,
        work: Callable[[list[A]], list[T]],
        waiting: int = WAITING,
        prepare: Callable[[], None] | None = None,
        size: Callable[[A], int] = len,  # type: ignore[assignment]  # of texts
    ) -> None:
        self.work, self.capacity, self.size = work, waiting, size
        self.queue: deque[Waiting[A, T]] = deque()
        self.rows = 0  # that wait or are being computed
        self.woken = asyncio.Event()
        self.closing = False
        # One thread: the network itself uses as many as the machine has.
        self.thread = ThreadPoolExecutor(1, "duree-predict", prepare)

    async def answers(self, asked: list[A]) -> list[T]:
        """The answers of some rows, in their order.

        Raises
        ------
        Full
            Too many rows are waiting, or the service is closing.
        """
        if self.closing or self.rows + len(asked) > max(self.capacity, len(asked)):
            raise Full
        waiting = Waiting(asked, asyncio.get_running_loop().create_future())
        self.queue.append(waiting)
        self.rows += len(asked)
        self.woken.set()
        return await waiting.answers

    async def alone(self, work: Callable[[A], W], asked: A, rows: int) -> W:
        """Do other work with a row, in its turn; it takes as long as so many rows.

        Raises
        ------
        Full
            As above.
        """
        if self.closing or self.rows + rows > max(self.capacity, rows):
            raise Full
        self.rows += rows
        try:
            return await asyncio.get_running_loop().run_in_executor(self.thread, work, asked)
        finally:
            self.rows -= rows

    async def run(self) -> None:
        """Work until ``close`` was called and nobody waits any more."""
        try:
            while not (self.closing and not self.queue):
                await self.woken.wait()
                await asyncio.sleep(0)  # who has come by now is let in
                while batch := self._next():
                    await self._answer(batch)
                    await asyncio.sleep(0)
                if not self.closing:
                    self.woken.clear()
        finally:
            self.thread.shutdown(wait=False)  # what it was given it ends

    def close(self) -> None:
        """Take no more requests; those that wait are answered."""
        self.closing = True
        self.woken.set()

    def _next(self) -> list[Waiting[A, T]]:
        """The requests of the next batch; one of many rows goes alone."""
        batch: list[Waiting[A, T]] = []
        rows = 0
        while self.queue and (not batch or rows + len(self.queue[0].asked) <= BATCH):
            waiting = self.queue.popleft()
            if waiting.answers.cancelled():  # the client has hung up
                self.rows -= len(waiting.asked)
                continue
            batch.append(waiting)
            rows += len(waiting.asked)
        return batch

    async def _answer(self, batch: list[Waiting[A, T]]) -> None:
        asked = [row for waiting in batch for row in waiting.asked]
        try:
            if sum(map(self.size, asked)) <= AT_ONCE:
                found = self.work(asked)
            else:
                loop = asyncio.get_running_loop()
                found = await loop.run_in_executor(self.thread, self.work, asked)
        except Exception as error:
            for waiting in batch:
                if not waiting.answers.done():
                    waiting.answers.set_exception(error)
        else:
            begin = 0
            for waiting in batch:
                end = begin + len(waiting.asked)
                if not waiting.answers.done():
                    waiting.answers.set_result(found[begin:end])
                begin = end
        finally:
            self.rows -= len(asked)
