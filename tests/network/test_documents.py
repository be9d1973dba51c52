"""Documents are read chunk by chunk, each unit once an epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.support.language import documents

from duree.network.batches import IGNORED
from duree.sequences.ragged import END

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=12)


@examples(max_examples=50)
@given(LENGTHS, st.integers(1, 5), st.integers(2, 30), st.integers(0, 3))
def test_every_unit_is_in_one_chunk_and_chunks_of_a_lane_follow_each_other(
    lengths, batch_size, chunk, epoch
):
    read = documents(lengths, chunk)
    seen = np.zeros(sum(lengths), dtype=int)
    before = np.zeros((0, 4), dtype=int)
    for rows in read.batches(batch_size, 3, epoch):
        assert 0 < len(rows) <= batch_size
        for begin, length, carries, document in rows.tolist():
            assert 0 < length <= 1.25 * chunk + 2
            seen[begin : begin + length] += 1
            first, end = read.sequences.offsets[document : document + 2]
            assert first <= begin < begin + length <= end
            if carries >= 0:
                assert before[carries, 0] + before[carries, 1] == begin
        assert len({row for row in rows[:, 2].tolist() if row >= 0}) == (rows[:, 2] >= 0).sum()
        before = rows
    assert (seen == 1).all()


def test_a_single_document_is_divided_into_as_many_lanes_as_a_batch_has_rows():
    batches = documents([4_000], 10).batches(8, 0, 0)
    assert {len(rows) for rows in batches} == {8}
    assert [(rows[:, 2] >= 0).sum() for rows in batches] == [0] + [8] * (len(batches) - 1)


def test_documents_shorter_than_a_chunk_are_rows_of_their_own():
    batches = documents([9] * 20, 10).batches(4, 0, 0)
    assert [len(rows) for rows in batches] == [4] * 5
    assert all((rows[:, 1] == 9).all() and (rows[:, 2] == -1).all() for rows in batches)


def test_order_and_chunks_follow_from_seed_and_epoch_alone():
    read = documents([50, 3, 20, 41, 8], 10)
    first, again = read.batches(2, 0, 1), read.batches(2, 0, 1)
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    for other in (read.batches(2, 0, 2), read.batches(2, 1, 1)):
        assert any(not np.array_equal(*pair) for pair in zip(first, other, strict=False))


@pytest.mark.parametrize("batch_size", [1, 3])
def test_what_a_step_reads_is_the_unit_before_the_one_it_predicts(batch_size):
    read = documents([25, 4, 13], 6)
    for rows in read.batches(batch_size, 0, 0):
        batch = read.batch(rows)
        for row, (begin, length, carries, _) in enumerate(rows.tolist()):
            codes, start = read.sequences.values, begin if carries < 0 else -1
            before = [END if place == start else codes[place - 1] for place in
                      range(begin, begin + length)]  # fmt: skip
            assert batch.inputs[row, :length].tolist() == before
            assert batch.targets[row, :length].tolist() == codes[begin : begin + length].tolist()
            assert (batch.targets[row, length:] == IGNORED).all()
