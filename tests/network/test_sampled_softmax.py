"""Sampled softmax: what it is the exact loss of, and what training by it finds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from duree.network import kernels
from duree.network.batches import IGNORED
from duree.network.output_layer import cross_entropy
from duree.network.sampled_softmax import inclusion, sampled_cross_entropy


def layer(rows: int, size: int, outputs: int) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((rows, size), (outputs, size), (outputs,))
    x, weight, bias = (torch.randn(shape, generator=generator).requires_grad_() for shape in shapes)
    return x, weight, bias, torch.randint(0, outputs, (rows,), generator=generator)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("compiled", [True, False])
def test_with_all_outputs_as_candidates_it_is_the_exact_loss_with_its_gradient(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(kernels, "compiled", None)
    x, weight, bias, targets = layer(30, 16, 20)
    targets[[3, 7]] = IGNORED
    weights = torch.linspace(0, 2, 30)
    found = []
    for losses in (
        sampled_cross_entropy(x, weight, bias, targets, weights, 1_000_000, seeded()),
        cross_entropy(x, weight, bias, targets, weights),
    ):
        gradients = torch.autograd.grad(losses.sum(), (x, weight, bias))
        found.append(torch.cat([tensor.detach().flatten() for tensor in (losses, *gradients)]))
    assert float((found[0] - found[1]).abs().max()) < 1e-5
    assert not bool(found[0][[3, 7]].any())


def test_the_loss_is_that_of_the_candidates_and_the_target_with_corrected_scores() -> None:
    x, weight, bias, targets = layer(50, 8, 40)
    found = sampled_cross_entropy(x, weight, bias, targets, None, 25, seeded(4))
    shares = inclusion(40, 25)
    drawn = torch.rand(40, generator=seeded(4)) < shares
    assert 0 < int(drawn[targets].sum()) < 50
    scores = x @ weight.T + bias - shares.log()
    among = drawn.repeat(50, 1)
    among[torch.arange(50), targets] = True
    scores = scores.masked_fill(~among, float("-inf"))
    expected = torch.nn.functional.cross_entropy(scores, targets, reduction="none")
    assert float((found - expected).detach().abs().max()) < 1e-5


def test_the_true_probabilities_have_no_gradient_on_average_over_samples() -> None:
    truth = torch.softmax(torch.linspace(2, -2, 12), 0)
    bias = truth.log().requires_grad_()
    x, weight, targets = torch.zeros(12, 16), torch.zeros(12, 16), torch.arange(12)
    generator, gradients = seeded(), []
    for _ in range(100):
        losses = sampled_cross_entropy(x, weight, bias, targets, truth, 8, generator)
        gradients.append(torch.autograd.grad(losses.sum(), bias)[0])
    drawn = torch.stack(gradients)
    # Within 3 standard errors; up to 10 off if scores were not corrected.
    assert bool((drawn.mean(0).abs() < 3 * drawn.std(0) / 100**0.5).all())


def test_the_seed_determines_the_sample_and_another_draws_another() -> None:
    x, weight, bias, targets = layer(20, 8, 200)
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(sampled_cross_entropy(x, weight, bias, targets, None, 40))
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])


def test_frequent_outputs_are_nearly_always_candidates_and_as_many_as_draws_at_most() -> None:
    shares = inclusion(30_000, 4096)
    assert float(shares[0]) > 0.999999
    assert bool((shares.diff() < 0).any())
    assert bool((shares.diff() <= 0).all())
    assert 1500 < float(shares.sum()) < 4096
    assert 0.7 < float(inclusion(30_000, 10).sum()) / 10 <= 1
