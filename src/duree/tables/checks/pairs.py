"""Checks of pairs of texts: implausible targets, copies, ambiguous sources, scripts and units."""

from __future__ import annotations

import unicodedata
from collections import Counter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.tables.finding import Finding, Level
from duree.tables.source_rows import Rows

# A target is implausible if it is longer than so many characters, and than so many times what the
# median pair has for its source. Beyond the second limits it would stop a run in its tracks.
LONG, TIMES = 50, 20
ENDLESS, TIMES_ENDLESS = 2000, 200
# The share of copied rows from which little is left to learn.
MOSTLY_COPIED = 0.98
# The share of rows that could be right at best, below which that is a warning.
LOW_CEILING = 0.9
# Texts of no script have so many different characters.
MOST_CHARACTERS = 20_000
# The share of texts in another script that is a slip, and no second language.
SLIP = 0.01
# Neighbouring letters of Latin and Cyrillic or Greek; signs of the phonetic alphabet are left out.
MIXED = r"\p{Latin}[\p{Cyrillic}[\p{Greek}--[βθχ]]]|[\p{Cyrillic}[\p{Greek}--[βθχ]]]\p{Latin}"
# Parts of Unicode names; texts in Chinese and Japanese mix these.
EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"}


def check_pairs(sources: pl.Series, texts: pl.Series, targets: pl.Series) -> list[Finding]:
    """The findings on pairs of texts.

    Parameters
    ----------
    sources, texts : polars.Series of String [rows]
        The sources with their covariates, and without.
    targets : polars.Series of String [rows]
    """
    has_target = targets.fill_null("").str.strip_chars() != ""
    rows = np.flatnonzero(has_target)
    if len(rows) == 0:
        return []
    of_target = targets.gather(rows).str.strip_chars()
    sides = texts.fill_null("").gather(rows), of_target
    findings = [
        *_constant(of_target, rows),
        *_copies(*sides, rows),
        *_implausible(*sides, rows),
        *_ambiguous(sources.fill_null("").gather(rows), of_target, rows),
    ]
    for column in (texts, targets):
        findings += [*_scripts(column), *_many_characters(column)]
    return findings


def check_known(sources: pl.Series, seen: NDArray[np.int64], test: NDArray[np.int64]) -> Finding:
    """How many test rows have a source that training has too."""
    of_training = set(sources.gather(seen).to_list())
    known = sum(source in of_training for source in sources.gather(test).to_list())
    facts: dict[str, object] = {"count": known, "rows": len(test)}
    what = (
        "{count} of {rows} test rows have a source that occurs in training: figures for known and "
        "unknown sources are reported apart"
    )
    return Finding("known_sources", "ok", what, values=facts)


def _constant(targets: pl.Series, rows: NDArray[np.int64]) -> list[Finding]:
    if len(rows) == 1 or targets.n_unique() > 1:
        return []
    what = "every row has the same {column!r}: there is nothing to learn"
    fix = "name another column with --target"
    facts: dict[str, object] = {"column": targets.name}
    return [Finding("constant_target", "error", what, fix, facts, _first(rows))]


def _copies(texts: pl.Series, targets: pl.Series, rows: NDArray[np.int64]) -> list[Finding]:
    same = (texts.str.strip_chars() == targets).to_numpy()
    facts: dict[str, object] = {
        "share": float(same.mean()),
        "column": targets.name,
        "text": texts.name,
    }
    what = "{share:.1%} of the cells of {column!r} are those of {text!r}, unchanged"
    if same.all():
        what = "{column!r} is a copy of {text!r} in every row: there is nothing to learn"
        fix = "name another column with --target"
        return [Finding("copied_targets", "error", what, fix, facts, _first(rows))]
    if same.mean() >= MOSTLY_COPIED:
        what = (
            "{share:.1%} of the cells of {column!r} are those of {text!r}, unchanged; others are "
            "in {rows}"
        )
        fix = "compare every figure with that of copying"
        changed = _first(rows[~same])
        facts["rows"] = Rows(changed)
        return [Finding("copied_targets", "warning", what, fix, facts, changed)]
    return [Finding("copied_targets", "ok", what, values=facts)]


