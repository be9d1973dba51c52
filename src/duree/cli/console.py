"""Console: a run as the terminal shows it. Results go to stdout, everything else to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rich.console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from duree.errors import translate, user_language
from duree.pipeline.listener import STEPS
from duree.pipeline.run import Run
from duree.tables.finding import Finding
from duree.training.estimate import Estimate

PREDICT = "Predict new rows:  duree predict {folder} NEW.csv -o predicted.csv"
EXPLAIN = "Explain a row:     duree explain {folder} NEW.csv --row 1"
READ = "Read the report:   {page}"
TRAINING = "seed {seed}: {steps} steps, at most about {time} and {memory:.0f} MB"
EPOCH = (
    "epoch {epoch:>2}  loss {loss:.3f}  on validation: loss {validation_loss:.3f}, "
    "{watched} {figure:.3f}  {speed:.0f} rows/s"
)


class Console:
    """A listener that writes to the terminal."""

    def __init__(self) -> None:
        self.err = rich.console.Console(stderr=True, highlight=False, soft_wrap=True)

    def step(self, name: str) -> None:
        """Announce a step of the workflow."""
        self.err.print(f"[bold]{translate(STEPS[name])}[/bold]")

    def message(self, message: str) -> None:
        """One line; what it quotes is never read as markup."""
        self.err.print(f"  {message}", markup=False)

    def training(self, seed: int, watched: str) -> TrainingBar:
        """A bar that follows one network."""
        return TrainingBar(self.err, seed, watched)

    def finish(self, run: Run) -> None:
        """The verdict and the figures, and what to do next."""
        metrics = run.read_json("metrics.json")
        folder = run.folder
        self.err.print()
        self.message(translate(PREDICT).format(folder=folder))
        if run.has("explanations.json") or run.has("channels.json"):
            self.message(translate(EXPLAIN).format(folder=folder))
        self.message(translate(READ).format(page=folder / "report.html"))
        self.err.print()
        print_models(metrics)
        print(metrics["verdict_zh" if user_language() == "zh" else "verdict"])


class TrainingBar:
    """Loss, figure, rows a second and time left, on one line that moves."""

    def __init__(self, console: rich.console.Console, seed: int, watched: str) -> None:
        self.console = console
        self.seed = seed
        self.watched = translate(watched)
        self.rows = 0
        self.figure = ""

    def start(self, steps: int, done: int, expected: Estimate) -> None:
        """Tell what the training will take, and draw the bar."""
        self.console.print(
            "  "
            + translate(TRAINING).format(
                seed=self.seed,
                steps=steps,
                time=_duration(expected.seconds),
                memory=expected.memory / 2**20,
            )
        )
        self.bar = Progress(
            TextColumn("  loss {task.fields[loss]:.3f}{task.fields[figure]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[speed]:.0f} rows/s"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.task = self.bar.add_task(
            "train", total=steps, completed=done, loss=float("nan"), speed=0.0, figure=""
        )
        self.bar.start()

    def step(self, loss: float, rows: int) -> None:
        """Move the bar by one batch."""
        self.rows += rows
        elapsed = self.bar.tasks[0].elapsed or 1.0
        self.bar.update(self.task, advance=1, loss=loss, speed=self.rows / elapsed)

    def epoch(self, record: dict[str, Any]) -> None:
        """Leave one line for the epoch."""
        self.bar.update(self.task, figure=f"  {self.watched} {record['metric']:.3f}")
        line = translate(EPOCH).format(
            epoch=record["epoch"],
            loss=record["train_loss"],
            validation_loss=record["validation_loss"],
            watched=self.watched,
            figure=record["metric"],
            speed=record["rows_per_second"],
        )
        self.bar.console.print(f"  {line}")

    def should_stop(self) -> bool:
        """Ctrl-C ends a training here."""
        return False

    def message(self, message: str) -> None:
        """One line above the bar."""
        self.console.print(f"  {message}", markup=False)

    def end(self) -> None:
        """Take the bar away, however the training ended."""
        if hasattr(self, "bar"):
            self.bar.stop()


@contextmanager
def rows_bar() -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error for work that goes by rows: call with rows done, and of how many."""
    bar = Progress(
        BarColumn(bar_width=None),
        TextColumn("{task.completed:.0f} rows"),
        TimeRemainingColumn(),
        console=rich.console.Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, rows: bar.update(task, completed=done, total=rows)


def print_models(metrics: dict[str, Any]) -> None:
    """Every model's primary figure with its interval, and the others, on standard output."""
    first, *others = metrics["metric_names"]
    rows = [["model", f"{first} [95 % interval]", *others]]
    for model, figures in metrics["models"].items():
        shown = [figures.get(name) for name in others]
        rows.append([model, _interval(figures[first]), *(_number(figure) for figure in shown)])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    print()


def print_figures(figures: dict[str, dict[str, float]]) -> None:
    """One metric a line: name, value, and the ends of its 95 % interval."""
    width = max(len(name) for name in figures)
    for name, figure in figures.items():
        print(f"{name.ljust(width)}  {_interval(figure)}")


def print_findings(findings: list[Finding]) -> None:
    """Every finding, one a line, on standard output."""
    for finding in findings:
        print(f"{finding.level:<8} {finding.message()}")


def _interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _number(figure: dict[str, float] | None) -> str:
    return "-" if figure is None else f"{figure['value']:.3f}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
