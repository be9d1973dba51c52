"""Listener: who is told what a run is doing while it does it."""

from __future__ import annotations

from typing import Protocol

from duree.training.loop import Progress

# The steps of the workflow in order, and what each is called.
STEPS = {
    "read": "Reading and checking the table",
    "encode": "Encoding",
    "train": "Training",
    "baselines": "Training the baselines",
    "evaluate": "Judging on the test part",
    "explain": "Asking the network what it learned",
}


class Listener(Protocol):
    """Told of every step and of what is found on the way; prints, logs or draws as it likes."""

    def step(self, name: str) -> None:
        """A step of the workflow begins: ``"read"``, ``"encode"``, ``"train"``, ..."""
        ...

    def message(self, message: str) -> None:
        """One finished sentence for the user."""
        ...

    def training(self, seed: int, watched: str) -> Progress | None:
        """A network begins to train: who follows its steps and epochs, if anyone.

        ``watched`` is what the figure of each epoch is called.
        """
        ...


class Silent:
    """A listener that lets everything pass."""

    def step(self, name: str) -> None:
        """Say nothing."""

    def message(self, message: str) -> None:
        """Say nothing."""

    def training(self, seed: int, watched: str) -> Progress | None:
        """Nobody follows."""
        return None


SILENT = Silent()
