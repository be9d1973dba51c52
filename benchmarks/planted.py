"""Planted truth: of texts that one known word decides, does the attribution name that word?

    python benchmarks/planted.py [--method integrated_gradients]

Every text is made of 20 to 60 meaningless words drawn at random. In each stands one of two
planted words that decide its class; in half of the texts a known negation stands right before it
and turns the class round. The recurrent network of the default recipe is trained (without its wide
part, which knows pairs of words and would solve it alone). A text counts as explained if the
planted word, or both it and its negation, come first among all its words.
"""

from __future__ import annotations

import argparse

import numpy as np
import polars as pl

from duree import SequenceClassifier
from duree.explain.attribution import METHODS

WORDS = [f"{first}{last}" for first in "bdfgklmnpr" for last in "aeiou"]
DECIDING, NEGATION = ("zorin", "vexal"), "nor"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="integrated_gradients", choices=list(METHODS))
    parser.add_argument("--rows", type=int, default=4000)
    options = parser.parse_args()
    texts, classes, planted = corpus(options.rows)
    held_out = options.rows // 4
    model = SequenceClassifier(wide=False).fit(texts[held_out:], classes[held_out:])
    right = model.predict(texts[:held_out]) == classes[:held_out]
    print(f"accuracy on {held_out} held-out texts: {right.mean():.3f}")
    sequences = model.model_.encode(pl.Series(texts[:held_out]))
    found = METHODS[options.method](model.model_, sequences).values
    for negated in (False, True):
        first = [
            set(np.argsort(-np.abs(found[row]))[: len(planted[row])]) == planted[row]
            for row in range(held_out)
            if (len(planted[row]) == 2) is negated
        ]
        name = "word and negation" if negated else "word alone"
        print(f"{name}: planted words first in {np.mean(first):.3f} of {len(first)} texts")


def corpus(rows: int) -> tuple[list[str], np.ndarray, list[set[int]]]:
    """Texts, their classes, and the places of what decides each."""
    rng = np.random.default_rng(0)
    texts, classes, planted = [], [], []
    for _ in range(rows):
        words = list(rng.choice(WORDS, rng.integers(20, 60)))
        kind, negated = rng.integers(2), rng.random() < 0.5
        place = int(rng.integers(1, len(words)))
        words[place] = DECIDING[kind]
        if negated:
            words[place - 1] = NEGATION
        texts.append(" ".join(words))
        classes.append(int(kind) ^ int(negated))
        planted.append({place - 1, place} if negated else {place})
    return texts, np.array(classes), planted


if __name__ == "__main__":
    main()
