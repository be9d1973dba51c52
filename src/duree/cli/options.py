"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

PORT = click.IntRange(1, 65535)
# Shared by the commands that write tables.
output_option = click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="File to write: .csv, .tsv, .parquet, .jsonl or .xlsx.",
)
raw_option = click.option(
    "--raw", is_flag=True, help="Keep cells that a spreadsheet would run as formulas."
)
F = TypeVar("F", bound=Callable[..., Any])


def address_options(port: int) -> Callable[[F], F]:
    """The options for the address of a server, shared by serve and studio."""

    def add(command: F) -> F:
        host = click.option(
            "--host",
            metavar="ADDRESS",
            default="127.0.0.1",
            show_default=True,
            help="Address to listen on.",
        )
        number = click.option(
            "--port",
            metavar="N",
            default=port,
            show_default=True,
            type=PORT,
            help="Port to listen on.",
        )
        return number(host(command))

    return add


def column_options(command: Any) -> Any:
    """The options for files and columns, shared by fit and check."""
    options = [
        click.option(
            "--text",
            metavar="COL",
            help="Column of texts, or of words where each row is a word.",
        ),
        click.option(
            "--states",
            metavar="COL",
            multiple=True,
            default=None,
            help="Columns of states, one per time point: names, a range FIRST:LAST or a pattern.",
        ),
        click.option("--state", metavar="COL", help="Column of states in a table of spells."),
        click.option("--start", metavar="COL", help="Column with the start of each spell."),
        click.option("--end", metavar="COL", help="Column with the end of each spell."),
        click.option(
            "--event",
            metavar="COL",
            multiple=True,
            default=None,
            help="Column of events in a table of events.",
        ),
        click.option(
            "--attribute",
            metavar="COL",
            multiple=True,
            default=None,
            help="Column with an attribute of each event: an input, not predicted.",
        ),
        click.option(
            "--series",
            metavar="COL",
            multiple=True,
            default=None,
            help="Column of numbers: a time series, or one of its channels or time points.",
        ),
        click.option(
            "--covariate",
            metavar="COL",
            multiple=True,
            default=None,
            help="Column with a covariate that is constant over a life course.",
        ),
        click.option("--target", metavar="COL", help="Column to predict."),
        click.option(
            "--class-names",
            metavar="VALUE=NAME",
            multiple=True,
            default=None,
            help="Names of classes by the values of the target: 0=negative,1=positive.",
        ),
        click.option("--test", metavar="FILE", help="File with the test rows."),
        click.option("--validation", metavar="FILE", help="File with the validation rows."),
        click.option(
            "--group", metavar="COL", help="Rows with equal values here stay in the same split."
        ),
        click.option(
            "--time",
            metavar="COL",
            help="Column of times: train on earlier rows, test on later ones.",
        ),
        click.option(
            "--weight", metavar="COL", help="Column with the weight of each row or sequence."
        ),
        click.option(
            "--id",
            metavar="COL",
            help="Column that identifies each row, person, series or sentence.",
        ),
        click.option(
            "--missing-codes",
            metavar="CODES",
            help="Cells that mean a missing state or number: NA,*,-99.",
        ),
        click.option("--encoding", metavar="NAME", help="Text encoding, if detected wrongly."),
        click.option("--delimiter", metavar="CHAR", help="Column delimiter, if detected wrongly."),
        click.option(
            "--drop-bad", is_flag=True, default=None, help="Leave out rows that cannot be used."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def recipe_options(command: Any) -> Any:
    """The options for what is trained and how, shared by fit and tune."""
    options = [
        click.option(
            "--task",
            metavar="NAME",
            help="classify, regress, multilabel, next, forecast, label, language or transduce; "
            "inferred if not given.",
        ),
        click.option(
            "--metric",
            metavar="NAME",
            help="Metric to decide for and compare by: accuracy, macro_f1, log_loss, brier, auc; "
            "for several labels also micro_f1, subset_accuracy; for numbers mae, rmse, r2, "
            "spearman.",
        ),
        click.option(
            "--vectors",
            metavar="FILE",
            help="Word vectors that embeddings start from: GloVe, word2vec or fastText.",
        ),
        click.option("--horizon", metavar="N", type=int, help="Number of steps to forecast."),
        click.option(
            "--past",
            metavar="COL",
            multiple=True,
            help="Covariate of a forecast, known up to the present.",
        ),
        click.option(
            "--known",
            metavar="COL",
            multiple=True,
            help="Covariate of a forecast, known in advance.",
        ),
        click.option("--cell", type=click.Choice(["gru", "lstm", "rnn"]), help="Recurrent cell."),
        click.option("--recipe", metavar="FILE", help="Recipe to start from; options override it."),
        click.option(
            "--set",
            "settings",
            metavar="KEY=VALUE",
            multiple=True,
            help="Any other setting of the recipe.",
        ),
        click.option(
            "--seed",
            metavar="N",
            type=int,
            help="Random seed: the same seed gives the same result.",
        ),
        click.option(
            "--epochs",
            metavar="N",
            type=int,
            help="Maximum number of passes over the training rows.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
