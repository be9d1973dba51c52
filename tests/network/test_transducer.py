"""The transducer: its loss is that of its definition, padding changes nothing, and it learns."""

from __future__ import annotations

import copy
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.transducer import LIMIT, VOCABULARY, batch, transducer
from torch import Tensor

from duree.network import monotonic_writer
from duree.network.attention import Attention
from duree.network.batches import IGNORED, Batch, Examples
from duree.network.decoding import LENGTH_POWER, score
from duree.network.length_limit import LengthLimit
from duree.network.monotonic_writer import MonotonicWriter
from duree.network.transducer import Transducer
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import EMPTY, END, UNKNOWN, Ragged

UNSEEN = VOCABULARY + 300  # the code of a character that is not in the vocabulary
SOURCES = [[4, 5, UNSEEN, 6], [10, 4], [7, 11, 8, 9, 4, 5]]
TARGETS = [[4, UNSEEN, 5], [6], [8, 8, 9, 7]]
KINDS: list[dict[str, Any]] = [
    {"cell": "gru"},
    {"cell": "lstm", "num_layers": 2},
    {"cell": "rnn", "copying": False},
    {"cell": "gru", "attention": "additive"},
    {"cell": "lstm", "attention": "monotonic"},
    {"cell": "gru", "attention": "monotonic", "copying": False},
]
PLAIN = {
    "word_dropout": 0.0,
    "input_dropout": 0.0,
    "output_dropout": 0.0,
    "label_smoothing": 0.0,
}


def unit_by_unit(network: Transducer, source: list[int], target: list[int]) -> list[Tensor]:
    """The probabilities of the units of a target and its end, each from ``step``."""
    given = batch([source])
    read, state = network.read(given.inputs, given.lengths)
    found, last = [], END
    for code in [*target, END]:
        chances, state = network.step(torch.tensor([[last]]), state, read)
        codes = network.code_of(torch.arange(chances.shape[2])[None], read)[0]
        found.append((chances[0, 0] * (codes == code)).sum())
        last = code
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_reading_a_target_at_once_gives_what_writing_it_unit_by_unit_gives(
    kind: dict[str, Any],
) -> None:
    network = transducer(**kind)
    known = [[unit for unit in target if unit != UNSEEN] for target in TARGETS]
    targets = TARGETS if kind.get("copying", True) else known
    together = network.log_probabilities(batch(SOURCES, targets))
    for row, (source, target) in enumerate(zip(SOURCES, targets, strict=True)):
        chances = torch.stack(unit_by_unit(network, source, target))
        torch.testing.assert_close(together[row, : len(chances)].exp(), chances)
        assert bool((together[row, len(chances) :] == 0).all())


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_of_a_step_sum_to_one(kind: dict[str, Any]) -> None:
    network, given = transducer(**kind), batch(SOURCES)
    source, state = network.read(given.inputs, given.lengths)
    chances, _ = network.step(torch.full((3, 1), END), state, source)
    torch.testing.assert_close(chances.sum(2), torch.ones(3, 1))


def test_the_loss_is_the_weighted_mean_over_units() -> None:
    network = transducer()
    each = network.log_probabilities(batch(SOURCES, TARGETS)).sum(1)
    units = torch.tensor([4.0, 2.0, 5.0])
    torch.testing.assert_close(network.loss(batch(SOURCES, TARGETS)), -each.sum() / units.sum())
    weights = torch.tensor([2.0, 0.5, 1.0])
    weighted = network.loss(batch(SOURCES, TARGETS, weights.tolist()))
    torch.testing.assert_close(weighted, -(weights * each).sum() / (weights * units).sum())


