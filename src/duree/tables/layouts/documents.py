"""Documents: texts of any length, which are their own targets."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.recipe import Recipe
from duree.tables.columns import as_text, resolve_column
from duree.tables.finding import Finding
from duree.tables.layouts.layout import Checked
from duree.tables.layouts.texts import Texts
from duree.tables.layouts.typed_input import TypedInput
from duree.tables.split.split import TEST, TRAIN, VALIDATION
from duree.tables.table import Table

# Fewer documents are divided, each in order: whole ones would make too few sets.
FEWEST = 10
# The parts of a divided document, and where they begin, in tenths. What is next to the test part
# trains: names that come up there do so shortly before. Without the tenth before it, 8-grams of
# Shakespeare's characters lose 0.17 nats; without the first tenth, 0.006.
PARTS = {VALIDATION: 0, TRAIN: 1, TEST: 9}
# The columns of folders and of single texts.
TEXT = "text"
# The button that asks for texts that go on from a typed one.
WRITE_ON = "write_on"


class Documents(Texts):
    """Books, poems, letters or minutes, which a language model reads from their beginning.

    A document is a row of a table, a file of a folder, or a .txt file.
    """

    name: ClassVar[str] = "documents"
    takes_vectors: ClassVar[bool] = False
    are_documents: ClassVar[bool] = True

    @classmethod
    def claims(cls, data: object) -> bool:
        return False  # texts are, where no task says otherwise

    @classmethod
    def fill(cls, recipe: Recipe) -> Recipe:
        """With the text as its own target."""
        filled = super().fill(recipe).with_defaults({"data": {"text": TEXT}})
        return filled.replace({"data.target": filled.data.text})

    @classmethod
    def typed_input(cls, recipe: Recipe) -> TypedInput:
        return TypedInput(
            "Shade a text, or write on",
            "Write or paste a text, or the beginning of one",
            "Your text",
            buttons={"shade": "Shade the text", WRITE_ON: "Write on"},
        )

    def lay_out(self, table: Table, *, with_answers: bool = True) -> tuple[Table, Self]:
        """Few documents are divided in order into validation, training and (without a test file)
        test parts, which are documents of their own."""
        data = self.data
        if self.reading or len(table) >= FEWEST or data.validation_file or data.time:
            return table, self
        begins = {part: at for part, at in PARTS.items() if not (data.test_file and part == TEST)}
        column = resolve_column(table, str(data.text))
        texts = as_text(table, column).fill_null("").to_list()
        parts = list(zip(*(_divided(text, [*begins.values()]) for text in texts), strict=True))
        _require_long_enough(texts, parts, str(column))
        rows = np.tile(np.arange(len(table)), len(parts))
        divided = pl.Series(column, [text for part in parts for text in part], dtype=pl.String)
        laid_out = replace(
            table,
            frame=table.frame[rows].with_columns(divided),
            origins=None if table.origins is None else table.origins[rows],
        )
        return laid_out, replace(self, reading={"parts": [*begins]})

    def parts(self, table: Table) -> NDArray[np.int64]:
        parts = self.reading.get("parts", [TRAIN])
        return np.repeat(np.array(parts), len(table) // len(parts))

    def check(self, table: Table, given: Checked) -> list[Finding]:
        # Nothing of a document is cut, whatever its length.
        found = super().check(table, given)
        return [finding for finding in found if finding.check != "very_long_texts"]


def _require_long_enough(texts: list[str], parts: list[tuple[str, ...]], column: str) -> None:
    for row, (text, *pieces) in enumerate(zip(texts, *parts, strict=True), 1):
        if text.strip() and not all(piece.strip() for piece in pieces):
            raise DataError(
                "fewer than {fewest} documents are divided into training, validation and test "
                "parts, and the one in row {row} of {column!r} is too short: {count} characters",
                fix="give longer or more texts, or files of their own: --validation and --test",
                fewest=FEWEST,
                row=row,
                column=column,
                count=len(text),
            )


def _divided(text: str, tenths: list[int]) -> list[str]:
    """The parts of a text, which begin at the given tenths of it, the first of them 0, or after
    the next end of a line or blank."""
    ends = [0]
    for tenth in tenths[1:]:
        place = len(text) * tenth // 10
        following = [text.find(mark, place) + 1 for mark in "\n "]
        near = [end for end in following if 0 < end <= place + len(text) // 100]
        ends.append(max(near[0] if near else place, ends[-1]))
    return [text[begin:end] for begin, end in zip(ends, [*ends[1:], len(text)], strict=True)]
