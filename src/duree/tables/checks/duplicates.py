"""Exact duplicates and near-duplicates among the texts of a table.

Near-duplicates are found by MinHash and banding, and every candidate pair is verified: a true pair
may be missed (one in 400 at a resemblance of 0.8, one in 25,000 at 0.85), but none is false.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from duree.tables.checks.shingles import chunks, count_units, hash_shingles

# Resemblance from which two texts count as near-duplicates (Broder 1997, section 2).
RESEMBLANCE = 0.8
# Shorter texts resemble each other by chance: they are duplicates only if identical.
MIN_UNITS = 5
# A pair at the threshold shares a band with probability 1 - (1 - 0.8**4)**16 = 0.9998.
BANDS, BAND_WIDTH = 16, 4
# Pairs whose signatures agree less are not verified: 3 standard errors below RESEMBLANCE.
MIN_AGREEMENT = 0.65
# Within a band, each text is compared with at most so many next ones, to avoid quadratic cost.
NEIGHBOURS = 8
PAIRS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Duplicates:
    """Clusters of identical and of similar texts; a cluster's id is its first row.

    Attributes
    ----------
    exact : int64 [rows]
        Texts that are identical except for the amount of white space.
    near : int64 [rows]
        Chains of similar texts, including exact duplicates.
    """

    exact: NDArray[np.int64]
    near: NDArray[np.int64]


def find_duplicates(texts: pl.Series, *, seed: int = 0) -> Duplicates:
    """Cluster identical texts and near-duplicates.

    Two texts are near-duplicates when the Jaccard resemblance of their sets of shingles (triples
    of words, or of characters in text without spaces) is at least ``RESEMBLANCE``. Missing and
    empty texts have no duplicates.

    Parameters
    ----------
    texts : polars.Series of String [rows]
    seed : int
        Seed of the hash functions.

    Source: Broder (1997), "On the resemblance and containment of documents"; banding after
    Leskovec, Rajaraman & Ullman, "Mining of Massive Datasets", section 3.4.
    """
    texts = texts.cast(pl.String)
    exact = _first_of_equals(texts)
    is_first = exact == np.arange(len(texts))
    is_long = (count_units(texts) >= MIN_UNITS).to_numpy()
    rows = np.flatnonzero(is_first & is_long)
    signatures = _signatures(texts, rows, np.random.default_rng(seed))
    clusters = np.arange(len(rows))
    for left, right in _neighbours(signatures, clusters):
        similar = _resemblance(texts, rows[left], rows[right]) >= RESEMBLANCE
        _join(clusters, left[similar], right[similar])
    near = np.arange(len(texts))
    near[rows] = rows[clusters]
    return Duplicates(exact, near[exact])


def _first_of_equals(texts: pl.Series) -> NDArray[np.int64]:
    """The first row with the same text up to white space; the row itself for empty texts."""
    text = pl.col("text").str.replace_all(r"\s+", " ").str.strip_chars()
    first = pl.col("row").min().over(text)
    frame = texts.alias("text").to_frame().with_row_index("row")
    chosen = pl.when(text.is_null() | (text == "")).then(pl.col("row")).otherwise(first)
    return frame.select(chosen).to_series().to_numpy().astype(np.int64)


def _signatures(
    texts: pl.Series, rows: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.uint32]:
    """MinHash signatures, uint32 [rows, BANDS * BAND_WIDTH]: the smallest hash of any shingle."""
    multipliers = rng.integers(2**63, size=BANDS * BAND_WIDTH, dtype=np.uint64) * 2 + 1
    signatures = np.empty((len(rows), len(multipliers)), dtype=np.uint32)
    done = 0
    for chunk in chunks(texts, rows):
        shingles, starts = hash_shingles(texts.gather(chunk))
        for place, multiplier in enumerate(multipliers):
            smallest = np.minimum.reduceat(shingles * multiplier, starts)
            # The high bits of a product are well mixed.
            signatures[done : done + len(chunk), place] = smallest >> np.uint64(32)
        done += len(chunk)
    return signatures


def _neighbours(
    signatures: NDArray[np.uint32], clusters: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs that share a band, agree enough, and are not yet in the same cluster."""
    bands = np.ascontiguousarray(signatures).view(f"V{4 * BAND_WIDTH}")
    keys = np.stack([np.unique(band, return_inverse=True)[1] for band in bands.T])
    for band in range(BANDS):
        # Within a band, texts that also share the next one are adjacent.
        order = np.lexsort((keys[(band + 1) % BANDS], keys[band]))
        key = keys[band][order]
        for step in range(1, NEIGHBOURS + 1):
            alike = np.flatnonzero(key[:-step] == key[step:])
            if len(alike) == 0:
                break
            left, right = order[alike], order[alike + step]
            apart = clusters[left] != clusters[right]
            left, right = left[apart], right[apart]
            for start in range(0, len(left), PAIRS_AT_ONCE):
                pair = slice(start, start + PAIRS_AT_ONCE)
                agree = np.mean(signatures[left[pair]] == signatures[right[pair]], axis=1)
                likely = agree >= MIN_AGREEMENT
                if likely.any():
                    yield left[pair][likely], right[pair][likely]


def _resemblance(
    texts: pl.Series, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Jaccard coefficient of the shingle sets of each pair of rows, float64 [pairs]."""
    rows, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    shingles, starts = hash_shingles(texts.gather(rows))
    row = np.repeat(np.arange(len(rows)), np.diff(starts, append=len(shingles)))
    sets = pl.DataFrame({"row": row, "shingle": shingles}).unique()
    sizes = np.bincount(sets["row"], minlength=len(rows))
    pairs = pl.DataFrame({"left": places[: len(left)], "right": places[len(left) :]})
    shared = (
        pairs.with_row_index("pair")
        .join(sets, left_on="left", right_on="row")
        .join(sets, left_on=["right", "shingle"], right_on=["row", "shingle"], how="semi")
    )
    common = np.bincount(shared["pair"], minlength=len(pairs))
    return common / (sizes[places[: len(left)]] + sizes[places[len(left) :]] - common)


def _join(clusters: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> None:
    """Merge, in place, the clusters that the pairs connect; the first member is the id."""
    if len(left) == 0:
        return
    count = len(clusters)
    edges = (np.ones(len(left)), (clusters[left], clusters[right]))
    _, component = connected_components(coo_array(edges, shape=(count, count)), directed=False)
    _, first = np.unique(component, return_index=True)
    clusters[:] = first[component][clusters]
