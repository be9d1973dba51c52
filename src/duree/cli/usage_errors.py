"""Errors in the use of the command line, translated from click's own."""

from __future__ import annotations

import re
from difflib import get_close_matches

import click

from duree.errors import DureeError


def as_duree_error(error: click.ClickException, words: list[str]) -> DureeError | None:
    """The translated error for one of click's; None if there is no translation.

    ``words`` are those of the command line.
    """
    match error:
        case click.NoSuchOption():
            return _unknown_option(error, words)
        case click.MissingParameter(param=click.Parameter() as param):
            return _missing(param)
        case click.BadOptionUsage():
            return _misused(error)
        case click.BadParameter():
            return _invalid(error)
        case click.UsageError(ctx=click.Context(command=click.Group() as group)):
            return _unknown_command(_first_quoted(error.message), group)
    extra = re.fullmatch(r".*extra arguments? \((.*)\)\.?", getattr(error, "message", ""), re.S)
    if extra is None:
        return None
    return DureeError("unexpected arguments: {arguments}", arguments=extra[1])


def _unknown_option(error: click.NoSuchOption, words: list[str]) -> DureeError:
    """The error for an unknown option; ``-text`` is one of a single hyphen, and not ``-t``."""
    name, possible = error.option_name, list(error.possibilities or ())
    if len(name) == 2 and (typed := [word for word in words if word.startswith(name)]):
        name = typed[0].partition("=")[0]
        params = error.ctx.command.params if error.ctx else []
        meant = f"-{name}"
        possible = [meant] if any(meant in param.opts for param in params) else possible
    return DureeError(
        "there is no option {name!r}",
        fix="did you mean: {known}" if possible else "",
        name=name,
        known=", ".join(possible),
    )


def _unknown_command(name: str, group: click.Group) -> DureeError:
    near = get_close_matches(name, group.commands)
    return DureeError(
        "there is no command {name!r}",
        fix="did you mean: {known}" if near else "the commands are: {known}",
        name=name,
        known=", ".join(near or group.commands),
    )


def _missing(param: click.Parameter) -> DureeError:
    if isinstance(param, click.Option):
        return DureeError("the option {name} is missing", name=param.opts[-1])
    name = param.human_readable_name.removesuffix("...")
    return DureeError("the argument {name} is missing", name=name)


def _misused(error: click.BadOptionUsage) -> DureeError:
    if "requires" in error.message:
        return DureeError("the option {name} needs a value", name=error.option_name)
    return DureeError("the option {name} takes no value", name=error.option_name)


def _invalid(error: click.BadParameter) -> DureeError | None:
    """The error for an invalid value of an option or argument."""
    param = error.param
    if param is None:
        return None
    name = param.opts[-1] if isinstance(param, click.Option) else param.human_readable_name
    value = error.message.partition(" is not ")[0].strip("'")
    problem, facts = "{name} cannot be {value!r}", {"name": name, "value": value}
    match param.type:
        case click.Choice(choices=choices):
            fix = "choose one of: {choices}"
            return DureeError(problem, fix=fix, choices=", ".join(map(str, choices)), **facts)
        case click.IntRange(min=least, max=None):
            fix = "give a whole number of at least {least}"
            return DureeError(problem, fix=fix, least=least, **facts)
        case click.IntRange(min=least, max=most):
            fix = "give a whole number from {least} to {most}"
            return DureeError(problem, fix=fix, least=least, most=most, **facts)
        case click.types.IntParamType():
            return DureeError(problem, fix="give a whole number", **facts)
        case click.FloatRange(min=least, max=None):
            fix = "give a number above {least:g}"
            return DureeError(problem, fix=fix, least=least, **facts)
        case click.FloatRange(min=least, max=most):
            fix = "give a number above {least:g}, at most {most:g}"
            return DureeError(problem, fix=fix, least=least, most=most, **facts)
        case click.types.FloatParamType():
            return DureeError(problem, fix="give a number", **facts)
    return None


def _first_quoted(message: str) -> str:
    found = re.search(r"'(.*?)'", message)
    return found[1] if found else message
