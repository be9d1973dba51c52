"""Texts in which some words decide the class."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.clock import Clock

FILLER = list("abcdefghijklmnopqr")


def write(rng: np.random.Generator, deciding: str) -> str:
    """A short text: filler around the words that matter."""
    words = [*rng.choice(FILLER, 12), *deciding.split()]
    rng.shuffle(words)
    return " ".join(words)


@pytest.fixture(scope="session")
def letters():
    """Texts and classes for training, validation and test; each class has words of its own."""
    rng = np.random.default_rng(0)
    words = [["war siege", "army war"], ["bread mill", "harvest bread"], ["hymn", "psalm hymn"]]

    def part(rows):
        classes = rng.permutation(np.arange(rows) % 3)
        return [write(rng, str(rng.choice(words[c]))) for c in classes], classes

    return part(240), part(60), part(120)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock for the time limits of baselines: a test spends its seconds."""
    clock = Clock()
    for user in ("time_limit", "tuning", "forecasts", "crf"):
        monkeypatch.setattr(f"duree.baselines.{user}.time", clock)
    return clock
