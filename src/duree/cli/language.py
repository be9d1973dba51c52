"""``duree surprisal`` and ``duree generate``: what a language model says of texts, and writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from duree.cli.help import TranslatedCommand
from duree.cli.hints import print_finding, repeat_hint
from duree.cli.options import output_option, raw_option

if TYPE_CHECKING:
    from duree.pipeline.surprisal import By
    from duree.results.surprisal import Comparison


@click.command(
    cls=TranslatedCommand,
    epilog="Without --by, the table gets the surprisal of each document. Bits of units add up to "
    "those of words, sentences and documents.",
)
@click.argument("run")
@click.argument("texts")
@output_option
@click.option(
    "--by",
    type=click.Choice(["unit", "word", "sentence", "document"]),
    default="document",
    show_default=True,
    help="What each row of the file is.",
)
@click.option(
    "--compare",
    metavar="COL",
    help="Compare mean surprisal by this column, such as author or year.",
)
@click.option("--page", metavar="FILE.html", type=Path, help="Also write a page of shaded texts.")
@raw_option
def surprisal(
    run: str,
    texts: str,
    output: str,
    by: str,
    compare: str | None,
    page: Path | None,
    raw: bool,
) -> None:
    """Write how surprising texts are to a language model, in bits."""
    with repeat_hint():
        from duree.cli.console import rows_bar
        from duree.pipeline.surprisal import write_surprisal

        with rows_bar() as progress:
            found = write_surprisal(
                run,
                texts,
                output,
                by=cast("By", by),
                compare=compare,
                page=page,
                raw=raw,
                progress=progress,
            )
    for finding in found.findings:
        print_finding(finding)
    if found.comparison is not None:
        print_comparison(found.comparison)
    if found.page is not None:
        click.echo(found.page)


@click.command(
    cls=TranslatedCommand, epilog="The same seed gives the same texts; more of them change none."
)
@click.argument("run")
@click.option("--prompt", metavar="TEXT", default="", help="Begin of every text.")
@click.option(
    "--length",
    metavar="N",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="Maximum number of units of a text, without the prompt.",
)
@click.option(
    "--temperature",
    metavar="T",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Below 1, probable units become more probable.",
)
@click.option(
    "--top-p",
    metavar="P",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Draw from the most probable units that have this probability together.",
)
@click.option(
    "--count",
    metavar="K",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of texts.",
)
@click.option(
    "--seed", metavar="N", type=click.IntRange(0), default=0, show_default=True, help="Random seed."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=Path,
    help="File to write: .csv, .tsv, .parquet, .jsonl or .xlsx.",
)
@raw_option
def generate(
    run: str,
    prompt: str,
    length: int,
    temperature: float,
    top_p: float,
    count: int,
    seed: int,
    output: Path | None,
    raw: bool,
) -> None:
    """Write texts by a language model, and say what they copy from its training text."""
    with repeat_hint(saved=output is not None):
        from duree.cli.console import rows_bar
        from duree.network.generate import Sampling
        from duree.pipeline.generate import write_texts

        sampling = Sampling(length, temperature, top_p, seed)
        with rows_bar() as progress:
            texts, findings = write_texts(
                run, prompt, count, sampling, output, raw=raw, progress=progress
            )
    for number, text in enumerate(texts):
        click.echo(("\n" if number else "") + prompt + text.text)
    for finding in findings:
        print_finding(finding)


def print_comparison(found: Comparison) -> None:
    """The mean of each group on standard output, and what was left out on standard error."""
    from duree.cli.text_table import print_table
    from duree.errors import user_language
    from duree.report.figures.surprisal import RATES
    from duree.report.numbers import number, p_value
    from duree.report.surprisal_facts import DIGITS, compared
    from duree.report.vocabulary import Words

    words = Words(user_language())
    heads = (words("documents"), words(RATES[found.rate]), words("95 % interval"))
    rows = [[found.column, *heads, words("difference"), words("p (Holm)")]]
    for group in found.groups:
        low, high = group.low, group.high
        ends = "-" if low is None or high is None else f"[{number(low, 3)}, {number(high, 3)}]"
        rows.append(
            [
                group.name,
                str(group.documents),
                number(group.bits, 3),
                ends,
                number(group.difference, 3),
                p_value(group.p_value, DIGITS),
            ]
        )
    print_table(rows)
    for paragraph in compared(found, words):
        click.echo(paragraph, err=True)
