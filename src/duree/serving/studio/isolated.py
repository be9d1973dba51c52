"""Files of others are read in a process of their own, whose memory is limited.

Where memory runs out in compiled code, the whole process ends, and no error can be caught: it must
not be the studio's.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from duree.errors import DataError, DureeError

T = TypeVar("T")

# A server forks a process for each file, so that nothing is imported again. Windows has none.
if sys.platform == "win32":
    CONTEXT = multiprocessing.get_context("spawn")
else:
    CONTEXT = multiprocessing.get_context("forkserver")
IMPORTED = ["duree.serving.studio.table_preview", "duree.workflow"]
LEAST_MEMORY = 2 * 2**30  # bytes
# The exit status where Python code runs out of memory, and that of an exception.
OUT_OF_MEMORY, FAULT = 70, 1


def start_reading() -> None:
    """Begin the imports that reading needs, in another process."""
    if sys.platform != "win32":
        from multiprocessing.forkserver import ensure_running, set_forkserver_preload

        set_forkserver_preload(IMPORTED)
        ensure_running()


def isolated(work: Callable[..., T], *arguments: Any, memory: int | None = None) -> T:
    """The result of a function, computed in another process.

    Parameters
    ----------
    work : function of a module
    *arguments
        What it is called with; these and the result are pickled.
    memory : int, optional
        Bytes that it may take; half the machine's memory if not given.

    Raises
    ------
    DataError
        It takes more memory, or ends the process.
    DureeError
        As the function.
    RuntimeError
        Another exception in the function, a fault of ours.
    """
    start_reading()
    limit = memory or _half_of_the_memory()
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_work, args=(theirs, limit, work, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        outcome: T | DureeError = ours.recv()
    except EOFError:
        process.join()
        if process.exitcode == FAULT:
            raise RuntimeError(f"{work.__name__} failed: see the traceback above") from None
        raise DataError(
            "reading the file takes more than {gigabytes:.1f} GB of memory",
            fix="save it as .csv, or use the command line: duree fit",
            gigabytes=limit / 2**30,
        ) from None
    finally:
        ours.close()
    process.join()
    if isinstance(outcome, DureeError):
        raise outcome
    return outcome


def _work(
    connection: Connection, memory: int, work: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    """What the other process does: it sends a result, or an error of the user's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the studio
    _limit_memory(memory)
    try:
        outcome = work(*arguments)
    except DureeError as error:
        outcome = error
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    connection.send(outcome)
    connection.close()


def _limit_memory(memory: int) -> None:
    """Let this process take so many bytes more than what it was born with."""
    if sys.platform != "linux":  # others do not enforce such a limit
        return
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        taken = int(file.read().split()[5]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = taken + memory
    resource.setrlimit(
        resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
    )


def _half_of_the_memory() -> int:
    if not hasattr(os, "sysconf"):
        return LEAST_MEMORY
    return max(LEAST_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
