"""The commands of expert coding: a random sample, and the agreement of those who coded it."""

from __future__ import annotations

from pathlib import Path

import click

from duree.cli.help import TranslatedCommand
from duree.errors import DataError


@click.command(
    cls=TranslatedCommand,
    epilog="POP is a table that duree predict wrote, or any other. A second call with a larger -n "
    "extends the sample.",
)
@click.argument("population", metavar="POP", type=Path)
@click.option(
    "-n",
    "rows",
    metavar="N",
    type=click.IntRange(1),
    required=True,
    help="Number of rows to draw.",
)
@click.option(
    "--id", "id_column", metavar="COL", required=True, help="Column with another value in each row."
)
@click.option("--text", metavar="COL", help="Column that coders read.")
@click.option(
    "--by",
    metavar="COL",
    help="Column of numbers, such as a probability, whose fifths are strata.",
)
@click.option("--cluster", metavar="COL", help="Column of clusters that are drawn whole.")
@click.option("--seed", metavar="N", type=int, help="Random seed.  [default: 0]")
@click.option(
    "--active",
    is_flag=True,
    help="Pick the most uncertain rows by --by instead: for training only.",
)
@click.option(
    "-o", "--output", metavar="CODING", type=Path, required=True, help="Folder for the coding."
)
def sample(
    population: Path,
    rows: int,
    id_column: str,
    text: str | None,
    by: str | None,
    cluster: str | None,
    seed: int | None,
    active: bool,
    output: Path,
) -> None:
    """Draw a random sample of rows for expert coding."""
    from duree.inference.sample import pick_uncertain
    from duree.inference.sample import sample as draw

    if active:
        if by is None or cluster is not None or seed is not None:
            raise DataError(
                "--active picks rows by a probability, and draws none at random",
                fix="add --by COL, and leave out --cluster and --seed",
            )
        findings = pick_uncertain(population, rows, output, id=id_column, by=by, text=text)
    else:
        findings = draw(
            population, rows, output, id=id_column, text=text, by=by, cluster=cluster, seed=seed
        )
    for finding in findings:
        click.echo(finding.message(), err=finding.check != "drawn")
