"""Whether test texts are drawn from elsewhere: a classifier tries to tell them from training texts.

Source: Lopez-Paz & Oquab 2017 (classifier two-sample tests). The AUC of out-of-fold predictions is
0.5 where the texts are alike, and 1 where each text gives its part away.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from duree.tables.checks.shingles import split_units
from duree.tables.finding import Finding

# The AUC above which a warning is given: random parts of one table stay below 0.55.
SUSPICIOUS = 0.7
# The most texts of each part, the units of each, and the fewest texts that can be compared.
SAMPLE, UNITS, FEWEST = 2_000, 500, 50


def check_shift(
    texts: pl.Series, seen: NDArray[np.int64], test: NDArray[np.int64], seed: int = 0
) -> list[Finding]:
    """A warning where test texts can be told from training and validation texts.

    Parameters
    ----------
    texts : polars.Series of String [rows]
    seen, test : int64
        The rows of both parts.
    seed : int
        Seed of the samples.
    """
    if min(len(seen), len(test)) < FEWEST:
        return []
    rng = np.random.default_rng(seed)
    parts = [np.sort(rng.permutation(rows)[:SAMPLE]) for rows in (seen, test)]
    units = split_units(texts.gather(np.concatenate(parts))).list.head(UNITS).to_list()
    is_test = np.repeat([0, 1], [len(rows) for rows in parts])
    try:
        features = TfidfVectorizer(analyzer=list, min_df=2, sublinear_tf=True).fit_transform(units)
    except ValueError:  # no unit is in two texts
        return []
    predicted = cross_val_predict(
        LogisticRegression(solver="liblinear", class_weight="balanced"),
        features,
        is_test,
        cv=StratifiedKFold(2, shuffle=True, random_state=seed),
        method="predict_proba",
    )
    auc = float(roc_auc_score(is_test, predicted[:, 1]))
    if auc < SUSPICIOUS:
        return []
    return [
        Finding(
            "shift",
            "warning",
            "test texts differ from training texts: a classifier tells them apart with an AUC of "
            "{auc:.2f}, where 0.5 means no difference",
            "expect lower figures and probabilities that are too certain on such test rows; "
            "a random split shows what is reached on texts like those of training",
            {"auc": auc},
        )
    ]
