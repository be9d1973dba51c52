"""Errors that a user can correct, each with the remedy.

    DureeError
    ├── RecipeError    a setting is unknown, out of range or contradicts another
    ├── DataError      a table cannot be read, or does not hold what the task needs
    ├── RunError       a run or model folder is missing, in use, altered or too new
    ├── TrainingError  training cannot continue (for instance, the loss is not a number)
    └── ExtraError     an optional package is missing

Every message has three parts: *what* happened, *where*, and what to do (*fix*). Each part is a
``str.format`` template, and the values are passed separately, so that the message can be
translated: the files in ``languages/zh`` map every English template to its Chinese translation.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Self


class DureeError(Exception):
    """An error that the user can correct.

    Parameters
    ----------
    what : str
        What happened, as a template: ``"column {column!r} is not in the table"``.
    where : str
        File, row, column or setting, as a template. May be empty.
    fix : str
        The usual remedy, as a template. May be empty.
    **values
        The values of the templates' placeholders.
    """

    def __init__(self, what: str, where: str = "", fix: str = "", **values: object) -> None:
        self.what, self.where, self.fix, self.values = what, where, fix, values
        super().__init__(what, where, fix, values)

    def __reduce__(self) -> tuple[Callable[..., DureeError], tuple[object, ...]]:
        """Errors go from one process to another with their templates and values."""
        return _rebuilt, (type(self), self.parts, self.values)

    def message(self, language: str | None = None) -> str:
        """The message as one sentence, in ``language`` (``"en"``, ``"zh"``; None: the user's)."""
        return sentence(self.parts, self.values, language)

    @property
    def parts(self) -> tuple[str, str, str]:
        """The three templates: what, where, fix."""
        return self.what, self.where, self.fix

    def __str__(self) -> str:
        return self.message()


def _rebuilt(
    kind: type[DureeError], parts: tuple[str, str, str], values: dict[str, object]
) -> DureeError:
    """An error of another process."""
    error = kind.__new__(kind, *parts, values)
    error.what, error.where, error.fix = parts
    error.values = values
    return error


class RecipeError(DureeError):
    """A setting is unknown, out of range, or contradicts another."""


class DataError(DureeError, ValueError):
    """A table cannot be read, or does not hold what the task needs.

    It is also a ValueError, which scikit-learn's tools expect for invalid rows.
    """


class RunError(DureeError):
    """A run or model folder is missing, in use, altered or written by a newer version."""


class TrainingError(DureeError):
    """Training cannot continue."""


class ExtraError(DureeError):
    """An optional package is missing."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            "{purpose} needs the package {package!r}",
            fix="install it with: pip install 'duree[{extra}]'",
            package=package,
            extra=extra,
            purpose=purpose,
        )

    def message(self, language: str | None = None) -> str:
        """The message as one sentence, with the purpose translated too."""
        purpose = translate(str(self.values["purpose"]), language)
        return sentence(self.parts, self.values | {"purpose": purpose}, language)


class Phrase(str):
    """A value of a template that is translated with it: a template with values of its own.

    As a text it is English.
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        """The phrase of a template and its values."""
        phrase = super().__new__(cls, template.format(**values))
        phrase.template, phrase.values = template, values
        return phrase

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return (self.template,), self.values

    def message(self, language: str | None = None) -> str:
        """The phrase in ``language`` (None: the user's)."""
        return filled(self.template, self.values, language)


def plain(values: Mapping[str, object]) -> dict[str, object]:
    """Values of a template with phrases as dictionaries, which JSON can hold."""
    return {
        name: {"template": value.template, "values": plain(value.values)}
        if isinstance(value, Phrase)
        else value
        for name, value in values.items()
    }


def with_phrases(values: Mapping[str, object]) -> dict[str, object]:
    """The values from which ``plain`` made these."""
    return {
        name: Phrase(str(value["template"]), **with_phrases(value["values"]))
        if isinstance(value, dict) and value.keys() == {"template", "values"}
        else value
        for name, value in values.items()
    }


def require_packages(packages: Iterable[str], extra: str, purpose: str) -> None:
    """Raise ExtraError for the first of the packages that is not installed."""
    for package in packages:
        if find_spec(package) is None:
            raise ExtraError(package, extra, purpose)


def user_language() -> str:
    """``"zh"`` if DUREE_LANG or the locale is Chinese, otherwise ``"en"``."""
    for name in ("DUREE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def translate(template: str, language: str | None = None) -> str:
    """The template's translation into ``language``; the template itself if there is none."""
    if (language or user_language()) != "zh":
        return template
    return chinese_templates().get(template, template)


def sentence(
    parts: Iterable[str], values: Mapping[str, object], language: str | None = None
) -> str:
    """The nonempty templates, translated, filled in and joined by semicolons."""
    separator = "；" if (language or user_language()) == "zh" else "; "
    return separator.join(filled(part, values, language) for part in parts if part)


def filled(template: str, values: Mapping[str, object], language: str | None = None) -> str:
    """A template, translated and filled in; values that are phrases are translated too."""
    spoken = {
        name: value.message(language) if isinstance(value, Phrase) else value
        for name, value in values.items()
    }
    return translate(template, language).format(**spoken)


def command(*words: object) -> str:
    """A command that can be pasted into a shell, whatever blanks or quotes its words hold."""
    texts = [str(word) for word in words]
    return subprocess.list2cmdline(texts) if os.name == "nt" else shlex.join(texts)


@cache
def chinese_templates() -> dict[str, str]:
    """Chinese by English template, from the files in ``languages/zh``."""
    templates: dict[str, str] = {}
    for file in files("duree").joinpath("languages/zh").iterdir():
        if file.name.endswith(".toml"):
            rows = tomllib.loads(file.read_text(encoding="utf-8"))["message"]
            templates |= {row["en"]: row["zh"] for row in rows}
    return templates
