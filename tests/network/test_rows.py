"""Tables of which a batch uses some rows: results as in torch, without reading the others."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from duree.network import kernels
from duree.network.kernels.rows import adam_rows, look_up, sum_by_word


@given(
    rows=st.integers(1, 9),
    steps=st.integers(0, 12),
    words=st.integers(1, 40),
    size=st.integers(1, 20),
    threads=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_a_word_gets_the_sum_of_the_gradients_of_its_positions(
    rows: int, steps: int, words: int, size: int, threads: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, words, (rows, steps), generator=generator)
    values = torch.randn(rows, steps, size, generator=generator)
    torch.set_num_threads(threads)
    found = sum_by_word(values, tokens, words)
    torch.set_num_threads(1)
    expected = torch.zeros(words, size).index_add(0, tokens.flatten(), values.flatten(0, 1))
    torch.testing.assert_close(found, expected)


def test_looking_up_is_indexing_with_its_gradient() -> None:
    tokens = torch.tensor([[3, 0, 3], [1, 1, 1]])
    found = torch.randn(5, 4, requires_grad=True)
    expected = found.detach().clone().requires_grad_()
    weight = torch.randn(2, 3, 4)
    (look_up(found, tokens) * weight).sum().backward()
    (expected[tokens] * weight).sum().backward()
    assert torch.equal(look_up(found, tokens), found[tokens])
    torch.testing.assert_close(found.grad, expected.grad)


def test_adam_on_rows_is_torchs_sparse_adam() -> None:
    torch.manual_seed(0)
    theirs = torch.nn.Parameter(torch.randn(50, 7))
    ours, mean, square = theirs.detach().clone(), torch.zeros(50, 7), torch.zeros(50, 7)
    optimiser = torch.optim.SparseAdam([theirs], lr=0.1, betas=(0.9, 0.99))
    for step in range(1, 20):
        rows = torch.randperm(50)[: 1 + step].sort().values
        values = torch.randn(len(rows), 7)
        gradient = torch.sparse_coo_tensor(rows[None], values, (50, 7), check_invariants=True)
        theirs.grad = gradient
        optimiser.step()
        adam_rows(
            ours, mean, square, gradient, step=step, rate=0.1, betas=(0.9, 0.99), epsilon=1e-8
        )
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [[3, 2], [2, 2], [-1, 0], [4, 9]])
def test_unsorted_or_missing_row_indices_are_refused(rows: list[int]) -> None:
    table = torch.zeros(9, 2).numpy()
    wrong = torch.tensor(rows).numpy()
    with pytest.raises(ValueError, match="rows must rise"):
        kernels.compiled.adam_rows(
            table, table, table, wrong, torch.zeros(2, 2).numpy(), 0.1, 0.9, 0.99, 1e-8, 1
        )
