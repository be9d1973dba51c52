"""Predicted variables: their labels where rows are labelled, their predictions everywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.inference.families import Floats, Ints
from duree.inference.labelled_sample import complete, found, is_missing
from duree.inference.model_matrix import Formula
from duree.inference.recalibration import logits
from duree.results.estimates import PredictedVariable
from duree.tables.columns import PROBABILITY
from duree.tables.finding import listed
from duree.tables.source_rows import Rows

# Where fewer labels are neither 0 nor 1, these are mistakes.
MOST_TYPOS = 0.5


@dataclass(frozen=True)
class Variable:
    """One predicted variable.

    Attributes
    ----------
    name, column : str
        The variable in the formula, and the column of its predictions.
    role : {"outcome", "regressor"}
    binary : bool
        Whether its labels are 0 and 1.
    labels : float [rows]
        NaN where a row is not labelled.
    predictions : float [rows]
    category : str or None
        The label that counts as 1, where labels are texts.
    """

    name: str
    column: str
    role: Literal["outcome", "regressor"]
    binary: bool
    labels: Floats
    predictions: Floats
    category: str | None

    @property
    def feature(self) -> Floats:
        """What recalibration uses of the predictions: logits of probabilities."""
        return logits(self.predictions) if self.binary else self.predictions

    @property
    def as_if_true(self) -> Floats:
        """Predictions as most people use them: classes, not probabilities."""
        return (self.predictions >= 0.5).astype(float) if self.binary else self.predictions

    def record(self, rows: Ints) -> PredictedVariable:
        """What ``estimate.json`` says of it, ``rows`` being the labelled ones."""
        labels = self.labels[rows]
        return PredictedVariable(
            name=self.name,
            prediction=self.column,
            role=self.role,
            kind="binary" if self.binary else "number",
            labelled_mean=float(labels.mean()),
            predicted_mean=float(self.predictions[rows].mean()),
            positives=int(labels.sum()) if self.binary else None,
            category=self.category,
        )


def read_variables(
    frame: pl.DataFrame,
    formula: Formula,
    predicted_var: Sequence[str],
    prediction: Sequence[str],
    labeled: str | None,
) -> tuple[list[Variable], NDArray[np.bool_]]:
    """The predicted variables, and which rows [rows] have labels of all of them.

    Parameters
    ----------
    labeled : str, optional
        A column of 0 and 1: which rows are labelled; by default those with labels.

    Raises
    ------
    DataError
        A column is missing or does not hold what it should; the formula does not name a predicted
        variable, or names it as a category.
    """
    if len(predicted_var) != len(prediction) or not predicted_var:
        raise DataError(
            "there are {variables} predicted variables and {predictions} columns of predictions",
            fix="name one column of predictions for each predicted variable, in the same order",
            variables=len(predicted_var),
            predictions=len(prediction),
        )
    given = [found(frame, name) for name in predicted_var]
    labelled = np.ones(len(frame), dtype=bool)
    for column in given:
        labelled &= ~is_missing(column).to_numpy()
    if labeled is not None:
        chosen = complete(frame, labeled).cast(pl.Float64, strict=False).to_numpy()
        _require_labels(labeled, chosen == 1, labelled)
        labelled = chosen == 1
    return [
        _variable(frame, formula, column, name, labelled)
        for column, name in zip(given, prediction, strict=True)
    ], labelled


def _require_labels(name: str, chosen: NDArray[np.bool_], present: NDArray[np.bool_]) -> None:
    """Refuse rows that ``name`` calls labelled although a label is missing."""
    lacking = chosen & ~present
    if lacking.any():
        raise DataError(
            "column {column!r} calls {count} rows labelled that have no label, the first of them "
            "row {row}",
            fix="label them, or set the column to 0 there",
            column=name,
            count=int(lacking.sum()),
            row=int(np.argmax(lacking)) + 1,
        )


def _variable(
    frame: pl.DataFrame,
    formula: Formula,
    column: pl.Series,
    prediction: str,
    labelled: NDArray[np.bool_],
) -> Variable:
    name = column.name
    role = _role(formula, name)
    labels, category = _numbers(column, prediction, labelled)
    known = labels[labelled]
    binary = bool(np.isin(known, (0.0, 1.0)).all())
    guesses = complete(frame, prediction)
    values = guesses.cast(pl.Float64, strict=False).to_numpy()
    if not np.isfinite(values).all():
        raise DataError(
            "column {column!r} holds {value!r}, which is not a number",
            fix="give a column of probabilities, such as probability_CLASS, or of numbers",
            column=prediction,
            value=guesses[int(np.argmin(np.isfinite(values)))],
        )
    if binary and len(values) and not (values.min() >= 0 and values.max() <= 1):
        raise DataError(
            "the labels of {variable!r} are 0 and 1, but column {column!r} holds values outside "
            "of 0 to 1",
            fix="give the column of its probability",
            variable=name,
            column=prediction,
        )
    return Variable(name, prediction, role, binary, labels, values, category)


def _role(formula: Formula, name: str) -> Literal["outcome", "regressor"]:
    """Where a variable stands in the formula; DataError if nowhere, or as a category."""
    word = rf"(?<![\w.]){re.escape(name)}(?![\w.])"
    if re.search(rf"\bC\([^)]*{word}", f"{formula.outcome} ~ {formula.regressors}"):
        raise DataError(
            "{variable!r} is predicted, and cannot be a category of the formula",
            fix="use it as a number: one column of 0 and 1 for each category, each predicted",
            variable=name,
        )
    if re.search(word, formula.outcome):
        return "outcome"
    if re.search(word, formula.regressors):
        return "regressor"
    raise DataError(
        "the formula {formula!r} does not name the predicted variable {variable!r}",
        fix="name it in the formula, or leave it out of the predicted variables",
        formula=formula.text,
        variable=name,
    )


def _class_of(prediction: str) -> str | None:
    """The class of whose probability a column is; None by another name."""
    return prediction.removeprefix(PROBABILITY) if prediction.startswith(PROBABILITY) else None


def require_own_class(name: str, prediction: str, labels: Sequence[object]) -> None:
    """Refuse a variable called like one label and predicted by the probability of another.

    Raises
    ------
    DataError
        Its estimates would have the opposite sign.
    """
    category = prediction.removeprefix(PROBABILITY)
    if name in labels and category in labels and name != category:
        raise DataError(
            "{variable!r} is a label, but column {column!r} is the probability of another one: "
            "rows with the label {category!r} would count as 1",
            fix="give the predictions probability_{variable}, or call the variable {category} in "
            "the formula too",
            variable=name,
            column=prediction,
            category=category,
        )


def refuse_typos(column: pl.Series, prediction: str, rows: Ints, file: str = "") -> None:
    """Refuse a few other labels among those that are 0 and 1.

    Parameters
    ----------
    prediction : str
        If it is the probability of one of the labels, these are no numbers.
    rows : int [labelled]
        Places of the labels.
    file : str
        Where they are; empty for a data frame.

    Raises
    ------
    DataError
        It names the rows by ``Rows``, for ``locating``.
    """
    known = column[rows]
    category = _class_of(prediction)
    if not len(known) or (category is not None and category in known.cast(pl.String)):
        return
    numbers = known.cast(pl.Float64, strict=False)
    odd = ~numbers.is_in([0.0, 1.0]).fill_null(value=False).to_numpy()
    other_numbers = category is None and numbers.null_count() == 0
    if not odd.any() or odd.mean() >= MOST_TYPOS or other_numbers:
        return
    labels = known.filter(pl.Series(odd)).unique(maintain_order=True).to_list()
    raise DataError(
        "{count} labels of {variable!r} are neither 0 nor 1: {labels}, in {rows}",
        "in {file}" if file else "",
        "correct them, or leave them empty",
        count=int(odd.sum()),
        variable=column.name,
        labels=listed(labels),
        rows=Rows(rows[odd]),
        file=file,
    )


def _numbers(
    column: pl.Series, prediction: str, labelled: NDArray[np.bool_]
) -> tuple[Floats, str | None]:
    """The labels as numbers [rows], NaN where there is none, and the text that counts as 1."""
    category = _class_of(prediction)
    refuse_typos(column, prediction, np.flatnonzero(labelled))
    known = column.filter(pl.Series(labelled))
    numbers = known.cast(pl.Float64, strict=False)
    texts = known.dtype == pl.String and (numbers.null_count() > 0 or category in known)
    values = np.full(len(column), np.nan)
    if not texts:
        values[labelled] = numbers.to_numpy()
        return values, None
    require_own_class(column.name, prediction, known.unique().to_list())
    if category is not None and category in known:
        values[labelled] = (known == category).to_numpy().astype(float)
        return values, category
    raise DataError(
        "the labels of {variable!r} are texts: {labels}",
        fix="name the column of the probability of one of them as the prediction, such as "
        "probability_{first}: that label then counts as 1, all others as 0",
        variable=column.name,
        labels=", ".join(map(repr, known.unique().sort().to_list()[:5])),
        first=known.unique().sort()[0],
    )
