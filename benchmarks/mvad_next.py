"""School to work (McVicar & Anyadike-Danes 2002): every next month's state, five folds by person.

    python benchmarks/mvad_next.py [--folds 5] [--members 1] [--split-seed 0]

712 young people; each fold is the test set once. Bits per step over all 712, with a bootstrap
interval by person, for the network and every baseline; the state in June 1999 predicted from month
24, 36, 48 and 60. ``--members``: also average the probabilities of networks from so many seeds.
Settings were chosen on the folds of ``--split-seed`` 0; other seeds give other folds.
Needs DUREE_DATA (default ../shared/data). Two minutes per fold on two threads.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl

from duree.evaluation.uncertainty import wilson
from duree.pipeline.by_layout import read_dataset
from duree.pipeline.model import load_networks
from duree.recipe.recipe import Recipe
from duree.tables.split.make_split import Split
from duree.workflow import fit

TABLE = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "mvad" / "mvad.csv"
COVARIATES = ["male", "catholic", "Grammar", "funemp", "gcse5eq", "fmpr", "livboth"]
COVARIATES += ["Belfast", "N.Eastern", "Southern", "S.Eastern"]
# Requirements.
REQUIRED = {"bits": 0.20, "majority": 0.680, "last_state": (0.298, 0.532, 0.698, 0.832)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--split-seed", type=int, default=0)
    options = parser.parse_args()
    if not TABLE.is_file():
        raise SystemExit(f"skipped: there is no {TABLE}; set DUREE_DATA")
    table = pl.read_csv(TABLE, infer_schema_length=0)
    order = np.random.default_rng(options.split_seed).permutation(len(table))
    bits: defaultdict[str, list[float]] = defaultdict(list)
    right: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    changes: defaultdict[str, list[float]] = defaultdict(list)
    for fold in range(options.folds):
        tested = order[fold :: options.folds]
        with tempfile.TemporaryDirectory() as folder:
            sets = {"train": np.setdiff1d(order, tested), "test": np.sort(tested)}
            for name, rows in sets.items():
                table[rows.tolist()].write_csv(Path(folder) / f"{name}.csv")
            recipe = Recipe.build(
                {
                    "task": "next",
                    "data": {
                        "files": [f"{folder}/train.csv"],
                        "test_file": f"{folder}/test.csv",
                        "states": ["Jul.93:Jun.99"],
                        "covariate": COVARIATES,
                    },
                    "evaluation": {"seeds": options.members},
                }
            )
            run = fit(recipe, Path(folder) / "run")
            metrics, simulation = run.read_json("metrics.json"), run.read_json("simulation.json")
            for name, found in metrics["models"].items():
                changes[name].append(found["change_accuracy"]["value"])
            for origin in simulation["origins"]:
                for name, found in origin["models"].items():
                    right[origin["steps"], name].append(found["value"] * simulation["rows"])
            for name, of_persons in bits_per_step(run, len(tested)).items():
                bits[name] += of_persons.tolist()
            print(f"fold {fold + 1}: {metrics['verdict']}", flush=True)
    print(f"bits per step over {len(bits['network'])} persons (required: < {REQUIRED['bits']})")
    rng = np.random.default_rng(0)
    for name, values in sorted(bits.items(), key=lambda pair: np.mean(pair[1])):
        drawn = rng.choice(values, (2000, len(values))).mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        line = f"on changes {np.mean(changes[name]):.3f}" if name in changes else ""
        print(f"  {name:16} {np.mean(values):.4f} [{low:.4f}, {high:.4f}]  {line}")
    print(
        f"state in June 1999 (required: above {REQUIRED['majority']} and {REQUIRED['last_state']})"
    )
    persons = len(bits["network"])
    for (steps, name), counts in right.items():
        share = sum(counts) / persons
        low, high = wilson(sum(counts), persons)
        print(f"  observed up to month {steps}: {name:12} {share:.3f} [{low:.3f}, {high:.3f}]")


def bits_per_step(run, persons: int) -> dict[str, np.ndarray]:
    """Mean bits per step of each test person, [persons], by model."""
    networks = load_networks(run)
    dataset = read_dataset(run.recipe, Split.from_dict(run.read_json("split.json")))
    rows, task = dataset.split.test, networks[0].task
    sequences = networks[0].encoder.encode(dataset.texts).take(rows)
    examples = task.examples(sequences, dataset.target.gather(rows))
    true, place = examples.answers[:, 0], np.arange(len(examples.answers))
    found = [network.predictions(examples.sequences) for network in networks]
    of_truth = {"network": found[0][place, true]}
    if len(found) > 1:
        of_truth["mean of networks"] = np.mean(found, axis=0)[place, true]
    saved = pl.read_parquet(run.folder / "baselines.parquet")
    columns = [f"probability_{name}" for name in task.classes]
    for name in saved["model"].unique(maintain_order=True):
        shares = saved.filter(pl.col("model") == name).select(columns).to_numpy()
        of_truth[name] = shares[place, true]
    return {
        name: -np.log2(np.maximum(shares, 1e-12)).reshape(persons, -1).mean(axis=1)
        for name, shares in of_truth.items()
    }


if __name__ == "__main__":
    main()
