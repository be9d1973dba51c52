"""Documents: texts of any length as examples that are read in chunks, with the state carried on.

A batch has as many lanes as rows. Each reads a document chunk by chunk: the weights are updated
after every chunk, and the next one goes on from its last state, without a gradient (truncated
backpropagation through time; Williams & Peng 1990). A lane whose document has ended begins another.
Documents longer than their share of an epoch are divided, so that all lanes have work to the end;
each share begins as a document does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from duree.network.batches import IGNORED, MOST_STEPS, Batch, Examples, epoch_batches
from duree.sequences.ragged import END, Ragged, offsets_of

# Ends of chunks move by up to this share of a chunk from epoch to epoch.
JITTER = 0.25
# After so many chunks of a document a lane begins another share of one, without a state and after
# END: networks that hardly ever begin did not recover from the begin of the texts that they score
# (on the Penn Treebank, one document: 13.5 nats a unit in validation, 5.9 in training).
RESTART = 50
# Fewer documents are too few to resample; and the codes of a passage, which takes their place.
FEW, PASSAGE = 10, 1000

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Documents(Examples):
    """Documents, of which every unit is predicted from those before it.

    A chunk is a row of four numbers: where it begins among the values, its length, the row of the
    previous batch whose document it continues (-1: none), and its document.

    Attributes
    ----------
    chunk : int
        About how many units are read between two updates.
    """

    chunk: int = 100

    def units(self, groups: Integers | None) -> Integers | None:
        """What is resampled as a whole, int64 [codes]: the group of each code, or its document;
        passages of so many codes where there are few documents."""
        if groups is None and len(self) < FEW:
            return np.cumsum(self.sequences.steps % PASSAGE == 0)
        return super().units(groups)

    def batches(self, batch_size: int, seed: int, epoch: int) -> list[Integers]:
        """The chunks of each batch in order, int64 [rows, 4]; each unit is in exactly one."""
        batch_size = max(1, min(batch_size, MOST_STEPS // self.chunk))
        rng = np.random.default_rng([seed, epoch, 1])
        begins, lengths, documents = self._segments(batch_size)
        order = np.concatenate(epoch_batches(lengths, batch_size, seed, epoch))
        shift = rng.uniform(-JITTER, JITTER)
        waiting = (
            self._chunks(int(begins[one]), int(lengths[one]), shift, int(documents[one]))
            for one in order
        )
        return list(_lanes(waiting, batch_size))

    def batch(self, rows: Integers) -> Batch:
        """The chunks, padded: what each step reads is the unit before the one it predicts."""
        begins, lengths, carries, documents = rows.T
        steps = np.arange(int(lengths.max()))
        real = steps < lengths[:, None]
        places = np.where(real, begins[:, None] + steps, begins[:, None])
        values = self.sequences.values
        inputs = values[np.maximum(places - 1, 0)].astype(np.int64)
        inputs[carries < 0, 0] = END
        targets = np.where(real, values[places], IGNORED).astype(np.int64)
        weights = None if self.weights is None else torch.from_numpy(self.weights[documents])
        return Batch(
            torch.from_numpy(inputs),
            torch.from_numpy(lengths.copy()),
            torch.from_numpy(targets),
            None,
            weights,
            torch.from_numpy(carries.copy()),
        )

    def padded_steps(self, rows: Integers) -> int:
        """The steps of a batch, with padding."""
        return len(rows) * int(rows[:, 1].max())

    def divided(self, most: int) -> Documents:
        """Documents with at most so many codes, of which longer ones are divided."""
        ends = [
            np.minimum(np.arange(begin, end, most) + most, end)
            for begin, end in itertools.pairwise(self.sequences.offsets.tolist())
        ]
        counts = np.array([len(each) for each in ends], dtype=np.int64)
        offsets = np.concatenate([[0], *ends]).astype(np.int64)
        assert isinstance(self.targets, Ragged)
        weights = None if self.weights is None else np.repeat(self.weights, counts)
        return Documents(
            Ragged(self.sequences.values, offsets),
            Ragged(self.targets.values, offsets),
            weights,
            chunk=self.chunk,
        )

    def _segments(self, batch_size: int) -> tuple[Integers, Integers, Integers]:
        """Where each document or share of one begins, its length, and its document."""
        lengths = self.sequences.lengths
        chunks = -(-lengths // self.chunk)
        most = max(1, min(-(-int(chunks.sum()) // batch_size), RESTART))
        shares = -(-chunks // most)
        documents = np.repeat(np.arange(len(lengths)), shares)
        place = np.arange(len(documents)) - np.repeat(offsets_of(shares)[:-1], shares)
        of_each = lengths[documents], shares[documents]
        first, last = (of_each[0] * (place + one) // of_each[1] for one in (0, 1))
        return self.sequences.offsets[documents] + first, last - first, documents

    def _chunks(self, begin: int, length: int, shift: float, document: int) -> Iterator[list[int]]:
        """The chunks of a segment, in order, each with -1 for the first and 0 for the others."""
        count = -(-length // self.chunk)
        inner = (np.arange(1, count) + shift) * length / count
        ends = [0, *inner.astype(np.int64).tolist(), length]
        for place in range(count):
            first, last = ends[place], ends[place + 1]
            yield [begin + first, last - first, -1 if place == 0 else 0, document]


def _lanes(waiting: Iterator[Iterator[list[int]]], count: int) -> Iterator[Integers]:
    """Batches of one chunk of each lane; a lane without any chunk left takes the next segment."""
    lanes: list[Iterator[list[int]] | None] = [next(waiting, None) for _ in range(count)]
    row_of: dict[int, int] = {}
    while True:
        rows: list[list[int]] = []
        now: dict[int, int] = {}
        for lane, segment in enumerate(lanes):
            chunk = None
            while segment is not None and (chunk := next(segment, None)) is None:
                segment = lanes[lane] = next(waiting, None)
            if chunk is not None:
                chunk[2] = row_of[lane] if chunk[2] == 0 else -1
                now[lane] = len(rows)
                rows.append(chunk)
        if not rows:
            return
        yield np.array(rows, dtype=np.int64)
        row_of = now
