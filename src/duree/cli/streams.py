"""Standard output and error, which may break while a command works: a closed pipe, a full disk."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, TextIO


class LastingError:
    """Standard error for progress: where it can no longer be written, the work goes on silently."""

    def write(self, text: str) -> int:
        """Write, or discard where writing fails."""
        try:
            return sys.stderr.write(text)
        except OSError:
            discard_writes(sys.stderr)
            return len(text)

    def flush(self) -> None:
        """Flush, or discard where that fails."""
        try:
            sys.stderr.flush()
        except OSError:
            discard_writes(sys.stderr)

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


def is_broken(stream: TextIO) -> bool:
    """Whether nobody reads the stream any more; what could not be written is still in it."""
    try:
        stream.flush()
    except BrokenPipeError:
        return True
    return False


def discard_writes(stream: TextIO) -> None:
    """Let a stream that broke write to nowhere, so that no later write fails, nor that at exit."""
    with suppress(OSError, ValueError):  # streams of tests have no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
