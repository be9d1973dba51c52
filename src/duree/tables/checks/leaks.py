"""Target leakage: single features that predict the target by themselves.

For each class, single features are tested: that a text contains a word or the name of the class,
or begins or ends in a certain way; the length of the text; the value of another column. Each is
measured by its AUC, the probability that a row of the class ranks above a row of another class.
The test uses a sample of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.stats import rankdata

from duree.recipe.settings import DataSettings
from duree.tables.checks.shingles import split_units
from duree.tables.checks.target import as_quantity
from duree.tables.finding import Finding
from duree.tables.time.parse import is_category

# The AUC (or rank correlation) above which a single feature causes a warning.
SUSPICIOUS = 0.98
SAMPLE = 5_000
# Classes with fewer rows in the sample are predicted by chance; further classes are not tested.
MIN_CLASS, MOST_PROBED = 20, 20
EDGE_LENGTHS = range(1, 7)

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REMOVE_ANSWER = "make sure that the text does not contain the answer; if it does, remove it"
LAST_VALUE_LEAKS = "the last value of the attribute {column!r} alone predicts {target!r}"
KNOWN_BEFORE = "it is an input; make sure that it was known before the target"
NO_INPUT = "it is not an input; make sure that the texts do not contain the same information"


def find_leaks(
    frame: pl.DataFrame, data: DataSettings, *, numeric: bool = False, seed: int = 0
) -> list[Finding]:
    """Features that predict the target with an AUC above ``SUSPICIOUS``.

    Parameters
    ----------
    frame : polars.DataFrame
    data : DataSettings
        Names the text and target columns; ``group`` is not tested, since a group may have a
        single class (an author, in authorship attribution).
    numeric : bool
        The target is a quantity.
    seed : int
        Seed of the sample.
    """
    if data.target is None:
        return []
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(frame[data.target].is_not_null())
    sample = frame[np.sort(rng.permutation(known)[:SAMPLE])]
    target = sample[data.target]
    taken = (data.text, data.target, data.group)
    columns = [c for c in sample if c.name not in taken and (_is_ordered(c) or _is_text(c))]
    texts = sample[data.text].cast(pl.String).fill_null("") if data.text else None
    if numeric:
        return _quantity_leaks(texts, target, columns)
    classes = _memberships(target, data.label_separator)
    findings = _column_leaks(columns, classes, target.name, rng)
    if texts is not None:
        findings += _text_leaks(texts, classes)
    return findings


def auc(scores: NDArray[Any], members: Flags) -> float:
    """Probability that a member scores above a non-member, ties half (Mann & Whitney 1947)."""
    return float(_aucs(scores[:, None], members[:, None])[0])


def _aucs(scores: NDArray[Any], members: Flags) -> Floats:
    """The same for the columns of ``members`` [rows, classes] and of ``scores``, one or as many."""
    inside = members.sum(axis=0)
    ranks = rankdata(scores, axis=0)
    sums: Floats = np.sum(ranks * members, axis=0)
    chances: Floats = (sums - inside * (inside + 1) / 2) / (inside * (len(members) - inside))
    return chances


def _memberships(target: pl.Series, separator: str | None) -> dict[str, Flags]:
    """Which rows have each label, for the most frequent labels that enough rows have and lack."""
    cell = pl.col("label").cast(pl.String)
    cells = target.alias("label").to_frame().with_row_index("row")
    if separator is not None:
        cells = cells.with_columns(cell.str.split(separator)).explode("label")
    cells = cells.with_columns(cell.str.strip_chars()).filter(pl.col("label") != "")
    found = {}
    for label in cells["label"].value_counts(sort=True)["label"].head(MOST_PROBED):
        members = np.zeros(len(target), dtype=bool)
        members[cells.filter(pl.col("label") == label)["row"].to_numpy()] = True
        if min(members.sum(), (~members).sum()) >= MIN_CLASS:
            found[label] = members
    return found


def _column_leaks(
    columns: list[pl.Series], classes: dict[str, Flags], target: str, rng: np.random.Generator
) -> list[Finding]:
    if not classes:
        return []
    labels, members = list(classes), np.stack(list(classes.values()), axis=1)
    findings = []
    for column in columns:
        half = rng.random(len(column)) < 0.5
        readings = [scores[:, None] for scores in _orders(column)]
        readings += [_rates(codes, members, half) for codes in _categories(column)]
        values = np.max([np.abs(_aucs(scores, members) - 0.5) for scores in readings], axis=0)
        best = int(values.argmax())
        if (value := float(values[best]) + 0.5) > SUSPICIOUS:
            what = "the column {column!r} alone predicts {target!r} {label!r} (AUC {auc:.3f})"
            facts = {"column": column.name, "target": target, "label": labels[best], "auc": value}
            findings.append(Finding("leaking_column", "warning", what, NO_INPUT, facts))
    return findings


def _is_ordered(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype == pl.Boolean


def _is_text(column: pl.Series) -> bool:
    return column.dtype == pl.String or is_category(column)


def _orders(column: pl.Series) -> list[Floats]:
    """A column as scores: its numbers, the last number in each cell, its alphabetical order."""
    if _is_ordered(column):
        return [_ranks(column)]
    texts = column.cast(pl.String)
    number = texts.str.extract(r"(\d{1,15})\D*$").cast(pl.Float64)
    return [_ranks(texts), _ranks(as_quantity(texts)), _ranks(number)]


def _categories(column: pl.Series) -> list[Ints]:
    """A column as codes of categories: its cells, and its cells without their digits."""
    kinds = [] if column.dtype.is_float() else [column]
    if _is_text(column):
        kinds = [column.cast(pl.String), column.cast(pl.String).str.replace_all(r"\d+", "")]
    return [_ranks(kind, "dense").astype(np.int64) for kind in kinds]


def _ranks(column: pl.Series, method: Literal["average", "dense"] = "average") -> Floats:
    """Ranks from 1 upwards; 0 for a missing cell."""
    return column.rank(method).fill_null(0).to_numpy().astype(np.float64)


def _rates(codes: Ints, members: Flags, half: Flags) -> Floats:
    """Share of members among rows of the same category in the other half, [rows, classes]."""
    count = int(codes.max()) + 1
    rates = np.empty(members.shape)
    for side in (half, ~half):
        known, place = codes[~side], np.arange(np.sum(~side))
        rows_of = coo_array((np.ones(len(known)), (known, place)), shape=(count, len(known)))
        inside = rows_of.tocsr() @ members[~side]
        totals = np.bincount(known, minlength=count)[:, None]
        # A category absent from the other half gets the average rate.
        rates[side] = ((inside + members.mean(axis=0)) / (totals + 1))[codes[side]]
    return rates


def _text_leaks(texts: pl.Series, classes: dict[str, Flags]) -> list[Finding]:
    """Features of the text that predict a class; only the most likely cause if several do."""
    for check, what, probe in (
        (
            "label_in_text",
            "texts of the class {label!r} contain its name (AUC {auc:.3f})",
            _names,
        ),
        (
            "leaking_word",
            "texts of the class {label!r} contain {feature!r}, others do not (AUC {auc:.3f})",
            _words,
        ),
        (
            "leaking_beginning",
            "texts of the class {label!r} begin with {feature!r}, others do not (AUC {auc:.3f})",
            _beginnings,
        ),
        (
            "leaking_end",
            "texts of the class {label!r} end with {feature!r}, others do not (AUC {auc:.3f})",
            _ends,
        ),
        (
            "leaking_length",
            "text length alone predicts {label!r} (AUC {auc:.3f})",
            _lengths,
        ),
    ):
        leaking = [
            Finding(
                check, "warning", what, REMOVE_ANSWER, {"label": label, "feature": of, "auc": value}
            )
            for label, of, value in probe(texts, classes)
            if value > SUSPICIOUS
        ]
        if leaking:
            return leaking
    return []


def _names(texts: pl.Series, classes: dict[str, Flags]) -> Iterator[tuple[str, str, float]]:
    phrases = _phrases(texts)
    for label, members in classes.items():
        holds = phrases.str.contains(_phrases(pl.Series([label]))[0], literal=True).to_numpy()
        yield label, label, auc(holds, members)


def _words(texts: pl.Series, classes: dict[str, Flags]) -> Iterator[tuple[str, str, float]]:
    return _best_features(split_units(texts), classes)


def _beginnings(texts: pl.Series, classes: dict[str, Flags]) -> Iterator[tuple[str, str, float]]:
    return _best_features(_edges(texts.str.head), classes)


def _ends(texts: pl.Series, classes: dict[str, Flags]) -> Iterator[tuple[str, str, float]]:
    return _best_features(_edges(texts.str.tail), classes)


def _lengths(texts: pl.Series, classes: dict[str, Flags]) -> Iterator[tuple[str, str, float]]:
    lengths = texts.str.len_chars().to_numpy()
    for label, members in classes.items():
        value = auc(lengths, members)
        yield label, "", max(value, 1 - value)


def _phrases(texts: pl.Series) -> pl.Series:
    """The units of each text with spaces around them, so that whole units can be searched."""
    return " " + split_units(texts).list.join(" ") + " "


def _edges(cut: Callable[[int], pl.Series]) -> pl.Series:
    """The first (or last) one, two, ... characters of each text, List(String) [rows]."""
    edges = [cut(length).alias(str(length)) for length in EDGE_LENGTHS]
    return pl.DataFrame(edges).select(pl.concat_list(pl.all())).to_series()


def _best_features(
    features: pl.Series, classes: dict[str, Flags]
) -> Iterator[tuple[str, str, float]]:
    """For each class the most predictive feature, the shortest of equals.

    The AUC of a binary feature is (1 + share inside - share outside) / 2.
    """
    cells = pl.DataFrame({"row": np.arange(len(features)), "feature": features})
    cells = cells.explode("feature").drop_nulls().unique()
    totals = cells.group_by("feature").agg(total=pl.len())
    for label, members in classes.items():
        inside = cells.filter(pl.Series(members)[cells["row"]]).group_by("feature").agg(n=pl.len())
        share_in = pl.col("n") / members.sum()
        share_out = (pl.col("total") - pl.col("n")) / (~members).sum()
        best = (
            inside.join(totals, on="feature")
            .with_columns(auc=(1 + share_in - share_out) / 2)
            .sort(-pl.col("auc"), pl.col("feature").str.len_chars(), "feature")
        )
        for feature, value in best.select("feature", "auc").head(1).iter_rows():
            yield label, feature, value


def _quantity_leaks(
    texts: pl.Series | None, target: pl.Series, columns: list[pl.Series]
) -> list[Finding]:
    """Columns almost perfectly correlated with the target, and texts that contain its value."""
    findings = []
    ranks = _ranks(as_quantity(target))
    for column in columns:
        for scores in _orders(column):
            if np.ptp(scores) == 0 or np.ptp(ranks) == 0:
                continue
            correlation = float(np.corrcoef(rankdata(scores), ranks)[0, 1])
            if abs(correlation) > SUSPICIOUS:
                what = (
                    "the column {column!r} is almost perfectly correlated with {target!r} (rank "
                    "correlation {value:.3f})"
                )
                facts = {"column": column.name, "target": target.name, "value": correlation}
                findings.append(Finding("leaking_column", "warning", what, NO_INPUT, facts))
                break
    if texts is not None and len(texts) >= MIN_CLASS:
        phrases, numbers = _phrases(texts), _phrases(target.cast(pl.String))
        own, other = (
            pl.DataFrame({"text": phrases, "number": series})
            .select(pl.col("text").str.contains(pl.col("number"), literal=True).mean())
            .item()
            for series in (numbers, numbers.shift(1, fill_value=numbers[-1]))
        )
        if (value := (1 + own - other) / 2) > SUSPICIOUS:
            what = "texts contain the value of {column!r} (AUC {auc:.3f})"
            facts = {"column": target.name, "auc": value}
            findings.append(Finding("label_in_text", "warning", what, REMOVE_ANSWER, facts))
    return findings


def attribute_leaks(frame: pl.DataFrame, data: DataSettings, *, numeric: bool) -> list[Finding]:
    """Attributes of events whose last value predicts the target."""
    names = [name for name in data.attribute if frame.schema.get(name) == pl.List]
    if data.target is None or not names:
        return []
    last = frame.select(data.target, pl.col(names).list.drop_nulls().list.last())
    alone = data.model_copy(update={"text": None, "group": None})
    return [
        Finding("leaking_column", "warning", LAST_VALUE_LEAKS, KNOWN_BEFORE, found.values)
        for found in find_leaks(last, alone, numeric=numeric)
    ]
