"""Analyses after the evaluation, each with a module and a result file of its own.

An analysis that does not apply to a run gives None, and the report shows nothing of it.
"""

from __future__ import annotations

from duree.pipeline.dataset import Dataset
from duree.pipeline.evaluate import TestResult
from duree.pipeline.explain_output import explain_test_outputs
from duree.pipeline.explain_test import explain_test
from duree.pipeline.forecast_diagnostics import forecast_facts
from duree.pipeline.language_facts import language_facts
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.waiting_times import FIGURES, evaluate_waiting_times, fit_waiting_times
from duree.sequences.ragged import Ragged


def analyse(
    run: Run,
    dataset: Dataset,
    sequences: Ragged,
    networks: list[TrainedModel],
    result: TestResult,
) -> None:
    """What the network learned, how waiting times were predicted, and how forecasts went."""
    network, seed = networks[0], run.recipe.seed
    if found := explain_test(dataset, sequences, networks, result, seed):
        run.write_json("explanations.json", found)
    if outputs := explain_test_outputs(dataset, network, seed):
        run.write_json("outputs.json", outputs)
    if waiting_times := fit_waiting_times(run, dataset, sequences, network):
        figures = evaluate_waiting_times(run, dataset, sequences, network, waiting_times)
        run.write_json(FIGURES, figures)
    if language := language_facts(dataset, network, sequences, result, seed):
        run.write_json("language.json", language)
    if facts := forecast_facts(dataset, network.encoder, result, seed):
        run.write_json("forecasts.json", facts)
