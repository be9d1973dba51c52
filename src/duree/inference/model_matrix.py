"""The model matrix of a formula, and how its columns change with predicted variables.

Formulas are those of R and statsmodels, by formulaic; fixed effects stand after ``|``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import numpy as np
import polars as pl

from duree.errors import DataError, ExtraError
from duree.inference.families import Floats, Ints
from duree.inference.formula_parts import Fault, faulty_part

# Rows whose columns are made at a time.
PIECE = 50_000
# What the functions of a formula raise, besides formulaic's own errors.
UNUSABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
)
_COLUMN = re.compile(r"`(?P<quoted>[^`]+)`|(?P<bare>[^\W\d][\w.]*)")


@dataclass(frozen=True)
class Formula:
    """``outcome ~ regressors | fixed effects``; ``text`` is the formula as it was given."""

    text: str
    outcome: str
    regressors: str
    fixed_effects: tuple[str, ...]


def parse_formula(text: str) -> Formula:
    """The parts of a formula; DataError if it has not one outcome and regressors."""
    outcome, tilde, right = (part.strip() for part in text.partition("~"))
    regressors, bar, effects = (part.strip() for part in right.partition("|"))
    names = tuple(name.strip().strip("`") for name in effects.split("+")) if bar else ()
    if not (tilde and outcome and regressors) or "~" in right or not all(names if bar else [1]):
        raise DataError(
            "{formula!r} is not a formula",
            fix="write it as 'outcome ~ a + b', with fixed effects as 'outcome ~ a + b | c'",
            formula=text,
        )
    return Formula(text, outcome, regressors, names)


@dataclass(frozen=True)
class ModelMatrix:
    """Regressors and outcome, as far as they are known before anything is predicted.

    Attributes
    ----------
    x, y : float [rows, coefficients], [rows]
        Those of all rows; where they depend on predicted variables, of the values given at first.
    names : list of str
        Of the coefficients.
    moving : int [moving columns]
        Columns of ``x`` that depend on predicted variables.
    outcome_moves : bool
        Whether the outcome does.
    variables : list of str
        Columns of the table that the formula names.
    """

    x: Floats
    y: Floats
    names: list[str]
    moving: Ints
    outcome_moves: bool
    variables: list[str]
    _frame: pl.DataFrame
    _spec: Any
    _outcome: Any

    def regressors(self, values: Mapping[str, Floats], rows: Ints | None = None) -> Floats:
        """The moving columns [rows, moving] with other values of the predicted variables."""
        if all(self.names[column] in values for column in self.moving):
            return np.stack([values[self.names[column]] for column in self.moving], axis=1)
        return _materialised(self._spec, self._with(values, rows))

    def outcome_is(self, name: str) -> bool:
        """Whether the outcome is a column as it stands."""
        return list(self._outcome.column_names) == [name]

    def outcome(self, values: Mapping[str, Floats], rows: Ints | None = None) -> Floats:
        """The outcome [rows] with other values of the predicted variables."""
        for name, value in values.items():
            if self.outcome_is(name):
                return value
        return _materialised(self._outcome, self._with(values, rows))[:, 0]

    def at(self, values: Mapping[str, Floats], rows: Ints | None = None) -> tuple[Floats, Floats]:
        """Regressors and outcome of all rows, or some, with these values of predicted variables."""
        x, y = (self.x, self.y) if rows is None else (self.x[rows], self.y[rows])
        if len(self.moving):
            x = x.copy()
            x[:, self.moving] = self.regressors(values, rows)
        return x, self.outcome(values, rows) if self.outcome_moves else y

    def _with(self, values: Mapping[str, Floats], rows: Ints | None) -> pl.DataFrame:
        frame = self._frame if rows is None else self._frame[rows]
        return frame.with_columns(pl.Series(name, value) for name, value in values.items())


def columns_of(formula: Formula, columns: Sequence[str]) -> list[str]:
    """The columns of a table that a formula names, without its fixed effects.

    Raises
    ------
    DataError
        The formula cannot be read.
    """
    found = {
        match["quoted"] or match["bare"]
        for match in _COLUMN.finditer(f"{formula.outcome} ~ {formula.regressors}")
    }
    return [name for name in columns if name in found]


def model_matrix(
    formula: Formula, frame: pl.DataFrame, predicted: Sequence[str], *, intercept: bool = True
) -> ModelMatrix:
    """The model matrix of a table without missing values.

    Parameters
    ----------
    predicted : sequence of str
        Predicted variables, for which the table has some values.
    intercept : bool
        Keep the intercept; fixed effects contain it.

    Raises
    ------
    DataError
        The formula cannot be read or evaluated, or has columns that are not finite numbers.
    ExtraError
        formulaic is missing.
    """
    try:
        formulaic = import_module("formulaic")
    except ImportError:
        raise ExtraError("formulaic", "estimate", "estimating a formula") from None
    used = frame.select(columns_of(formula, frame.columns))
    text = f"{formula.outcome} ~ {formula.regressors}"
    # Without functions and categories there is nothing to learn from all rows at once.
    plain = "(" not in text and all(kind.is_numeric() for kind in used.dtypes)
    first = used.head(PIECE) if plain else used
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused below
            found = formulaic.Formula(text).get_model_matrix(
                first, output="numpy", na_action="ignore"
            )
        left, right = found.lhs, found.rhs
    except (*UNUSABLE, formulaic.errors.FormulaicError) as error:
        raise _unreadable(formula, frame, error) from None
    spec, outcome = right.model_spec, left.model_spec
    if len(outcome.column_names) != 1:
        raise DataError(
            "the outcome {outcome!r} is not one number per row",
            "in the formula {formula!r}",
            "use a column of numbers, such as 0 and 1",
            outcome=formula.outcome,
            formula=formula.text,
        )
    names, x = list(spec.column_names), np.asarray(right, dtype=float)
    y = np.asarray(left, dtype=float)
    if len(first) < len(used):
        x, y = _in_pieces(spec, used), _in_pieces(outcome, used)
    if not intercept and "Intercept" in names:
        x, names = np.delete(x, names.index("Intercept"), axis=1), _without_intercept(names)
    _require_terms(names, x, y[:, 0])
    return ModelMatrix(
        x=x,
        y=np.ascontiguousarray(y[:, 0]),
        names=names,
        moving=_moving(spec, names, predicted),
        outcome_moves=any(name in outcome.variable_indices for name in predicted),
        variables=used.columns,
        _frame=used,
        _spec=_moving_spec(spec, predicted),
        _outcome=outcome,
    )


def _without_intercept(names: list[str]) -> list[str]:
    return [name for name in names if name != "Intercept"]


def _moving(spec: Any, names: list[str], predicted: Sequence[str]) -> Ints:
    """The columns that depend on predicted variables."""
    columns = {
        spec.column_names[column]
        for name in predicted
        for column in spec.variable_indices.get(name, [])
    }
    return np.array([place for place, name in enumerate(names) if name in columns], dtype=np.int64)


def _moving_spec(spec: Any, predicted: Sequence[str]) -> Any:
    """The part of a specification that depends on predicted variables."""
    terms = {term for name in predicted for term in spec.variable_terms.get(name, ())}
    return spec.subset([term for term in spec.formula if term in terms])


def _materialised(spec: Any, frame: pl.DataFrame) -> Floats:
    with np.errstate(all="ignore"):
        return np.asarray(spec.get_model_matrix(frame, na_action="ignore"), dtype=float)


def _in_pieces(spec: Any, frame: pl.DataFrame) -> Floats:
    """The columns of a specification, made piece by piece to save memory."""
    found = np.empty((len(frame), len(spec.column_names)), order="F")
    for begin in range(0, len(frame), PIECE):
        found[begin : begin + PIECE] = _materialised(spec, frame[begin : begin + PIECE])
    return found


def _require_terms(names: list[str], x: Floats, y: Floats) -> None:
    """Refuse a formula without terms, and values that are not finite."""
    if not names:
        raise DataError(
            "the formula has no terms to estimate",
            fix="name at least one regressor before '|', or 1 for a mean",
        )
    bad = [name for name, column in zip(names, x.T, strict=True) if not np.isfinite(column).all()]
    if bad or not np.isfinite(y).all():
        raise DataError(
            "{term!r} is not a finite number in every row",
            fix="leave out or fill in these rows, or choose another transformation",
            term=bad[0] if bad else "outcome",
        )


def _unreadable(formula: Formula, frame: pl.DataFrame, error: Exception) -> DataError:
    """The error of a formula, with the column that was meant where that is clear."""
    reason = re.sub(r"\x1b\[[\d;]*m|[⧛⧚]", "", str(error))
    unknown = re.search(r"`(\w[^`]*)` is not present|name '(\w+)' is not defined", reason)
    if unknown is None:
        sides = (formula.outcome, formula.regressors)
        return faulty_part(formula.text, sides, lambda term: _fault_of(term, frame))
    columns = frame.columns
    name = unknown[1] or unknown[2]
    if name in ("factor", "as.factor"):
        fix, near = "write categories as C({near})", "column"
    elif close := get_close_matches(name, columns, n=1):
        fix, near = "did you mean {near}?", close[0]
    else:
        fix, near = "its columns are: {near}", ", ".join(columns)
    return DataError(
        "{name!r}, in the formula {formula!r}, is not a column of the table",
        fix=fix,
        name=name,
        formula=formula.text,
        near=near,
    )


def _fault_of(term: str, frame: pl.DataFrame) -> Fault | None:
    """Whether a term by itself cannot be read, or cannot be computed."""
    formulaic = import_module("formulaic")
    unusable = (*UNUSABLE, formulaic.errors.FormulaicError)
    try:
        formula = formulaic.Formula(f"0 + {term}")
    except unusable:
        return "read"
    try:
        with np.errstate(all="ignore"):
            formula.get_model_matrix(frame, output="numpy", na_action="ignore")
    except unusable:
        return "compute"
    return None
