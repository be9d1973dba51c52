"""The value of event attributes and of the time between events: simulated logs, with intervals.

    python benchmarks/attributes.py [--persons 600] [--case NAME]...

Each log is used twice: with the column that determines its outcome, and without it (without
times, a log is read in the order of its rows, which is temporal). Two logs depend on neither and
show what reading noise costs. The best baseline is printed with the network.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from duree.recipe.flags import recipe_from_flags
from duree.workflow import fit

EVENTS = 20
KINDS = np.array(["look", "ask", "buy", "leave"])
TIME = {"time": "time"}


class Case(NamedTuple):
    """A log, its task, and the settings that read it with the decisive column and without."""

    simulate: Callable[[int], pl.DataFrame]
    settings: dict[str, object]
    with_it: dict[str, object]
    without: dict[str, object]


def log(kinds: np.ndarray, gaps: np.ndarray, amounts: np.ndarray, classes: np.ndarray):
    """One row per event of arrays [persons, events]; gaps in days."""
    persons, events = kinds.shape
    times = np.datetime64("2024-01-01T00:00:00") + np.round(np.cumsum(gaps, axis=1) * 86400).astype(
        "timedelta64[s]"
    )
    return pl.DataFrame(
        {
            "user": np.repeat([f"u{person}" for person in range(persons)], events),
            "action": KINDS[kinds].ravel(),
            "time": times.ravel().astype(str),
            "amount": amounts.ravel(),
            "class": np.repeat(np.array(["A", "B"])[classes], events),
        }
    )


def noise(persons: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Independent event types, gaps, amounts and classes."""
    shape = persons, EVENTS
    return (
        rng.integers(4, size=shape),
        rng.exponential(2.0, shape),
        np.round(rng.lognormal(3.0, 1.0, shape), 2),
        rng.integers(2, size=persons),
    )


def followed(persons: int, depends: Callable[..., np.ndarray], seed: int) -> pl.DataFrame:
    """Events, 70 % of which are determined by the previous one and ``depends``."""
    rng = np.random.default_rng(seed)
    kinds, gaps, amounts, classes = noise(persons, rng)
    for step in range(1, EVENTS):
        shift = depends(kinds[:, step - 1], gaps[:, step - 1], amounts[:, step - 1])
        follows = rng.random(persons) < 0.7
        kinds[follows, step] = ((kinds[:, step - 1] + shift) % 4)[follows]
    return log(kinds, gaps, amounts, classes)


def of_amount(persons: int) -> pl.DataFrame:
    """The next event depends on the amount of the last one."""
    return followed(persons, lambda _, gap, amount: np.digitize(amount, [10, 20, 40]), 0)


def of_gap(persons: int) -> pl.DataFrame:
    """The next event depends on the time before the last one."""
    return followed(persons, lambda _, gap, amount: np.digitize(gap, [0.6, 1.4, 2.8]), 1)


def of_kind(persons: int) -> pl.DataFrame:
    """The next event depends on the last event alone."""
    return followed(persons, lambda kind, gap, amount: kind % 2 + 1, 2)


def of_rhythm(persons: int) -> pl.DataFrame:
    """One class alternates long and short gaps, the other does not; the gaps are the same."""
    rng = np.random.default_rng(3)
    kinds, gaps, amounts, classes = noise(persons, rng)
    for person in range(persons):
        ordered = np.sort(gaps[person])
        if classes[person]:  # long and short in turns
            half = EVENTS // 2
            short, long = rng.permutation(ordered[:half]), rng.permutation(ordered[half:])
            gaps[person] = np.stack([long, short], axis=1).ravel()
        else:
            gaps[person] = rng.permutation(ordered)
    return log(kinds, gaps, amounts, classes)


def of_order(persons: int) -> pl.DataFrame:
    """The class determines which events follow which, and gaps are noise."""
    rng = np.random.default_rng(4)
    kinds, gaps, amounts, classes = noise(persons, rng)
    for step in range(1, EVENTS):
        follows = rng.random(persons) < 0.3
        kinds[follows, step] = ((kinds[:, step - 1] + 1 + 2 * classes) % 4)[follows]
    return log(kinds, gaps, amounts, classes)


NEXT: dict[str, object] = {"task": "next"}
CLASS: dict[str, object] = {"task": "classify", "target": "class"}
CASES = {
    "next by amount": Case(of_amount, NEXT, TIME | {"attribute": ("amount",)}, TIME),
    "next by gap": Case(of_gap, NEXT, TIME, {}),
    "next by neither": Case(of_kind, NEXT, TIME | {"attribute": ("amount",)}, {}),
    "class by rhythm": Case(of_rhythm, CLASS, TIME, {}),
    "class by neither": Case(of_order, CLASS, TIME, {}),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--persons", type=int, default=600)
    arguments.add_argument("--case", action="append", choices=list(CASES))
    chosen = arguments.parse_args()
    print(f"{chosen.persons} persons, {EVENTS} events each")
    for name in chosen.case or CASES:
        case = CASES[name]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "log.csv"
            case.simulate(chosen.persons).write_csv(file)
            for how, reading in (("with", case.with_it), ("without", case.without)):
                flags = {"id": "user", "event": ("action",), **case.settings, **reading}
                recipe = recipe_from_flags(None, (str(file),), flags, ())
                fit(recipe, Path(folder) / how)
                print_result(
                    name, how, json.loads((Path(folder) / how / "metrics.json").read_text())
                )


def print_result(name: str, how: str, found: dict) -> None:
    """The primary metric of the network and of the best baseline."""
    metric = found["primary_metric"]
    sign = -1 if metric == "bits" else 1
    figures = {model: of[metric] for model, of in found["models"].items()}
    network = figures.pop("network")
    baselines = {m: f for m, f in figures.items() if m not in ("recurrent_part", "wide_part")}
    best = max(baselines, key=lambda model: sign * baselines[model]["value"])
    line = "   ".join(
        f"{model} {of['value']:.3f} [{of['low']:.3f}, {of['high']:.3f}]"
        for model, of in (("network", network), (best, baselines[best]))
    )
    print(f"{name:17} {how:8} {metric:9} {line}", flush=True)


if __name__ == "__main__":
    main()
