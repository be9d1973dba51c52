"""Numeric series: a network compared with channel statistics, a forest, random convolutions.

    python benchmarks/series.py [PROBLEM...] [--cell lstm] [--seed 0] [--set KEY=VALUE]...

Simulated: ``lead`` (which of two channels leads the other; alone, neither shows it), ``first`` (in
which of two channels a mark occurred first, anywhere), ``cue`` (in which of them the first mark
after a cue occurred, among as many others), ``count`` (the number of bursts), ``gaps`` (the class
determines when values are missing). Real, with DUREE_DATA (default ../shared/data): ``school``
(mvad: 72 months as six channels of 0 and 1; good grades at sixteen), ``growth`` (M4 weekly: the
change over the next 13 weeks from the previous 52, whole series in one set). A quarter of a minute
per problem.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from duree.recipe.flags import parse_setting
from duree.recipe.recipe import Recipe
from duree.tables.files.write import write_table
from duree.workflow import fit

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data"))
LAG, WEEKS, AHEAD = 3, 52, 13
# The table, and the names of target and group.
Problem = tuple[pl.DataFrame, dict[str, object]]


def rows_of(name: str, values: np.ndarray, **same: object) -> pl.DataFrame:
    """A series [steps, channels] as rows of a long table."""
    channels = {f"x{place}": values[:, place] for place in range(values.shape[1])}
    frame = pl.DataFrame({"time": np.arange(len(values)), **channels}, nan_to_null=True)
    return frame.with_columns(pl.lit(value).alias(key) for key, value in same.items()).with_columns(
        pl.lit(name).alias("id")
    )


def lead(rng: np.random.Generator) -> Problem:
    """Two channels of smooth noise; one follows the other by three steps."""
    frames = []
    for place in range(600):
        steps = int(rng.integers(30, 60))
        smooth = np.convolve(rng.normal(size=steps + LAG + 2), np.ones(3) / 3, "valid")
        pair = [smooth[LAG:], smooth[:steps]]
        first = bool(rng.integers(0, 2))
        values = np.stack(pair if first else pair[::-1], axis=1)
        values = values + 0.4 * rng.normal(size=values.shape)
        frames.append(rows_of(f"s{place}", values, leader="first" if first else "second"))
    return pl.concat(frames), {"target": "leader"}


def first(rng: np.random.Generator) -> Problem:
    """A mark in each of two channels at random positions; which occurred first."""
    frames = []
    for place in range(600):
        values = 0.5 * rng.normal(size=(int(rng.integers(60, 100)), 2))
        early, late = np.sort(rng.choice(len(values), 2, replace=False))
        own = int(rng.integers(0, 2))
        values[early, own] += 4
        values[late, 1 - own] += 4
        frames.append(rows_of(f"s{place}", values, channel=("left", "right")[own]))
    return pl.concat(frames), {"target": "channel"}


def cue(rng: np.random.Generator) -> Problem:
    """Four marks in each of two channels, a cue in a third; the channel of the next mark."""
    frames = []
    for place in range(1200):
        values = 0.3 * rng.normal(size=(60, 3))
        places = np.sort(rng.choice(60, 9, replace=False))
        sides = rng.permutation([0, 0, 0, 0, 1, 1, 1, 1])
        at = int(rng.integers(0, 8))
        values[places[at], 2] += 3
        values[np.delete(places, at), sides] += 3
        frames.append(rows_of(f"s{place}", values, side=("left", "right")[sides[at]]))
    return pl.concat(frames), {"target": "side"}


def count(rng: np.random.Generator) -> Problem:
    """The number of bursts, one to six, in noise with as many single spikes."""
    frames = []
    for place in range(600):
        values, bursts = 0.3 * rng.normal(size=(80, 1)), int(rng.integers(1, 7))
        places = rng.permutation(19)
        for burst in places[:bursts]:
            values[4 * burst : 4 * burst + 3, 0] += (1, 2, 1)
        for spike in places[bursts : bursts + rng.integers(0, 7)]:
            values[4 * spike + 1, 0] += 3
        frames.append(rows_of(f"s{place}", values, bursts=bursts + 0.2 * rng.normal()))
    return pl.concat(frames), {"target": "bursts"}


def gaps(rng: np.random.Generator) -> Problem:
    """Whether values are missing when they are high or when they are low."""
    frames = []
    for place in range(600):
        values, high = np.cumsum(rng.normal(size=(50, 2)), axis=0), bool(rng.integers(0, 2))
        signed = values[:, 1] if high else -values[:, 1]
        values[(signed > np.quantile(signed, 0.6)) & (rng.random(50) < 0.6), 0] = np.nan
        frames.append(rows_of(f"s{place}", values, hidden="high" if high else "low"))
    return pl.concat(frames), {"target": "hidden"}


def school(rng: np.random.Generator) -> Problem:
    """Months of young people in each of six states; good grades at sixteen or not."""
    table = pl.read_csv(_file("mvad/mvad.csv"))
    months = table.columns[table.columns.index("Jul.93") : table.columns.index("Jun.99") + 1]
    states = sorted(set(table["Jul.93"]) | set(table["Jun.99"]))
    frames = []
    for row in table.iter_rows(named=True):
        values = np.array([[float(row[month] == state) for state in states] for month in months])
        frames.append(rows_of(str(row["id"]), values, gcse5eq=row["gcse5eq"]))
    return pl.concat(frames), {"target": "gcse5eq"}


def growth(rng: np.random.Generator) -> Problem:
    """The mean of thirteen weeks minus the last known one, from the previous year, in logs."""
    frames = []
    after = {row[0]: row[1:] for row in _weekly("test").iter_rows()}
    for name, *cells in _weekly("train").iter_rows():
        known = [cell for cell in cells if cell is not None]
        series = np.log(np.array([*known, *after[name]], dtype=np.float64))
        for back in range(4):
            end = len(series) - AHEAD - back * WEEKS
            if end < WEEKS:
                break
            before, coming = series[end - WEEKS : end], series[end : end + AHEAD]
            change = float(100 * (coming.mean() - before[-1]))
            steps = 100 * np.stack(
                [before - before[-1], np.diff(before, prepend=before[0])], axis=1
            )
            frames.append(rows_of(f"{name}-{back}", steps, change=change, series=name))
    return pl.concat(frames), {"target": "change", "group": "series"}


PROBLEMS: dict[str, Callable[[np.random.Generator], Problem]] = {
    "lead": lead,
    "first": first,
    "cue": cue,
    "count": count,
    "gaps": gaps,
    "school": school,
    "growth": growth,
}


def _weekly(name: str) -> pl.DataFrame:
    return pl.read_csv(_file(f"m4_weekly/{name}.csv"), infer_schema_length=None)


def _file(name: str) -> Path:
    if not (DATA / name).is_file():
        raise FileNotFoundError(f"there is no {DATA / name}; set DUREE_DATA")
    return DATA / name


def evaluate(name: str, seed: int, settings: dict[str, object]) -> dict[str, Any]:
    """The metrics.json of a problem."""
    frame, roles = PROBLEMS[name](np.random.default_rng(seed))
    channels = [column for column in frame.columns if column.startswith("x")]
    with tempfile.TemporaryDirectory() as folder:
        write_table(frame, Path(folder) / "table.parquet")
        data = {"files": [str(Path(folder) / "table.parquet")], "series": channels, **roles}
        recipe = Recipe.build({"seed": seed, "data": data | {"id": "id", "time": "time"}})
        found: dict[str, Any] = fit(recipe.replace(settings), Path(folder) / "run").read_json(
            "metrics.json"
        )
    return found


def main() -> None:
    """Print one table per problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help=", ".join(PROBLEMS))
    parser.add_argument("--cell", default="lstm", choices=["lstm", "gru", "rnn"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    options = parser.parse_args()
    chosen = {"model.cell": options.cell} | dict(map(parse_setting, options.settings))
    for name in options.problems or PROBLEMS:
        try:
            metrics = evaluate(name, options.seed, chosen)
        except FileNotFoundError as error:
            print(f"{name}: skipped: {error}")
            continue
        primary, rows = metrics["primary_metric"], metrics["rows"]
        print(f"{name}: {primary} on {rows['test']} of {sum(rows.values())} series")
        for model, figures in metrics["models"].items():
            figure = figures[primary]
            line = f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
            print(f"  {model:16} {line}  {figures.get('fit_seconds', 0):.1f} s")
        print(f"  {metrics['verdict']}")


if __name__ == "__main__":
    main()
