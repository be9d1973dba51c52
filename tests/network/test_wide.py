"""The wide part scores which units and pairs a sequence holds, not where, nor how often."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from duree.network.wide import MIX, JoinedModel, WideModel, of_version_0_1
from duree.sequences.ragged import Ragged

VOCABULARY = 12
PLACES = 1024  # the next power of two above 64 for each unit
rows_of_tokens = st.lists(st.integers(1, VOCABULARY - 1), max_size=12)


def batch_of(rows: list[list[int]], more: int = 0) -> tuple[Tensor, Tensor]:
    steps = max(map(len, rows)) + more
    padded = [row + [0] * (steps - len(row)) for row in rows]
    return torch.tensor(padded, dtype=torch.int64), torch.tensor([len(row) for row in rows])


def held(row: list[int]) -> set[int]:
    """The features of a row, from the definition: its units, and a place for each pair."""
    pairs = set()
    for left, right in pairwise(row):
        mixed = ((left * VOCABULARY + right) * MIX) % 2**64
        pairs.add(VOCABULARY + (mixed >> 24) % PLACES)
    return set(row) | pairs


def model_of(outputs: int = 2) -> WideModel:
    model = WideModel(VOCABULARY, outputs)
    torch.manual_seed(0)
    for tensor in model.state_dict().values():
        torch.nn.init.normal_(tensor)
    for size in (model.size, model.spelling_size):
        size.abs_().add_(1.0)
    return model


@given(st.lists(rows_of_tokens, min_size=1, max_size=5), st.integers(0, 4))
def test_scores_are_the_weights_of_what_a_row_holds_over_the_length_of_both_groups(
    rows: list[list[int]], more: int
) -> None:
    model = model_of()
    found = model(*batch_of(rows, more))
    for row, scores in zip(rows, found, strict=True):
        features, units = sorted(held(row)), sorted(set(row))
        expected = model.bias.clone()
        if row:
            expected += model.weight[features].sum(dim=0) / model.size[features].sum().sqrt()
            spelled = model.spelling[units].sum(dim=0)
            expected += spelled / model.spelling_size[units].sum().sqrt()
        torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-4)


@given(st.lists(rows_of_tokens, min_size=1, max_size=5))
def test_bags_are_the_features_that_are_scored(rows: list[list[int]]) -> None:
    bags = WideModel(VOCABULARY, 1).bags(Ragged.from_rows(rows))
    assert [set(bags[row].indices) for row in range(len(rows))] == [held(row) for row in rows]
    assert set(bags.data) <= {1.0}


def test_padding_has_no_features() -> None:
    model = model_of()
    values, lengths = batch_of([[3, 4], [5, 6, 7]], more=2)
    filled = values.clone()
    filled[0, 2:] = 9
    torch.testing.assert_close(model(filled, lengths), model(values, lengths))


def test_an_untrained_wide_part_scores_zero() -> None:
    scores = WideModel(VOCABULARY, 3)(*batch_of([[1, 2, 3], [4]]))
    assert not bool(scores.any())


def test_weights_of_version_0_1_give_the_scores_of_version_0_1() -> None:
    torch.manual_seed(0)
    model = WideModel(VOCABULARY, 2)
    weight, scale = torch.randn(model.weight.shape), torch.rand(model.weight.shape)
    model.load_state_dict({"bias": torch.tensor([0.5, -1.0])} | of_version_0_1(weight, scale, 12))
    rows = [[3, 4, 3], [5], [6, 7, 8, 6, 7]]
    for row, scores in zip(rows, model(*batch_of(rows)), strict=True):
        features = sorted(held(row))
        expected = (weight * scale)[features].sum(dim=0) * 8.0 / len(features) ** 0.5
        torch.testing.assert_close(scores, expected + torch.tensor([0.5, -1.0]))


def test_a_joined_score_is_the_sum_of_its_shares() -> None:
    class Constant(torch.nn.Module):
        def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
            return torch.ones(len(values), 2)

    wide = model_of()
    joined = JoinedModel(Constant(), wide)
    joined.shares.copy_(torch.tensor([3.0, 0.25]))
    batch = batch_of([[1, 2, 3], [4]])
    torch.testing.assert_close(joined(*batch), 3.0 + 0.25 * wide(*batch))


def test_the_table_of_pairs_grows_with_the_vocabulary_up_to_a_million() -> None:
    sizes = [len(WideModel(units, 1).weight) - units for units in (12, 300, 30_003, 10**6)]
    assert sizes == [1024, 2**15, 2**20, 2**20]
