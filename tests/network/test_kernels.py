"""The compiled recurrence equals the reference in cells.py for every shape, row, thread and set."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from duree.network import kernels
from duree.network.cells import Weights, gru_step, lstm_step, rnn_step
from duree.network.kernels.layer import Words, project, read_layer
from duree.network.recurrent import GRU, LSTM, RNN

assert kernels.compiled is not None, kernels.missing

GATES = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}
INSTRUCTION_SETS = kernels.compiled.instruction_sets()


@pytest.fixture(autouse=True)
def best_instruction_set() -> Iterator[None]:
    yield
    kernels.compiled.use_instruction_set(INSTRUCTION_SETS[0])


def step(cell: str, a: Tensor, states: list[Tensor], weights: Weights, seen: Tensor):
    if cell == "gru":
        return [gru_step(a, states[0], weights, seen).h]
    if cell == "lstm":
        found = lstm_step(a, states[0], states[1], weights, seen)
        return [found.h, found.c]
    return [rnn_step(a, states[0], weights, seen, cell.removeprefix("rnn_")).h]


def reference(cell, x, lengths, began, weights, mask) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Every row by itself, one step of cells.py after the other."""
    outputs, finals = [], []
    for d, parameters in enumerate(weights):
        output, ended = [], []
        for row, length in enumerate(lengths.tolist()):
            states = [state[d, row : row + 1] for state in began]
            places = range(length) if d == 0 else range(length - 1, -1, -1)
            found = [x.new_zeros(1, states[0].shape[1])] * x.shape[1]
            for place in places:
                a = x[row : row + 1, place] @ parameters.weight_ih.T + parameters.bias_ih
                seen = states[0] if mask is None else states[0] * mask[d, row]
                states = step(cell, a, states, parameters, seen)
                found[place] = states[0]
            output.append(
                torch.stack(found, dim=1) if found else x.new_zeros(1, 0, began[0].shape[2])
            )
            ended.append(torch.stack(states))
        outputs.append(torch.cat(output))
        finals.append(torch.cat(ended, dim=1))
    return torch.cat(outputs, dim=2), tuple(torch.stack(finals, dim=1))


