"""Step attributes are added to the step's vector, and change nothing before training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from duree.network.model import SequenceModel, tabulated
from duree.network.next_model import StepModel
from duree.network.step_embedding import StepEmbedding
from duree.recipe.settings import ModelSettings
from duree.sequences.step_features import HIDDEN

CLASSES = [(5, True), (4, False)]
STATES = 7


def settings(**changes: object) -> ModelSettings:
    return ModelSettings(**{"embedding_size": 6, "hidden_size": 5} | changes)


def network(kind: str, classes: list = CLASSES, **changes: object) -> nn.Module:
    torch.manual_seed(0)
    if kind == "steps":
        one = settings(bidirectional=False, pooling="last", **changes)
        made: nn.Module = StepModel(one, vocabulary_size=STATES, outputs=3, step_features=classes)
    else:
        made = SequenceModel(
            settings(**changes), vocabulary_size=STATES, outputs=3, step_features=classes
        )
    return made.eval()


def learned(kind: str, **changes: object) -> nn.Module:
    made = network(kind, **changes)
    for table in made.step_features.tables:
        nn.init.normal_(table, generator=torch.Generator().manual_seed(1))
    return made


def rows(count: int, steps: int, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    sizes = (STATES, *(size for size, _ in CLASSES))
    columns = [torch.randint(1, size, (count, steps), generator=rng) for size in sizes]
    return torch.stack(columns, dim=2)


@pytest.mark.parametrize("kind", ["steps", "rows"])
def test_untrained_it_is_the_network_without(kind: str) -> None:
    values, lengths = rows(4, 9), torch.tensor([9, 9, 3, 1])
    with_it, without = network(kind), network(kind, classes=[])
    without.load_state_dict(
        {name: of for name, of in with_it.state_dict().items() if "step_features" not in name}
    )
    scores = with_it(values, lengths)
    torch.testing.assert_close(scores, without(values[:, :, 0], lengths))
    assert (learned(kind)(values, lengths) - scores).abs().max() > 0.01


@pytest.mark.parametrize("kind", ["steps", "rows"])
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_a_row_scores_the_same_alone_and_in_any_batch(kind: str, cell: str) -> None:
    made, values = learned(kind, cell=cell), rows(5, 12)
    lengths = torch.tensor([12, 7, 1, 4, 12])
    with torch.inference_mode(), tabulated(made, 10**6):
        together = made(values, lengths)
        for row, length in enumerate(lengths.tolist()):
            alone = made(values[row : row + 1, :length], lengths[row : row + 1])
            wanted = together[row, :length] if kind == "steps" else together[row]
            torch.testing.assert_close(alone[0], wanted, atol=1e-5, rtol=1e-4)


def test_a_step_attribute_reaches_no_earlier_step() -> None:
    made, values, lengths = learned("steps"), rows(3, 8), torch.full((3,), 8)
    other = values.clone()
    other[:, 5, 1:] = 1 + other[:, 5, 1:] % 3
    scores, changed = made(values, lengths), made(other, lengths)
    torch.testing.assert_close(scores[:, :5], changed[:, :5], atol=0, rtol=0)
    assert (scores[:, 5] - changed[:, 5]).abs().max() > 0.01


def test_steps_one_by_one_give_the_scores_of_the_whole_sequence() -> None:
    made, values = learned("steps", cell="gru"), rows(4, 6)
    whole = made(values, torch.full((4,), 6))
    scores, state, lasted = made.begin(values[:, :5])
    torch.testing.assert_close(scores, whole[:, 4])
    stays = values[:, 5, 0] == values[:, 4, 0]
    lasted = torch.where(stays, lasted + 1, 0)
    torch.testing.assert_close(made.step(values[:, 5:], 5, lasted, state)[0], whole[:, 5])


def test_vectors_of_numeric_classes_are_cumulative_and_missing_is_separate() -> None:
    embedding = StepEmbedding(CLASSES, 3)
    with torch.no_grad():
        embedding.tables[0].copy_(torch.tensor([[9.0], [1], [2], [3], [4]]).expand(-1, 3))
        embedding.tables[1].copy_(torch.tensor([[9.0], [1], [2], [3]]).expand(-1, 3))
    ordered, named = (vectors[:, 0].tolist() for vectors in embedding.vectors())
    assert ordered == [9, 1, 3, 6, 10]
    assert named == [9, 1, 2, 3]
    found = embedding.eval()(torch.tensor([[[2, 3], [0, 0]]]))
    assert found[0, :, 0].tolist() == [6, 18]


def test_each_attribute_is_dropped_in_some_sequences_and_only_in_training() -> None:
    embedding = StepEmbedding([(2, False), (2, False)], 1)
    with torch.no_grad():
        embedding.tables[0][1], embedding.tables[1][1] = 1.0, 10.0
    codes = torch.ones(4000, 3, 2, dtype=torch.int64)
    torch.manual_seed(0)
    sums = embedding.train()(codes)[:, :, 0]
    assert torch.equal(sums, sums[:, :1].expand(-1, 3))  # in all of a sequence, or in none of it
    first, second = sums[:, 0] % 10 == 0, sums[:, 0] < 10
    assert first.float().mean() == pytest.approx(HIDDEN, abs=0.02)
    assert second.float().mean() == pytest.approx(HIDDEN, abs=0.02)
    assert (first & second).float().mean() == pytest.approx(HIDDEN**2, abs=0.01)
    assert torch.equal(embedding.eval()(codes), torch.full((4000, 3, 1), 11.0))
