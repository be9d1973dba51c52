"""The command line, run in this process."""

from __future__ import annotations

import sys

from duree.cli.main import main


def call(*words: object) -> int:
    """The exit status of ``duree WORDS``, run in this process."""
    former, sys.argv = sys.argv, ["duree", *map(str, words)]
    try:
        main()
    except SystemExit as done:
        return int(done.code or 0)
    finally:
        sys.argv = former
    return 0
