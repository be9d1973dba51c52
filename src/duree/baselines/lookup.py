"""The source as it is, and the most frequent target of each source."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from duree.baselines.alignment import Units


class Untuned:
    """A model of pairs without settings to choose; see ``Transducer``."""

    is_tuned: ClassVar[bool] = False

    def __init__(self) -> None:
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        sources: Sequence[Units],
        targets: Sequence[Units],
        counts: Sequence[int],
        validation_sources: Sequence[Units],
        validation_targets: Sequence[Units],
    ) -> Self:
        """Learn from the training pairs alone."""
        return self.learn(sources, targets, counts)

    def learn(
        self, sources: Sequence[Units], targets: Sequence[Units], counts: Sequence[int]
    ) -> Self:
        """See ``Transducer``; nothing, if a model does not say otherwise."""
        return self


class Copy(Untuned):
    """The source as it is; see ``Transducer``."""

    def predict(self, sources: Sequence[Units]) -> list[Units]:
        """The sources."""
        return list(sources)


class Lookup(Untuned):
    """The target that each source most often has in training; see ``Transducer``.

    Of several, the first in training is taken. Other sources are copied.
    """

    def learn(
        self, sources: Sequence[Units], targets: Sequence[Units], counts: Sequence[int]
    ) -> Self:
        """Count the pairs."""
        found: defaultdict[Units, Counter[Units]] = defaultdict(Counter)
        for source, target, count in zip(sources, targets, counts, strict=True):
            found[source][target] += count
        self.targets = {source: of.most_common(1)[0][0] for source, of in found.items()}
        return self

    def predict(self, sources: Sequence[Units]) -> list[Units]:
        """The most frequent target of each source, or the source."""
        return [self.targets.get(source, source) for source in sources]
