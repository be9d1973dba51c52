"""The training of a wide part beside a network, and how the two are joined.

All choices about the wide part are made by its scores of rows that it was not fitted on: those of
each fold where the rows are few, so that none of them is lost to validation; otherwise those of the
validation set. It is then fitted to all rows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from torch import Tensor

from duree.network.batches import Examples
from duree.network.contracts import Criterion
from duree.network.scoring import scores
from duree.network.wide import JoinedModel, WideModel
from duree.tables.split.folds import MOST_FOLDED_UNITS
from duree.training.plan import Plan
from duree.training.wide import Floats, WideFit, one_thread

# Weights of the loss relative to the penalty, to choose from.
STRENGTHS = (0.25, 1.0, 4.0, 16.0, 64.0, 256.0)
# The share of the recipe's time limit for each of the two fits.
WIDE_SHARE = 0.1
# The bound of shares, which are not negative.
MOST_SHARE = 100.0


@dataclass(frozen=True)
class WideChoice:
    """What was chosen about a wide part.

    Attributes
    ----------
    strength : float
        The weight of the loss relative to the penalty.
    ngrams : csr_matrix [units, n-grams]
        The character n-grams of units; perhaps none.
    scale, offsets : float, float64 [outputs]
        By which scores are multiplied, then what is added to them.
    held_out : float32 [validation rows, outputs]
        The calibrated scores of the validation rows by wide parts that were not fitted on them.
    """

    strength: float
    ngrams: csr_matrix
    scale: float
    offsets: Floats
    held_out: NDArray[np.float32]


def choose_wide(
    wide: WideModel,
    plan: Plan,
    indicators: NDArray[np.bool_],
    ngrams: csr_matrix,
    folds: NDArray[np.int64] | None,
) -> WideChoice:
    """Choose the penalty, whether to use characters, and the calibration.

    Parameters
    ----------
    wide : WideModel
        Its weights are replaced.
    plan : Plan
    indicators : bool [rows, outputs]
        The positive examples of each output, of training and then validation rows.
    ngrams : csr_matrix [units, n-grams]
        Fits without them are tried too, since long texts are better known by their words.
    folds : int64 [rows] or None
        The fold of each training and then validation row; None: only validation rows are held out.
    """
    rows, began, limit = plan.all_rows, time.monotonic(), _seconds(plan)
    held_out = _held_out(plan, folds)
    places = np.concatenate(held_out)
    order, answers = np.argsort(places, kind="stable"), rows.take(np.sort(places)).answer_tensors
    best: tuple[float, WideChoice] | None = None
    for known in (ngrams, csr_matrix((ngrams.shape[0], 0))) if ngrams.shape[1] else (ngrams,):
        fits = [_fit_without(wide, plan, held, indicators, known) for held in held_out]
        former = np.inf
        for strength in STRENGTHS:
            if best is not None and time.monotonic() - began > limit:
                break
            found = []
            for fit, held in zip(fits, held_out, strict=True):
                fit.solve(strength)
                found.append(scores(wide, rows.sequences.take(held)))
            scored = np.concatenate(found)[order]
            loss, scale, offsets = calibrate(scored, answers, plan.criterion)
            if best is None or loss < best[0]:
                of_validation = scored[-len(plan.validation) :] * scale + offsets
                choice = WideChoice(
                    strength, known, scale, offsets, of_validation.astype(np.float32)
                )
                best = loss, choice
            if loss > former:  # it overfits, and would more with a weaker penalty
                break
            former = loss
    assert best is not None
    return best[1]


def refit_wide(
    wide: WideModel, plan: Plan, indicators: NDArray[np.bool_], choice: WideChoice
) -> None:
    """Fit again as chosen, to training and validation rows together; then calibrate.

    The baselines are refitted in the same way. ``indicators`` are those of all rows.
    """
    fit = WideFit(wide, plan.all_rows, indicators, plan.criterion, choice.ngrams)
    fit.solve(choice.strength)
    wide.calibrate(choice.scale, choice.offsets)


def calibrate(
    scored: NDArray[np.float32], answers: list[Tensor], criterion: Criterion
) -> tuple[float, float, Floats]:
    """The loss, and the scale and offsets of scores that lead to it.

    Scores of a strongly penalised model are too small, and too close to the shares of classes.
    Standard normal priors, worth about one row, keep the logarithm of the scale and the offsets
    near 0 (vector scaling with one scale: Guo et al. 2017, section 4.2).
    """
    given, rows = torch.from_numpy(scored).double(), len(scored)

    def objective(flat: Floats) -> tuple[float, Floats]:
        parameters = torch.from_numpy(flat).requires_grad_()
        calibrated = given * parameters[0].exp() + parameters[1:]
        loss = criterion(calibrated, *answers) + 0.5 * (parameters**2).sum() / rows
        slopes = torch.autograd.grad(loss, parameters)[0]
        return loss.item(), slopes.numpy()

    with one_thread():
        start = np.zeros(1 + scored.shape[1])
        found = minimize(objective, start, jac=True, method="L-BFGS-B")
    return float(found.fun), float(np.exp(found.x[0])), found.x[1:]


def join(
    model: JoinedModel,
    validation: Examples,
    of_wide: NDArray[np.float32],
    criterion: Criterion,
) -> NDArray[np.float32]:
    """Fit the shares of both parts to the least validation loss; returns the joined scores.

    Shares are not negative. Normal priors, worth about one row, keep them near 0 for the network
    and 1 for the wide part, which is calibrated already.

    Parameters
    ----------
    model : JoinedModel
    validation : Examples
    of_wide : float32 [rows, outputs]
        The calibrated scores of the validation rows by the wide part.
    criterion : Criterion
    """
    of_deep, answers = scores(model.deep, validation.sequences), validation.answer_tensors

    def best(parts: list[NDArray[np.float32]], priors: list[float]) -> list[float]:
        given = [torch.from_numpy(part) for part in parts]

        def loss_of(shares: Floats) -> float:
            joined = sum(float(share) * part for share, part in zip(shares, given, strict=True))
            far = float(((shares - priors) ** 2).sum())
            return float(criterion(joined, *answers)) + 0.5 * far / len(validation)

        # Few parameters: a simplex search needs no gradient and is deterministic.
        bounds = [(0.0, MOST_SHARE)] * len(parts)
        start = np.full(len(parts), 1.0 / len(parts))
        found = minimize(loss_of, start, method="Nelder-Mead", bounds=bounds)
        return [float(share) for share in found.x]

    alone = best([of_deep], [1.0])[0]
    deep, wide = best([alone * of_deep, of_wide], [0.0, 1.0])
    model.alone.copy_(torch.tensor([alone, 1.0]))
    model.shares.copy_(torch.tensor([alone * deep, wide]))
    return alone * deep * of_deep + wide * of_wide


def time_for_the_rest(plan: Plan) -> Plan:
    """The plan with the time that both fits of the wide part leave."""
    minutes = plan.settings.max_minutes
    left = None if minutes is None else (1 - 2 * WIDE_SHARE) * minutes
    return replace(plan, settings=plan.settings.model_copy(update={"max_minutes": left}))


def _held_out(plan: Plan, folds: NDArray[np.int64] | None) -> list[NDArray[np.int64]]:
    """The rows that each fit leaves out: of each fold, or the validation rows."""
    if folds is None or len(plan.all_rows.sequences.values) > MOST_FOLDED_UNITS:
        return [np.arange(len(plan.examples), len(plan.all_rows))]
    return [np.flatnonzero(folds == fold) for fold in np.unique(folds)]


def _fit_without(
    wide: WideModel,
    plan: Plan,
    held: NDArray[np.int64],
    indicators: NDArray[np.bool_],
    ngrams: csr_matrix,
) -> WideFit:
    """A fit to all rows but these."""
    rows = np.setdiff1d(np.arange(len(plan.all_rows)), held)
    return WideFit(wide, plan.all_rows.take(rows), indicators[rows], plan.criterion, ngrams)


def _seconds(plan: Plan) -> float:
    minutes = plan.settings.max_minutes
    return np.inf if minutes is None else 60 * WIDE_SHARE * minutes
