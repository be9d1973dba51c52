"""Kill whole runs at random moments, resume each, and compare with an uninterrupted one.

    python benchmarks/kill_and_resume.py [--kills 200] [--workers 2]

Each run is a separate process on one thread: it is killed (SIGKILL) at a moment drawn uniformly
from its duration, then resumed. Weights and predictions must be byte-identical.
About 20 minutes with two workers.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from duree.examples.letters import generate
from duree.tables.files.write import write_table

COMPARED = ("model/weights.safetensors", "predictions.parquet")
SHORT = (
    *("--text=letter", "--target=tone", "--epochs=6", "--set=hidden_size=16"),
    *("--set=forest_trees=50", "--set=bootstrap=200", "--set=checkpoint_seconds=0.05"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(options.workers) as workers:
        folder = Path(place)
        write_table(generate(400), folder / "letters.csv")
        # The second run, with all files in the system's cache, gives the duration of a run.
        for name in ("first", "whole"):
            begin = time.perf_counter()
            duree("fit", str(folder / "letters.csv"), *SHORT, f"--out={folder / name}").wait()
            length = time.perf_counter() - begin
        print(f"an uninterrupted run takes {length:.1f} s")
        moments = np.random.default_rng(0).uniform(0, length, options.kills)
        outcomes = list(workers.map(lambda moment: killed(folder, moment), moments))
    reached = Counter(where for where, _ in outcomes)
    same = sum(equal for _, equal in outcomes)
    print("killed while: " + ", ".join(f"{where} {count}" for where, count in reached.items()))
    print(f"{same} of {len(outcomes)} end with identical weights and predictions")
    sys.exit(same < len(outcomes))


def killed(folder: Path, moment: float) -> tuple[str, bool]:
    """The step that was killed, and whether the resumed run equals the uninterrupted one."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        run = Path(place) / "run"
        fit = ("fit", str(folder / "letters.csv"), *SHORT, f"--out={run}")
        process = duree(*fit)
        time.sleep(moment)
        process.kill()
        process.wait()
        where = stage(run)
        # Before the recipe is written, there is nothing to resume.
        again = duree("resume", str(run)) if (run / "recipe.toml").exists() else duree(*fit)
        again.wait()
        return where, all(
            (run / name).exists()
            and (run / name).read_bytes() == (folder / "whole" / name).read_bytes()
            for name in COMPARED
        )


def stage(run: Path) -> str:
    """The step that the run started last."""
    if not (run / "log.txt").exists():
        return "starting"
    if (run / "report.html").exists():
        return "done"
    begun = [line for line in (run / "log.txt").read_text().splitlines() if "begins" in line]
    return begun[-1].split()[-2] if begun else "starting"


def duree(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "duree", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


if __name__ == "__main__":
    main()
