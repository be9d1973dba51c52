"""Tagged words in CoNLL files, and the recipe of a small run on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from duree.recipe.recipe import Recipe

NAMES = ["Anna", "Otto", "Emma", "Karl"]


PLACES = ["Rome", "York", "Bonn", "Kiel"]


SMALL: dict[str, Any] = {
    "model.embedding_size": 8,
    "model.hidden_size": 8,
    "model.characters": "none",
    "model.wide": False,
    "training.epochs": 4,
    "training.learning_rate": 0.02,
    "evaluation.bootstrap": 100,
}


def sentences(count: int, seed: int = 0) -> list[list[tuple[str, str, str]]]:
    """Words with their entity and their lemma; the context decides whether a name is an entity."""
    rng = np.random.default_rng(seed)
    written = []
    for _ in range(count):
        name, place = rng.choice(NAMES), rng.choice(PLACES)
        verb = rng.choice(["walks", "talks", "looks"])
        written.append(
            [
                (str(name), "B-PER", str(name)),
                (str(rng.choice(NAMES)), "I-PER", "x"),
                (str(verb), "O", str(verb)[:-1]),
                ("in", "O", "in"),
                (str(place), "B-LOC", str(place)),
                *([(".", "O", ".")] if rng.random() < 0.5 else []),
            ]
        )
    return written


def write_plain(path: Path, rows: list[list[tuple[str, str, str]]]) -> Path:
    lines = ["\n".join(f"{word} {tag} 0" for word, tag, _ in row) for row in rows]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_universal(path: Path, rows: list[list[tuple[str, str, str]]]) -> Path:
    text = ""
    for number, row in enumerate(rows):
        text += f"# sent_id = {number}\n1-2\tAB\t" + "\t".join("_" * 8) + "\n"
        for place, (word, tag, lemma) in enumerate(row, start=1):
            upos = "PROPN" if tag != "O" else "X"
            cells = [str(place), word, lemma, upos, *"___", "dep", "_", "_"]
            text += "\t".join(cells) + "\n"
        text += "\n"
    path.write_text(text, encoding="utf-8")
    return path


def recipe(file: Path, target: str = "ner", /, **settings: Any) -> Recipe:
    data = {"files": [str(file)], "target": target}
    return Recipe.build({"task": "label", "data": data}).replace(SMALL | settings)
