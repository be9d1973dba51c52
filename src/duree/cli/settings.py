"""What ``duree settings`` prints: settings by section, with type, default and description."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import groupby

from duree.cli.help import MAX_WIDTH, wrap
from duree.errors import translate, user_language
from duree.recipe.reference import Setting, all_settings, find_settings
from duree.report.vocabulary import SECTIONS

INDENT = " " * 4
HINT = (
    "Set one with --set NAME=VALUE, or all with --recipe FILE. Some tasks and kinds of tables have "
    "other defaults; the recipe.toml of a run holds those that were used."
)


def describe(name: str | None) -> Iterator[str]:
    """The lines about one setting or one section, or about all.

    Raises
    ------
    RecipeError
        There is no such setting.
    """
    settings = find_settings(name) if name else all_settings()
    for section, group in groupby(settings, key=lambda setting: setting.section):
        title = f"[{section}] " if section else ""
        yield title + translate(SECTIONS[section])
        for setting in group:
            yield from _describe(setting)
        yield ""
    yield from wrap(translate(HINT), _width())


def _describe(setting: Setting) -> Iterator[str]:
    """Name and default, then type and description."""
    yield f"  {setting.name} = {setting.default}"
    texts = (setting.kind(user_language()), translate(setting.field.description or ""))
    for text in texts:
        for line in wrap(text, _width() - len(INDENT)):
            yield INDENT + line


def _width() -> int:
    return min(shutil.get_terminal_size().columns, MAX_WIDTH)
