"""The wide part takes most of a small training: runs of tests take fewer, larger steps in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from duree.training import wide

USUAL = wide.WIDE_TRAINING


@contextmanager
def short_training() -> Iterator[None]:
    """A fifth of the epochs, each step five times as long."""
    changes = {"epochs": 10, "learning_rate": 5 * USUAL.learning_rate}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wide, "WIDE_TRAINING", USUAL.model_copy(update=changes))
        yield


@contextmanager
def usual_training() -> Iterator[None]:
    """As a user's run, also within ``short_training``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wide, "WIDE_TRAINING", USUAL)
        yield
