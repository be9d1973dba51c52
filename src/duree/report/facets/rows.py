"""Rows: the facet of the rows, and that of rows of texts, the default."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import polars as pl
from markupsafe import Markup

from duree.report.facets.facet import Facet
from duree.report.methods import texts
from duree.report.methods.phrases import Phrases
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.nouns import TEXTS, Nouns
from duree.results.run_files import TextFacts
from duree.tables.layouts.registry import layout_of


class Rows(Facet):
    """The base of the facets of rows; what it says itself is said of texts.

    Attributes
    ----------
    nouns : Nouns
        The nouns for rows and their units.
    encoding_title : str
        The title of the methods' paragraph on encoding.
    of_files, files_unit : str
        The rows of the data files, in a sentence and as the title of a column.
    of_inputs : str
        Description of the dropout on inputs.
    with_baselines : str
        The sentence that lists the baselines.
    baselines : {name: description}
        Baselines that are specific to these rows, in runs of version 0.1.0.
    has_places_in_time : bool
        Whether steps with the same index have the same time in all rows.
    wide_part : str
        The sentence on the wide part of a network with one prediction per row.
    """

    nouns: ClassVar[Nouns] = TEXTS
    encoding_title: ClassVar[str] = "Text"
    of_files: ClassVar[str] = "The data were {rows} rows from {files}."
    files_unit: ClassVar[str] = "rows"
    of_inputs: ClassVar[str] = "{share:g} % of the embedding dimensions"
    with_baselines: ClassVar[str] = (
        "The baselines, trained on the same rows and the same units, were: {baselines}."
    )
    baselines: ClassVar[Mapping[str, str]] = {}
    has_places_in_time: ClassVar[bool] = True
    wide_part: ClassVar[str] = texts.WIDE_OF_STEPS

    def named(self, run: RunData) -> str | None:
        """The user's name of the input column; None if there is none."""
        return run.column("text")

    def source(self, run: RunData, say: Phrases) -> str:
        """The input, as part of a sentence."""
        return say("the texts in the column “{text}”", text=label(run.column("text") or ""))

    @abstractmethod
    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on the encoding of rows."""

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on a network with one prediction per row."""
        return texts.network_sentences(run, self.wide_part, say)

    def shown(self, run: RunData, row: int) -> str | Markup:
        """A row as a text or a drawing."""
        column = run.column("text")
        cell = run.predictions[column][row] if column else None
        return "" if cell is None else str(cell)

    def listed_column(self, run: RunData) -> str | None:
        """The column shown in lists of predictions."""
        return run.column("text")

    def listed(self, run: RunData) -> pl.Expr | None:
        """The expression shown in lists of predictions; None if rows cannot be listed."""
        column = run.column("text")
        kind = run.predictions.schema.get(column or "")
        return None if kind is None or kind.is_nested() else pl.col(column or "").cast(pl.String)

    def shaded_column(self, run: RunData) -> str | None:
        """The column whose cells can be shaded."""
        return run.column("text")

    def to_predict(self, run: RunData, words: Words) -> tuple[str, str]:
        """The requirements for a new table, and the file names in the command that predicts it."""
        data = run.recipe.data.model_copy(update={"text": run.column("text")})
        needed = ", ".join(layout_of(data)(data).asked_columns)
        sentence = words(
            "Run this in the folder that contains the run folder; the new table needs “{columns}”.",
            columns=label(needed, 60),
        )
        return sentence, "NEW.csv -o predicted.csv"


@dataclass(frozen=True)
class TextRows(Rows):
    """Rows of texts, and what their encoder learned; None in runs of version 0.1.0."""

    facts: TextFacts | None

    wide_part: ClassVar[str] = texts.WIDE_OF_TEXTS

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        return cls(folder.record_if_there(TextFacts, "encoding.json"))

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return texts.encoding_sentences(run, self.facts, say)
