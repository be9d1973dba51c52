"""Texts of meaningless words, one of which decides, and a negation that may stand before it."""

from __future__ import annotations

import numpy as np

FILLERS = [first + last for first in "bdfgklmnpr" for last in "aeiou"]
DECIDING, NEGATION = ("zorin", "vexal"), "nor"


def write_texts(rows: int, seed: int = 0) -> tuple[list[str], np.ndarray, list[set[int]]]:
    """Texts of fillers, one deciding word in each, half of them negated."""
    rng = np.random.default_rng(seed)
    texts, answers, deciding = [], [], []
    for _ in range(rows):
        words = list(rng.choice(FILLERS, rng.integers(8, 20)))
        kind, negated, place = rng.integers(2), rng.random() < 0.5, int(rng.integers(1, len(words)))
        words[place] = DECIDING[kind]
        if negated:
            words[place - 1] = NEGATION
        texts.append(" ".join(words))
        answers.append(int(kind) ^ int(negated))
        deciding.append({place - 1, place} if negated else {place})
    return texts, np.array(answers), deciding
