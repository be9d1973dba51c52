"""Ground truth: if one known word decides the class of a text, does the attribution find it?

    python benchmarks/planted.py [--method integrated_gradients] [--seeds 2]

Each text consists of 20 to 60 random meaningless words. It contains one of two planted words, which
decides its class; in half of the texts a negation immediately before it reverses the class. The
recurrent network of the default recipe is trained (without its wide part, which uses word pairs and
would solve the problem alone). A text counts as explained if the planted word, or both it and its
negation, have the largest attributions of all its words.
"""

from __future__ import annotations

import argparse
from itertools import product

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
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    texts, classes, planted = corpus(options.rows)
    held_out = options.rows // 4
    for cell, seed in product(("lstm", "gru"), range(options.seeds)):
        model = SequenceClassifier(cell=cell, wide=False, seed=seed)
        model.fit(texts[held_out:], classes[held_out:])
        right = np.mean(model.predict(texts[:held_out]) == classes[:held_out])
        sequences = model.model_.encode(pl.Series(texts[:held_out]))
        found = METHODS[options.method](model.model_, sequences).values
        first = [
            set(np.argsort(-np.abs(found[row]))[: len(planted[row])]) == planted[row]
            for row in range(held_out)
        ]
        alone = [hit for hit, places in zip(first, planted, strict=False) if len(places) == 1]
        both = [hit for hit, places in zip(first, planted, strict=False) if len(places) == 2]
        print(
            f"{cell} seed {seed}: accuracy {right:.3f}; planted words ranked first in "
            f"{np.mean(first):.3f} of {held_out} texts (word alone {np.mean(alone):.3f} of "
            f"{len(alone)}, word and negation {np.mean(both):.3f} of {len(both)})"
        )


def corpus(rows: int) -> tuple[list[str], np.ndarray, list[set[int]]]:
    """Texts, their classes, and the positions of the deciding words."""
    rng = np.random.default_rng(0)
    texts, classes, planted = [], [], []
    for _ in range(rows):
        words = list(rng.choice(WORDS, rng.integers(20, 60)))
        which, negated = rng.integers(2), rng.random() < 0.5
        place = int(rng.integers(1, len(words)))
        words[place] = DECIDING[which]
        if negated:
            words[place - 1] = NEGATION
        texts.append(" ".join(words))
        classes.append(int(which) ^ int(negated))
        planted.append({place - 1, place} if negated else {place})
    return texts, np.array(classes), planted


if __name__ == "__main__":
    main()
