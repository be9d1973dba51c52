"""Whether labelled rows can be a random draw of equal chances: their predictions tell.

The mean rank of their predictions among those of all rows, and that of the distances from the
median, are compared with what a random draw gives. Ranks are bounded, so that the normal
distribution serves even for small samples; sums by cluster where rows of one resemble each other.

Source: Wilcoxon (1945) for ranks; of distances as in Ansari & Bradley (1960).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from duree.inference.families import Floats, Ints
from duree.inference.labelled_sample import Sample
from duree.inference.variables import Variable
from duree.tables.finding import Finding

# Random samples are suspected once in so many tests.
CHANCE = 1e-4


def unlike_a_draw(variables: Sequence[Variable], sample: Sample) -> list[Finding]:
    """Cautions about predictions whose labelled rows are unlike all rows."""
    if sample.design != "equal_prob":
        return []
    cluster = None if sample.cluster is None else sample.cluster[sample.rows]
    return [finding for one in variables for finding in _of_variable(one, sample.rows, cluster)]


def _of_variable(variable: Variable, rows: Ints, cluster: Ints | None) -> list[Finding]:
    all_rows = variable.predictions
    if _p(all_rows, rows, cluster) < CHANCE:
        what = (
            "the labelled rows do not look like a random sample: the mean of {column!r} is "
            "{labelled:.3g} in them and {all:.3g} in all rows (p < 0.0001)"
        )
        found = [float(values.mean()) for values in (all_rows[rows], all_rows)]
    elif _p(np.abs(all_rows - np.median(all_rows)), rows, cluster) < CHANCE:
        what = (
            "the labelled rows do not look like a random sample: the standard deviation of "
            "{column!r} is {labelled:.3g} in them and {all:.3g} in all rows (p < 0.0001)"
        )
        found = [float(values.std()) for values in (all_rows[rows], all_rows)]
    else:
        return []
    return [
        Finding(
            "not_random",
            "warning",
            what,
            "check how they were drawn: leave out rows that were picked, for training or because "
            "they were uncertain, or give each row's probability with --sample-prob",
            {"column": variable.column, "labelled": found[0], "all": found[1]},
        )
    ]


def _p(values: Floats, rows: Ints, cluster: Ints | None) -> float:
    """The two-sided p-value of the mean rank of some rows among all."""
    size, count = len(values), len(rows)
    ascending = np.sort(values)
    left, right = (np.searchsorted(ascending, values[rows], side) for side in ("left", "right"))
    ranks = (left + right) / (2 * size) - 0.5
    ends = np.flatnonzero(np.append(ascending[1:] != ascending[:-1], True))
    tied = np.diff(ends, prepend=-1) / size
    variance = count * (1 - (tied**3).sum()) / 12 * (1 - count / size)
    # Of rare values a few labelled rows may have more than the normal distribution expects.
    units = ranks if cluster is None else np.bincount(cluster, ranks)
    variance = max(variance, float((units**2).sum()))
    if variance <= 0 or count == size:
        return 1.0
    return float(2 * norm.sf(abs(ranks.sum()) / np.sqrt(variance)))
