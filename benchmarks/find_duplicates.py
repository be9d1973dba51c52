"""Time and recall of find_duplicates on IMDB's 50,000 reviews, and on adversarial inputs.

    OMP_NUM_THREADS=2 POLARS_MAX_THREADS=2 python benchmarks/find_duplicates.py

The true pairs are found exactly: two sets of similarity r share at least one shingle
among the rarest (1 - r) of each (Bayardo, Ma & Srikant 2007), so joining on those finds all pairs.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.recipe.settings import DataSettings
from duree.tables.checks.check_table import check_table
from duree.tables.checks.duplicates import MIN_UNITS, RESEMBLANCE, find_duplicates
from duree.tables.checks.shingles import count_units, hash_shingles
from duree.tables.table import Table


def main() -> None:
    """Print the measurements."""
    folder = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "imdb"
    if folder.is_dir():
        sets = [pl.read_parquet(folder / f"{name}.parquet") for name in ("train", "test")]
        reviews = pl.concat(sets)["review"]
        near = measure("IMDB, 50,000 reviews", reviews)
        print_imdb(near, np.arange(len(reviews)) < len(sets[0]))
        pairs = true_pairs(reviews)
        found = near[pairs["left"].to_numpy()] == near[pairs["right"].to_numpy()]
        print(f"recall: {found.sum()} of the {len(pairs)} true pairs ({found.mean():.4f})")
        show_pairs(reviews, pairs)
        check_imdb(pl.concat(sets), np.arange(len(reviews)) >= len(sets[0]))
    else:
        print(f"IMDB skipped: there is no {folder}")
    rng = np.random.default_rng(0)
    words = np.array([f"w{number}" for number in range(5000)])
    text = " ".join(rng.choice(words, 200))
    measure("100,000 identical texts of 200 words", pl.Series([text] * 100_000))
    measure("100,000 texts that differ in one number", numbered(text, 100_000))
    measure("100,000 texts of similarity 0.6", numbered(" ".join(words[:14]), 100_000))
    measure("1,000,000 answers of 1 to 8 words", answers(rng, words[:50], 1_000_000))


def measure(name: str, texts: pl.Series) -> NDArray[np.int64]:
    """Cluster the texts; print the time and the peak memory so far."""
    begin = time.perf_counter()
    near = find_duplicates(texts).near
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    clusters = len(np.unique(near))
    print(f"{name}: {seconds:.1f} s, peak {peak:.0f} MiB, {len(near)} rows, {clusters} clusters")
    return near


def print_imdb(near: NDArray[np.int64], is_train: NDArray[np.bool_]) -> None:
    """Print the rows that duplicate another, within each set and across."""
    _, cluster = np.unique(near, return_inverse=True)
    sides = {"train": is_train, "test": ~is_train}
    train, test = (np.bincount(cluster[side], minlength=len(near)) for side in sides.values())
    for name, count in zip(sides, (train, test), strict=True):
        pairs = (count * (count - 1) // 2).sum()
        print(f"within {name}: {count[count > 1].sum()} rows, {pairs} pairs")
    both = (train > 0) & (test > 0)
    print(f"across: {train[both].sum()} train rows, {test[both].sum()} test rows,", end=" ")
    print(f"{(train * test).sum()} pairs")


def check_imdb(frame: pl.DataFrame, test_rows: NDArray[np.bool_]) -> None:
    """Print the time of all checks and their findings."""
    names = {"text": "review", "target": "sentiment", "group": "film", "id": "id"}
    data = DataSettings.model_validate(names)
    begin = time.perf_counter()
    findings = check_table(Table(frame, ()), data, test_rows=test_rows)
    print(f"all checks of IMDB: {time.perf_counter() - begin:.1f} s")
    for finding in findings:
        print(f"    {finding.level}: {finding.message('en')}")


def true_pairs(texts: pl.Series) -> pl.DataFrame:
    """All pairs (left < right) of similarity RESEMBLANCE or more, among texts long enough."""
    rows = np.flatnonzero(count_units(texts) >= MIN_UNITS)
    shingles, starts = hash_shingles(texts.gather(rows))
    row = np.repeat(rows, np.diff(starts, append=len(shingles)))
    sets = pl.DataFrame({"row": row, "shingle": shingles}).unique()
    sets = sets.with_columns(size=pl.len().over("row"), df=pl.len().over("shingle"))
    rank = pl.struct("df", "shingle").rank("ordinal").over("row")
    rare = sets.filter(rank <= pl.col("size") - (RESEMBLANCE * pl.col("size")).ceil() + 1)
    right = rare.select(right="row", shingle="shingle")
    pairs = rare.select(left="row", shingle="shingle").join(right, on="shingle")
    pairs = pairs.filter(pl.col("left") < pl.col("right")).select("left", "right").unique()
    common = (
        pairs.join(sets, left_on="left", right_on="row")
        .join(sets, left_on=["right", "shingle"], right_on=["row", "shingle"], suffix="_right")
        .group_by("left", "right")
        .agg(common=pl.len(), sizes=pl.first("size") + pl.first("size_right"))
    )
    resemblance = pl.col("common") / (pl.col("sizes") - pl.col("common"))
    return common.with_columns(resemblance=resemblance).filter(resemblance >= RESEMBLANCE)


def show_pairs(texts: pl.Series, pairs: pl.DataFrame) -> None:
    """Print the beginnings of the least similar true pairs."""
    for pair in pairs.sort("resemblance", "left").head(6).iter_rows(named=True):
        print(f"similarity {pair['resemblance']:.3f}: rows {pair['left']} and {pair['right']}")
        print("   ", texts[pair["left"]][:110])
        print("   ", texts[pair["right"]][:110])


def numbered(text: str, count: int) -> pl.Series:
    """``count`` copies of the text, each with a different number in the middle."""
    words = text.split()
    half = len(words) // 2
    before, after = " ".join(words[:half]), " ".join(words[half:])
    return pl.Series([f"{before} {number} {after}" for number in range(count)])


def answers(rng: np.random.Generator, words: NDArray[np.str_], count: int) -> pl.Series:
    """Short answers of words drawn from a small vocabulary."""
    drawn = rng.choice(words, (count, 8))
    lengths = rng.integers(1, 9, count)
    return pl.Series([" ".join(row[:length]) for row, length in zip(drawn, lengths, strict=True)])


if __name__ == "__main__":
    main()