def test_label_smoothing_adds_the_mean_over_the_outputs_and_only_in_training() -> None:
    network = transducer(**PLAIN | {"label_smoothing": 0.2, "copying": False})
    known = batch([[4, 5], [6, 7]], [[5, 4], [8]])
    plain = network.loss(known)
    torch.testing.assert_close(plain, -network.log_probabilities(known).sum() / 5)
    source, state = network.read(known.inputs, known.lengths)
    uniform = []
    for row, target in enumerate([[5, 4], [8]]):
        last, own = END, tuple(layer[:, row : row + 1] for layer in state)
        for code in [*target, END]:
            chances, own = network.step(
                torch.tensor([[last]]), own, source.take(torch.tensor([row]))
            )
            uniform.append(chances[0, 0, :7].log().mean())
            last = code
    expected = 0.8 * plain - 0.2 * torch.stack(uniform).mean()
    torch.testing.assert_close(network.train().loss(known), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_the_loss_are_those_of_float64(kind: dict[str, Any]) -> None:
    network = transducer(**PLAIN | kind).train()
    exact = copy.deepcopy(network).double()
    given = batch(SOURCES, TARGETS, [1.0, 2.0, 0.5])
    for one in (network, exact):
        torch.autograd.backward(one.loss(given))
    for (name, quick), slow in zip(network.named_parameters(), exact.parameters(), strict=True):
        assert quick.grad is not None, name
        assert slow.grad is not None, name
        torch.testing.assert_close(quick.grad, slow.grad.float(), atol=1e-5, rtol=1e-3)


def test_rows_too_large_for_memory_are_read_in_pieces_and_give_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = transducer(cell="gru", attention="monotonic", **PLAIN).train()
    in_pieces = copy.deepcopy(network)
    given = batch(SOURCES, TARGETS, [1.0, 2.0, 0.5])
    real = given.targets != IGNORED
    attended = network.attended(given)[real]
    loss = network.loss(given)
    torch.autograd.backward(loss)
    shapes = []
    recursion = MonotonicWriter._recursion

    def noted(writer: MonotonicWriter, *args: Any) -> Any:
        shapes.append((*args[2].shape, args[1].codes.shape[1]))
        return recursion(writer, *args)

    monkeypatch.setattr(MonotonicWriter, "_recursion", noted)
    monkeypatch.setattr(monotonic_writer, "MOST_NUMBERS", 1)
    torch.testing.assert_close(in_pieces.attended(given)[real], attended)
    assert shapes == [(1, 4, 4), (1, 2, 2), (1, 5, 6)]  # without padding
    again = in_pieces.loss(given)
    torch.autograd.backward(again)
    torch.testing.assert_close(again, loss)
    for one, other in zip(in_pieces.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_targets_far_longer_than_their_source_have_gradients() -> None:
    network = transducer(cell="gru", attention="monotonic").train()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.005)
    given = batch([[4, 5, 6, 7, 10] * 16], [[4, 5, 6, 7, 10] * 60])
    for _ in range(3):
        optimiser.zero_grad()
        torch.autograd.backward(network.loss(given))
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        assert all(bool(each.isfinite().all()) for each in gradients)
        optimiser.step()


@pytest.mark.parametrize("kind", KINDS[:2])
def test_gradients_are_those_of_finite_differences(kind: dict[str, Any]) -> None:
    chosen = PLAIN | {"hidden_size": 2, "embedding_size": 2, "label_smoothing": 0.1} | kind
    network = transducer(**chosen).double().train()
    names = [name for name, _ in network.named_parameters()]
    given = batch(SOURCES, TARGETS)

    def loss(*weights: Tensor) -> Tensor:
        state = dict(zip(names, weights, strict=True))
        found: Tensor = torch.func.functional_call(_Loss(network), _under(state), (given,))
        return found

    weights = tuple(weight.detach().requires_grad_() for weight in network.parameters())
    assert torch.autograd.gradcheck(loss, weights, fast_mode=True)


class _Loss(torch.nn.Module):
    """The loss as a forward pass."""

    def __init__(self, network: Transducer) -> None:
        super().__init__()
        self.network = network

    def forward(self, given: Batch) -> Tensor:
        return self.network.loss(given)


def _under(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"network.{name}": weight for name, weight in state.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_the_other_rows_change_nothing(kind: dict[str, Any]) -> None:
    network = transducer(**kind)
    targets = [[4, 5], [6], [8, 8, 9, 7]]
    together = network.log_probabilities(batch(SOURCES, targets, padding=3))
    outputs = network.predict(batch(SOURCES, padding=3))
    for row, (source, target) in enumerate(zip(SOURCES, targets, strict=True)):
        alone = network.log_probabilities(batch([source], [target]))[0]
        torch.testing.assert_close(together[row, : len(alone)], alone)
        np.testing.assert_allclose(
            network.predict(batch([source]))[0], outputs[row], rtol=1e-4, atol=1e-7
        )


def test_unknown_and_empty_units_of_a_source_are_never_copied() -> None:
    network = transducer()
    given = batch([[UNKNOWN, 4], [EMPTY]])
    source, state = network.read(given.inputs, given.lengths)
    chances, _ = network.step(torch.full((2, 1), END), state, source)
    codes = network.code_of(torch.arange(chances.shape[2]).expand(2, -1), source)
    assert not bool(chances[:, 0][(codes < END)].any())
    torch.testing.assert_close(chances.sum(2), torch.ones(2, 1))


def test_predictions_hold_probability_length_and_codes() -> None:
    network = transducer()
    given = batch(SOURCES)
    for row, found in enumerate(network.predict(given)):
        length = int(found[1])
        assert len(found) == 2 + LIMIT.longest
        assert bool((found[2 : 2 + length] > END).all())
        assert not found[2 + length :].any()
        codes = found[2 : 2 + length].astype(int).tolist()
        chance = np.exp(score([network], batch([SOURCES[row]], [codes]))[0])
        assert found[0] == pytest.approx(chance, rel=1e-4)


def test_an_unseen_unit_that_is_not_in_the_source_has_no_infinite_loss() -> None:
    loss = transducer().loss(batch([[4, 5]], [[UNSEEN, 4]]))
    assert bool(torch.isfinite(loss))
    assert loss.item() > 10


def test_word_dropout_hides_units_from_the_encoder_but_not_from_copying() -> None:
    network = transducer(**PLAIN | {"word_dropout": 0.999}).train()
    given = batch([[4, 5, 6]])
    source, _ = network.read(given.inputs, given.lengths)
    unknown, _ = network.eval().read(torch.full_like(given.inputs, UNKNOWN), given.lengths)
    torch.testing.assert_close(source.keys, unknown.keys)
    assert source.codes.tolist() == [[4, 5, 6]]
    assert bool(source.copied.all())


def test_attention_never_reads_padding() -> None:
    for kind in ("dot", "additive"):
        attention = Attention(kind, 4, 6)
        real = torch.tensor([[True, True, False], [True, False, False]])
        scores = attention.scores(torch.randn(2, 5, 4), attention.keys(torch.randn(2, 3, 6)), real)
        weights = torch.softmax(scores, dim=2)
        assert not bool(weights[~real[:, None].expand_as(weights)].any())


@pytest.mark.parametrize("attention", ["dot", "additive", "monotonic"])
def test_what_is_attended_adds_up_to_one_over_the_source_and_is_nothing_in_padding(
    attention: str,
) -> None:
    network = transducer(attention=attention)
    known = [[4, 5], [6], [8, 8, 9, 7]]
    found = network.attended(batch(SOURCES, known, padding=2))
    for row, (source, target) in enumerate(zip(SOURCES, known, strict=True)):
        real = found[row, : len(target) + 1]
        torch.testing.assert_close(real.sum(1), torch.ones(len(real)))
        assert not bool(real[:, len(source) :].any())


def test_monotonic_attention_sums_over_every_way_that_never_goes_back() -> None:
    network = transducer(attention="monotonic")
    source, target = [4, UNSEEN, 6], [6, UNSEEN, 5]
    given = batch([source], [target])
    states, read = network._states_of_targets(given, given.targets)
    writer = network.writer
    assert isinstance(writer, MonotonicWriter)
    moves = writer._moves(states, read)[0]  # (T, S, S)
    readout, gate = writer._read(states, read)
    scores = readout[0] @ network.embeddings[writer.outputs].T + writer.bias
    chances = torch.softmax(scores, dim=2)
    total = 0.0
    for steps in combinations_with_replacement(range(3), 4):
        way, before = 1.0, 0
        for time, (step, code) in enumerate(zip(steps, [*target, END], strict=True)):
            written = chances[time, step, writer.outputs == code].sum() * gate[0, time, step]
            copied = (1 - gate[0, time, step]) * (source[step] == code)
            way *= (moves[time, before, step] * (written + copied)).item()
            before = step
        total += way
    assert score([network], given)[0] == pytest.approx(np.log(total), rel=1e-4)


def test_a_limit_of_length_includes_all_training_rows_and_grows_with_the_source() -> None:
    sources, targets = np.array([3, 8, 5, 1]), np.array([4, 9, 5, 12])
    limit = LengthLimit.fit(sources, targets)
    most = limit.of(torch.from_numpy(sources))
    assert bool((most.numpy() > targets).all())
    assert int(limit.of(torch.tensor([10_000]))) == limit.longest == 29
    assert LengthLimit.fit(np.zeros(0, int), np.zeros(0, int)).longest == 5


def test_weights_are_saved_and_loaded_without_the_tables_of_outputs() -> None:
    network, other = transducer(0), transducer(1)
    state = network.state_dict()
    assert "outputs" not in state
    other.load_state_dict(state)
    np.testing.assert_array_equal(other.predict(batch(SOURCES)), network.predict(batch(SOURCES)))


def test_the_loss_of_validation_is_the_mean_over_units_in_batches() -> None:
    network = transducer()
    examples = Examples(
        Ragged.from_rows(SOURCES),
        Ragged.from_rows([[*target, END] for target in TARGETS]),
        np.array([1.0, 3.0, 0.5], dtype=np.float32),
    )
    expected = network.loss(batch(SOURCES, TARGETS, [1.0, 3.0, 0.5]))
    found = network.validation_loss(examples, network.predict(batch(SOURCES)))
    assert found == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("attention", ("dot", "additive")),
        ("attention", ("dot", "monotonic")),
        ("copying", (True, False)),
        ("label_smoothing", (0.0, 0.3)),
        ("word_dropout", (0.0, 0.5)),
        ("input_dropout", (0.0, 0.5)),
        ("output_dropout", (0.0, 0.5)),
    ],
)
def test_every_setting_of_a_transducer_changes_it(name: str, values: tuple[Any, ...]) -> None:
    given = batch([[4, 5, 6, 7], [10, 4]], [[4, 6, 5], [6]])
    losses = []
    for value in values:
        network = transducer(**PLAIN | {name: value}).train()
        torch.manual_seed(1)
        losses.append(network.loss(given).item())
    assert abs(losses[0] - losses[1]) > 1e-4


