"""Listener: receives the progress of a run while it is under way."""

from __future__ import annotations

from typing import Protocol

from duree.training.loop import Progress

# The steps of the workflow in order, and their titles.
STEPS = {
    "read": "Reading and checking the table",
    "encode": "Encoding",
    "train": "Training",
    "baselines": "Training the baselines",
    "evaluate": "Evaluating on the test rows",
    "explain": "Explaining the network",
}


class Listener(Protocol):
    """Receives each step and each message of a run; prints, logs or draws them."""

    def step(self, name: str) -> None:
        """A step of the workflow begins: ``"read"``, ``"encode"``, ``"train"``, ..."""
        ...

    def message(self, message: str) -> None:
        """One finished sentence for the user."""
        ...

    def training(self, seed: int, watched: str) -> Progress | None:
        """Training of a network begins; returns the listener of its steps and epochs, if any.

        ``watched`` is the name of the metric that is computed after each epoch.
        """
        ...


class Silent:
    """A listener that ignores everything."""

    def step(self, name: str) -> None:
        """Ignored."""

    def message(self, message: str) -> None:
        """Ignored."""

    def training(self, seed: int, watched: str) -> Progress | None:
        """Ignored."""
        return None


SILENT = Silent()
