"""Simulated life courses whose outcome depends on the order of states, with a known ground truth.

Everybody is at school first, then at work and unemployed for as long, in one order or the other.
Who was unemployed before the first work is less often settled in the end; how long each state
lasted says nothing.
"""

from __future__ import annotations

import numpy as np
import polars as pl

MONTHS = 24
SCHOOL, WORK, UNEMPLOYED, TRAINING = "school", "work", "unemployed", "training"
REGIONS = ("coast", "hills", "plain", "town")
# Share of people whose outcome follows from the order of their states.
CERTAINTY = 0.9


def generate(rows: int = 400, seed: int = 0) -> pl.DataFrame:
    """People with ``id``, ``region``, ``outcome`` and their states in months ``m1`` to ``m24``.

    Parameters
    ----------
    rows : int
        Number of people.
    seed : int
    """
    rng = np.random.default_rng(seed)
    late = rng.random(rows) < 0.5
    months = np.array([_months(rng, first_work=bool(one)) for one in late])
    settled = late == (rng.random(rows) < CERTAINTY)
    return pl.DataFrame(
        {
            "id": [f"p{number:04}" for number in range(1, rows + 1)],
            "region": rng.choice(REGIONS, rows),
            "outcome": np.where(settled, "settled", "not settled"),
            **{f"m{month + 1}": months[:, month] for month in range(MONTHS)},
        }
    )


def _months(rng: np.random.Generator, *, first_work: bool) -> list[str]:
    """The states of one person."""
    school, each = int(rng.integers(4, 9)), int(rng.integers(3, 6))
    pair = [WORK] * each + [UNEMPLOYED] * each
    middle = pair if first_work else pair[::-1]
    rest = MONTHS - school - len(middle)
    training = int(rng.integers(0, rest))
    return [SCHOOL] * school + middle + [TRAINING] * training + [WORK] * (rest - training)