def test_a_wider_beam_may_find_a_better_output() -> None:
    chances = []
    for beam in (1, 3):
        network = transducer(7, beam=beam)
        found = network.predict(batch(SOURCES))
        chances.append(np.log(found[:, 0]) / (found[:, 1] + 1) ** LENGTH_POWER)
    assert bool((chances[1] >= chances[0] - 1e-5).all())
    assert bool((chances[1] > chances[0] + 1e-3).any())


def test_a_small_network_learns_to_reverse_and_to_copy_what_it_never_saw() -> None:
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    network = Transducer(
        ModelSettings(
            cell="gru",
            embedding_size=24,
            hidden_size=32,
            word_dropout=0.15,
            input_dropout=0.0,
            output_dropout=0.0,
            label_smoothing=0.0,
        ),
        vocabulary_size=VOCABULARY,
        outputs=range(4, VOCABULARY),
        limit=LengthLimit(2, 1.0, 8),
    )
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(220):
        sources = [rng.integers(4, VOCABULARY, rng.integers(1, 6)).tolist() for _ in range(32)]
        loss = network.train().loss(batch(sources, [source[::-1] for source in sources]))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    network.eval()
    sources = [[5, 9, 4], [4, 4, 10, 7, 6], [5, UNSEEN, 9, 7]]
    for source, found in zip(sources, network.predict(batch(sources)), strict=True):
        assert found[2 : 2 + int(found[1])].astype(int).tolist() == source[::-1]
