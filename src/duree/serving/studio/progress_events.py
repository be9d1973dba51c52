"""Progress of a run as its page shows it, sent as server-sent events whenever it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from duree.errors import RunError
from duree.pipeline.listener import STEPS
from duree.pipeline.progress import STOP_FILE, Standing, standing
from duree.pipeline.run import Run
from duree.report.run_folder import RunFolder
from duree.results.run_files import Epoch
from duree.tasks import TASKS
from duree.tasks.watched import Watched

POLL, KEEP_ALIVE = 0.5, 15  # seconds between polls, and between comments if nothing changes
# The panel of a curve, in units of the SVG.
WIDTH, HEIGHT = 300.0, 110.0


@dataclass(frozen=True)
class Curve:
    """One panel: name and points of each line, and the smallest and largest value."""

    title: str
    lines: list[tuple[str, str]]
    low: float
    high: float


@dataclass(frozen=True)
class View:
    """What the page of an unfinished run shows; ``watched`` is the title of the metric on
    validation, and ``best`` its best value so far."""

    now: Standing
    place: int
    epochs: int
    curves: list[Curve]
    best: float | None
    stopping_early: bool
    watched: str = ""

    @property
    def share(self) -> float:
        """The part of the steps that is done, from 0 to 1; each counts the same."""
        within = self.now.done / self.now.steps if self.now.steps else 0.0
        return (self.place + within) / len(STEPS)


def view(run: Run) -> View:
    """The current progress of a run."""
    now, history = standing(run), _history(run)
    watched = _watched(now.watched)
    figures = [watched.better * epoch.metric for epoch in history]
    best = max(figures, key=lambda figure: watched.better * figure, default=None)
    curves = []
    if len(history) > 1:
        of_loss = {
            "training": [epoch.train_loss for epoch in history],
            "validation": [epoch.validation_loss for epoch in history],
        }
        curves = [_curve("loss", of_loss), _curve(watched.title, {"validation": figures})]
    return View(
        now,
        list(STEPS).index(now.step) if now.step in STEPS else -1,
        len(history),
        curves,
        best,
        run.has(STOP_FILE),
        watched.title,
    )


async def events(
    run: Run, state: Callable[[Run], str], page: Callable[[View], str]
) -> AsyncIterator[bytes]:
    """Server-sent events: ``progress`` with a piece of HTML, and ``over`` at the end."""
    last, sent = "", 0.0
    while state(run) == "running":
        content = page(view(run))
        if content != last:
            yield _event("progress", content)
            last, sent = content, time.monotonic()
        elif time.monotonic() - sent > KEEP_ALIVE:
            yield b": still here\n\n"
            sent = time.monotonic()
        await asyncio.sleep(POLL)
    yield _event("over", "")


def _event(name: str, content: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in content.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode()


def _watched(name: str) -> Watched:
    """The metric that training calls so; training maximises it, and so has errors as negative."""
    known = (metric for task in TASKS.values() for metric in task.ever_watched())
    return next((metric for metric in known if metric.name == name), Watched(name, name, 1))


def _history(run: Run) -> list[Epoch]:
    try:
        return RunFolder(run.folder).history()
    except RunError:  # the run itself reports it later
        return []


def _curve(title: str, values: dict[str, list[float]]) -> Curve:
    every = [value for line in values.values() for value in line]
    low, high = min(every), max(every)
    # Where nothing varies, the line is in the middle.
    top, spread = (high, high - low) if high > low else (high + 0.5, 1.0)
    lines = []
    for name, line in values.items():
        step = WIDTH / (len(line) - 1)
        points = (f"{n * step:.1f},{HEIGHT * (top - v) / spread:.1f}" for n, v in enumerate(line))
        lines.append((name, " ".join(points)))
    return Curve(title, lines, low, high)
