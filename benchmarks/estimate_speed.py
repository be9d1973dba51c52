"""Time and memory of estimates from a million predicted rows, with ten coefficients.

    OMP_NUM_THREADS=2 python benchmarks/estimate_speed.py

Each model is measured in a process of its own, median of three: seconds of ``estimate`` alone, and
the largest memory that the process took beyond what it needs to hold the table, relative to the
table. At most 2 seconds and, with the table, three times its size. Processor seconds are what one
idle core would take, where others use the machine too.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from multiprocessing.connection import Connection

import numpy as np
import polars as pl
from scipy.special import expit

from duree.inference import estimate

ROWS, LABELLED, REGRESSORS = 1_000_000, 1000, 9
MOST_SECONDS, MOST_MEMORY = 2.0, 3.0
REPEATS = 3
MEGABYTE = 2**20


def table() -> pl.DataFrame:
    """A million rows with nine regressors, a probability and a few labels."""
    generator = np.random.default_rng(0)
    columns = {f"x{number}": generator.normal(size=ROWS) for number in range(REGRESSORS)}
    latent = 0.5 * columns["x0"] - 0.3 * columns["x1"]
    true = generator.random(ROWS) < expit(latent)
    probability = expit(2.2 * (true - 0.5) + 0.3 * columns["x0"] + generator.normal(size=ROWS))
    labels = np.full(ROWS, np.nan)
    chosen = generator.choice(ROWS, LABELLED, replace=False)
    labels[chosen] = true[chosen]
    return pl.DataFrame({**columns, "pos": labels, "probability_pos": probability})


def peak() -> int:
    """The largest memory of this process so far, in bytes."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def measure(model: str, answer: Connection) -> None:
    """Send seconds, memory beyond the table, its size, and processor seconds."""
    frame = table()
    formula = "pos ~ " + " + ".join(frame.columns[:REGRESSORS])

    def run(rows: pl.DataFrame) -> None:
        estimate(
            formula,
            rows,
            predicted_var="pos",
            prediction="probability_pos",
            model=model,  # type: ignore[arg-type]
            equal_prob=True,
        )

    run(frame.filter(pl.col("pos").is_not_nan() | (pl.int_range(pl.len()) < 1000)))
    before = peak()
    began, processor = time.perf_counter(), time.process_time()
    run(frame)
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    answer.send((seconds, peak() - before, frame.estimated_size(), processor))


def main() -> int:
    """Print the figures; 1 if a limit is exceeded."""
    context = multiprocessing.get_context("spawn")
    failed = False
    print(f"threads {os.environ.get('OMP_NUM_THREADS', 'not set')}")
    for model in ("lm", "logit", "poisson"):
        found = []
        for _ in range(REPEATS):
            ours, theirs = context.Pipe()
            process = context.Process(target=measure, args=(model, theirs))
            process.start()
            found.append(ours.recv())
            process.join()
        seconds = float(np.median([one[0] for one in found]))
        processor = float(np.median([one[3] for one in found]))
        ratio = 1 + float(np.median([one[1] / one[2] for one in found]))
        failed |= seconds > MOST_SECONDS or ratio > MOST_MEMORY
        print(
            f"{model:8} {seconds:5.2f} s (processor {processor:.2f} s)   {ratio:.2f} x the table "
            f"of {found[0][2] / MEGABYTE:.0f} MB, itself included"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
