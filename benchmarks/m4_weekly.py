"""The weekly series of the M4 competition (Makridakis et al. 2020), on the official test set.

    OMP_NUM_THREADS=2 python benchmarks/m4_weekly.py [--out RUN] [--seed 0]

359 series of 80 to 2,597 weeks, horizon 13. The last 13 weeks of each training series are the
validation set, on which all choices are made; the test file is opened once, at the end. sMAPE, MASE
and OWA are the competition's, whose season for weekly data is 1: Naive2 is Naive. The network reads
a season of 52 weeks; no forecast of another method is among its inputs.
Needs DUREE_DATA (default ../shared/data). About 5 minutes on two threads.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from duree.recipe.recipe import Recipe
from duree.workflow import fit

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "m4_weekly"
# Requirements for the network, and what Naive must reach if the metrics are correct.
MOST_OWA, AIM, COVERAGE = 0.93, 0.86, (0.93, 0.97)
NAIVE = {"smape": 9.161, "mase": 2.777, "owa": 1.0}
FIGURES = ("smape", "mase", "owa", "crps", "coverage_80", "coverage_95", "fit_seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"skipped: there is no {DATA}; set DUREE_DATA")
    recipe = Recipe.build(
        {
            "task": "forecast",
            "seed": options.seed,
            "data": {"files": [str(DATA / "train.csv")], "test_file": str(DATA / "test.csv")},
            "forecast": {"season": 52, "naive_season": 1},
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        run = fit(recipe, options.out or Path(folder) / "run")
        models: dict[str, Any] = run.read_json("metrics.json")["models"]
        print(run.read_json("metrics.json")["verdict"])
    print(f"{'':15}" + "".join(f"{name:>13}" for name in FIGURES))
    for name, figures in models.items():
        values = (_value(figures.get(figure)) for figure in FIGURES)
        print(f"{name:15}" + "".join(f"{value:13.3f}" for value in values))
    naive = {name: round(_value(models["naive2"][name]), 3) for name in NAIVE}
    owa = _value(models["network"]["owa"])
    covered = _value(models["network"]["coverage_95"])
    checks = {
        f"Naive's metrics {naive}, the competition's {NAIVE}": naive == NAIVE,
        f"OWA {owa:.3f}, required at most {MOST_OWA} (aim {AIM})": owa <= MOST_OWA,
        f"95 % bands cover {100 * covered:.1f} %, required 93 to 97": COVERAGE[0]
        <= covered
        <= COVERAGE[1],
    }
    for what, holds in checks.items():
        print(f"{'reached' if holds else 'MISSED'}: {what}")
    sys.exit(not all(checks.values()))


def _value(figure: Any) -> float:
    return float(figure["value"] if isinstance(figure, dict) else figure)


if __name__ == "__main__":
    main()
