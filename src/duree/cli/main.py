"""What ``duree`` runs: a command, whose outcome becomes the exit status.

0: done; 2: the input was at fault; 1: an error of ours; 130: interrupted, with a checkpoint saved.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import click

from duree.cli.commands import cli
from duree.cli.streams import discard_writes, is_broken
from duree.cli.usage_errors import as_duree_error
from duree.errors import DureeError, translate, user_language

# In click 8.2 and later; earlier versions print the help without an error.
NO_ARGUMENTS = getattr(click.exceptions, "NoArgsIsHelpError", ())


def main() -> None:
    """Run the command line and turn each outcome into its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    status = _outcome()
    sys.exit(_flushed() or status)


def _outcome() -> int | str | None:
    """The exit status of the command."""
    try:
        cli.main(prog_name="duree", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except SystemExit as done:
        return done.code
    except click.ClickException as error:
        return _usage_error(error)
    except DureeError as error:
        return _fail("\n".join([error.message(), *getattr(error, "__notes__", [])]))
    except BrokenPipeError:
        if not is_broken(sys.stdout):
            raise
        return 0  # who reads the results has seen enough, as in: duree fit ... | head
    except (KeyboardInterrupt, click.Abort):
        click.echo(translate("interrupted"), err=True)
        return 130
    return 0


def _flushed() -> int:
    """Hand over what was printed; the exit status if that fails, 0 where the reader has gone."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:
        discard_writes(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            reason = error.strerror or str(error)
            problem = DureeError("standard output cannot be written: {reason}", reason=reason)
            return _fail(problem.message())
    return 0


def _usage_error(error: click.ClickException) -> int:
    """Print what was wrong with the command line; ``duree`` alone prints its help."""
    context = getattr(error, "ctx", None)
    if context and not context.args and isinstance(error, NO_ARGUMENTS):
        click.echo(context.get_help(), err=True)
        return 2
    known = as_duree_error(error, sys.argv[1:])
    message = known.message() if known else error.format_message()
    hint = (
        translate("see: {command} --help").format(command=context.command_path) if context else ""
    )
    separator = "；" if user_language() == "zh" else "; "
    return _fail(separator.join(filter(None, (message, hint))))


def _fail(message: str) -> int:
    with suppress(OSError):  # the exit status says it too
        click.echo(f"{translate('error: ')}{message}", err=True)
    return 2
