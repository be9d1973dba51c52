"""Runs to report on: whole run folders, made of figures that fit together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from duree.recipe.recipe import Recipe

ADJECTIVES = ("warm", "cold", "brief", "long", "kind", "bitter", "plain", "late")
NOUNS = ("letter", "answer", "harvest", "winter", "journey", "quarrel", "promise", "debt")
STRENGTHS = {"network": 2.6, "nb_svm": 2.3, "tfidf_logistic": 2.1, "random_forest": 1.4}

WriteRun = Callable[..., Path]


@pytest.fixture(scope="module", autouse=True)
def drawn_whole(whole_figures: None) -> None:
    """What figures are is asked here."""


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """A function that writes a run folder and gives its path; see ``write_classes``."""

    def write(name: str = "letters", *, numbers: bool = False, **options: Any) -> Path:
        make = write_numbers if numbers else write_classes
        return make(tmp_path / name, **options)

    return write


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two classes and nothing special, to be read only."""
    return write_classes(tmp_path_factory.mktemp("runs") / "letters")


def write_classes(
    folder: Path,
    *,
    classes: tuple[str, ...] = ("cheerful", "gloomy"),
    rows: int = 400,
    texts: list[str] | None = None,
    text: str = "letter",
    target: str = "tone",
    settings: dict[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """A finished run that asked for one of ``classes``; ``changes`` go over ``metrics.json``."""
    rng = np.random.default_rng(7)
    share = 1 / np.arange(1, len(classes) + 1) ** 0.7
    truth = rng.choice(len(classes), rows, p=share / share.sum())
    predicted = {name: _probabilities(truth, len(classes), s, rng) for name, s in STRENGTHS.items()}
    predicted["majority"] = np.tile(share / share.sum(), (rows, 1))
    texts = (texts or []) + [_sentence(rng) for _ in range(rows - len(texts or []))]
    names = np.array(classes, dtype=object)
    frame = pl.DataFrame(
        {"id": [f"{n:04}" for n in range(rows)], text: texts[:rows], target: list(names[truth])}
    ).with_columns(
        pl.Series("prediction", list(names[predicted["network"].argmax(axis=1)])),
        *(
            pl.Series(f"probability_{name}", predicted["network"][:, k])
            for k, name in enumerate(classes)
        ),
    )
    baselines = pl.concat(
        [
            pl.DataFrame(
                {
                    "row": np.arange(rows),
                    "model": [model] * rows,
                    "prediction": list(names[found.argmax(axis=1)]),
                }
                | {f"probability_{name}": found[:, k] for k, name in enumerate(classes)}
            )
            for model, found in predicted.items()
            if model != "network"
        ]
    )
    models = {name: _class_figures(found, truth) for name, found in predicted.items()}
    metrics = _metrics(models, "accuracy", "classify", rows) | {
        "per_class": {"network": _per_class(predicted["network"].argmax(axis=1), truth, classes)}
    }
    shares = {part: np.bincount(truth, minlength=len(classes)) * k for part, k in PARTS.items()}
    counts = {
        part: {name: int(n) for name, n in zip(classes, found, strict=True)}
        for part, found in shares.items()
    }
    calibration = {name: _bins(found, truth) for name, found in predicted.items()}
    recipe = {"data": {"files": ["/home/somebody/letters.csv"], "text": text, "target": target}}
    return _write(
        folder,
        recipe=_over(recipe, settings or {}),
        metrics=metrics | changes,
        split=_split(rows) | {"class_counts": counts},
        calibration=calibration,
        predictions=frame,
        baselines=baselines,
    )


def write_numbers(
    folder: Path, *, rows: int = 400, settings: dict[str, Any] | None = None, **changes: Any
) -> Path:
    """A finished run that asked for a number."""
    rng = np.random.default_rng(7)
    truth = rng.normal(1850, 30, rows)
    noise = {"network": 12.0, "tfidf_ridge": 14.0, "random_forest": 19.0}
    predicted = {name: truth * 0.9 + 185 + rng.normal(0, s, rows) for name, s in noise.items()}
    predicted["mean"] = np.full(rows, 1850.0)
    models = {}
    for name, found in predicted.items():
        errors = np.abs(found - truth)
        mae, r2 = float(errors.mean()), 1 - float(np.mean(errors**2) / truth.var())
        half = 1.96 * float(errors.std()) / rows**0.5
        models[name] = {
            "mae": {"value": mae, "low": mae - half, "high": mae + half},
            "r2": {"value": r2, "low": r2 - 0.03, "high": r2 + 0.03},
            "fit_seconds": 3.2,
        }
    frame = pl.DataFrame(
        {
            "letter": [_sentence(rng) for _ in range(rows)],
            "year": truth,
            "prediction": predicted["network"],
            "low": predicted["network"] - 25,
            "high": predicted["network"] + 25,
        }
    )
    recipe = {"data": {"files": ["letters.csv"], "text": "letter", "target": "year"}}
    return _write(
        folder,
        recipe=_over(recipe, settings or {}),
        metrics=_metrics(models, "mae", "regress", rows) | changes,
        split=_split(rows),
        calibration=None,
        predictions=frame,
        baselines=None,
    )


PARTS = {"train": 4, "validation": 1, "test": 1}


def _write(
    folder: Path,
    *,
    recipe: dict[str, Any],
    metrics: dict[str, Any],
    split: dict[str, Any],
    calibration: dict[str, Any] | None,
    predictions: pl.DataFrame,
    baselines: pl.DataFrame | None,
) -> Path:
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(Recipe.build(recipe).to_toml(), encoding="utf-8")
    data = {
        "sources": [
            {
                "path": "/home/somebody/letters.csv",
                "format": "csv",
                "rows": sum(split["counts"].values()),
                "sha256": "0123456789abcdef" * 4,
                "encoding": "utf-8",
                "delimiter": ",",
            }
        ],
        "versions": {"duree": "0.1.0", "python": "3.12.1", "torch": "2.13.0", "numpy": "2.4.0"},
        "threads": 2,
        "note": None,
    }
    files = {"metrics.json": metrics, "split.json": split, "data.json": data, "checks.json": CHECKS}
    if calibration:
        files["calibration.json"] = calibration
    for name, content in files.items():
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        (folder / name).write_text(text, encoding="utf-8")
    lines = [json.dumps(_epoch(n, metrics["task"])) for n in range(1, 10)]
    (folder / "history.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    predictions.write_parquet(folder / "predictions.parquet")
    if baselines is not None:
        baselines.write_parquet(folder / "baselines.parquet")
    return folder


CHECKS = [
    {
        "check": "rows",
        "level": "ok",
        "what": "{count} rows",
        "fix": "",
        "values": {"count": 2400},
        "rows": [],
        "message": "2,400 rows, none without a text",
        "message_zh": "2,400 行，没有空文本",
    },
    {
        "check": "near_duplicates",
        "level": "warning",
        "what": "",
        "fix": "",
        "values": {},
        "rows": [11, 402],
        "message": "31 texts are near-duplicates of another; they were kept in one part",
        "message_zh": "有 31 条文本与其他文本近似重复；它们被放在同一部分",
    },
    {
        "check": "lengths",
        "level": "note",
        "what": "",
        "fix": "",
        "values": {},
        "rows": [],
        "message": "half of the texts have 9 units or fewer, the longest has 12",
        "message_zh": "一半文本不超过 9 个单位，最长的有 12 个",
    },
]


def _metrics(
    models: dict[str, dict[str, Any]], primary: str, task: str, rows: int
) -> dict[str, Any]:
    names = [name for name in models["network"] if name != "fit_seconds"]
    return {
        "task": task,
        "cell": "gru",
        "seed": 0,
        "rows": {part: rows * k for part, k in PARTS.items()},
        "seconds": {"read": 0.4, "train": 41.0, "baselines": 12.5, "total": 61.2},
        "models": models,
        "comparisons": list(_comparisons(models, names, task)),
        "verdict": "The network is better than every baseline.",
        "verdict_zh": "神经网络优于所有基线。",
        "primary_metric": primary,
        "metric_names": names,
        "test_openings": [
            {"when": "2026-11-21T09:30:00+00:00", "why": "the final evaluation of all models"}
        ],
        "without_shared_rows": None,
        "seeds": None,
        "choices": {"tfidf_logistic": {"C": 4.0}, "random_forest": {"trees": 1000}},
        "notes": [],
    }


def _comparisons(models: dict[str, dict[str, Any]], names: list[str], task: str) -> Any:
    for model, figures in models.items():
        for metric in names if model != "network" else []:
            ours, theirs = models["network"][metric], figures[metric]
            gap = ours["value"] - theirs["value"]
            half = 0.7 * ((ours["high"] - ours["low"]) + (theirs["high"] - theirs["low"])) / 2
            p = float(np.exp(-2 * (gap / half) ** 2)) if half else 1.0
            shown = {"model": model, "metric": metric, "difference": gap}
            shown |= {"low": gap - half, "high": gap + half}
            yield shown | {"p_value": p, "method": "paired bootstrap"}
            if metric == "accuracy":
                yield shown | {"p_value": p * 0.9, "method": "McNemar exact"}


def _split(rows: int) -> dict[str, Any]:
    return {
        "method": "rows were split at random (seed 0): 17% for testing",
        "method_zh": "各行随机划分（种子 0）：17% 用于测试",
        "seed": 0,
        "counts": {part: rows * k for part, k in PARTS.items()} | {"left_out": 0},
    }


def _epoch(n: int, task: str) -> dict[str, Any]:
    figure = 0.93 - 0.3 * float(np.exp(-n / 2)) - 0.004 * max(0, n - 6)
    return {
        "epoch": n,
        "train_loss": 0.65 * float(np.exp(-n / 3)),
        "validation_loss": 0.3 + 0.35 * float(np.exp(-n / 2)) + 0.01 * max(0, n - 6),
        "metric": figure if task != "regress" else -20 * (1 - figure) - 9,
        "learning_rate": 0.002,
        "rows_per_second": 900.0,
        "seconds": 4.5 * n,
    }


def _probabilities(
    truth: np.ndarray, classes: int, strength: float, rng: np.random.Generator
) -> np.ndarray:
    scores = rng.normal(0, 1, (len(truth), classes))
    scores[np.arange(len(truth)), truth] += strength
    odds = np.exp(1.5 * scores)
    return odds / odds.sum(axis=1, keepdims=True)


def _class_figures(found: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    right = (found.argmax(axis=1) == truth).astype(float)
    of_truth = found[np.arange(len(truth)), truth]
    figures: dict[str, Any] = {}
    for name, each in (("accuracy", right), ("log_loss", -np.log(of_truth))):
        half = 1.96 * float(each.std()) / len(truth) ** 0.5
        value = float(each.mean())
        figures[name] = {"value": value, "low": value - half, "high": value + half}
    return figures | {"fit_seconds": 12.5}


def _per_class(
    predicted: np.ndarray, truth: np.ndarray, classes: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    table = {}
    for k, name in enumerate(classes):
        hits = float(((predicted == k) & (truth == k)).sum())
        given, there = int((predicted == k).sum()), int((truth == k).sum())
        table[name] = {
            "precision": hits / max(given, 1),
            "recall": hits / max(there, 1),
            "f1": 2 * hits / max(given + there, 1),
            "support": there,
        }
    return table


def _bins(found: np.ndarray, truth: np.ndarray) -> list[dict[str, float]]:
    sure, right = found.max(axis=1), found.argmax(axis=1) == truth
    bins = []
    for k in range(10):
        inside = (sure >= k / 10) & (sure < (k + 1) / 10 + (k == 9))
        if inside.any():
            observed = float(right[inside].mean())
            half = 0.98 / inside.sum() ** 0.5
            bins.append(
                {
                    "rows": int(inside.sum()),
                    "confidence": float(sure[inside].mean()),
                    "observed": observed,
                    "low": max(observed - half, 0.0),
                    "high": min(observed + half, 1.0),
                }
            )
    return bins


def _sentence(rng: np.random.Generator) -> str:
    words = [f"the {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}" for _ in range(3)]
    return f"I had {words[0]}, not {words[1]}, and at last {words[2]}."


def _over(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = merged[name] | value if both else value
    return merged
