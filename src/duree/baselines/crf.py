"""A conditional random field on features of a word and its neighbours.

Source: Lafferty, McCallum & Pereira 2001, trained by CRFsuite (Okazaki 2007); the features are
those of Ratnaparkhi 1996 and later taggers: the word, its prefixes and suffixes, its shape, and the
same of the words around it.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from duree.baselines.tagging import Sentences, Tags, count_errors
from duree.baselines.time_limit import current_limit
from duree.baselines.tuning import choose

# L1 and L2 penalties to try: one that makes most weights 0, one without.
PENALTIES = ((0.1, 0.01), (0.0, 0.3))
ITERATIONS = 100
# With a time limit, the time of a fit is estimated from so many iterations.
FIRST_ITERATIONS = 3
WINDOW = 2
RUNS, LONG_RUNS = re.compile(r"(.)\1+"), re.compile(r"(.)\1{4,}")


class FeatureCrf:
    """The best tag sequence of a sentence, from features of its words; see ``Tagger``.

    The penalty is chosen on the held-out sentences.
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
        """Try each penalty, then train with the better one on all sentences."""
        inputs, held = (list(map(features, of)) for of in (sentences, held_out))
        if (limit := current_limit()).is_set:
            seconds = self._train(inputs, tags, PENALTIES[0], FIRST_ITERATIONS)
            one = seconds * ITERATIONS / FIRST_ITERATIONS
            limit.expect((len(PENALTIES) + 1) * one, least=2 * one)
        best, _ = choose(
            PENALTIES,
            lambda penalty: self._train(inputs, tags, penalty),
            lambda _: count_errors(self._tag(held, marginals=False), held_out_tags),
        )
        self._train([*inputs, *held], [*tags, *held_out_tags], best)
        self.choices = {"c1": best[0], "c2": best[1]}
        return self

    def predict(self, sentences: Sentences) -> list[tuple[list[int], list[float]]]:
        """The most probable tags of each sentence, and their marginal probabilities."""
        return self._tag(map(features, sentences), marginals=True)

    def _train(
        self,
        inputs: list[Any],
        tags: Tags,
        penalty: tuple[float, float],
        iterations: int = ITERATIONS,
    ) -> float:
        """Train from scratch; the seconds that the iterations took."""
        pycrfsuite = import_module("pycrfsuite")
        trainer = pycrfsuite.Trainer(verbose=False)
        options = {"c1": penalty[0], "c2": penalty[1], "max_iterations": iterations}
        trainer.set_params(options | {"feature.possible_transitions": True})
        for words, given in zip(inputs, tags, strict=True):
            if words and min(given) >= 0:
                trainer.append(pycrfsuite.ItemSequence(words), list(map(str, given)))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.crfsuite"
            began = time.perf_counter()
            trainer.train(str(path))
            seconds = time.perf_counter() - began
            self.model = path.read_bytes()  # the tagger refers to this buffer without copying it
        self.tagger = pycrfsuite.Tagger()
        self.tagger.open_inmemory(self.model)
        return seconds

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
    """The names of the binary features that are present at each word of a sentence."""
    shapes = [shape(word) for word in words]
    return [list(_features_of(words, shapes, place)) for place in range(len(words))]


def _features_of(words: list[str], shapes: list[str], place: int) -> Iterator[str]:
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
    """A word's pattern of upper-case and lower-case letters, digits and other signs, with runs of
    at most four."""
    kinds = "".join(
        "X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word
    )
    return LONG_RUNS.sub(r"\1\1\1\1", kinds)
