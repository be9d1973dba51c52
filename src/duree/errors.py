"""What a user can get wrong, and what to do about it.

    DureeError
    ├── RecipeError    a setting is unknown, out of range or contradicts another
    ├── DataError      a table cannot be read, or does not hold what was asked for
    ├── RunError       a run or model folder is missing, in use, altered or too new
    ├── TrainingError  training cannot go on (for instance, the loss is not a number)
    └── ExtraError     an optional package is missing

Every message has three parts: *what* happened, *where*, and what to do (*fix*). Each part is a
``str.format`` template, and the values are given beside it, so that the same error can be told in
another language: the files in ``languages/zh`` map every English template to its Chinese twin.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from importlib.util import find_spec


class DureeError(Exception):
    """Something the user can mend.

    Parameters
    ----------
    what : str
        What happened, as a template: ``"column {column!r} is not in the table"``.
    where : str
        File, row, column or setting, as a template. May be empty.
    fix : str
        The usual remedy, as a template. May be empty.
    **values
        The values that the templates name.
    """

    def __init__(self, what: str, where: str = "", fix: str = "", **values: object) -> None:
        self.what, self.where, self.fix, self.values = what, where, fix, values
        super().__init__(what, where, fix, values)

    def message(self, language: str | None = None) -> str:
        """The whole message in one line, in ``language`` (``"en"``, ``"zh"``; None: the user's)."""
        parts = [translate(part, language).format(**self.values) for part in self.parts if part]
        return "; ".join(parts)

    @property
    def parts(self) -> tuple[str, str, str]:
        """The three templates: what, where, fix."""
        return self.what, self.where, self.fix

    def __str__(self) -> str:
        return self.message()


class RecipeError(DureeError):
    """A setting is unknown, out of range, or contradicts another."""


class DataError(DureeError, ValueError):
    """A table cannot be read, or does not hold what was asked for.

    It is a ValueError too, which is what scikit-learn's tools expect of rows that do not fit.
    """


class RunError(DureeError):
    """A run or model folder is missing, in use, altered or made by a newer Durée."""


class TrainingError(DureeError):
    """Training cannot go on."""


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


def require_packages(packages: Iterable[str], extra: str, purpose: str) -> None:
    """ExtraError with the first of some packages that is not installed."""
    for package in packages:
        if find_spec(package) is None:
            raise ExtraError(package, extra, purpose)


def user_language() -> str:
    """``"zh"`` where DUREE_LANG or the locale asks for Chinese, else ``"en"``."""
    for name in ("DUREE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def translate(template: str, language: str | None = None) -> str:
    """The template's twin in ``language``; the template itself where there is none."""
    if (language or user_language()) != "zh":
        return template
    return chinese_templates().get(template, template)


@cache
def chinese_templates() -> dict[str, str]:
    """English template to Chinese template, from the files in ``languages/zh``."""
    templates: dict[str, str] = {}
    for file in files("duree").joinpath("languages/zh").iterdir():
        if file.name.endswith(".toml"):
            rows = tomllib.loads(file.read_text(encoding="utf-8"))["message"]
            templates |= {row["en"]: row["zh"] for row in rows}
    return templates
