"""The whole workflow on IMDB: the default recipe and every baseline, on the original split.

    python benchmarks/imdb.py [--cell lstm] [--out runs/imdb]

Needs DUREE_DATA (default ../shared/data). About 4 minutes on two threads; the README quotes the
training time of the network.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from duree.cli.console import Console
from duree.recipe.recipe import Recipe
from duree.workflow import fit

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "imdb"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", default="lstm", choices=["lstm", "gru"])
    parser.add_argument("--recipe", help="a recipe other than the default")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--out", default=f"runs/imdb-{time.strftime('%H%M%S')}")
    options = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"skipped: there is no {DATA}; set DUREE_DATA")
    overrides = {
        "data.files": (str(DATA / "train.parquet"),),
        "data.test_file": str(DATA / "test.parquet"),
        "data.text": "review",
        "data.target": "sentiment",
        # Reviews of one film resemble each other, and the original split separates some of them.
        "data.group": "film",
        "evaluation.baselines": not options.no_baselines,
    }
    if options.recipe:
        recipe = Recipe.read(options.recipe, overrides)
    else:
        recipe = Recipe().replace(overrides | {"model.cell": options.cell})
    run = fit(recipe, Path(options.out), Console())
    metrics = json.loads((run.folder / "metrics.json").read_text())
    print({name: round(seconds) for name, seconds in metrics["seconds"].items()})
    print(metrics["without_shared_rows"] and metrics["without_shared_rows"]["rows"])


if __name__ == "__main__":
    main()
