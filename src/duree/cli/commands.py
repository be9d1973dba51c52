"""The command line: one function a verb, and no logic that the library lacks.

Results go to standard output; progress and messages to standard error. Exit status: 0 done; 2 the
input was at fault; 1 a fault of ours; 130 interrupted, with a checkpoint saved.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from duree.errors import DureeError, translate
from duree.version import __version__

# Torch takes more than a second to import: every verb imports what it needs, and --help nothing.


class Verbs(click.Group):
    """A group that lists its verbs in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="duree")
def cli() -> None:
    """Long-memory sequence models for the social sciences and humanities.

    Start with `duree demo`, then `duree fit TABLE --text COLUMN --target COLUMN`.
    """


def column_options(command: Any) -> Any:
    """The options that say which file and which columns; shared by fit and check."""
    options = [
        click.option("--text", metavar="COL", help="Column that holds the texts."),
        click.option(
            "--states",
            metavar="COL",
            multiple=True,
            default=None,
            help="Columns with a state for each time point: names, a range FIRST:LAST, a pattern.",
        ),
        click.option("--state", metavar="COL", help="Column of states, in a table of spells."),
        click.option("--start", metavar="COL", help="When each spell begins."),
        click.option("--end", metavar="COL", help="When it ends."),
        click.option(
            "--event",
            metavar="COL",
            multiple=True,
            default=None,
            help="Column of what happened, in a table of events.",
        ),
        click.option(
            "--attribute",
            metavar="COL",
            multiple=True,
            default=None,
            help="Column of what else is told of each event; read, never foretold.",
        ),
        click.option(
            "--series",
            metavar="COL",
            multiple=True,
            default=None,
            help="Column of numbers over --time; with --target, a channel, or a time point.",
        ),
        click.option(
            "--covariate",
            metavar="COL",
            multiple=True,
            default=None,
            help="Column of what is known of a life course throughout.",
        ),
        click.option("--target", metavar="COL", help="Column to predict."),
        click.option("--test", metavar="FILE", help="File that holds the test rows."),
        click.option("--validation", metavar="FILE", help="The same of rows to choose by."),
        click.option("--group", metavar="COL", help="Rows alike here stay in one part."),
        click.option("--time", metavar="COL", help="Train on earlier rows, test on later ones."),
        click.option("--weight", metavar="COL", help="How much each row or sequence counts."),
        click.option("--id", metavar="COL", help="Column that names each row, or each person."),
        click.option("--encoding", metavar="NAME", help="Text encoding, if guessed wrongly."),
        click.option("--delimiter", metavar="CHAR", help="Column delimiter, if guessed wrongly."),
        click.option(
            "--drop-bad", is_flag=True, default=None, help="Leave out rows that cannot be used."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@cli.command()
@click.option("--rows", default=3000, show_default=True, help="Letters to simulate.")
@click.option("--out", metavar="RUN", help="Run folder to make.  [runs/demo]")
def demo(rows: int, out: str | None) -> None:
    """Simulate letters whose tone hangs on word order, and run the whole job on them."""
    from duree.cli.console import Console
    from duree.cli.demo import fit_demo
    from duree.pipeline.run import free_folder

    console = Console()
    folder = Path(out) if out else free_folder("demo")
    with _way_on(folder):
        console.finish(fit_demo(folder, rows, console))


@cli.command()
@click.argument("data", nargs=-1, metavar="DATA...")
@column_options
@click.option(
    "--task",
    type=click.Choice(["classify", "regress", "multilabel", "next", "forecast", "label"]),
    help="Found out if not given.",
)
@click.option("--horizon", metavar="N", type=int, help="Forecast so many steps.")
@click.option("--past", metavar="COL", multiple=True, help="Read beside the series, up to now.")
@click.option("--known", metavar="COL", multiple=True, help="The same, known beforehand.")
@click.option("--cell", type=click.Choice(["gru", "lstm", "rnn"]), help="The recurrent cell.")
@click.option("--recipe", metavar="FILE", help="Start from this recipe; flags win over it.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Any other setting.")
@click.option("--out", metavar="RUN", help="Run folder to make.  [runs/NAME]")
@click.option("--seed", type=int, help="Same seed, same result.")
@click.option("--seeds", type=int, help="Train so many networks and report their spread.")
@click.option("--epochs", type=int, help="At most so many passes over the training rows.")
@click.option("--max-minutes", type=float, help="Stop training after this many minutes.")
@click.option("--no-baselines", is_flag=True, help="Train the network alone.")
def fit(
    data: tuple[str, ...],
    recipe: str | None,
    settings: tuple[str, ...],
    out: str | None,
    no_baselines: bool,
    **flags: Any,
) -> None:
    """Take a table to a trained network, judged beside honest baselines."""
    from duree.cli.console import Console
    from duree.pipeline.run import free_folder
    from duree.recipe.flags import recipe_from_flags

    if no_baselines:
        flags["baselines"] = False
    choices = recipe_from_flags(recipe, data, flags, settings)
    stem = Path(choices.data.files[0]).stem if choices.data.files else "run"
    folder = Path(out) if out else free_folder(f"{stem}-{choices.model.cell}")
    from duree.workflow import fit as carry_out

    console = Console()
    with _way_on(folder):
        console.finish(carry_out(choices, folder, console))


@cli.command()
@click.argument("run")
def resume(run: str) -> None:
    """Go on with a run that was interrupted."""
    from duree.cli.console import Console
    from duree.workflow import resume as carry_on

    console = Console()
    with _way_on(Path(run)):
        console.finish(carry_on(run, console))


@cli.command()
@click.argument("run")
@click.argument("data")
def evaluate(run: str, data: str) -> None:
    """Judge a trained network on other rows that have answers."""
    from duree.cli.console import print_figures
    from duree.workflow import evaluate as evaluate_rows

    print_figures(evaluate_rows(run, data))


@cli.command()
@click.argument("run")
@click.argument("data")
@click.option(
    "-o", "--output", metavar="FILE", required=True, help=".csv .tsv .parquet .jsonl .xlsx"
)
@click.option("--raw", is_flag=True, help="Leave cells that a spreadsheet would run as they are.")
@click.option("--paths", metavar="N", type=click.IntRange(1), help="Of series: N sample paths.")
def predict(run: str, data: str, output: str, raw: bool, paths: int | None) -> None:
    """Predict new rows; every column and the row order are kept.

    Tables may be larger than memory. Stopped, it goes on where it was when asked again.
    """
    from duree.cli.console import rows_bar
    from duree.workflow import predict as predict_rows

    with _resumable(), rows_bar() as progress:
        predict_rows(run, data, output, raw=raw, paths=paths, progress=progress)


@cli.command()
@click.argument("run")
@click.argument("data")
@click.option("--row", type=int, help="The row to explain, counted from 1.")
@click.option("--all", "everything", is_flag=True, help="Attributions of all rows, as Parquet.")
@click.option("-o", "--output", metavar="FILE", type=Path, help=".html, or .parquet with --all")
def explain(run: str, data: str, row: int | None, everything: bool, output: Path | None) -> None:
    """Show what each word of a row added, its gates, and how far that is to be believed."""
    if (row is None) is not everything:
        raise click.UsageError("say what to explain: --row N, or --all")
    from duree.cli.console import rows_bar
    from duree.workflow import explain_all, explain_row

    if row is not None:
        click.echo(explain_row(run, data, row, output))
        return
    with _resumable(), rows_bar() as progress:
        written = explain_all(run, data, output, progress)
    click.echo(written)


@cli.command()
@click.argument("run")
@click.argument("data")
@click.option("-o", "--output", metavar="FILE", required=True, help=".parquet .csv .tsv .jsonl")
@click.option("--clusters", type=click.IntRange(2), help="How many types; found out if not given.")
def embed(run: str, data: str, output: str, clusters: int | None) -> None:
    """Write each sequence as a vector, and its type; a page shows the types."""
    from duree.pipeline.typology import embed_rows

    page = embed_rows(run, data, output, clusters)
    click.echo(output)
    if page is not None:
        click.echo(page)


@cli.command()
@click.argument("run")
@click.argument("file", metavar="FILE.onnx")
def export(run: str, file: str) -> None:
    """Write the network as ONNX, with the tables and the card that belong to it."""
    from duree.serving.export import export as write_files

    for path in write_files(run, file):
        click.echo(path)


@cli.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=Path)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
def serve(runs: tuple[Path, ...], port: int, host: str) -> None:
    """Serve trained networks over HTTP: /predict, /explain, /model, /metrics."""
    from duree.serving.serve import serve as start

    template = "serving at http://{host}:{port}, described at http://{host}:{port}/openapi.json"
    click.echo(translate(template).format(host=host, port=port), err=True)
    start(list(runs), host, port)


@cli.command()
@click.argument("folder", default="runs", type=Path)
@click.option("--port", default=8321, show_default=True, type=click.IntRange(1, 65535))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--no-browser", is_flag=True, help="Only print the link.")
def studio(folder: Path, port: int, host: str, no_browser: bool) -> None:
    """Open the studio: the whole workflow in the browser, on the runs of FOLDER [runs]."""
    from duree.serving.studio.start import studio as start

    click.echo(translate("the studio is open at the link below; Ctrl-C closes it"), err=True)
    start(folder, host, port, open_browser=not no_browser)


@cli.command()
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@column_options
@click.option("--strict", is_flag=True, help="Exit with status 2 where anything is doubtful.")
def check(data: tuple[str, ...], strict: bool, **flags: Any) -> None:
    """Look a table over: types, gaps, duplicates, leaks, lengths, encodings."""
    from duree.cli.console import print_findings
    from duree.pipeline.dataset import check_files
    from duree.recipe.flags import recipe_from_flags

    _, findings = check_files(recipe_from_flags(None, data, flags, ()).data)
    print_findings(findings)
    doubtful = {"warning", "error"} if strict else {"error"}
    if any(finding.level in doubtful for finding in findings):
        sys.exit(2)


@cli.command()
@click.argument("run")
def report(run: str) -> None:
    """Write the report of a finished run again, and its figures as PDF and SVG."""
    from duree.report.pages.report import write_report

    click.echo(write_report(Path(run)))


@cli.command()
def doctor() -> None:
    """Tell versions, cores, the kernel in use, and which extras are missing."""
    from duree.cli.doctor import examine

    for line in examine():
        click.echo(line)


def main() -> None:
    """Run the command line and turn every outcome into its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f"; see: {context.command_path} --help" if context else ""
        sys.exit(_fail(f"{error.format_message()}{hint}"))
    except DureeError as error:
        sys.exit(_fail(error.message()))
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(130)


@contextmanager
def _way_on(folder: Path) -> Iterator[None]:
    """Where a run is interrupted, say how to go on with it."""
    try:
        yield
    except KeyboardInterrupt:
        if (folder / "recipe.toml").exists():
            template = "what was done is saved; go on with: duree resume {folder}"
            click.echo(translate(template).format(folder=folder), err=True)
        raise


@contextmanager
def _resumable() -> Iterator[None]:
    """Where work that goes piece by piece is interrupted, say that nothing of it is lost."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(translate("what was done is kept; the same command goes on with it"), err=True)
        raise


def _fail(message: str) -> int:
    click.echo(f"error: {message}", err=True)
    return 2
