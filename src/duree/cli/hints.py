"""What commands print beside results: findings, and how to continue after an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from duree.errors import command, translate
from duree.tables.finding import Finding


def print_finding(finding: Finding) -> None:
    """A finding on standard error."""
    click.echo(finding.message(), err=True)


@contextmanager
def resume_hint(folder: Path) -> Iterator[None]:
    """After an interruption, print how to continue the run."""
    try:
        yield
    except KeyboardInterrupt:
        if (folder / "recipe.toml").exists():
            template = "what was done is saved; continue with: {command}"
            resume = command("duree", "resume", folder)
            click.echo(translate(template).format(command=resume), err=True)
        raise


@contextmanager
def repeat_hint(*, saved: bool = True) -> Iterator[None]:
    """After an interruption, print what the same command does: it continues, or starts over.

    Imports that take seconds belong within it, as an earlier call may have saved something.
    """
    template = "what was done is saved; run the same command again to continue"
    if not saved:
        template = "the results are not complete; run the same command again to start over"
    try:
        yield
    except KeyboardInterrupt:
        click.echo(translate(template), err=True)
        raise
