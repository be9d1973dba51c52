"""Forked processes: a fork copies no threads, and who waits for those of a library waits for ever.

polars and torch start threads when they are first used. A child process that was forked after that
is refused, instead of hanging; one that was forked before, as by a fork server, works.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from duree.errors import DureeError

_started: set[str] = set()
_lost: set[str] = set()


def uses_threads(library: str, count: int | None = None) -> None:
    """Note that a library starts threads from here on: ``count`` in all, if that is known.

    Raises
    ------
    DureeError
        This process was forked from one in which it had started them.
    """
    if count == 1:  # the one that calls
        return
    if library in _lost:
        raise DureeError(
            "this process was forked from one in which {library} had started threads, and would "
            "wait for them for ever",
            fix="start processes afresh: multiprocessing.get_context('spawn')",
            library=library,
        )
    _started.add(library)


def _before_fork() -> None:
    """Note threads that polars has started for somebody else; only Linux shows their names."""
    with suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            # polars-0, polars-1, ... are its workers; nobody waits for its other threads.
            if re.match(r"polars-\d", (task / "comm").read_text()):
                _started.add("polars")


def _in_child() -> None:
    _lost.update(_started)
    _started.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)
