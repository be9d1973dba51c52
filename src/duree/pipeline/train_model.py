"""Training of one model: its network, its wide part, and what is calibrated on validation rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from duree.network.batches import Examples
from duree.network.network import Network
from duree.network.wide import JoinedModel
from duree.pipeline.model import TrainedModel
from duree.pipeline.parts import fit_part_decisions
from duree.recipe.recipe import Recipe
from duree.sequences.encoder import Encoder
from duree.sequences.spelling import character_ngrams
from duree.tasks.features import has_state_units
from duree.training.joined import choose_wide, join, refit_wide, time_for_the_rest
from duree.training.loop import Plan, train

# Trains a network in place: see ``duree.training.loop.train``.
Learn = Callable[[Network, Plan], Any]


def train_model(
    untrained: TrainedModel,
    examples: Examples,
    validation: Examples,
    recipe: Recipe,
    *,
    seed: int,
    folds: Callable[[], NDArray[np.int64] | None] = lambda: None,
    learn: Learn = train,
) -> TrainedModel:
    """Train on ``examples``; choose the epoch and calibrate on ``validation``.

    ``folds`` gives those by which a wide part is chosen, int64 [training and validation rows];
    without them it is chosen on the validation rows. ``learn`` trains the network itself.
    """
    task, network = untrained.task, untrained.network
    task, examples, criterion = task.prepare_training(examples, recipe)
    watched, budget = task.watched_rows(validation), task.epoch_budget
    plan = Plan(examples, watched, criterion, task.progress, recipe.training, seed, budget)
    if not isinstance(network, JoinedModel):
        learn(network, plan)
        return replace(untrained, task=task.complete(network, examples, validation))
    explanation = task.explanation
    assert explanation is not None  # networks with a wide part have one
    indicators = explanation.indicators(plan.all_rows.answers)
    choice = choose_wide(network.wide, plan, indicators, _ngrams(untrained.encoder), folds())
    learn(network.deep, time_for_the_rest(plan))
    joined = join(network, validation, choice.held_out, task.joining_criterion(criterion))
    calibrated = task.calibrate(joined, validation.targets, *validation.weighed)
    decisions = fit_part_decisions(calibrated, network, validation, choice.held_out)
    refit_wide(network.wide, plan, indicators, choice)
    return replace(untrained, task=calibrated, part_decisions=decisions)


def _ngrams(encoder: Encoder) -> csr_matrix:
    """The character n-grams of each unit; none of states, whose names are only names."""
    texts = encoder.units_encoder
    assert texts is not None  # a network with a wide part reads units
    units = texts.vocabulary
    return character_ngrams([""] * len(units) if has_state_units(encoder) else units)
