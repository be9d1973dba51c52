"""Networks that were not trained."""

from __future__ import annotations

from duree.pipeline.model import TrainedModel
from duree.recipe.recipe import Recipe
from duree.recipe.settings import ModelSettings
from duree.sequences.encoder import Encoder
from duree.tables.layouts.texts import Texts
from duree.tasks.task import Task


def untrained_model(
    encoder: Encoder, task: Task, settings: ModelSettings, seed: int = 0
) -> TrainedModel:
    return TrainedModel.build(encoder, task, settings, {}, Texts(Recipe().data), seed)
