"""Chinese hotel reviews, split 80/20 by class: the default recipe and the baselines.

    python benchmarks/chinese_hotel.py [--splits 5] [--cell lstm] [--out runs/hotel]

One split says little about models that differ by less than its interval, so several are drawn, with
seeds 0, 1, 2 and so on. Needs DUREE_DATA (default ../shared/data) and the extra `chinese`. A minute
per split on two threads.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from statistics import mean

from duree.cli.console import Console
from duree.recipe.recipe import Recipe
from duree.workflow import fit

TABLE = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "chinese_hotel"
MODELS = ("network", "tfidf_logistic", "nb_svm", "random_forest")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--cell", default="lstm", choices=["lstm", "gru"])
    parser.add_argument("--out", default=f"runs/hotel-{time.strftime('%H%M%S')}")
    options = parser.parse_args()
    if not TABLE.is_dir():
        raise SystemExit(f"skipped: there is no {TABLE}; set DUREE_DATA")
    figures: dict[str, list[float]] = {model: [] for model in MODELS}
    for seed in range(options.splits):
        recipe = Recipe().replace(
            {
                "seed": seed,
                "data.files": (str(TABLE / "chnsenticorp_htl_all.csv"),),
                "data.text": "review",
                "data.target": "label",
                "model.cell": options.cell,
            }
        )
        run = fit(recipe, Path(f"{options.out}-{seed}"), Console())
        metrics = run.read_json("metrics.json")
        print(metrics["verdict"])
        for model in MODELS:
            figures[model].append(metrics["models"][model]["macro_f1"]["value"])
    print("macro-F1 on each split, and their mean")
    for model, values in figures.items():
        print(f"{model:15}", *(f"{value:.4f}" for value in values), f"mean {mean(values):.4f}")


if __name__ == "__main__":
    main()
