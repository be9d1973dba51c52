"""The default recipe on text sets, beside the best baseline of each: nothing is set but columns.

    OMP_NUM_THREADS=2 python benchmarks/default_recipe.py [FOLDER] [--sets cr trec] [--seeds 3]

FOLDER (default: ``texts`` in DUREE_DATA) has a folder for each set, with ``train.csv`` and
``test.csv``, perhaps ``validation.csv``; or with ``all.csv``, which each seed splits anew. The
target is ``cat`` or ``label``; the text is another column. Figures are accuracy, macro-F1 and
log-loss on the test rows, means over the seeds; the best baseline is the best of each. Each run is
a process of its own; a minute for 5,000 short texts on two threads. Further options go to ``fit``,
each in one word, as in --set=cell=gru.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "texts"
FIGURES = ("accuracy", "macro_f1", "log_loss")
PARTS = ("network", "recurrent_part", "wide_part")
TARGETS = ("cat", "label")
Figures = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="*", help="these alone")
    parser.add_argument("--seeds", type=int, default=3)
    options, further = parser.parse_known_args()
    print("| set | rows | network | best baseline of each | wide part | recurrent part | time |")
    print("|---|---|---|---|---|---|---|")
    gains, behind, best_loss = [], [], 0
    for folder in sorted(each for each in options.folder.iterdir() if each.is_dir()):
        if options.sets and folder.name not in options.sets:
            continue
        began = time.perf_counter()
        runs = [run(folder, seed, further) for seed in range(options.seeds)]
        seconds = (time.perf_counter() - began) / options.seeds
        means: Figures = {
            model: np.mean([models[model] for models in runs], axis=0).tolist() for model in runs[0]
        }
        strongest = best([value for model, value in means.items() if model not in PARTS])
        gain = np.subtract(means["network"], strongest)
        gains.append(gain)
        best_loss += bool(gain[2] <= 0)
        if min(gain[:2]) < -0.005:
            behind.append(folder.name)
        cells = [show(means["network"]), show(strongest)]
        cells += [show(means.get(part)) for part in ("wide_part", "recurrent_part")]
        print(
            f"| {folder.name} | {rows(folder):,} | {' | '.join(cells)} | {seconds:.0f} s |",
            flush=True,
        )
    if not gains:
        sys.exit(f"{options.folder} has none of these sets")
    accuracy, macro_f1, _ = 100 * np.mean(gains, axis=0)
    print(
        f"\nmean lead over the best baseline: accuracy {accuracy:+.1f}, macro-F1 {macro_f1:+.1f} "
        f"points; lowest log-loss on {best_loss} of {len(gains)} sets; more than 0.5 points behind "
        f"on: {', '.join(behind) or 'none'}"
    )


def run(folder: Path, seed: int, further: list[str]) -> Figures:
    """The figures of all models of one run."""
    whole = folder / "all.csv"
    table = whole if whole.exists() else folder / "train.csv"
    columns = pl.read_csv(table, n_rows=1).columns
    target = next(name for name in TARGETS if name in columns)
    text = next(name for name in columns if name not in TARGETS)
    words = ["fit", str(table), f"--text={text}", f"--target={target}", f"--seed={seed}", *further]
    words += [
        f"--{part}={folder / part}.csv"
        for part in ("validation", "test")
        if (folder / f"{part}.csv").exists()
    ]
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "duree", *words, f"--out={place}/run"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
        metrics = json.loads(Path(place, "run", "metrics.json").read_text(encoding="utf-8"))
    return {
        model: [values[figure]["value"] for figure in FIGURES]
        for model, values in metrics["models"].items()
    }


def best(models: list[list[float]]) -> list[float]:
    """The best of each figure."""
    accuracy, macro_f1, log_loss = zip(*models, strict=True)
    return [max(accuracy), max(macro_f1), min(log_loss)]


def rows(folder: Path) -> int:
    return sum(pl.read_csv(file, infer_schema=False).height for file in folder.glob("*.csv"))


def show(figures: list[float] | None) -> str:
    return "" if figures is None else " / ".join(f"{value:.3f}" for value in figures)


if __name__ == "__main__":
    main()
