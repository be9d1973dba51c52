"""How long the training of a recipe will take, measured without training."""

from __future__ import annotations

import time
from functools import partial

from duree.pipeline.by_layout import read_dataset
from duree.pipeline.model import TrainedModel
from duree.pipeline.train_model import train_model
from duree.pipeline.training_sets import training_folds, training_sets
from duree.recipe.recipe import Recipe
from duree.results.run_files import Epoch
from duree.training.estimate import Estimate
from duree.training.loop import train


def expected_seconds(recipe: Recipe) -> float:
    """The longest that training the networks of a resolved recipe will take, in seconds.

    The table is read and encoded, and a few batches are timed. Training may stop earlier.

    Raises
    ------
    DataError, RecipeError, ExtraError
        The run would fail.
    """
    dataset = read_dataset(recipe)
    recipe = dataset.recipe
    rows = dataset.split.train
    texts, target = dataset.texts.gather(rows), dataset.target.gather(rows)
    encoder = dataset.task.fit_encoder(texts, target, recipe)
    sequences = encoder.encode(dataset.texts)
    task, examples, validation = training_sets(dataset, encoder, sequences)
    columns = {"text": dataset.texts.name, "target": dataset.target.name}
    untrained = TrainedModel.build(
        encoder, task, recipe.model, columns, dataset.layout, recipe.seed
    )
    began = time.monotonic()
    try:
        train_model(
            untrained,
            examples,
            validation,
            recipe,
            seed=recipe.seed,
            folds=partial(training_folds, dataset),
            learn=partial(train, progress=_Stopwatch()),
        )
    except _MeasuredError as measured:
        # What precedes the network is the fit of its wide part.
        trainings = 1 if recipe.data.vectors is None else 2
        seconds = time.monotonic() - began + trainings * measured.expected.seconds
        return seconds * recipe.evaluation.seeds
    return 0.0


class _MeasuredError(Exception):
    """Ends a training before its first step."""

    def __init__(self, expected: Estimate) -> None:
        super().__init__(expected)
        self.expected = expected


class _Stopwatch:
    """A listener that ends the training once its cost is known."""

    def start(self, steps: int, done: int, expected: Estimate) -> None:
        raise _MeasuredError(expected)

    def step(self, loss: float, rows: int) -> None:
        """Never called."""

    def epoch(self, record: Epoch) -> None:
        """Never called."""

    def should_stop(self) -> bool:
        return True

    def message(self, message: str) -> None:
        """Ignored."""

    def end(self) -> None:
        """Nothing is left to close."""
