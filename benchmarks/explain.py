"""The cost of explanations, their faithfulness, and the contribution of word order.

    python benchmarks/explain.py [--run RUN] [--cell gru]

On the simulated letters of the demo, and on IMDB if DUREE_DATA has it (default ../shared/data; RUN
is a run on it, trained in four minutes if not given). Two threads; times are medians of three.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import torch

from duree.cli.demo import fit_demo
from duree.evaluation.evaluate import evaluate_models
from duree.explain.arcs import arc
from duree.explain.attribution import integrated_gradients
from duree.explain.faithfulness import faithfulness
from duree.explain.gates import trace
from duree.explain.model import shuffled
from duree.pipeline.model import TrainedModel
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import Ragged
from duree.tables.split.make_split import group_codes
from duree.workflow import fit

IMDB = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "imdb"
FAITHFUL, COST, NOVEL = 500, 1000, 150_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="a finished run on IMDB")
    parser.add_argument("--cell", default="gru", choices=["gru", "lstm"])
    options = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        run = fit_demo(Path(folder) / "demo")
        print_order("letters", run.read_json("explanations.json")["order"])
    if not IMDB.is_dir():
        raise SystemExit(f"skipped: there is no {IMDB}; set DUREE_DATA")
    model = TrainedModel.load((options.run or train_on_imdb(options.cell)) / "model")
    test = pl.read_parquet(IMDB / "test.parquet")
    rows = model.encode(test["review"])
    order = np.random.default_rng(0).permutation(len(test))
    print_faithfulness(model, rows.take(order[:FAITHFUL]))
    thousand = rows.take(order[:COST])
    print_time("attributions of 1,000 reviews", lambda: integrated_gradients(model, thousand))
    print_time("traces of 1,000 reviews", lambda: list(trace(model, thousand)))
    print_arc(model, test["review"].gather(order))
    print_order("IMDB", order_on(model, test, rows))


def train_on_imdb(cell: str) -> Path:
    """A run of the default recipe on the original split, without baselines."""
    recipe = Recipe().replace(
        {
            "data.files": (str(IMDB / "train.parquet"),),
            "data.test_file": str(IMDB / "test.parquet"),
            "data.text": "review",
            "data.target": "sentiment",
            "data.group": "film",
            "model.cell": cell,
            "evaluation.baselines": False,
        }
    )
    return fit(recipe, Path("runs") / f"explain-{time.strftime('%H%M%S')}").folder


def print_faithfulness(model: TrainedModel, rows: Ragged) -> None:
    """Areas under the curves, and the completeness of the attributions."""
    given = integrated_gradients(model, rows)
    areas = faithfulness(model, rows, given).areas
    print(
        f"{len(rows)} reviews: area under the deletion curve {areas['deletion']:.3f}, random order "
        f"{areas['random_deletion']:.3f}: {areas['deletion'] / areas['random_deletion']:.2f} of it"
    )
    whole = np.abs(given.gap).sum() / np.abs(given.score - given.start).sum()
    within = np.mean(given.incomplete <= 0.01)
    print(
        f"incomplete by {100 * np.median(given.incomplete):.2f} % (median), {100 * whole:.2f} % of "
        f"all differences; {100 * within:.1f} % of the reviews within 1 %, the worst "
        f"{100 * given.incomplete.max():.1f} %"
    )


def print_arc(model: TrainedModel, reviews: pl.Series) -> None:
    """The arc of a text as long as a novel: reviews joined."""
    words = np.cumsum(reviews.str.split(" ").list.len().to_numpy())
    novel = " ".join(reviews.head(int(np.searchsorted(words, NOVEL)) + 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print_time(f"arc of a text of {len(novel.split())} words", lambda: arc(model, novel))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"  peak memory grew by {max(grown, 0):.0f} MiB")


def order_on(model: TrainedModel, test: pl.DataFrame, rows: Ragged) -> dict[str, Any]:
    """Accuracy in order and in random order, with intervals by film."""
    evaluation = evaluate_models(
        {"network": model.predictions(rows), "shuffled": model.predictions(shuffled(rows))},
        model.task.encode(test["sentiment"]),
        model.task.metrics,
        groups=group_codes(test["film"]),
    )
    drop = next(found for found in evaluation.comparisons if found.metric == "accuracy")
    return {
        "rows": len(test),
        "in_order": evaluation.models["network"]["accuracy"],
        "shuffled": evaluation.models["shuffled"]["accuracy"],
        "difference": {"value": drop["difference"], "low": drop["low"], "high": drop["high"]},
    }


def print_order(name: str, found: dict[str, Any]) -> None:
    """The contribution of word order."""
    drop = found["difference"]
    print(
        f"{name}: accuracy {found['in_order']['value']:.3f} in order, "
        f"{found['shuffled']['value']:.3f} in random order, on {found['rows']} test rows: a drop "
        f"of {drop['value']:.3f} [{drop['low']:.3f}, {drop['high']:.3f}]"
    )


def print_time(name: str, work: Callable[[], object]) -> None:
    """Print the median time of three calls."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    print(f"{name}: {median(times):.1f} s")


if __name__ == "__main__":
    main()
