"""Chinese hotel reviews, parted 80/20 by class: the default recipe beside the baselines.

    python benchmarks/chinese_hotel.py [--out runs/hotel]

Needs DUREE_DATA (default ../shared/data) and the extra `chinese`. A few minutes on two threads.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from duree.console import Console
from duree.recipe import Recipe
from duree.workflow import fit

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "chinese_hotel"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", default="lstm", choices=["lstm", "gru"])
    parser.add_argument("--out", default=f"runs/hotel-{time.strftime('%H%M%S')}")
    options = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"skipped: there is no {DATA}; set DUREE_DATA")
    recipe = Recipe().replace(
        {
            "data.files": (str(DATA / "chnsenticorp_htl_all.csv"),),
            "data.text": "review",
            "data.target": "label",
            "model.cell": options.cell,
        }
    )
    console = Console()
    run = fit(recipe, Path(options.out), console)
    console.finish(run)
    models = run.read_json("metrics.json")["models"]
    for name in ("network", "tfidf_logistic"):
        print(f"macro-F1 of {name}: {models[name]['macro_f1']}")


if __name__ == "__main__":
    main()
