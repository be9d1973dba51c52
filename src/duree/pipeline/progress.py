"""Progress of a run, recorded in its folder, where other processes can read it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from duree.errors import DureeError
from duree.pipeline.listener import Listener
from duree.pipeline.run import Run
from duree.results.run_files import Epoch
from duree.storage import write_file
from duree.training.estimate import Estimate
from duree.training.plan import Progress

FILE, STOP_FILE = "progress.json", "enough.json"
# Seconds between two records of a training, which may take a hundred steps in one.
PAUSE = 0.5


@dataclass(frozen=True)
class Standing:
    """The progress of a run.

    Attributes
    ----------
    step : str
        The current step of the workflow; empty before the first.
    began : float
        When that step began, in seconds since 1970.
    seed, watched
        The seed of the network that trains, and the name of its metric.
    steps, done : int
        Batches in total and done; 0 while nothing trains.
    loss : float or None
        Mean of the epoch so far.
    rows_per_second, seconds_left : float or None
        ``seconds_left`` is an upper bound: training may stop earlier.
    error : dict
        The error that stopped the run, by language; empty if there was none.
    """

    step: str = ""
    began: float = 0.0
    seed: int = 0
    watched: str = ""
    steps: int = 0
    done: int = 0
    loss: float | None = None
    rows_per_second: float | None = None
    seconds_left: float | None = None
    error: dict[str, str] | None = None


_STANDING = TypeAdapter(Standing)


def standing(run: Run) -> Standing:
    """The progress of a run, or its last one."""
    try:
        return _STANDING.validate_json((run.folder / FILE).read_bytes())
    except (OSError, ValueError):  # none yet, or another version's
        return Standing()


def request_stop(run: Run) -> None:
    """Ask a run to stop training and continue with its best weights.

    A run that is not running does so when it is resumed.
    """
    run.write_json(STOP_FILE, {})


@contextmanager
def noted(run: Run, listener: Listener) -> Iterator[Listener]:
    """A listener that records progress and errors in the run's folder, and passes them on."""
    noting = _Noting(run, listener)
    try:
        yield noting
    except Exception as error:
        with suppress(DureeError):  # where the disk is full, the first error is the one to show
            noting.note(error={language: _message(error, language) for language in ("en", "zh")})
        raise


def _message(error: Exception, language: str) -> str:
    if isinstance(error, DureeError):
        return error.message(language)
    return f"{type(error).__name__}: {error}"


class _Noting:
    """Keeps ``progress.json``."""

    def __init__(self, run: Run, listener: Listener) -> None:
        self.run, self.listener = run, listener
        self.now = Standing()
        self.note()

    def note(self, **changes: Any) -> None:
        """Write the progress; not synced, as it is useless after a crash."""
        self.now = replace(self.now, **changes)
        content = json.dumps(asdict(self.now)).encode()
        write_file(self.run.folder / FILE, content, synced=False)

    def step(self, name: str) -> None:
        self.now = Standing()
        self.note(step=name, began=time.time())
        self.listener.step(name)

    def message(self, message: str) -> None:
        self.listener.message(message)

    def training(self, seed: int, watched: str) -> Progress:
        self.note(seed=seed, watched=watched)
        return _NotingTraining(self, self.listener.training(seed, watched))


class _NotingTraining:
    """Follows one network."""

    def __init__(self, noting: _Noting, other: Progress | None) -> None:
        self.noting, self.other = noting, other
        self.rows = self.steps = 0
        self.asked = False

    def start(self, steps: int, done: int, expected: Estimate) -> None:
        self.before, self.began = done, time.monotonic()
        self.noted = self.began
        self.asked = self.noting.run.has(STOP_FILE)
        self.noting.note(steps=steps, done=done, seconds_left=expected.seconds)
        if self.other:
            self.other.start(steps, done, expected)

    def step(self, loss: float, rows: int) -> None:
        self.rows, self.steps = self.rows + rows, self.steps + 1
        if time.monotonic() - self.noted > PAUSE:
            self.noted = time.monotonic()
            self.note(loss)
            self.asked = self.noting.run.has(STOP_FILE)
        if self.other:
            self.other.step(loss, rows)

    def note(self, loss: float) -> None:
        """Record loss, speed and time left; both are those of this process."""
        seconds, done = self.noted - self.began, self.before + self.steps
        left = max(self.noting.now.steps - done, 0) * seconds / self.steps
        if minutes := self.noting.run.recipe.training.max_minutes:
            spent = time.time() - self.noting.now.began
            left = min(left, max(60 * minutes - spent, 0.0))
        speed = self.rows / seconds
        self.noting.note(done=done, loss=loss, rows_per_second=speed, seconds_left=left)

    def epoch(self, record: Epoch) -> None:
        if self.other:
            self.other.epoch(record)

    def should_stop(self) -> bool:
        return self.asked or bool(self.other and self.other.should_stop())

    def message(self, message: str) -> None:
        if self.other:
            self.other.message(message)

    def end(self) -> None:
        if self.other:
            self.other.end()
