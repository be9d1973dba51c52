"""The command that searches for a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from duree.cli.help import TableCommand
from duree.cli.hints import repeat_hint
from duree.cli.options import column_options, recipe_options
from duree.cli.text_table import print_table

SHOWN = 10


@click.command(
    cls=TableCommand,
    epilog="The test set stays closed until the best recipe is known. To continue a search, or to "
    "add trials, repeat the command with its --out.",
)
@click.argument("data", nargs=-1, metavar="DATA...")
@column_options
@recipe_options
@click.option(
    "--trials",
    metavar="N",
    type=click.IntRange(2),
    default=20,
    show_default=True,
    help="Number of recipes to try; the first is the usual one.",
)
@click.option(
    "--space",
    metavar="FILE",
    help="TOML file with values, or a range, for each setting to vary.  [default: by the task]",
)
@click.option(
    "--max-minutes", metavar="MINUTES", type=float, help="No trial begins after so many minutes."
)
@click.option("--no-baselines", is_flag=True, help="Evaluate the best network alone.")
@click.option("--out", metavar="FOLDER", help="Folder of the search.  [default: tuning/NAME]")
def tune(
    data: tuple[str, ...],
    recipe: str | None,
    settings: tuple[str, ...],
    out: str | None,
    trials: int,
    space: str | None,
    max_minutes: float | None,
    no_baselines: bool,
    **flags: Any,
) -> None:
    """Search for a better recipe on the validation rows, then evaluate it once."""
    with repeat_hint():
        from duree.cli.console import Console
        from duree.pipeline.run import free_folder
        from duree.recipe.flags import recipe_from_flags
        from duree.tasks import resolve
        from duree.workflow import tune as search

        if no_baselines:
            flags["baselines"] = False
        choices = resolve(recipe_from_flags(recipe, data, flags, settings))
        stem = Path(choices.data.files[0]).stem if choices.data.files else "search"
        folder = Path(out) if out else free_folder(stem, Path("tuning"))
        console = Console()
        run = search(choices, folder, trials, space=space, minutes=max_minutes, listener=console)
        console.finish(run)
        print()
        print_trials(folder)


def print_trials(folder: Path) -> None:
    """The best trials, and what their comparison is worth."""
    import polars as pl

    from duree.errors import translate
    from duree.pipeline.tune import TABLE, read_facts
    from duree.report.methods.tuning import outcome

    facts = read_facts(folder)
    table = pl.read_csv(folder / TABLE).filter(pl.col("ending") == "finished")
    best = table.sort("validation", "trial", descending=[facts.better > 0, False]).head(SHOWN)
    rows = [[translate(name) for name in best.columns], *(map(_cell, row) for row in best.rows())]
    print_table([list(row) for row in rows])
    print(outcome(facts, translate))


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
