"""The commands of expert coding: a random sample, and the agreement of those who coded it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from duree.cli.help import TranslatedCommand
from duree.cli.hints import print_finding
from duree.cli.text_table import print_table
from duree.errors import DataError, translate

if TYPE_CHECKING:
    from duree.inference.agreement import Agreement, Confusion
    from duree.inference.codebook import Level
    from duree.inference.krippendorff import Alpha

LEVELS = ("nominal", "ordinal", "interval", "ratio")
HEADINGS = ("variable", "coders", "label", "alpha [95 % interval]", "texts")
KINDS = ("between coders", "same coder again")
ALL, WHO = "all ({level})", "{coders} ({kind})"
CONFUSION = (
    "{variable}: rows {first}, columns {second}; the same label for {agreed} of {texts} texts"
)
SAME_CODER = (
    "{variable}: rows first time, columns again; the same label for {agreed} of {texts} texts"
)


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
    from duree.inference.pick_uncertain import pick_uncertain
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


@click.command(
    cls=TranslatedCommand,
    epilog="The figures are also written to agreement.json in the folder CODING.",
)
@click.argument("coding", metavar="CODING", type=Path)
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    help="Level of measurement; that of the codebook if not given.",
)
def agree(coding: Path, level: Level | None) -> None:
    """Measure the agreement of coders: Krippendorff's alpha."""
    from duree.inference.agreement import agree as measure

    found, findings = measure(coding, level)
    rows = [[translate(heading) for heading in HEADINGS]]
    for one in found:
        who = translate(WHO).format(coders=", ".join(one.coders), kind=translate(one.kind))
        everything = translate(ALL).format(level=translate(one.level))
        rows.append([one.variable, who, everything, *_figures(one.overall)])
        rows += [["", "", label, *_figures(alpha)] for label, alpha in one.by_label.items()]
    print_table(rows, right=[4])
    for one in found:
        for confusion in one.confusions:
            _print_confusion(one, confusion)
    for finding in findings:
        print_finding(finding)


def _figures(alpha: Alpha) -> list[str]:
    """Alpha with its interval, and the number of texts."""
    if alpha.alpha is None:
        return ["-", str(alpha.units)]
    interval = "" if alpha.low is None else f" [{alpha.low:.3f}, {alpha.high:.3f}]"
    return [f"{alpha.alpha:.3f}{interval}", str(alpha.units)]


def _print_confusion(agreement: Agreement, one: Confusion) -> None:
    """A matrix of labels, after a line that says whose they are."""
    template = CONFUSION if agreement.kind == KINDS[0] else SAME_CODER
    values = {"first": one.first, "second": one.second, "agreed": one.agreed, "texts": one.texts}
    click.echo()
    click.echo(translate(template).format(variable=agreement.variable, **values))
    rows = [["", *one.labels]]
    rows += [[label, *map(str, row)] for label, row in zip(one.labels, one.counts, strict=True)]
    print_table(rows, right=range(1, len(one.labels) + 1))
