"""A conditional random field on what one sees of a word and its neighbours.

Source: Lafferty, McCallum & Pereira 2001, as CRFsuite (Okazaki 2007) trains it; the features are
those that taggers have had since Ratnaparkhi 1996: the word, its beginnings and ends, its shape,
and the same of the words around it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from duree.baselines.tagging import Sentences, Tags

# Penalties on the size of weights, absolute and squared: one that makes most of them 0, one not.
PENALTIES = ((0.1, 0.01), (0.0, 0.3))
ITERATIONS = 100
WINDOW = 2
RUNS, LONG_RUNS = re.compile(r"(.)\1+"), re.compile(r"(.)\1{4,}")


class FeatureCrf:
    """The tags of a sentence at once, from features of its words; see ``Tagger``.

    Which penalty is taken, the held-out sentences decide.
    """

    name = "crf"
    title = "CRF on word features"
    description = (
        "a conditional random field ({lafferty2001}; {okazaki2007}) on the words, their "
        "beginnings, ends and shapes, and those of their neighbours"
    )

    def __init__(self) -> None:
        self.choices: dict[str, Any] = {}

    def fit(
        self, sentences: Sentences, tags: Tags, held_out: Sentences, held_out_tags: Tags
    ) -> Self:
        """Try each penalty, then train with the better on all sentences."""
        inputs, held = (list(map(features, of)) for of in (sentences, held_out))
        right: dict[tuple[float, float], int] = {}
        for penalty in PENALTIES:
            self._train(inputs, tags, penalty)
            found = [given for given, _ in self._tag(held, marginals=False)]
            pairs = zip(found, held_out_tags, strict=True)
            right[penalty] = sum(
                a == b for one, other in pairs for a, b in zip(one, other, strict=True)
            )
        best = max(right, key=right.__getitem__)
        self._train([*inputs, *held], [*tags, *held_out_tags], best)
        self.choices = {"c1": best[0], "c2": best[1]}
        return self

    def predict(self, sentences: Sentences) -> list[tuple[list[int], list[float]]]:
        """The most probable tags of each sentence, and how probable each is at its place."""
        return self._tag(map(features, sentences), marginals=True)

    def _train(self, inputs: list[Any], tags: Tags, penalty: tuple[float, float]) -> None:
        pycrfsuite = import_module("pycrfsuite")
        trainer = pycrfsuite.Trainer(verbose=False)
        options = {"c1": penalty[0], "c2": penalty[1], "max_iterations": ITERATIONS}
        trainer.set_params(options | {"feature.possible_transitions": True})
        for words, given in zip(inputs, tags, strict=True):
            if words and min(given) >= 0:
                trainer.append(pycrfsuite.ItemSequence(words), list(map(str, given)))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.crfsuite"
            trainer.train(str(path))
            self.model = path.read_bytes()  # the tagger reads it here, and keeps no copy
        self.tagger = pycrfsuite.Tagger()
        self.tagger.open_inmemory(self.model)

    def _tag(self, inputs: Any, *, marginals: bool) -> list[tuple[list[int], list[float]]]:
        found = []
        for words in inputs:
            tags = self.tagger.tag(words)
            chances = [
                self.tagger.marginal(tag, place) if marginals else 1.0
                for place, tag in enumerate(tags)
            ]
            found.append((list(map(int, tags)), chances))
        return found


def features(words: list[str]) -> list[list[str]]:
    """What is seen at each word of a sentence, as names of features that are there."""
    shapes = [shape(word) for word in words]
    return [list(_seen(words, shapes, place)) for place in range(len(words))]


def _seen(words: list[str], shapes: list[str], place: int) -> Iterator[str]:
    word = words[place]
    folded = word.lower()
    yield "bias"
    yield f"lower={folded}"
    yield "short=" + RUNS.sub(r"\1", shapes[place])
    for length in range(1, min(5, len(word)) + 1):
        yield f"begins={word[:length]}"
        yield f"ends={folded[-length:]}"
    if any(character.isdigit() for character in word):
        yield "digit"
    if "-" in word:
        yield "hyphen"
    for step in range(-WINDOW, WINDOW + 1):
        near = place + step
        if not 0 <= near < len(words):
            yield f"{step}:outside"
            continue
        yield f"{step}:word={words[near]}"
        yield f"{step}:shape={shapes[near]}"
        if abs(step) == 1:
            yield f"{step}:lower={words[near].lower()}"
            yield f"{step}:ends={words[near][-3:]}"
    for left in (place - 1, place):
        if 0 <= left < len(words) - 1:
            yield f"{left - place}:pair={words[left]}|{words[left + 1]}"
            yield f"{left - place}:shapes={shapes[left]}|{shapes[left + 1]}"


def shape(word: str) -> str:
    """A word's capitals, small letters, digits and other signs, runs of more than four cut."""
    kinds = "".join(
        "X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word
    )
    return LONG_RUNS.sub(r"\1\1\1\1", kinds)
