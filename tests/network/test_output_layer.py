"""The output layer: losses and gradients as in float64, whatever the batch, threads and set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from duree.network import kernels, output_layer
from duree.network.batches import IGNORED
from duree.network.output_layer import cross_entropy, log_likelihood

assert kernels.compiled is not None, kernels.missing

INSTRUCTION_SETS = kernels.compiled.instruction_sets()


@pytest.fixture(autouse=True)
def best_instruction_set() -> Iterator[None]:
    yield
    kernels.compiled.use_instruction_set(INSTRUCTION_SETS[0])


class Case:
    """States, weights and targets drawn from one seed; a fifth of the targets is ignored."""

    def __init__(self, rows: int, size: int, outputs: int, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(rows, size, generator=generator)
        self.weight = 2 * torch.randn(outputs, size, generator=generator) / size**0.5
        self.bias = torch.randn(outputs, generator=generator)
        self.targets = torch.randint(0, outputs, (rows,), generator=generator)
        self.targets[torch.rand(rows, generator=generator) < 0.2] = IGNORED
        self.weights = torch.rand(rows, generator=generator)

    def losses_and_gradients(self, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        layer = [t.to(dtype, copy=True).requires_grad_() for t in (self.x, self.weight, self.bias)]
        losses = cross_entropy(*layer, self.targets, self.weights.to(dtype))
        return [losses.detach(), *torch.autograd.grad(losses.sum(), layer)]

    def expected(self) -> list[Tensor]:
        """By torch's own functions in float64."""
        x, weight, bias = layer = [
            t.double().requires_grad_() for t in (self.x, self.weight, self.bias)
        ]
        losses = self.weights * torch.nn.functional.cross_entropy(
            x @ weight.T + bias, self.targets, reduction="none"
        )
        return [losses.detach(), *torch.autograd.grad(losses.sum(), layer)]


def error(found: list[Tensor], expected: list[Tensor]) -> float:
    """The largest difference, as a share of the largest entry of its tensor."""
    worst = 0.0
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        largest = theirs.abs().max().clamp(min=1e-30)
        worst = max(worst, float((ours.double() - theirs).abs().max() / largest))
    return worst


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("shape", [(300, 33, 1000), (129, 128, 193), (2, 16, 5), (700, 8, 3)])
def test_losses_and_gradients_are_those_of_float64(
    shape: tuple[int, int, int], instruction_set: str
) -> None:
    kernels.compiled.use_instruction_set(instruction_set)
    case = Case(*shape)
    assert error(case.losses_and_gradients(), case.expected()) < 1e-5


@settings(max_examples=20)
@given(
    rows=st.integers(1, 300),
    size=st.integers(1, 40),
    outputs=st.integers(1, 500),
    threads=st.integers(1, 4),
    instruction_set=st.sampled_from(INSTRUCTION_SETS),
    seed=st.integers(0, 1000),
)
def test_any_shape_gives_the_losses_and_gradients_of_float64(
    rows, size, outputs, threads, instruction_set, seed
) -> None:
    kernels.compiled.use_instruction_set(instruction_set)
    torch.set_num_threads(threads)
    case = Case(rows, size, outputs, seed)
    found, expected = case.losses_and_gradients(), case.expected()
    torch.set_num_threads(1)
    assert error(found[:1], expected[:1]) < 1e-5
    # The gradient is one vector here: an entry whose terms cancel has no precision of its own.
    joined = [torch.cat([tensor.flatten() for tensor in part[1:]]) for part in (found, expected)]
    assert error(joined[:1], joined[1:]) < 1e-5


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_the_number_of_threads_changes_no_bit_of_losses_and_gradients(threads: int) -> None:
    case = Case(1100, 40, 700)
    alone = case.losses_and_gradients()
    torch.set_num_threads(threads)
    together = case.losses_and_gradients()
    for ours, expected in zip(together, alone, strict=True):
        assert torch.equal(ours, expected)


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
def test_the_other_rows_change_no_bit_of_a_rows_loss_and_gradient(instruction_set: str) -> None:
    kernels.compiled.use_instruction_set(instruction_set)
    case = Case(400, 24, 450)
    losses, dx, *_ = case.losses_and_gradients()
    for first, last in ((0, 1), (127, 130), (390, 400)):
        some = Case(400, 24, 450)
        some.x, some.targets = case.x[first:last], case.targets[first:last]
        some.weights = case.weights[first:last]
        of_some, dx_of_some, *_ = some.losses_and_gradients()
        assert torch.equal(of_some, losses[first:last])
        assert torch.equal(dx_of_some, dx[first:last])


def test_ignored_targets_have_no_loss_and_no_gradient() -> None:
    case = Case(50, 16, 30)
    losses, dx, *_ = case.losses_and_gradients()
    ignored = case.targets == IGNORED
    assert 0 < int(ignored.sum()) < 50
    assert not bool(losses[ignored].any())
    assert not bool(dx[ignored].any())
    assert bool((losses[~ignored] > 0).all())
    case.targets[:] = IGNORED
    assert not any(bool(found.any()) for found in case.losses_and_gradients())


