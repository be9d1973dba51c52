"""A log of 2,000,000 events becomes one sequence for each of 50,000 users: time and memory.

python benchmarks/events.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from duree.recipe.settings import DataSettings
from duree.tables.files.read import read_tables
from duree.tables.files.write import write_table
from duree.tables.layouts.registry import gather_rows

EVENTS, USERS = 2_000_000, 50_000


def write_log(path: Path) -> None:
    """A click log as CSV, unordered, with one target per user."""
    rng = np.random.default_rng(0)
    users, seconds = rng.integers(0, USERS, EVENTS), rng.integers(0, 10**8, EVENTS)
    frame = pl.DataFrame({"user": users, "when": seconds + 1_600_000_000}).select(
        pl.concat_str(pl.lit("u"), "user").alias("user"),
        pl.Series("action", rng.choice(["view", "cart", "buy", "search", "leave"], EVENTS)),
        pl.from_epoch("when").dt.strftime("%Y-%m-%d %H:%M:%S").alias("when"),
        (pl.col("user") % 2).alias("churned"),
    )
    write_table(frame, path)


def gather(path: Path) -> None:
    """Read and group the log; print time and memory."""
    settings = DataSettings(event=("action",), id="user", time="when", target="churned")
    began = time.perf_counter()
    table = read_tables([path])
    read = time.perf_counter()
    rows, _ = gather_rows(table, settings)
    done = time.perf_counter()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(table)} events of {len(rows)} users: read in {read - began:.1f} s, ", end="")
    print(f"grouped in {done - read:.1f} s, peak {most:.0f} MB")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        gather(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log.csv"
            write_log(log)
            # In a separate process, so that the peak memory is that of reading alone.
            subprocess.run([sys.executable, __file__, str(log)], check=True)
