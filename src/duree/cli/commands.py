"""The command line: one function per command, and no logic that the library lacks.

Results go to standard output, progress and messages to standard error.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from duree.cli import coding, estimate, language, suspects, tune
from duree.cli.help import MAX_WIDTH, TableCommand, TranslatedGroup
from duree.cli.hints import print_finding, repeat_hint, resume_hint
from duree.cli.options import (
    address_options,
    column_options,
    output_option,
    raw_option,
    recipe_options,
)
from duree.errors import DataError
from duree.version import __version__

# Importing torch takes more than a second: each command imports what it needs, and --help nothing.

# Fewer are not enough for three sets with both tones.
FEWEST_LETTERS = 60


@click.group(
    cls=TranslatedGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": MAX_WIDTH},
    epilog="Start with `duree demo`, then `duree fit TABLE --text COLUMN --target COLUMN`.",
)
@click.version_option(__version__, prog_name="duree", help="Show the version and exit.")
def cli() -> None:
    """Recurrent sequence models for the social sciences and humanities."""


@cli.command(epilog="The tone of a letter depends on word order, so counting words does little.")
@click.option(
    "--rows",
    metavar="N",
    type=click.IntRange(FEWEST_LETTERS),
    default=3000,
    show_default=True,
    help="Number of letters.",
)
@click.option("--out", metavar="RUN", help="New run folder.  [default: runs/demo]")
def demo(rows: int, out: str | None) -> None:
    """Run the whole workflow on simulated letters."""
    from duree.cli.console import Console
    from duree.cli.demo import fit_demo
    from duree.pipeline.run import free_folder

    console = Console()
    folder = Path(out) if out else free_folder("demo")
    with resume_hint(folder):
        console.finish(fit_demo(folder, rows, console))


@cli.command(cls=TableCommand, epilog="Results go to standard output, progress to standard error.")
@click.argument("data", nargs=-1, metavar="DATA...")
@column_options
@recipe_options
@click.option("--out", metavar="RUN", help="New run folder.  [default: runs/NAME]")
@click.option(
    "--seeds",
    metavar="N",
    type=int,
    help="Number of networks, each with its own seed, to show their spread.",
)
@click.option(
    "--max-minutes",
    metavar="MINUTES",
    type=float,
    help="Maximum training time in minutes, of the network and of each baseline.",
)
@click.option("--no-baselines", is_flag=True, help="Train the network alone.")
def fit(
    data: tuple[str, ...],
    recipe: str | None,
    settings: tuple[str, ...],
    out: str | None,
    no_baselines: bool,
    **flags: Any,
) -> None:
    """Train a network on a table and compare it with baselines."""
    from duree.cli.console import Console
    from duree.pipeline.run import free_folder
    from duree.recipe.flags import recipe_from_flags

    if no_baselines:
        flags["baselines"] = False
    from duree.tasks import resolve

    choices = resolve(recipe_from_flags(recipe, data, flags, settings))
    stem = Path(choices.data.files[0]).stem if choices.data.files else "run"
    folder = Path(out) if out else free_folder(f"{stem}-{choices.model.cell}")
    from duree.workflow import fit as carry_out

    console = Console()
    with resume_hint(folder):
        console.finish(carry_out(choices, folder, console))


@cli.command(epilog="The result is the same as without the interruption.")
@click.argument("run")
def resume(run: str) -> None:
    """Continue an interrupted run."""
    from duree.cli.console import Console
    from duree.workflow import resume as carry_on

    console = Console()
    with resume_hint(Path(run)):
        console.finish(carry_on(run, console))


@cli.command()
@click.argument("run")
@click.argument("data")
def evaluate(run: str, data: str) -> None:
    """Evaluate a trained network on other rows with known targets."""
    from duree.cli.console import print_figures
    from duree.workflow import evaluate as evaluate_rows

    print_figures(evaluate_rows(run, data, print_finding))


@cli.command(
    epilog="Tables may be larger than memory. After an interruption, run the same command again. "
    "A run with --metric decides for it: its prediction need not be the most probable class."
)
@click.argument("run")
@click.argument("data")
@output_option
@raw_option
@click.option(
    "--paths", metavar="N", type=click.IntRange(1), help="Time series: write N sample paths."
)
@click.option(
    "--folds",
    metavar="K",
    type=click.IntRange(2),
    help="Predict training rows by K networks that they did not train.",
)
@click.option(
    "--nbest",
    metavar="N",
    type=click.IntRange(2),
    help="Pairs of texts: write the N best outputs of each row.",
)
def predict(
    run: str,
    data: str,
    output: str,
    raw: bool,
    paths: int | None,
    folds: int | None,
    nbest: int | None,
) -> None:
    """Predict new rows; all columns and the row order are kept."""
    with repeat_hint():
        from duree.cli.console import Console, rows_bar
        from duree.workflow import predict as predict_rows

        with rows_bar() as progress:
            findings = predict_rows(
                run,
                data,
                output,
                raw=raw,
                paths=paths,
                folds=folds,
                nbest=nbest,
                listener=Console(),
                progress=progress,
            )
    for finding in findings:
        print_finding(finding)


@cli.command()
@click.argument("run")
@click.argument("data")
@click.option("--row", metavar="N", type=int, help="Row to explain, counted from 1.")
@click.option(
    "--all", "everything", is_flag=True, help="Write the attributions of all rows as Parquet."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=Path,
    help="File to write: .html, or .parquet with --all.",
)
def explain(run: str, data: str, row: int | None, everything: bool, output: Path | None) -> None:
    """Explain predictions: attributions, gates and their faithfulness."""
    if (row is None) is not everything:
        fix = "add --row 1 for the first row, or --all for a table of all attributions"
        raise DataError("exactly one of --row and --all is needed", fix=fix)
    from duree.cli.console import rows_bar
    from duree.workflow import explain_all, explain_row

    if row is not None:
        click.echo(explain_row(run, data, row, output, print_finding))
        return
    with repeat_hint(), rows_bar() as progress:
        written = explain_all(run, data, output, progress)
    click.echo(written)


@cli.command(epilog="The types are shown on a page, whose path is printed.")
@click.argument("run")
@click.argument("data")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="File to write: .parquet, .csv, .tsv or .jsonl.",
)
@click.option(
    "--clusters",
    metavar="N",
    type=click.IntRange(2),
    help="Number of types; chosen by silhouette if not given.",
)
def embed(run: str, data: str, output: str, clusters: int | None) -> None:
    """Write each sequence as a vector, with the type it belongs to."""
    from duree.pipeline.typology import embed_rows

    page = embed_rows(run, data, output, clusters)
    click.echo(output)
    if page is not None:
        click.echo(page)


cli.add_command(tune.tune)
cli.add_command(language.surprisal)
cli.add_command(language.generate)
cli.add_command(coding.sample)
cli.add_command(suspects.suspects)
cli.add_command(coding.agree)
cli.add_command(estimate.estimate)


@cli.command()
@click.argument("run")
@click.argument("file", metavar="FILE.onnx")
def export(run: str, file: str) -> None:
    """Export the network as ONNX, with its tables and model card."""
    from duree.serving.export import export as write_files

    for path in write_files(run, file):
        click.echo(path)


@cli.command(
    epilog="Addresses: /predict, /explain, /surprisal, /generate, /model, /health, /ready, "
    "/metrics, /openapi.json."
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=Path)
@address_options(port=8000)
def serve(runs: tuple[Path, ...], port: int, host: str) -> None:
    """Serve trained networks over HTTP."""
    from duree.serving.serve import serve as start

    start(list(runs), host, port)


@cli.command(epilog="FOLDER holds the runs; it is called runs if not given.")
@click.argument("folder", default="runs", type=Path)
@address_options(port=8321)
@click.option("--no-browser", is_flag=True, help="Only print the link.")
def studio(folder: Path, port: int, host: str, no_browser: bool) -> None:
    """Open the studio: the whole workflow in the browser."""
    from duree.serving.studio.start import studio as start

    start(folder, host, port, open_browser=not no_browser)


@cli.command(cls=TableCommand, epilog="Exits with status 2 if there is an error.")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@column_options
@click.option("--task", metavar="NAME", help="As of fit: transduce checks pairs of texts.")
@click.option("--horizon", metavar="N", type=int, help="Number of steps to forecast.")
@click.option("--strict", is_flag=True, help="Exit with status 2 for warnings too.")
def check(data: tuple[str, ...], strict: bool, **flags: Any) -> None:
    """Check a table: types, gaps, duplicates, leaks, encodings."""
    from duree.cli.console import print_findings
    from duree.pipeline.dataset import check_files
    from duree.recipe.flags import recipe_from_flags

    recipe, layout = recipe_from_flags(None, data, flags, ()), None
    if recipe.task is not None:
        from duree.tasks import layout_for, resolve

        layout = layout_for(resolve(recipe))
    forecast = recipe.forecast if recipe.forecast.horizon else None
    _, findings = check_files(recipe.data, forecast, layout)
    print_findings(findings)
    doubtful = {"warning", "error"} if strict else {"error"}
    if any(finding.level in doubtful for finding in findings):
        sys.exit(2)


@cli.command()
@click.argument("run")
def report(run: str) -> None:
    """Write the report of a finished run again, with its figures."""
    from duree.pipeline.run import Run
    from duree.report.pages.report import write_report

    click.echo(write_report(Run(run).folder))


@cli.command(epilog="NAME may be a setting or a section, such as hidden_size or model.")
@click.argument("name", required=False)
def settings(name: str | None) -> None:
    """List the settings of a recipe, with types and defaults."""
    from duree.cli.settings import describe

    for line in describe(name):
        click.echo(line)


@cli.command()
def doctor() -> None:
    """Show versions, cores, the recurrent kernel and the optional extras."""
    from duree.cli.doctor import examine

    for line in examine():
        click.echo(line)
