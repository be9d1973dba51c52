"""Rows: what a row of the run is; texts, unless another facet is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from duree.tables.layouts.registry import layout_of


class Rows(Facet):
    """Rows of texts.

    Attributes
    ----------
    nouns : Nouns
        What the rows and their units are called.
    encoding_title : str
        The methods' paragraph on how a row becomes numbers.
    of_files, files_unit : str
        What the rows of the data's files are, in a sentence and above a column.
    of_inputs : str
        What dropout hides of the inputs.
    with_baselines : str
        The sentence that lists the baselines.
    baselines : {name: description}
        Of baselines that read these rows in a way of their own, in runs of version 0.1.0.
    has_places_in_time : bool
        Whether steps of one place are of one time in all rows.
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

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        return cls()

    def named(self, run: RunData) -> str | None:
        """What the network reads, as the user named it."""
        return run.column("text")

    def source(self, run: RunData, say: Phrases) -> str:
        """What is read, in a sentence."""
        return say("the texts in the column “{text}”", text=label(run.column("text") or ""))

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """How a row becomes what the network reads."""
        return texts.encoding_sentences(run, say)

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """What a network with one answer a row is made of."""
        return texts.network_sentences(run, say)

    def shown(self, run: RunData, row: int) -> str | Markup:
        """A row as text, or as a drawing."""
        column = run.column("text")
        return str(run.predictions[column][row] or "") if column else ""

    def listed_column(self, run: RunData) -> str | None:
        """The column that a list of predictions shows of each row."""
        return run.column("text")

    def listed(self, run: RunData) -> pl.Expr | None:
        """What a list of predictions shows of each row; None where rows cannot be listed."""
        column = run.column("text")
        kind = run.predictions.schema.get(column or "")
        return None if kind is None or kind.is_nested() else pl.col(column or "").cast(pl.String)

    def shaded_column(self, run: RunData) -> str | None:
        """The column whose cells can be shaded."""
        return run.column("text")

    def to_predict(self, run: RunData, words: Words) -> tuple[str, str]:
        """What a new table needs, and the files' names in the command that predicts it."""
        data = run.recipe.data.model_copy(update={"text": run.column("text")})
        needed = ", ".join(layout_of(data)(data).asked_columns)
        sentence = words(
            "Run this in the folder that contains the run folder; the new table needs “{columns}”.",
            columns=label(needed, 60),
        )
        return sentence, "NEW.csv -o predicted.csv"
