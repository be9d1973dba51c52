"""Predict a table larger than memory: time, peak memory, and recovery from kills.

    python benchmarks/predict_stream.py [--rows 5000000] [--kills 3]

Writes a CSV of short generated texts, predicts it with a small network, then again with SIGKILL at
random moments and resumption, and compares both outputs.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from duree.examples.letters import generate
from duree.recipe.recipe import Recipe
from duree.workflow import fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--kills", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder / "rows.csv", options.rows)
        run = train(folder)
        seconds = predict(run, folder / "rows.csv", folder / "whole.csv")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(
            f"{options.rows} rows ({(folder / 'rows.csv').stat().st_size / 1e6:.0f} MB): "
            f"{seconds:.0f} s, {options.rows / seconds:.0f} rows/s, peak memory {peak:.0f} MiB"
        )
        rng = random.Random(0)
        for _ in range(options.kills):
            predict(
                run, folder / "rows.csv", folder / "killed.csv", rng.uniform(0.1, 0.4) * seconds
            )
        predict(run, folder / "rows.csv", folder / "killed.csv")
        same = (folder / "whole.csv").read_bytes() == (folder / "killed.csv").read_bytes()
        print(f"killed {options.kills} times and resumed: {'identical' if same else 'DIFFERENT'}")


def write_rows(path: Path, rows: int) -> None:
    """Short texts with their numbers, written in blocks."""
    sentences = [sentence for letter in generate(500)["letter"] for sentence in letter.split(". ")]
    with open(path, "w", encoding="utf-8") as file:
        file.write("id,letter\n")
        for begin in range(0, rows, 100_000):
            count = min(100_000, rows - begin)
            block = pl.DataFrame(
                {
                    "id": range(begin, begin + count),
                    "letter": [sentences[k % len(sentences)] for k in range(begin, begin + count)],
                }
            )
            file.write(block.write_csv(include_header=False))


def train(folder: Path) -> Path:
    """A small network on letters."""
    generate(600).write_csv(folder / "letters.csv")
    recipe = Recipe().replace(
        {
            "data.files": (str(folder / "letters.csv"),),
            "data.text": "letter",
            "data.target": "tone",
            "training.epochs": 2,
            "evaluation.baselines": False,
        }
    )
    return fit(recipe, folder / "run").folder


def predict(run: Path, rows: Path, output: Path, kill_after: float | None = None) -> float:
    """Seconds that ``duree predict`` takes; ``kill_after`` so many it is killed."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "duree", "predict", str(run), str(rows), "-o", str(output)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            code = process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return time.perf_counter() - began
    if code:
        raise SystemExit(f"duree predict ended with status {code}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
