"""Two million events of 50,000 persons: memory and time of a whole run of task next.

    python benchmarks/next_events.py [--events 2000000] [--persons 50000] [--kinds 100] [--epochs 1]

The log is simulated: the number of events per person is skewed, half of the events depend on the
previous one, the others on the frequency of event types; waiting times depend on the event. The run
is a child process, as from the command line, and its peak resident memory is measured, also for
each step by sampling ten times a second.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

MOST_BYTES = 2e9
PAGE = resource.getpagesize()


def simulate(events: int, persons: int, kinds: int, seed: int = 0) -> pl.DataFrame:
    """A log with one row per event in temporal order: who, what, when (seconds)."""
    rng = np.random.default_rng(seed)
    shares = rng.lognormal(0, 1.2, persons)
    lengths = np.maximum(1, np.round(shares / shares.sum() * events)).astype(np.int64)
    common = 1 / np.arange(1, kinds + 1)
    drawn = rng.choice(kinds, lengths.sum(), p=common / common.sum())
    follows = rng.random(len(drawn)) < 0.5
    after, waiting_times = rng.integers(kinds, size=(kinds, 3)), rng.lognormal(5, 2, kinds)
    begins = np.cumsum(lengths) - lengths
    shortest_first = np.argsort(-lengths, kind="stable")
    ordered = -np.sort(-lengths)
    for step in range(1, int(lengths.max())):
        places = begins[shortest_first[: np.searchsorted(-ordered, -step)]] + step
        here = places[follows[places]]
        drawn[here] = after[drawn[here - 1], rng.integers(3, size=len(here))]
    gaps = rng.exponential(np.append(1.0, waiting_times[drawn[:-1]]))
    gaps[begins] = rng.random(persons) * 1e6
    who = np.repeat(np.arange(persons), lengths)
    when = np.cumsum(gaps) - np.repeat(np.cumsum(gaps)[begins] - gaps[begins], lengths)
    names = np.array([f"action {kind}" for kind in range(kinds)])
    return pl.DataFrame({"user": who, "action": names[drawn], "time": np.round(when)}).sort("time")


def measured(command: list[str], folder: Path) -> tuple[float, dict[str, float]]:
    """Run a command; its seconds, and the peak memory of each step."""
    began, peaks = time.perf_counter(), {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            log = folder / "log.txt"
            steps = log.read_text().splitlines() if log.exists() else []
            step = next((line.split()[-2] for line in steps[::-1] if "begins" in line), "start")
            if steps and "explain ends" in steps[-1]:
                step = "write"
            try:
                resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * PAGE
            except (OSError, IndexError):
                break
            peaks[step] = max(peaks.get(step, 0), resident)
            time.sleep(0.1)
    if process.returncode:
        sys.exit(f"the run ended with status {process.returncode}")
    return time.perf_counter() - began, peaks


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=2_000_000)
    arguments.add_argument("--persons", type=int, default=50_000)
    arguments.add_argument("--kinds", type=int, default=100)
    arguments.add_argument("--epochs", type=int, default=1)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file, run = Path(folder) / "log.parquet", Path(folder) / "run"
        log = simulate(chosen.events, chosen.persons, chosen.kinds)
        log.write_parquet(file)
        persons = log["user"].value_counts()["count"]
        print(
            f"{log.height:,} events of {len(persons):,} persons, {log['action'].n_unique()} types"
        )
        print(f"events per person: median {persons.median():.0f}, maximum {persons.max():,}")
        named = ["--id", "user", "--event", "action", "--time", "time", "--task", "next"]
        command = [sys.executable, "-m", "duree", "fit", str(file), *named]
        command += ["--epochs", str(chosen.epochs), "--out", str(run)]
        del log
        seconds, peaks = measured(command, run)
        # Linux counts in KiB.
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        taken = json.loads((run / "metrics.json").read_text())
        epochs = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
        for step, peak in peaks.items():
            print(f"{step:10} {taken['seconds'].get(step, 0):6.1f} s   up to {peak / 1e9:.2f} GB")
        print(f"one epoch: {epochs[0]['seconds']:.0f} s; the whole run: {seconds:.0f} s")
        print(
            f"peak resident memory: {most / 1e9:.2f} GB; required: under {MOST_BYTES / 1e9:.0f} GB"
        )
        for name, figures in taken["models"].items():
            print(f"  {name:14} {figures['bits']['value']:.4f} bits per step")
        print(taken["verdict"])


if __name__ == "__main__":
    main()
