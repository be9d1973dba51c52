"""School to work (McVicar & Anyadike-Danes 2002): predict a covariate from the 72 states.

    python benchmarks/mvad.py [--splits 5] [--cell lstm]

712 young people, split 80/20 by class; several splits are drawn, with seeds 0, 1, 2 and so on.
Needs DUREE_DATA (default ../shared/data). Fifteen seconds per split on two threads.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import mean

from duree.recipe.recipe import Recipe
from duree.workflow import fit

TABLE = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "mvad" / "mvad.csv"
TARGETS = ("gcse5eq", "funemp")
MODELS = ("network", "state_logistic", "random_forest")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--cell", default="lstm", choices=["lstm", "gru"])
    options = parser.parse_args()
    if not TABLE.is_file():
        raise SystemExit(f"skipped: there is no {TABLE}; set DUREE_DATA")
    for target in TARGETS:
        figures: defaultdict[str, list[float]] = defaultdict(list)
        intervals, claims = [], []
        for seed in range(options.splits):
            recipe = Recipe.build(
                {
                    "seed": seed,
                    "data": {"files": [str(TABLE)], "states": ["Jul.93:Jun.99"], "target": target},
                    "model": {"cell": options.cell},
                }
            )
            with tempfile.TemporaryDirectory() as folder:
                metrics = fit(recipe, Path(folder) / "run").read_json("metrics.json")
            found = {model: metrics["models"][model]["auc"] for model in MODELS}
            for model in MODELS:
                figures[model].append(found[model]["value"])
            best = max(found[model]["value"] for model in MODELS[1:])
            intervals.append(found["network"]["low"] <= best <= found["network"]["high"])
            claims.append(metrics["claim"])
        print(f"{target}: AUC on each split, and their mean")
        for model, values in figures.items():
            print(f"  {model:15}", *(f"{v:.3f}" for v in values), f"mean {mean(values):.3f}")
        within = sum(intervals)
        print(f"  the best baseline is within the network's interval in {within} of {len(claims)}")
        print(f"  claims about the network: {', '.join(claims)}")


if __name__ == "__main__":
    main()
