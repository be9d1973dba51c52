"""Seasonal random walks, and the recipe of a small run that forecasts them."""

import numpy as np
import polars as pl

from duree.recipe.recipe import Recipe

HORIZON = 4


SMALL = {
    "model.hidden_size": 8,
    "training.epochs": 2,
    "evaluation.bootstrap": 100,
    "evaluation.baselines": False,
    "forecast.horizon": HORIZON,
}


def walks(count=6, steps=60, seed=0):
    """Seasonal walks, all positive."""
    rng = np.random.default_rng(seed)
    season = 5 * np.sin(np.arange(steps) * np.pi / 6)
    return [np.cumsum(rng.normal(size=steps)) + 60 + season for _ in range(count)]


def long_table(path, series, *, months=True, more=None):
    frames = []
    for number, values in enumerate(series):
        steps = np.arange(len(values))
        when = [
            f"{1990 + step // 12}-{step % 12 + 1:02}" if months else int(step) for step in steps
        ]
        frames.append(pl.DataFrame({"id": f"s{number}", "when": when, "y": values}))
    frame = pl.concat(frames)
    if more:
        frame = frame.with_columns(**more)
    frame.write_csv(path)
    return str(path)


def recipe(file, **settings):
    plain = {
        "task": "forecast",
        "data": {"files": (file,), "series": ("y",), "time": "when", "id": "id"},
    }
    return Recipe.build(plain).replace(SMALL | settings)
