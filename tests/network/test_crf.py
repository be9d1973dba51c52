"""The chain of tags must be exact: against every path written out, in float64, padded or not."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from duree.network.crf import CRF

TAGS = 3


def chain(allowed: Tensor | None = None, seed: int = 0) -> CRF:
    torch.manual_seed(seed)
    crf = CRF(TAGS, allowed).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def score(crf: CRF, scores: Tensor, path: tuple[int, ...]) -> float:
    """One path's score, added up step by step."""
    total = crf.first[path[0]] + crf.last[path[-1]] + crf.forbidden[-1, path[0]]
    for step, tag in enumerate(path):
        total = total + scores[step, tag]
        if step:
            total = total + (crf.transitions + crf.forbidden[:-1])[path[step - 1], tag]
    return float(total.detach())


def all_paths(crf: CRF, scores: Tensor) -> dict[tuple[int, ...], float]:
    """The probability of every path there is."""
    scored = {path: score(crf, scores, path) for path in product(range(TAGS), repeat=len(scores))}
    partition = torch.tensor(list(scored.values()), dtype=torch.float64).logsumexp(0)
    return {path: float((s - partition).exp()) for path, s in scored.items()}


@pytest.mark.parametrize("constrained", [False, True])
def test_probabilities_best_path_and_marginals_are_those_of_all_paths_written_out(
    constrained: bool,
) -> None:
    allowed = torch.ones(TAGS + 1, TAGS, dtype=torch.bool)
    if constrained:
        allowed[0, 1] = allowed[TAGS, 2] = False
    crf = chain(allowed)
    lengths = torch.tensor([5, 1, 3])
    scores = torch.randn(3, 5, TAGS, dtype=torch.float64)
    targets = torch.tensor([[0, 2, 1, 1, 0], [1, 0, 0, 0, 0], [1, 2, 0, 0, 0]])
    likelihood = crf.log_likelihood(scores, targets, lengths)
    best, marginals = crf.best(scores, lengths), crf.log_marginals(scores, lengths).exp()
    for row, length in enumerate(lengths.tolist()):
        paths = all_paths(crf, scores[row, :length])
        truth = tuple(targets[row, :length].tolist())
        assert float(likelihood[row].detach().exp()) == pytest.approx(paths[truth], rel=1e-9)
        assert tuple(best[row, :length].tolist()) == max(paths, key=lambda path: paths[path])
        for step, tag in product(range(length), range(TAGS)):
            share = sum(p for path, p in paths.items() if path[step] == tag)
            assert float(marginals[row, step, tag]) == pytest.approx(share, abs=1e-9)


def test_gradients_are_right_in_float64() -> None:
    crf = chain()
    lengths = torch.tensor([4, 2, 1])
    scores = torch.randn(3, 4, TAGS, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(TAGS, (3, 4))

    def likelihood(scores: Tensor, *chain: Tensor) -> Tensor:
        named = dict(zip(("transitions", "first", "last"), chain, strict=True))
        called = torch.func.functional_call(
            _Likelihood(crf), {f"crf.{k}": v for k, v in named.items()}, (scores, targets, lengths)
        )
        assert isinstance(called, Tensor)
        return called

    assert torch.autograd.gradcheck(likelihood, (scores, crf.transitions, crf.first, crf.last))


def test_a_row_is_the_same_alone_and_with_a_longer_one_for_any_padding_values() -> None:
    crf = chain()
    scores = torch.randn(2, 6, TAGS, dtype=torch.float64)
    scores[0, 2:] = 1e5
    targets = torch.randint(TAGS, (2, 6))
    lengths = torch.tensor([2, 6])
    scores.requires_grad_()
    both = crf.log_likelihood(scores, targets, lengths)
    alone = crf.log_likelihood(scores[:1, :2], targets[:1, :2], lengths[:1])
    assert torch.allclose(both[:1], alone, rtol=1e-12)
    (gradient,) = torch.autograd.grad(both.sum(), scores)
    assert bool((gradient[0, 2:] == 0).all())
    assert torch.equal(crf.best(scores, lengths)[:1, :2], crf.best(scores[:1, :2], lengths[:1]))


def test_a_forbidden_step_is_never_taken_however_high_it_scores() -> None:
    allowed = torch.ones(TAGS + 1, TAGS, dtype=torch.bool)
    allowed[:, 2] = False
    allowed[1, 2] = True  # tag 2 only after tag 1
    crf = CRF(TAGS, allowed)
    scores = torch.randn(20, 9, TAGS)
    scores[:, :, 2] += 50
    best = crf.best(scores, torch.full((20,), 9))
    assert bool((best[:, 0] != 2).all())
    assert bool((best[:, :-1][best[:, 1:] == 2] == 1).all())
    assert bool((best == 2).any())


def test_probabilities_of_all_answers_add_up_to_one_in_float32_on_extreme_scores() -> None:
    crf = CRF(2)
    scores = torch.tensor([[[300.0, -300.0], [-300.0, 300.0]]])
    lengths = torch.tensor([2])
    found = torch.stack(
        [
            crf.log_likelihood(scores, torch.tensor([[a, b]]), lengths)
            for a, b in product(range(2), repeat=2)
        ]
    )
    assert float(found.detach().exp().sum()) == pytest.approx(1.0)


class _Likelihood(torch.nn.Module):
    def __init__(self, crf: CRF) -> None:
        super().__init__()
        self.crf = crf

    def forward(self, *given: Tensor) -> Tensor:
        return self.crf.log_likelihood(*given)