class Case:
    """A layer, its input and what is asked of it, all drawn from one seed."""

    def __init__(
        self, cell: str, rows: int, steps: int, channels: int, hidden: int, directions: int = 2,
        dropout: bool = False, seed: int = 0, scale: float = 1.0,
    ) -> None:  # fmt: skip
        self.cell, self.generator = cell, torch.Generator().manual_seed(seed)
        lines = GATES[cell] * hidden
        self.lengths = torch.randint(0, steps + 1, (rows,), generator=self.generator)
        if rows:
            self.lengths[0] = steps
        self.x = self.draw(rows, steps, channels) * scale
        states = 2 if cell == "lstm" else 1
        self.began = [self.draw(directions, rows, hidden) * 0.5 for _ in range(states)]
        self.flat = [
            tensor
            for _ in range(directions)
            for tensor in (
                self.draw(lines, channels) / channels**0.5,
                # Half of what keeps a state's size: with more, rounding grows step by step.
                self.draw(lines, hidden) / hidden**0.5 / 2,
                self.draw(lines) * 0.3,
                self.draw(lines) * 0.3,
            )
        ]
        self.mask = None
        if dropout:
            kept = torch.rand(directions, rows, hidden, generator=self.generator) > 0.3
            self.mask = kept.float() / 0.7

    def draw(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator)

    def run(self, read, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        """Output, finals, and the gradients of a number that depends on every entry of them."""
        given = [t.to(dtype, copy=True).requires_grad_() for t in (self.x, *self.began, *self.flat)]
        x, began, flat = given[0], given[1 : 1 + len(self.began)], given[1 + len(self.began) :]
        weights = [Weights(*flat[i : i + 4]) for i in range(0, len(flat), 4)]
        mask = None if self.mask is None else self.mask.to(dtype)
        output, finals = read(self.cell, x, self.lengths, tuple(began), weights, mask)
        generator = torch.Generator().manual_seed(7)
        parts = [output, *finals]
        total = sum(
            (part * torch.randn(part.shape, generator=generator).to(dtype)).sum() for part in parts
        )
        gradients = torch.autograd.grad(total, given, materialize_grads=True)
        return [part.detach() for part in (*parts, *gradients)]


def error(found: list[Tensor], expected: list[Tensor]) -> float:
    """The largest difference, as a share of the largest entry of its tensor."""
    worst = 0.0
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        if ours.numel():
            largest = theirs.abs().max().clamp(min=1e-30)
            worst = max(worst, float((ours.double() - theirs).abs().max() / largest))
    return worst


def joined(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def same(found: list[Tensor], expected: list[Tensor]) -> bool:
    return all(torch.equal(ours, theirs) for ours, theirs in zip(found, expected, strict=True))


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize(
    ("cell", "directions", "dropout"), list(product(GATES, (1, 2), (False, True)))
)
def test_results_and_all_gradients_are_the_references(
    cell: str, directions: int, dropout: bool, instruction_set: str
) -> None:
    kernels.compiled.use_instruction_set(instruction_set)
    for shape in ((1, 5, 3, 4), (5, 7, 3, 5), (13, 9, 17, 33), (40, 12, 20, 16), (2, 50, 8, 70)):
        case = Case(cell, *shape, directions, dropout)
        assert error(case.run(read_layer), case.run(reference, torch.float64)) < 1e-5


@pytest.mark.parametrize("cell", GATES)
def test_every_hidden_size_from_1_to_70_and_a_few_large_ones(cell: str) -> None:
    for hidden in (*range(1, 71), 127, 128, 200):
        case = Case(cell, 3, 4, 1 + hidden % 19, hidden, dropout=hidden % 2 == 0, seed=hidden)
        assert error(case.run(read_layer), case.run(reference, torch.float64)) < 1e-5, hidden


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("cell", GATES)
def test_no_result_of_a_row_depends_on_the_number_of_threads(cell: str, threads: int) -> None:
    for shape in ((3, 300, 9, 40), (70, 11, 5, 17)):
        case = Case(cell, *shape, dropout=True)
        alone = case.run(read_layer)
        torch.set_num_threads(threads)
        together = case.run(read_layer)
        torch.set_num_threads(1)
        count = 2 + len(case.began) * 2  # output, finals, and the gradients of x and the states
        assert same(alone[:count], together[:count])
        assert error(together[count:], [t.double() for t in alone[count:]]) < 1e-5


@pytest.mark.parametrize("cell", GATES)
def test_no_result_of_a_row_depends_on_its_batch(cell: str) -> None:
    case = Case(cell, 37, 20, 6, 21)
    weights = [Weights(*case.flat[i : i + 4]) for i in (0, 4)]
    whole, _ = read_layer(cell, case.x, case.lengths, tuple(case.began), weights, None)
    for row, length in enumerate(case.lengths.tolist()):
        began = tuple(state[:, row : row + 1] for state in case.began)
        alone, _ = read_layer(
            cell, case.x[row : row + 1, :length], torch.tensor([length]), began, weights, None
        )
        assert torch.equal(whole[row, :length], alone[0])


@settings(max_examples=60)
@given(
    cell=st.sampled_from(list(GATES)),
    rows=st.integers(1, 70),
    steps=st.integers(0, 40),
    channels=st.integers(1, 40),
    hidden=st.integers(1, 40),
    directions=st.integers(1, 2),
    dropout=st.booleans(),
    threads=st.integers(1, 4),
    instruction_set=st.sampled_from(INSTRUCTION_SETS),
    seed=st.integers(0, 1000),
)
def test_any_shape_gives_the_reference(
    cell, rows, steps, channels, hidden, directions, dropout, threads, instruction_set, seed
) -> None:
    kernels.compiled.use_instruction_set(instruction_set)
    torch.set_num_threads(threads)
    # The reference reads every row by itself: a few steps in all are enough for it.
    steps = min(steps, 400 // rows)
    case = Case(cell, rows, steps, channels, hidden, directions, dropout, seed)
    found = case.run(read_layer)
    torch.set_num_threads(1)
    expected = case.run(reference, torch.float64)
    states = 1 + len(case.began)
    # The gradient is one vector here: an entry whose terms cancel has no precision of its own.
    for part in (slice(states), slice(states, None)):
        assert error([joined(found[part])], [joined(expected[part])]) < 1e-5


@pytest.mark.parametrize(("cell", "directions"), list(product(GATES, (1, 2))))
def test_words_that_are_projected_once_give_what_their_vectors_give(
    cell: str, directions: int
) -> None:
    case = Case(cell, 9, 30, 6, 19, directions, dropout=True)
    table = case.draw(11, 6)
    tokens = torch.randint(0, 11, (9, 30), generator=case.generator)

    def by_vectors(cell, x, *rest):
        return read_layer(cell, vectors[tokens], *rest)

    def by_words(cell, x, lengths, began, weights, mask):
        projected = [project(cell, vectors, w) for w in weights]
        return read_layer(cell, Words(tokens, projected), lengths, began, weights, mask)

    found = []
    for read in (by_words, by_vectors):
        vectors = table.clone().requires_grad_()
        given = [t.clone().requires_grad_() for t in (*case.began, *case.flat)]
        began, flat = tuple(given[: len(case.began)]), given[len(case.began) :]
        weights = [Weights(*flat[i : i + 4]) for i in range(0, len(flat), 4)]
        output, finals = read(cell, case.x, case.lengths, began, weights, case.mask)
        total = output.square().sum() + sum(final.sum() for final in finals)
        gradients = torch.autograd.grad(total, [vectors, *given])
        found.append([output.detach(), *(f.detach() for f in finals), *gradients])
    assert error(found[0], [tensor.double() for tensor in found[1]]) < 1e-5


@pytest.mark.parametrize(("cell", "scale"), list(product(GATES, (1e-30, 1e4, 1e15))))
def test_extreme_inputs_give_no_nan_where_the_reference_has_none(cell: str, scale: float) -> None:
    case = Case(cell, 6, 12, 5, 18, scale=scale)
    found, expected = case.run(read_layer), case.run(reference, torch.float64)
    for ours, theirs in zip(found, expected, strict=True):
        representable = theirs.abs() < torch.finfo(torch.float32).max / 100
        assert not bool(ours[representable].isnan().any())
    if cell != "rnn_relu":  # which has no bound
        assert error(found[:1], expected[:1]) < 1e-5


@pytest.mark.parametrize("cell", GATES)
def test_nan_in_a_row_stays_in_that_row_and_is_not_hidden(cell: str) -> None:
    case = Case(cell, 5, 6, 3, 7, directions=1)
    case.lengths[:] = 6
    weights = [Weights(*case.flat)]
    case.x[2, 3, 0] = float("nan")
    output, _ = read_layer(cell, case.x, case.lengths, tuple(case.began), weights, None)
    bad = output.isnan().any(dim=2)
    expected = torch.zeros(5, 6, dtype=torch.bool)
    expected[2, 3:] = True
    assert torch.equal(bad, expected)


@pytest.mark.parametrize(("layer", "share"), list(product((RNN, GRU, LSTM), (0.0, 0.3))))
def test_a_layer_gives_what_torchs_operators_give_it(
    layer, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    read = layer(6, 20, 3, True, dropout=share, recurrent_dropout=share).train()
    x, lengths = torch.randn(8, 15, 6), torch.tensor([15, 0, 3, 14, 1, 7, 15, 2])
    outputs = []
    for compiled in (kernels.compiled, None):
        monkeypatch.setattr(kernels, "compiled", compiled)
        torch.manual_seed(1)
        read.zero_grad()
        output, _ = read(x, lengths)
        output.square().sum().backward()
        outputs.append([output.detach(), *(p.grad.clone() for p in read.parameters())])
    assert error(outputs[0], [tensor.double() for tensor in outputs[1]]) < 1e-5


@pytest.mark.parametrize("layer", [RNN, GRU, LSTM])
def test_a_sequence_fed_in_pieces_ends_in_the_states_of_one_fed_whole(layer) -> None:
    torch.manual_seed(0)
    read = layer(5, 24, 2)
    x = torch.randn(3, 40, 5)
    whole, final = read(x, torch.full((3,), 40))
    state, pieces = None, []
    for piece in x.split([1, 1, 13, 25], dim=1):
        output, state = read(piece, torch.full((3,), piece.shape[1]), state)
        pieces.append(output)
    assert torch.equal(torch.cat(pieces, dim=1), whole)
    for ended, expected in zip(
        state if isinstance(state, tuple) else [state],
        final if isinstance(final, tuple) else [final],
        strict=True,
    ):
        assert torch.equal(ended, expected)


def test_a_second_derivative_is_refused_and_says_what_to_do() -> None:
    layer, x = GRU(3, 4), torch.randn(2, 5, 3, requires_grad=True)
    output, _ = layer(x, torch.tensor([5, 2]))
    with pytest.raises(RuntimeError, match="take it in float64"):
        torch.autograd.grad(output.sum(), x, create_graph=True)
    layer.double()
    output, _ = layer(x.double(), torch.tensor([5, 2]))
    (first,) = torch.autograd.grad(output.sum(), x, create_graph=True)
    assert bool(torch.autograd.grad(first.square().sum(), x)[0].isfinite().all())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"lengths": torch.tensor([6, 1])}, "lengths"),
        ({"lengths": torch.tensor([-1, 1])}, "lengths"),
        ({"lengths": torch.tensor([1, 1, 1])}, "does not fit"),
        ({"x": torch.zeros(2, 5, 4)}, "weight_ih"),
        ({"x": torch.zeros(3, 5, 3)}, "does not fit"),
        ({"cell": "tree"}, "no such cell"),
        ({"cell": "lstm"}, "does not fit"),
        ({"mask": torch.zeros(1, 2, 3)}, "mask does not fit"),
        ({"x": Words(torch.full((2, 5), 7), [torch.zeros(7, 12)])}, "no such token"),
        ({"x": Words(torch.full((2, 5), -1), [torch.zeros(7, 12)])}, "no such token"),
        ({"x": Words(torch.zeros(2, 5, dtype=torch.int64), [torch.zeros(7, 9)])}, "projections"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_read(change, complaint: str) -> None:
    call = {
        "cell": "gru",
        "x": torch.zeros(2, 5, 3),
        "lengths": torch.tensor([5, 1]),
        "began": (torch.zeros(1, 2, 4),),
        "weights": [
            Weights(torch.zeros(12, 3), torch.zeros(12, 4), torch.zeros(12), torch.zeros(12))
        ],
        "mask": None,
    }
    with pytest.raises(ValueError, match=complaint):
        read_layer(**(call | change))


def test_several_python_threads_at_once_get_what_each_alone_gets() -> None:
    cases = [Case(cell, 20, 30, 8, 24, seed=n) for n, cell in enumerate(GATES)]
    alone = [case.run(read_layer) for case in cases]
    found: dict[int, list[Tensor]] = {}

    def work(n: int) -> None:
        for _ in range(20):
            found[n] = cases[n].run(read_layer)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(cases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same(found[n], expected) for n, expected in enumerate(alone))


def test_without_the_compiled_module_everything_works_and_says_so() -> None:
    code = (
        "import sys; sys.modules['duree.network.kernels.compiled'] = None\n"
        "import torch; from duree.network import kernels; from duree.network.recurrent import GRU\n"
        "from duree.cli.doctor import examine\n"
        "assert kernels.compiled is None and kernels.missing\n"
        "GRU(3, 4, 2, True)(torch.randn(2, 5, 3), torch.tensor([5, 2]))[0].sum().backward()\n"
        "print([line for line in examine() if 'kernel' in line])"
    )
    # Without compiled code there is nothing for a sanitizer to see.
    env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert "torch.nn, which is slower" in done.stdout


@pytest.mark.parametrize("cell", GATES)
def test_a_words_projection_depends_neither_on_the_other_words_nor_on_threads(cell: str) -> None:
    case = Case(cell, 1, 1, 13, 21, directions=1)
    weights, vectors = Weights(*case.flat), case.draw(300, 13)
    together = project(cell, vectors, weights)
    assert error([together], [vectors.double() @ weights[0].T.double() + weights[2]]) < 1e-5
    torch.set_num_threads(3)
    shared = project(cell, vectors, weights)
    torch.set_num_threads(1)
    assert torch.equal(together, shared)
    for word in (0, 7, 299):
        assert torch.equal(project(cell, vectors[word : word + 1], weights)[0], together[word])
