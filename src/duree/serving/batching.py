"""Batching: rows of several requests go through the network together.

Requests that arrive while a batch is computed form the next batch: under load batches grow, and a
single request does not wait.
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

# Rows of a batch, and maximum number of waiting rows; beyond it requests are refused.
BATCH, WAITING = 256, 4096
# Characters of a batch that is computed in the event loop, in a few milliseconds: handing it to a
# thread would take as long. Larger ones must not block other requests. Rows other than texts count
# as the number of characters that take as long.
AT_ONCE = 20_000


class Full(Exception):
    """Too many rows are waiting."""


class Closed(Full):
    """The model is not used any more: the service ends, or has loaded it anew."""


@dataclass(frozen=True)
class Waiting(Generic[A, T]):
    """The rows of one request, and the future of its answers."""

    asked: list[A]
    answers: asyncio.Future[list[T]]


class Batcher(Generic[A, T]):
    """The queue of one model, in one event loop.

    Parameters
    ----------
    work : (asked) -> list
        Gives one answer per row.
    waiting : int
        Maximum number of waiting rows.
    prepare : () -> None
        Called in the thread for large batches, before the first.
    size : (row) -> int
        The number of characters that take as long as a row.
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
        self.rows = 0  # waiting or being computed
        self.woken = asyncio.Event()
        self.closing = False
        # One thread: the network itself uses all cores.
        self.thread = ThreadPoolExecutor(1, "duree-predict", prepare)

    async def answers(self, asked: list[A]) -> list[T]:
        """The answers for some rows, in their order.

        Raises
        ------
        Full
            Too many rows are waiting.
        Closed
            ``close`` was called.
        """
        self._require_room(len(asked))
        waiting = Waiting(asked, asyncio.get_running_loop().create_future())
        self.queue.append(waiting)
        self.rows += len(asked)
        self.woken.set()
        return await waiting.answers

    async def alone(self, work: Callable[[A], W], asked: A, rows: int) -> W:
        """Do other work with one row; it counts as ``rows`` rows.

        Raises
        ------
        Full, Closed
            As above.
        """
        self._require_room(rows)
        self.rows += rows
        try:
            return await asyncio.get_running_loop().run_in_executor(self.thread, work, asked)
        finally:
            self.rows -= rows

    async def run(self) -> None:
        """Work until ``close`` was called and no request is waiting."""
        try:
            while not (self.closing and not self.queue):
                await self.woken.wait()
                await asyncio.sleep(0)  # let requests that have arrived join
                while batch := self._next():
                    await self._answer(batch)
                    await asyncio.sleep(0)
                if not self.closing:
                    self.woken.clear()
        finally:
            self.thread.shutdown(wait=False)  # what it was given is finished

    def close(self) -> None:
        """Accept no more requests; waiting ones are answered."""
        self.closing = True
        self.woken.set()

    def _require_room(self, rows: int) -> None:
        if self.closing:
            raise Closed
        if self.rows + rows > max(self.capacity, rows):
            raise Full

    def _next(self) -> list[Waiting[A, T]]:
        """The requests of the next batch; a large one goes alone."""
        batch: list[Waiting[A, T]] = []
        rows = 0
        while self.queue and (not batch or rows + len(self.queue[0].asked) <= BATCH):
            waiting = self.queue.popleft()
            if waiting.answers.cancelled():  # the client has disconnected
                self.rows -= len(waiting.asked)
                continue
            batch.append(waiting)
            rows += len(waiting.asked)
        return batch

    async def _answer(self, batch: list[Waiting[A, T]]) -> None:
        asked = [row for waiting in batch for row in waiting.asked]
        try:
            found = await self._computed(asked)
        except Exception as error:
            if len(batch) > 1:  # which of them it was is found out one by one
                for waiting in batch:
                    await self._answer([waiting])
                return
            if not batch[0].answers.done():
                batch[0].answers.set_exception(error)
        else:
            begin = 0
            for waiting in batch:
                end = begin + len(waiting.asked)
                if not waiting.answers.done():
                    waiting.answers.set_result(found[begin:end])
                begin = end
        self.rows -= len(asked)

    async def _computed(self, asked: list[A]) -> list[T]:
        if sum(map(self.size, asked)) <= AT_ONCE:
            return self.work(asked)
        return await asyncio.get_running_loop().run_in_executor(self.thread, self.work, asked)
