"""Studies: what else a run asks of its network once it is judged, each kept in a file of its own.

A study that does not apply to the run finds nothing, and the report shows nothing of it.
"""

from __future__ import annotations

from duree.explaining import explain_test
from duree.forecast_facts import forecast_facts
from duree.judging import Judged
from duree.question import Question
from duree.run import Run
from duree.sequences.ragged import Ragged
from duree.trained import TrainedModel
from duree.waiting import FIGURES, judge_waits, learn_waits


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
