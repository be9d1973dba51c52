"""The progress of a run on the terminal: results go to stdout, everything else to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, cast

import rich.console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from duree.cli.help import display_width
from duree.cli.streams import LastingError
from duree.cli.text_table import padded, print_table
from duree.errors import command, translate, user_language
from duree.pipeline.explain_row import is_explainable
from duree.pipeline.language_model import is_language_model
from duree.pipeline.listener import STEPS
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.report.load import load_run
from duree.report.pages.decisions import remarks
from duree.report.pages.sections import readable_verdict
from duree.report.vocabulary import Words
from duree.results.metrics_file import Metrics
from duree.results.run_files import Epoch
from duree.results.run_files import Estimate as Figure
from duree.tables.finding import Finding
from duree.training.estimate import Estimate

PREDICT = "Predict new rows:  {command}"
EXPLAIN = "Explain a row:     {command}"
SURPRISAL = "Surprisal:         {command}"
READ = "Read the report:   {page}"
TRAINING = "seed {seed}: {steps} steps, at most about {time} and {memory:.0f} MB"
EPOCH = (
    "epoch {epoch:>2}  loss {loss:.3f}  on validation: loss {validation_loss:.3f}, "
    "{watched} {figure:.3f}  {speed:.0f} rows/s"
)
BAR_LOSS, BAR_SPEED, BAR_ROWS = "loss {loss:.3f}", "{speed:.0f} rows/s", "{rows:.0f} rows"
SECONDS, MINUTES = "{time:.0f} s", "{time:.0f} min"
LEVELS = ("ok", "note", "warning", "error")
# rich asks for a file with all methods, and calls those of LastingError.
LASTING = cast("IO[str]", LastingError())


class Console:
    """A listener that writes to the terminal."""

    def __init__(self) -> None:
        self.err = rich.console.Console(file=LASTING, highlight=False, soft_wrap=True)

    def step(self, name: str) -> None:
        """Announce a step of the workflow."""
        self.err.print(f"[bold]{translate(STEPS[name])}[/bold]")

    def message(self, message: str) -> None:
        """One line; nothing in it is read as markup."""
        self.err.print(f"  {message}", markup=False)

    def training(self, seed: int, watched: str) -> TrainingBar:
        """A progress bar for one network."""
        return TrainingBar(self.err, seed, watched)

    def finish(self, run: Run) -> None:
        """Print the metrics, the verdict and the next commands."""
        folder, data = run.folder, load_run(run.folder)
        self.err.print()
        predict = command("duree", "predict", folder, "NEW.csv", "-o", "predicted.csv")
        self.message(translate(PREDICT).format(command=predict))
        model = TrainedModel.of_run(run)
        if is_language_model(model):
            shade = command("duree", "surprisal", folder, "NEW.csv", "-o", "bits.csv")
            self.message(translate(SURPRISAL).format(command=shade))
        if is_explainable(model):
            explain = command("duree", "explain", folder, "NEW.csv", "--row", 1)
            self.message(translate(EXPLAIN).format(command=explain))
        self.message(translate(READ).format(page=folder / "report.html"))
        self.err.print()
        words = data.words(user_language())
        print_models(data.metrics, words)
        print(readable_verdict(data, words))
        for remark in remarks(data, words):
            print(remark)


class TrainingBar:
    """A progress bar with loss, metric, rows per second and time left."""

    def __init__(self, console: rich.console.Console, seed: int, watched: str) -> None:
        self.console = console
        self.seed = seed
        self.watched = translate(watched)
        self.rows = 0
        self.figure = ""

    def start(self, steps: int, done: int, expected: Estimate) -> None:
        """Print the maximum training time and memory, and draw the bar."""
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
            TextColumn("  {task.fields[loss]}{task.fields[figure]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.task = self.bar.add_task(
            "train", total=steps, completed=done, loss="", speed="", figure=""
        )
        self.bar.start()

    def step(self, loss: float, rows: int) -> None:
        """Move the bar by one batch."""
        self.rows += rows
        elapsed = self.bar.tasks[0].elapsed or 1.0
        self.bar.update(
            self.task,
            advance=1,
            loss=translate(BAR_LOSS).format(loss=loss),
            speed=translate(BAR_SPEED).format(speed=self.rows / elapsed),
        )

    def epoch(self, record: Epoch) -> None:
        """Print one line for the epoch."""
        self.bar.update(self.task, figure=f"  {self.watched} {record.metric:.3f}")
        line = translate(EPOCH).format(
            epoch=record.epoch,
            loss=record.train_loss,
            validation_loss=record.validation_loss,
            watched=self.watched,
            figure=record.metric,
            speed=record.rows_per_second,
        )
        self.bar.console.print(f"  {line}")

    def should_stop(self) -> bool:
        """Never: Ctrl-C interrupts the process itself."""
        return False

    def message(self, message: str) -> None:
        """One line above the bar."""
        self.console.print(f"  {message}", markup=False)

    def end(self) -> None:
        """Remove the bar, however the training ended."""
        if hasattr(self, "bar"):
            self.bar.stop()


@contextmanager
def rows_bar() -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on standard error; call it with the rows done and their total."""
    bar = Progress(
        BarColumn(bar_width=None),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        console=rich.console.Console(file=LASTING),
        transient=True,
    )
    task = bar.add_task("", total=None)

    def advance(done: int, rows: int | None) -> None:
        bar.start()  # not before: networks of folds may be trained first, with bars of their own
        bar.update(
            task,
            completed=done,
            total=rows,
            description=translate(BAR_ROWS).format(rows=done),
        )

    try:
        yield advance
    finally:
        bar.stop()


def print_models(metrics: Metrics, words: Words) -> None:
    """Print each model's primary metric with its interval, and its other metrics, to stdout."""
    first, *others = metrics.metric_names
    interval = words("{metric} [95 % interval]", metric=words.metric(first))
    rows = [[words("model"), interval, *map(words.metric, others)]]
    for model, result in metrics.results.items():
        found = result.estimates
        figures = [_number(found.get(name)) for name in others]
        rows.append([words.model(model, metrics.cell), _interval(found.get(first)), *figures])
    print_table(rows)
    print()


def print_figures(figures: dict[str, dict[str, float]]) -> None:
    """Print one metric per line: name, value and 95 % interval."""
    words = Words(user_language())
    estimates = {name: Figure(**figure) for name, figure in figures.items()}
    print_table([[words.metric(name), _interval(found)] for name, found in estimates.items()])


def print_findings(findings: list[Finding]) -> None:
    """Print one finding per line to stdout, with its level."""
    levels = {level: translate(level) for level in LEVELS}
    width = max(map(display_width, levels.values()))
    for finding in findings:
        print(f"{padded(levels[finding.level], width)}  {finding.message()}")


def _interval(found: Figure | None) -> str:
    return f"{_number(found)} [{found.low:.3f}, {found.high:.3f}]" if found else "-"


def _number(found: Figure | None) -> str:
    return f"{found.value:.3f}" if found else "-"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return translate(SECONDS).format(time=seconds)
    return translate(MINUTES).format(time=seconds / 60)
