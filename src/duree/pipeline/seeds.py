"""Training: one network per seed, and all in one model where they predict together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from duree.network.batches import Examples
from duree.pipeline.dataset import Dataset
from duree.pipeline.listener import Listener
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.train_model import Learn, train_model
from duree.pipeline.training_sets import training_folds, training_sets
from duree.pipeline.word_vectors import StartVectors
from duree.recipe.recipe import Recipe
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.tasks import Task
from duree.training.loop import train as fit_network


def train(
    run: Run, dataset: Dataset, encoder: Encoder, sequences: Ragged, listener: Listener
) -> list[TrainedModel]:
    """Train one network per seed; the first, or all together, are evaluated as ``model``."""
    recipe, model = dataset.recipe, run.folder / "model"
    task, examples, validation = training_sets(dataset, encoder, sequences)
    together = task.predicts_together and recipe.evaluation.seeds > 1
    networks: list[TrainedModel] = []
    vectors: StartVectors | None = None
    for seed in range(recipe.seed, recipe.seed + recipe.evaluation.seeds):
        first = seed == recipe.seed
        folder = model if first and not together else run.folder / "seeds" / str(seed)
        if not folder.exists():
            columns = {"text": dataset.texts.name, "target": dataset.target.name}
            untrained = TrainedModel.build(
                encoder, task, recipe.model, columns, dataset.layout, seed
            )
            progress = listener.training(seed, task.watched.name)
            checkpoint = run.folder / "checkpoint" / str(seed)
            history = run.folder / "history.jsonl" if first else None
            if recipe.data.vectors is None:
                learn: Learn = partial(
                    fit_network, progress=progress, checkpoint=checkpoint, history=history
                )
            else:
                vectors = vectors or StartVectors.read(run, encoder, examples.sequences)
                listener.message(vectors.describe())
                learn = vectors.learn(progress, checkpoint, history)
            trained = train_model(
                untrained,
                examples,
                validation,
                recipe,
                seed=seed,
                folds=partial(training_folds, dataset),
                learn=learn,
            )
            trained.save(folder)
        networks.append(TrainedModel.load(folder))
    if together and not model.exists():
        _ensemble(networks, task, examples, validation, recipe).save(model)
    return [TrainedModel.load(model), *networks] if together else networks


def _ensemble(
    networks: Sequence[TrainedModel],
    task: Task,
    examples: Examples,
    validation: Examples,
    recipe: Recipe,
) -> TrainedModel:
    """One model of trained networks, calibrated on the validation set like each of them."""
    task, network = task.together([one.network for one in networks])
    task, examples, _ = task.prepare_training(examples, recipe)
    return replace(networks[0], network=network, task=task.complete(network, examples, validation))
