"""Help pages of the command line in the user's language, wrapped for wide characters too.

Texts are translated when they are printed: importing the commands reads no catalogue.
"""

from __future__ import annotations

import re
import unicodedata

import click

from duree.cli.option_groups import OPTION_GROUPS, OptionGroup
from duree.errors import translate

USAGE = "Usage: "
HEADINGS = {"options": "Options:", "commands": "Commands:"}
TABLE = "TABLE"
# Words that click adds to usage lines.
METAVARS = ("[OPTIONS]", "COMMAND [ARGS]...")
HELP = "Show this help and exit."
DEFAULT, REQUIRED = "default: {value}", "required"
NAMES_WIDTH = 28  # columns for the names of options, at most
MAX_WIDTH = 100

# Units within which lines are not broken: words, and Chinese characters with punctuation.
WIDE, CLOSING, OPENING = "\u2e80-\uffef", "，。：；？！）”、", "（“"
TOKEN = re.compile(
    rf"\s+|[{OPENING}]*(?:[^\s{WIDE}{OPENING}{CLOSING}]+|[{WIDE}])[{CLOSING}]*|[{CLOSING}]+"
)


def display_width(text: str) -> int:
    """The width of a text in terminal columns: two for each Chinese character."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def wrap(text: str, width: int) -> list[str]:
    """The lines of a paragraph, broken between words or Chinese characters."""
    lines, line = [], ""
    for token in TOKEN.findall(text):
        if line and display_width(line + token.rstrip()) > width:
            lines.append(line.rstrip())
            line = token.lstrip()
        else:
            line += token
    return [*lines, line.rstrip()] if line.strip() else lines


class HelpFormatter(click.HelpFormatter):
    """click's formatter, with lines as wide as they are displayed."""

    def write_text(self, text: str) -> None:
        """One paragraph."""
        indent = " " * self.current_indent
        for line in wrap(" ".join(text.split()), self.width - self.current_indent):
            self.write(f"{indent}{line}\n")

    def write_rows(self, heading: str, rows: list[tuple[str, str]]) -> None:
        """A heading, and under it names with their descriptions."""
        self.write_paragraph()
        self.write(f"{heading}\n")
        self.write_names(rows, max(len(name) for name, _ in rows))

    def write_names(self, rows: list[tuple[str, str]], longest: int) -> None:
        """Names with their descriptions, which begin where the ``longest`` name ends."""
        with self.indentation():
            indent = self.current_indent + min(longest, NAMES_WIDTH) + 2
            for name, text in rows:
                self.write(f"{'':{self.current_indent}}{name}")
                first, *lines = wrap(text, self.width - indent) or [""]
                if len(name) > NAMES_WIDTH:
                    self.write(f"\n{'':{indent}}{first}\n")
                else:
                    self.write(f"{'':{indent - self.current_indent - len(name)}}{first}\n")
                for line in lines:
                    self.write(f"{'':{indent}}{line}\n")


class HelpContext(click.Context):
    """A context whose help is written by our formatter."""

    formatter_class = HelpFormatter


class TranslatedCommand(click.Command):
    """A command whose help is in the user's language."""

    context_class = HelpContext

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Usage, what the command does, its options and its subcommands."""
        assert isinstance(formatter, HelpFormatter)
        pieces = [
            translate(piece) if piece in METAVARS else piece
            for piece in self.collect_usage_pieces(ctx)
        ]
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=translate(USAGE))
        for text in filter(None, (self.help, self.epilog)):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(translate(text))
        self.write_options(ctx, formatter)
        if isinstance(self, click.Group):
            verbs = [(name, translate(verb.help or "")) for name, verb in self.commands.items()]
            formatter.write_rows(translate(HEADINGS["commands"]), verbs)

    def write_options(self, ctx: click.Context, formatter: HelpFormatter) -> None:
        """All options, in the order in which they were defined."""
        rows = [described(option, ctx) for option in shown_options(self, ctx)]
        formatter.write_rows(translate(HEADINGS["options"]), rows)


class TableCommand(TranslatedCommand):
    """A command with options for each kind of table, listed by kind with examples."""

    def write_options(self, ctx: click.Context, formatter: HelpFormatter) -> None:
        """The options of each group, under its heading and its examples."""
        options = shown_options(self, ctx)
        width = max(len(described(option, ctx)[0]) for option in options)
        for group in OPTION_GROUPS:
            rows = [described(option, ctx) for option in options if group_of(option) is group]
            if not (rows or group.examples):
                continue
            formatter.write_paragraph()
            formatter.write(f"{translate(group.heading)}\n")
            with formatter.indentation():
                for example in group.examples:
                    words = f"{ctx.command_path} {TABLE} {example}"
                    formatter.write(f"{'':{formatter.current_indent}}{words}\n")
            if rows:
                formatter.write_names(rows, width)


class TranslatedGroup(TranslatedCommand, click.Group):
    """A group of such commands, listed in the order in which they were defined."""

    command_class = TranslatedCommand


def shown_options(command: click.Command, ctx: click.Context) -> list[click.Option]:
    """The options of a command that are not hidden."""
    options = [option for option in command.get_params(ctx) if isinstance(option, click.Option)]
    return [option for option in options if not option.hidden]


def group_of(option: click.Option) -> OptionGroup:
    """The group that names an option, or the last one."""
    named = (group for group in OPTION_GROUPS if option.name in group.options)
    return next(named, OPTION_GROUPS[-1])


def described(option: click.Option, ctx: click.Context) -> tuple[str, str]:
    """The names of an option, and its description with the default, if shown."""
    names = (option.get_help_record(ctx) or ("", ""))[0]
    is_help = "--help" in option.opts
    text = translate(HELP if is_help else option.help or "")
    if option.show_default:
        text += f"  [{translate(DEFAULT).format(value=option.default)}]"
    if option.required:
        text += f"  [{translate(REQUIRED)}]"
    return names, text.strip()
