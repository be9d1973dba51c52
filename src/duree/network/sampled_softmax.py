"""Sampled softmax: the cross-entropy of many outputs in training, computed from a few of them.

All rows of a batch share candidates (Jean et al. 2015, "On using very large target vocabulary").
An output is a candidate with a known probability, independently of the others, and its score is
reduced by that probability's logarithm. Among the candidates and the target, the softmax of the
scores is then the probability of being the target, so that training finds the model that the exact
loss finds (Ma & Collins 2018, "Noise contrastive estimation and negative sampling", ranking).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from duree.network import kernels
from duree.network.batches import IGNORED
from duree.network.kernels.rows import look_up
from duree.network.output_layer import log_softmax_at


def sampled_cross_entropy(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: Tensor,
    weights: Tensor | None,
    samples: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The cross-entropy among a sample of outputs and each row's target: float [rows].

    For training only: it is no estimate of ``cross_entropy``, though both have the same minimum.

    Parameters
    ----------
    x : float [rows, size]
    weight : float [outputs, size]
        Of outputs by falling frequency.
    bias : float [outputs]
    targets : int64 [rows]
        From 0 to outputs - 1, or IGNORED, whose loss is 0.
    weights : float [rows] or None
        What each loss is multiplied by; None: 1.
    samples : int
        Expected number of draws; an output that is drawn several times is one candidate.
    generator : torch.Generator or None
        None: torch's own, which its seed determines.
    """
    real = targets != IGNORED
    if not bool(real.all()):
        weights = None if weights is None else weights[real]
        found = sampled_cross_entropy(
            x[real], weight, bias, targets[real], weights, samples, generator
        )
        return x.new_zeros(len(x)).masked_scatter(real, found)
    shares = inclusion(len(weight), samples)
    drawn = torch.rand(len(weight), generator=generator) < shares
    candidates = drawn.nonzero()[:, 0]
    place = torch.where(drawn, drawn.cumsum(0) - 1, -1)[targets]
    others = (place < 0).nonzero()[:, 0]  # rows whose target is no candidate
    read = torch.cat([candidates, targets[others]])
    vectors, count = _rows(weight, read), len(candidates)
    biases = bias[read] - shares[read].log().to(bias.dtype)
    likelihoods, normalisers = log_softmax_at(x, vectors[:count], biases[:count], place)
    scores = (x[others] * vectors[count:]).sum(1) + biases[count:]
    losses = (-likelihoods).index_put((others,), softplus(normalisers[others] - scores))
    return losses if weights is None else losses * weights


def inclusion(outputs: int, samples: int) -> Tensor:
    """The probability of each output to be a candidate: float32 [outputs].

    That of a Poisson number of draws, of ``samples`` in all, spread log-uniformly: rank r, from 0,
    gets log((r + 2) / (r + 1)) of log(outputs + 1), which is about Zipf's law.
    """
    ranks = torch.arange(outputs, dtype=torch.float64)
    draws = samples * torch.log1p(1 / (ranks + 1)) / math.log(outputs + 1)
    return (-torch.expm1(-draws)).float()


def _rows(weight: Tensor, places: Tensor) -> Tensor:
    """``weight[places]``, with a fast gradient."""
    if kernels.serves(weight):
        return look_up(weight, places[None])[0]
    return weight[places]
