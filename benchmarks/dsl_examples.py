"""The published examples of the R package dsl, beside the same estimates by Durée.

    DUREE_DATA=FOLDER OMP_NUM_THREADS=1 python benchmarks/dsl_examples.py

FOLDER/dsl holds the package's example data as CSV (they are GPL, and no part of Durée). R's figures
are those of its reference pages. Coefficients must be within 0.1 standard errors of R's, standard
errors within 2 % (for data_lm not above R's), and the power within 1 %. Both methods draw random
folds, so that no two runs of either agree more closely than some hundredths of a standard error.

R recalibrates by a random forest. Where that predicts the labels worse than our penalised
regression (data_lm, data_felm), R's estimate has noise that ours has not: the two then differ by
about the root of the difference of their variances (Hausman 1978), which is what is required of
them, and standard errors not above R's. R prints four decimals: half of the last is allowed for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from duree.inference import Estimate, estimate

FOLDER = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "dsl"
MOST_DISTANCE, MOST_SE, MOST_POWER = 0.1, 0.02, 0.01
ROUNDED = 0.00005


@dataclass(frozen=True)
class Example:
    """One published example: ``{term: (R's estimate, R's standard error)}``."""

    name: str
    run: Callable[[], Estimate]
    published: dict[str, tuple[float, float]]
    is_noisier: bool = False


def read(name: str) -> pl.DataFrame:
    """A file of examples."""
    return pl.read_csv(FOLDER / f"{name}.csv", null_values=["NA"], infer_schema_length=None)


def pan_chen() -> Estimate:
    """Whether a complaint is reported (Pan & Chen 2018); wrongdoing by the county is predicted."""
    return estimate(
        "SendOrNot ~ countyWrong + prefecWrong + connect2b + prevalence + regionj + groupIssue",
        read("PanChen"),
        predicted_var="countyWrong",
        prediction="pred_countyWrong",
        model="logit",
        equal_prob=True,
    )


def linear() -> Estimate:
    """A predicted outcome."""
    return estimate(
        "Y ~ X1 + X2 + X3 + X4 + X5",
        read("data_lm"),
        predicted_var="Y",
        prediction="pred_Y",
        equal_prob=True,
    )


def logit() -> Estimate:
    """Outcome and one regressor are predicted."""
    return estimate(
        "Y ~ X1 + X2 + X4",
        read("data_logit"),
        predicted_var=["Y", "X1"],
        prediction=["pred_Y", "pred_X1"],
        model="logit",
        equal_prob=True,
    )


def unequal() -> Estimate:
    """Rows were labelled with unequal probabilities."""
    return estimate(
        "Y ~ X1 + X2 + X3",
        read("data_unequal"),
        predicted_var="Y",
        prediction="pred_Y",
        sample_prob="sample_prob",
        model="logit",
    )


def years() -> Estimate:
    """Shares by year."""
    return estimate(
        "Y ~ 0 + C(year)",
        read("data_time"),
        predicted_var="Y",
        prediction="pred_Y",
        equal_prob=True,
    )


def panel(effects: str) -> Estimate:
    """Fixed effects; a regressor is predicted."""
    return estimate(
        f"log_pcap ~ log_gsp + log_pc + unemp | {effects}",
        read("data_felm"),
        predicted_var="log_gsp",
        prediction="pred_log_gsp",
        cluster="state",
        equal_prob=True,
    )


def candidates() -> Estimate:
    """Units that are means of posts: labelled if one of their posts is."""
    posts = (
        read("data_post")
        .group_by("cand_id")
        .agg(
            mean_economy=pl.col("economy").mean(),
            prediction=pl.col("pred_economy").mean(),
            probability=1 - (1 - pl.col("post_sample_prob")).product(),
        )
    )
    people = read("data_cand").with_columns(pl.col("cand_id").cast(pl.Float64))
    frame = people.join(posts, on="cand_id").sort("cand_id")
    return estimate(
        "mean_economy ~ gender + edu + ideology",
        frame,
        predicted_var="mean_economy",
        prediction="prediction",
        sample_prob="probability",
    )


EXAMPLES = [
    Example(
        "PanChen",
        pan_chen,
        {
            "Intercept": (2.0978, 0.3621),
            "countyWrong": (-0.2617, 0.2230),
            "prefecWrong": (-1.1162, 0.2970),
            "connect2b": (-0.0788, 0.1197),
            "prevalence": (-0.3271, 0.1520),
            "regionj": (0.1253, 0.4566),
            "groupIssue": (-2.3222, 0.3597),
        },
    ),
    Example("data_lm", linear, {"X1": (2.1293, 0.0685)}, is_noisier=True),
    Example(
        "data_logit",
        logit,
        {
            "Intercept": (-0.7386, 0.1000),
            "X1": (0.2208, 0.1044),
            "X2": (0.0242, 0.0974),
            "X4": (0.2742, 0.1022),
        },
    ),
    Example(
        "data_unequal",
        unequal,
        {
            "Intercept": (-0.2157, 0.1185),
            "X1": (0.1073, 0.3349),
            "X2": (0.1074, 0.1086),
            "X3": (-0.0449, 0.1157),
        },
    ),
    Example(
        "data_time",
        years,
        {
            "C(year)[2001]": (0.6451, 0.0652),
            "C(year)[2003]": (0.2956, 0.0808),
            "C(year)[2010]": (0.4761, 0.0704),
        },
    ),
    Example(
        "data_felm, one-way",
        lambda: panel("state"),
        {"log_gsp": (0.0031, 0.0020), "log_pc": (0.5357, 0.0419), "unemp": (0.0067, 0.0021)},
        is_noisier=True,
    ),
    Example(
        "data_felm, two-way",
        lambda: panel("state + year"),
        {"log_gsp": (0.0025, 0.0017), "log_pc": (0.4275, 0.0748), "unemp": (0.0093, 0.0034)},
    ),
    Example(
        "data_cand",
        candidates,
        {"Intercept": (0.4057, 0.0696), "gender": (-0.0099, 0.0348)},
    ),
]
# Standard errors of countyWrong with so many labels (PanChen).
POWER = {600: 0.2046, 700: 0.1904, 800: 0.1789, 900: 0.1695, 1000: 0.1616}


def compare(example: Example) -> bool:
    """Print the figures of one example; whether they agree."""
    terms = {term.term: term for term in example.run().terms}
    agrees = True
    for name, (published, se) in example.published.items():
        ours = terms[name]
        distance, ratio = abs(ours.estimate - published) / se, ours.se / se - 1
        if example.is_noisier:
            noise = max(1 - (ours.se / se) ** 2, 0.0) ** 0.5
            is_near = ratio <= MOST_SE and distance <= max(MOST_DISTANCE, 1.96 * noise)
        else:
            is_near = distance <= MOST_DISTANCE
            is_near &= abs(ours.se - se) - ROUNDED <= MOST_SE * se
        agrees &= is_near
        print(
            f"{example.name:20} {name:14} R {published:8.4f} / {se:.4f}   ours {ours.estimate:8.4f}"
            f" / {ours.se:.4f}   {distance:.2f} se, {ratio:+.1%}{'' if is_near else '   FAR'}"
        )
    return agrees


def compare_power() -> bool:
    """Print standard errors with more labels beside R's; whether they agree."""
    found, agrees = pan_chen(), True
    for labelled, published in POWER.items():
        powers = found.power(labelled - found.record.labelled)
        se = powers.filter(pl.col("term") == "countyWrong")["se"][0]
        ratio = se / published - 1
        agrees &= abs(ratio) <= MOST_POWER
        print(f"power at {labelled:5} labels: R {published:.4f}   ours {se:.4f}   {ratio:+.1%}")
    return agrees


if __name__ == "__main__":
    results = [*map(compare, EXAMPLES), compare_power()]
    sys.exit(not all(results))