def test_a_target_of_probability_almost_1_keeps_the_precision_of_its_loss() -> None:
    x, weight = torch.tensor([[4.0]]), torch.tensor([[3.0], [1.0]])
    loss = cross_entropy(x, weight, torch.zeros(2), torch.tensor([0]))
    expected = torch.log1p(torch.tensor(-8.0, dtype=torch.float64).exp())
    assert float(loss) == pytest.approx(float(expected), rel=1e-3)


@pytest.mark.parametrize("scale", [1e-30, 1e3, 1e6])
def test_extreme_scores_give_finite_losses_and_gradients(scale: float) -> None:
    case = Case(40, 16, 300)
    case.x *= scale
    found, expected = case.losses_and_gradients(), case.expected()
    assert all(bool(tensor.isfinite().all()) for tensor in found)
    assert error(found[:1], expected[:1]) < 1e-5


def test_nan_in_a_row_stays_in_that_row_and_is_not_hidden() -> None:
    case = Case(20, 16, 300)
    case.targets[:] = 7
    case.x[3, 5] = float("nan")
    losses, dx, *_ = case.losses_and_gradients()
    assert losses.isnan().nonzero().flatten().tolist() == [3]
    assert dx.isnan().any(1).nonzero().flatten().tolist() == [3]


@pytest.mark.parametrize("target", [-1, 30, 1000])
def test_a_target_that_is_no_output_is_refused(target: int) -> None:
    case = Case(5, 16, 30)
    case.targets[2] = target
    with pytest.raises(ValueError, match=f"target {target} is none of 30 outputs"):
        case.losses_and_gradients()


def test_without_the_compiled_module_torch_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(60, 20, 70)
    found = case.losses_and_gradients()
    monkeypatch.setattr(kernels, "compiled", None)
    without = case.losses_and_gradients()
    assert error(found, [tensor.double() for tensor in without]) < 1e-5
    assert error(without, case.expected()) < 1e-5


@pytest.mark.parametrize("most_kept", [0, 1000, 1_000_000])
@pytest.mark.parametrize("threads", [1, 3])
def test_scores_that_are_computed_again_give_the_gradients_of_scores_that_are_kept(
    most_kept: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(600, 24, 410)
    layer = [t.requires_grad_() for t in (case.x, case.weight, case.bias)]
    shares = torch.stack([case.weights, case.weights.flip(0)])
    found = []
    for kept in (16_000_000, most_kept):
        monkeypatch.setattr(output_layer, "MOST_KEPT", kept)
        parts = torch.stack(log_likelihood(*layer, case.targets))
        torch.set_num_threads(threads)
        total = (parts * shares).sum()
        found.append(torch.autograd.grad(total, layer, retain_graph=True))
        found.append(torch.autograd.grad(total, layer))
    for again in found[1:]:
        assert all(torch.equal(ours, first) for ours, first in zip(again, found[0], strict=True))


def test_losses_of_unequal_importance_have_the_gradients_of_float64() -> None:
    case = Case(500, 20, 300)
    case.targets[case.targets == IGNORED] = 0
    given = torch.linspace(-1, 2, 500)
    found = []
    for dtype in (torch.float32, torch.float64):
        layer = [t.to(dtype).requires_grad_() for t in (case.x, case.weight, case.bias)]
        losses = cross_entropy(*layer, case.targets)
        found.append(list(torch.autograd.grad(losses, layer, given.to(dtype))))
    assert error(*found) < 1e-5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_log_likelihood_and_its_mean_over_all_outputs_are_torchs(dtype: torch.dtype) -> None:
    case = Case(9, 12, 21)
    layer = [t.to(dtype).requires_grad_() for t in (case.x, case.weight, case.bias)]
    doubles = [t.detach().double().requires_grad_() for t in layer]
    expected = torch.log_softmax(doubles[0] @ doubles[1].T + doubles[2], dim=1)
    targets = case.targets.clamp(min=0)
    parts = (expected.gather(1, targets[:, None])[:, 0], expected.mean(1))
    found = log_likelihood(*layer, targets)
    share = torch.linspace(-1, 1, 9, dtype=torch.float64)
    gradients = [
        torch.autograd.grad((of_targets * share + mean * share.flip(0)).sum(), given)
        for (of_targets, mean), given in ((found, layer), (parts, doubles))
    ]
    found, parts = ([tensor.detach() for tensor in pair] for pair in (found, parts))
    assert error([*found, *gradients[0]], [*parts, *gradients[1]]) < 1e-5


def test_a_target_that_is_no_output_has_log_likelihood_0_and_a_mean_with_a_gradient() -> None:
    case = Case(6, 16, 30)
    case.targets = torch.tensor([30, 3, 30, 30, 5, 30])
    x = case.x.requires_grad_()
    found, mean = log_likelihood(x, case.weight, case.bias, case.targets)
    assert (found == 0).tolist() == [True, False, True, True, False, True]
    expected = torch.log_softmax(x @ case.weight.T + case.bias, dim=1)
    (dx,) = torch.autograd.grad(found.sum() + mean.sum(), x)
    known = expected[[1, 4], [3, 5]].sum() + expected.mean(1).sum()
    (expected_dx,) = torch.autograd.grad(known, x)
    parts = [expected.mean(1).detach().double(), expected_dx.double()]
    assert error([mean.detach(), dx], parts) < 1e-5
