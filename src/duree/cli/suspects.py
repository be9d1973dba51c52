"""The command that lists doubtful labels."""

from __future__ import annotations

import click

from duree.cli.help import TranslatedCommand
from duree.cli.hints import print_finding, repeat_hint
from duree.cli.options import output_option, raw_option


@click.command(
    cls=TranslatedCommand,
    epilog="Out-of-fold predictions are made first: see duree predict --folds.",
)
@click.argument("run")
@output_option
@click.option(
    "--folds",
    metavar="K",
    type=click.IntRange(2),
    default=5,
    show_default=True,
    help="Number of networks that predict rows which they were not trained on.",
)
@raw_option
def suspects(run: str, output: str, folds: int, raw: bool) -> None:
    """List training rows whose label is doubtful, for a second look."""
    with repeat_hint():
        from duree.cli.console import Console
        from duree.workflow import suspects as find_suspects

        findings = find_suspects(run, output, folds=folds, raw=raw, listener=Console())
    for finding in findings:
        print_finding(finding)
