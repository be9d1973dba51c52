"""Studies: what else a run asks of its network once it is judged, each kept in a file of its own.

A study that does not apply to the run finds nothing, and the report shows nothing of it.
"""

from __future__ import annotations

from duree.pipeline.dataset import Question
from duree.pipeline.evaluate import Judged
from duree.pipeline.explain_test import explain_test
from duree.pipeline.forecast_diagnostics import forecast_facts
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.waiting_times import FIGURES, judge_waits, learn_waits
from duree.sequences.ragged import Ragged


def study(
    run: Run,
    question: Question,
    sequences: Ragged,
    networks: list[TrainedModel],
    judged: Judged,
) -> None:
    """What the network learned, how long one waits for what comes, and how forecasts went."""
    network, seed = networks[0], run.recipe.seed
    if found := explain_test(question, sequences, networks, judged, seed):
        run.write_json("explanations.json", found.model_dump())
    if waits := learn_waits(run, question, sequences, network):
        run.write_json(FIGURES, judge_waits(run, question, sequences, network, waits))
    if facts := forecast_facts(question, network.encoder, judged, seed):
        run.write_json("forecasts.json", facts)
