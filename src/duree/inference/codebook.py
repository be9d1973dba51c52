"""The codebook: what coders decide about each text; ``codebook.toml``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from duree.errors import DataError, translate
from duree.storage import cannot_read, write_file
from duree.tables.finding import listed

CODEBOOK = "codebook.toml"
# The variable of the template, until the user names it.
UNNAMED = "label"
KEYS = "123456789"
# Columns of the sheet, which no variable may be called.
ORDER, ID, TEXT, BATCH = "order", "id", "text", "batch"

Level = Literal["nominal", "ordinal", "interval", "ratio"]


class Label(BaseModel):
    """One label of a variable: its definition and examples are shown to coders."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    label: Annotated[str, Field(min_length=1, max_length=200)]
    key: Annotated[str, Field(pattern="^[1-9]?$")] = ""
    definition: str = ""
    examples: list[str] = []


class Variable(BaseModel):
    """One question that is asked about each text; without labels, any answer is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    name: Annotated[str, Field(min_length=1, max_length=100)] = UNNAMED
    question: str = ""
    level: Level = "nominal"
    label: list[Label] = []

    @property
    def labels(self) -> list[Label]:
        """The labels; the codebook calls each block of them ``label``."""
        return self.label

    @property
    def names(self) -> list[str]:
        """The labels, in the order of the codebook."""
        return [one.label for one in self.label]

    @property
    def keys(self) -> dict[str, str]:
        """Label by key: the codebook's, then 1 to 9 in order for labels that have none."""
        keys = {one.key: one.label for one in self.label if one.key}
        free = [key for key in KEYS if key not in keys]
        without = [one.label for one in self.label if not one.key]
        return dict(sorted((keys | dict(zip(free, without, strict=False))).items()))

    @property
    def takes_numbers(self) -> bool:
        """Whether answers are numbers: the level asks for them, or all labels are."""
        if self.label:
            return all(number_of(name) is not None for name in self.names)
        return self.level in ("interval", "ratio")

    def canonical(self, text: str) -> str | None:
        """An answer as the codebook writes it; None if it is not a label of the codebook.

        A program for spreadsheets may have written 1 as 1.0, and 0.5 as 0,5.
        """
        text = text.strip()
        if text in self.names:
            return text
        number = number_of(text)
        if not self.label:
            if self.takes_numbers and number is not None:
                return format(number, ".15g")
            return None if self.takes_numbers else text
        same = [name for name in self.names if number is not None and number_of(name) == number]
        return same[0] if len(same) == 1 else None


class Codebook(BaseModel):
    """The variables that are coded."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    variable: Annotated[list[Variable], Field(min_length=1)]

    def find(self, name: str | None) -> Variable:
        """The variable of this name; the only one if the name is None or it was never named.

        Raises
        ------
        DataError
            There is none, or there are several and no name is given.
        """
        if len(self.variable) == 1 and (name is None or self.variable[0].name == UNNAMED):
            return self.variable[0]
        if name is None:
            raise DataError(
                "the codebook has several variables: {names}",
                fix="say which one is meant",
                names=listed([one.name for one in self.variable]),
            )
        return self.named(name)

    def named(self, name: str) -> Variable:
        """The variable of this name.

        Raises
        ------
        DataError
            There is none.
        """
        for one in self.variable:
            if one.name == name:
                return one
        raise DataError(
            "the codebook has no variable {name!r}",
            fix="its variables are {names}: choose one, or correct codebook.toml",
            name=name,
            names=listed([one.name for one in self.variable]),
        )


def number_of(text: str) -> float | None:
    """A number, also with a decimal comma; None for other texts, infinities and NaN."""
    try:
        if "_" in text:  # Python's own notation
            return None
        number = float(text.strip().replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def read_codebook(folder: Path | str) -> Codebook:
    """The codebook of a coding folder.

    Raises
    ------
    DataError
        It is missing, is no TOML, or has an unknown or doubled entry.
    """
    path = Path(folder) / CODEBOOK
    try:
        content = path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from None
    return parse_codebook(content, path)


def parse_codebook(content: bytes, path: Path) -> Codebook:
    """The codebook that a file holds, or is to hold; DataError as ``read_codebook``."""
    try:
        book = Codebook.model_validate(tomllib.loads(content.decode("utf-8-sig")))
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            "{file} has a fault at {place!r}: {reason}",
            fix="a variable has name, question, level and label; a label has label, key (1 to 9), "
            "definition and examples",
            file=str(path),
            place=".".join(map(str, first["loc"])),
            reason=first["msg"],
        ) from None
    except ValueError as error:
        raise DataError(
            "{file} is not valid TOML: {reason}",
            fix="correct that line; texts stand between quotation marks",
            file=str(path),
            reason=str(error),
        ) from None
    _refuse_doubled(path, [ORDER, ID, TEXT, BATCH, *(one.name for one in book.variable)])
    for variable in book.variable:
        _refuse_doubled(path, variable.names)
        _refuse_doubled(path, [one.key for one in variable.label if one.key])
    return book


def _refuse_doubled(path: Path, names: list[str]) -> None:
    if doubled := [name for name in names if names.count(name) > 1]:
        raise DataError(
            "{file} has {name!r} twice",
            fix="give variables, the labels of a variable and their keys different names",
            file=str(path),
            name=doubled[0],
        )


def write_template(
    folder: Path, labels: Sequence[str], variable: str = UNNAMED, language: str | None = None
) -> None:
    """Write a commented codebook, to be filled in by the user; a codebook that is there stays.

    Parameters
    ----------
    labels : sequence of str
        Labels that are known already; without any, two are shown as comments.
    """
    path = folder / CODEBOOK
    if not path.exists():
        write_file(path, template(labels, variable, language).encode())


def template(labels: Sequence[str], variable: str = UNNAMED, language: str | None = None) -> str:
    """The text of a commented codebook, in ``language`` (None: the user's)."""
    what = translate(
        "Codebook: what coders decide about each text, and when a label applies.", language
    )
    stays = translate(
        "Change it only by adding: labels that were given keep their meaning.", language
    )
    levels = translate(
        "nominal, ordinal (labels in their order), interval or ratio (numbers)", language
    )
    block = translate(
        "A block for each label: its key (1 to 9), its definition, and examples.", language
    )
    free = translate("Without any block, coders may type what they like.", language)
    lines = [
        f"# {what}",
        f"# {stays}",
        "",
        "[[variable]]",
        f"name = {_quoted(variable)}",
        f"question = {_quoted(translate('Which label fits this text?', language))}",
        f"# {levels}",
        'level = "nominal"',
        "",
        f"# {block}",
        f"# {free}",
    ]
    mark = "" if labels else "# "
    for place, name in enumerate(labels or ("yes", "no")):
        lines += [
            f"{mark}[[variable.label]]",
            f"{mark}label = {_quoted(name)}",
            *([f'{mark}key = "{KEYS[place]}"'] if place < len(KEYS) else []),
            f'{mark}definition = ""',
            f"{mark}examples = []",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _quoted(text: str) -> str:
    """A text as TOML writes it: JSON's quoting is valid there."""
    return json.dumps(text, ensure_ascii=False)
