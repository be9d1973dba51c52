"""A small table with true values, predictions of them, and a random labelled sample."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import expit


def predicted_table(rows: int = 600, labelled: int = 200, seed: int = 1) -> pl.DataFrame:
    """Texts by authors: ``pos`` and ``score`` are null where a text is not labelled.

    ``true_pos`` and ``true_score`` are the values of all rows.
    """
    generator = np.random.default_rng(seed)
    author = generator.integers(0, rows // 8, rows)
    x = generator.normal(size=rows)
    group = np.array(["a", "b", "c"])[generator.integers(0, 3, rows)]
    shift = np.where(group == "c", 0.8, 0.0)
    pos = (generator.random(rows) < expit(0.3 + 0.7 * x - shift)).astype(float)
    score = 1 + 0.5 * x + shift + generator.normal(size=rows)
    count = generator.poisson(np.exp(0.2 + 0.3 * x)).astype(float)
    known = np.zeros(rows, dtype=bool)
    known[generator.choice(rows, labelled, replace=False)] = True

    def where_known(values: np.ndarray) -> pl.Series:
        return pl.Series(np.where(known, values, np.nan)).fill_nan(None)

    return pl.DataFrame(
        {
            "id": [f"t{row}" for row in range(rows)],
            "author": author,
            "x": x,
            "group": group,
            "pos": where_known(pos),
            "score": where_known(score),
            "count": where_known(count),
            "probability_pos": expit(2.4 * (pos - 0.5) + 0.4 * x + generator.normal(size=rows)),
            "predicted_score": 0.7 * score + 0.3 * x + 0.4 * generator.normal(size=rows),
            "predicted_count": 0.5 * count + 0.5 + 0.3 * generator.normal(size=rows),
            "true_pos": pos,
            "true_score": score,
            "true_count": count,
        }
    )
