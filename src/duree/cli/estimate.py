"""The command that estimates regressions and shares from predicted labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duree.cli.help import TranslatedCommand
from duree.cli.hints import print_finding, repeat_hint
from duree.cli.text_table import print_table
from duree.errors import sentence, translate, with_phrases

if TYPE_CHECKING:
    from duree.results.estimates import Estimates, Term

HEADINGS = ("term", "estimate", "95% interval", "p", "predictions only", "labels only")
WITHHELD, INTERCEPT = "withheld", "Intercept"


@click.command(
    cls=TranslatedCommand,
    epilog="Files in DIR: estimate.html, estimate.json, estimate.csv, estimate.tex, and the same "
    "for R's dsl in for_R.csv and for_R.R.",
)
@click.argument("formula")
@click.argument("population", metavar="POP", type=Path)
@click.option(
    "--labels",
    metavar="CODING",
    type=Path,
    help="Folder of duree sample, or a table of labels; in POP if not given.",
)
@click.option(
    "--predicted-var",
    metavar="COL",
    multiple=True,
    required=True,
    help="Variable of the formula that is predicted.",
)
@click.option(
    "--prediction",
    metavar="COL",
    multiple=True,
    required=True,
    help="Column of its predictions: probabilities or numbers.",
)
@click.option("--cluster", metavar="COL", help="Column of units that are independent: authors.")
@click.option(
    "--model",
    type=click.Choice(["lm", "logit", "poisson"]),
    default="lm",
    show_default=True,
    help="Regression model.",
)
@click.option(
    "--for",
    "describes",
    type=click.Choice(["corpus", "process"]),
    default="process",
    show_default=True,
    help="What is described: this corpus alone, or what produced it.",
)
@click.option("--sample-prob", metavar="COL", help="Column of probabilities of being labelled.")
@click.option(
    "--equal-prob", is_flag=True, help="State that all rows had the same chance of being labelled."
)
@click.option("--id", metavar="COL", help="Column of ids, for a table of labels.")
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Random seed.")
@click.option(
    "-o", "--output", metavar="DIR", type=Path, required=True, help="Folder for the results."
)
def estimate(
    formula: str,
    population: Path,
    labels: Path | None,
    predicted_var: tuple[str, ...],
    prediction: tuple[str, ...],
    describes: str,
    output: Path,
    **options: Any,
) -> None:
    """Estimate a regression, or shares, from predicted labels and a labelled sample."""
    with repeat_hint(saved=False):
        from duree.pipeline.estimate import Question, estimate_file

        question = Question(
            formula, predicted_var, prediction, population=describes == "corpus", **options
        )
        result, findings = estimate_file(question, population, labels, output)
    record = result.record
    print_table(_rows(record), right=range(1, len(HEADINGS)))
    for note in record.notes:
        click.echo(sentence((note.what, note.fix), with_phrases(note.values)), err=True)
    for finding in findings:
        print_finding(finding)
    click.echo(output)


def _rows(record: Estimates) -> list[list[str]]:
    """The terms, with the other two methods beside them."""
    naive = {one.term: one for one in record.naive}
    alone = {one.term: one for one in record.labelled_only}
    rows = [[translate(heading) for heading in HEADINGS]]
    for one in record.terms:
        p = "-" if one.p is None else "< 0.001" if one.p < 0.001 else f"{one.p:.3f}"
        interval = _interval(one) or translate(WITHHELD)
        beside = [_beside(naive.get(one.term)), _beside(alone.get(one.term))]
        term = translate(one.term) if one.term == INTERCEPT else one.term
        rows.append([term, f"{one.estimate:.3f}", interval, p, *beside])
    return rows


def _interval(term: Term) -> str:
    if term.low is None or term.high is None:
        return ""
    return f"[{term.low:.3f}, {term.high:.3f}]"


def _beside(term: Term | None) -> str:
    return "-" if term is None else f"{term.estimate:.3f} {_interval(term)}".strip()