def _implausible(texts: pl.Series, targets: pl.Series, rows: NDArray[np.int64]) -> list[Finding]:
    lengths = targets.str.len_chars().to_numpy().astype(np.float64)
    of_source = np.maximum(texts.str.len_chars().to_numpy(), 1)
    usual = float(np.median(lengths / of_source)) * of_source
    cases: tuple[tuple[Level, float, float], ...] = (
        ("error", ENDLESS, TIMES_ENDLESS),
        ("warning", LONG, TIMES),
    )
    what = (
        "cells of {column!r} that are far longer than their source, the longest of {longest} "
        "characters: {count}, first in {rows}"
    )
    fix = "look for a quotation mark that is never closed; correct these rows or leave them out"
    for level, least, times in cases:
        found = np.flatnonzero(lengths > np.maximum(least, times * usual))
        if len(found):
            shown = _first(rows[found])
            facts: dict[str, object] = {
                "count": len(found),
                "column": targets.name,
                "longest": int(lengths[found].max()),
                "rows": Rows(shown),
            }
            return [Finding("implausible_targets", level, what, fix, facts, shown)]
    return []


def _ambiguous(sources: pl.Series, targets: pl.Series, rows: NDArray[np.int64]) -> list[Finding]:
    pairs = pl.DataFrame({"source": sources, "target": targets, "row": rows})
    pairs = pairs.filter(pl.col("source").str.strip_chars() != "")
    by_pair = pairs.group_by("source", "target").agg(pl.len().alias("rows"))
    by_source = by_pair.group_by("source").agg(
        pl.len().alias("targets"), pl.col("rows").sum(), pl.col("rows").max().alias("best")
    )
    several = by_source.filter(pl.col("targets") > 1).sort(
        ["targets", "rows", "source"], descending=[True, True, False]
    )
    if several.is_empty():
        return []
    ceiling = float(by_source["best"].sum() / len(pairs))  # of the rows that have a source
    example = several["source"][0]
    shown = _first(pairs.filter(pl.col("source") == example)["row"].to_numpy())
    facts: dict[str, object] = {
        "count": len(several),
        "rows": int(several["rows"].sum()),
        "column": targets.name,
        "example": example,
        "targets": int(several["targets"][0]),
        "ceiling": ceiling,
        "places": Rows(shown),
    }
    what = (
        "sources with several different {column!r}: {count}, in {rows} rows, such as {example!r} "
        "with {targets}, in {places}; with one output for each source at most {ceiling:.1%} of all "
        "rows could be right"
    )
    fix = "add what tells them apart with --covariate, or choose one target for each"
    level: Level = "warning" if ceiling < LOW_CEILING else "note"
    return [Finding("ambiguous_sources", level, what, fix, facts, shown)]


def _scripts(column: pl.Series) -> list[Finding]:
    findings = []
    mixed = np.flatnonzero(column.str.contains(MIXED).fill_null(False))
    if len(mixed):
        what = (
            "words of {column!r} with letters of several scripts: {count} cells, such as "
            "{example!r}, first in {rows}"
        )
        fix = "letters that look alike (Latin a, Cyrillic а) are different units: replace them"
        example = column.gather(mixed[:1]).str.extract(rf"(\w*(?:{MIXED})\w*)")[0]
        facts: dict[str, object] = {
            "count": len(mixed),
            "column": column.name,
            "example": example or "",
            "rows": Rows(_first(mixed)),
        }
        findings.append(Finding("mixed_scripts", "warning", what, fix, facts, _first(mixed)))
    first = column.str.extract(r"(\p{L})").to_list()
    scripts = {letter: _script(letter) for letter in set(first) if letter}
    of_rows = [scripts.get(letter or "", "") for letter in first]
    counts = Counter(filter(None, of_rows))
    if len(counts) > 1:
        ((main, _),) = counts.most_common(1)
        others = np.flatnonzero([script not in ("", main) for script in of_rows])
        what = (
            "texts of {column!r} that begin with a letter of another script than most: {count}, "
            "such as {example!r}, first in {rows}"
        )
        facts = {
            "count": len(others),
            "column": column.name,
            "example": str(column[int(others[0])])[:40],
            "rows": Rows(_first(others)),
        }
        level: Level = "warning" if len(others) < SLIP * counts.total() else "note"
        fix = "check that they belong here" if level == "warning" else ""
        findings.append(Finding("several_scripts", level, what, fix, facts, _first(others)))
    return findings


def _script(letter: str) -> str:
    """The script of a letter, by its Unicode name; nothing for letters of no script."""
    script = unicodedata.name(letter, "MODIFIER").partition(" ")[0]
    if script == "MODIFIER" or letter in "βθχ":
        return ""
    return "EAST ASIAN" if script in EAST_ASIAN else script


def _many_characters(column: pl.Series) -> list[Finding]:
    count = len(set().union(*column.drop_nulls().unique().to_list()))
    if count <= MOST_CHARACTERS:
        return []
    what = "{count} different characters in {column!r}: no text has so many"
    fix = "check the encoding; the rarest are read as unknown (text.max_features)"
    return [
        Finding("many_characters", "warning", what, fix, {"count": count, "column": column.name})
    ]


def _first(rows: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(row) for row in rows[:5])
