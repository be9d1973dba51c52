"""The target of the training source that is most similar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer

from duree.baselines.alignment import Units
from duree.baselines.lookup import Untuned
from duree.sequences.ragged import offsets_of

# Sources that are compared with all training sources at once.
AT_ONCE = 256


class NearestTranslation(Untuned):
    """The target of the training source with the largest cosine; see ``Transducer``.

    Sources are compared by the TF-IDF weights of their units (Spärck Jones 1972), and of several
    equally similar ones the first is taken. A source without any unit of training is copied.
    """

    def learn(
        self, sources: Sequence[Units], targets: Sequence[Units], counts: Sequence[int]
    ) -> Self:
        """Weigh the units of all training sources."""
        self.targets = list(targets)
        units = dict.fromkeys(unit for source in sources for unit in source)
        self.numbers = {unit: number for number, unit in enumerate(units)}
        if self.numbers:
            frequencies = self._frequencies(sources)
            self.weighting = TfidfTransformer(sublinear_tf=True).fit(frequencies)
            self.known = self.weighting.transform(frequencies).T.tocsr()
        return self

    def predict(self, sources: Sequence[Units]) -> list[Units]:
        """The target of the most similar training source."""
        if not self.numbers:
            return list(sources)
        found: list[Units] = []
        for begin in range(0, len(sources), AT_ONCE):
            some = sources[begin : begin + AT_ONCE]
            cosines = self.weighting.transform(self._frequencies(some)) @ self.known
            nearest = np.asarray(cosines.argmax(axis=1)).ravel().tolist()
            is_alike = (cosines.getnnz(axis=1) > 0).tolist()
            found += [
                self.targets[place] if alike else source
                for source, place, alike in zip(some, nearest, is_alike, strict=True)
            ]
        return found

    def _frequencies(self, sources: Iterable[Units]) -> csr_matrix:
        """How often each unit of training occurs in each source, [sources, units]."""
        rows = [
            Counter(self.numbers[unit] for unit in source if unit in self.numbers)
            for source in sources
        ]
        columns = [number for row in rows for number in row]
        often = [count for row in rows for count in row.values()]
        shape = len(rows), len(self.numbers)
        offsets = offsets_of([len(row) for row in rows])
        return csr_matrix((np.array(often, dtype=np.float32), columns, offsets), shape=shape)
