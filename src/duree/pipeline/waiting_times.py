"""Waiting times: when the next event comes, predicted from the hidden states of the network.

classes of waiting times → a head on hidden states → evaluated beside baselines → ``expected_gap``
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import safetensors.torch
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from duree.baselines.next_steps import some_rows, steps_after_the_first
from duree.evaluation.evaluate import evaluate_models
from duree.evaluation.metrics import FLOOR, MetricSet
from duree.evaluation.next_metrics import ratios_of
from duree.network.batches import pad
from duree.network.network import scoring_batches
from duree.network.next_model import StepModel
from duree.network.waiting_times import Steps, WaitClasses, WaitHead, train_waiting_times
from duree.pipeline.dataset import Dataset
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.results.metric import BITS
from duree.results.run_files import Estimate, Wait, WaitFacts
from duree.sequences.ragged import Ragged, pieces
from duree.storage import read_sealed, write_sealed
from duree.tables.layouts.persons import GAPS

FOLDER, FIGURES = "waits", "waiting_times.json"
# Steps that the head learns from, those that choose its epoch, and those evaluated at a time.
MOST_STEPS, MOST_VALIDATED, AT_ONCE = 200_000, 50_000, 100_000
# How many waiting times the overall shares count as, beside those after the same event.
STRENGTH = 10.0
# Sums of bits and of steps, of which the metric is the ratio.
IN_BITS = MetricSet(
    (BITS,), ("bits", 0.0), False, ratios_of({"bits": (1, 0)}), counted="steps", sums=2
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WaitingTimes:
    """A head that predicts waiting times, and the classes that it predicts."""

    head: WaitHead
    classes: WaitClasses

    def shares(self, *read: torch.Tensor) -> Floats:
        """Probabilities of the classes, float64 [answers, classes], given the head's inputs."""
        with torch.inference_mode():
            scores = self.head(*read).numpy()
        return np.asarray(softmax(scores.astype(np.float64), axis=1))

    def expected(self, model: TrainedModel, sequences: Ragged, gaps: pl.Series) -> pl.Series:
        """The median waiting time after the last event of each row, Float64 [rows]."""
        last = sequences.offsets[1:] - 1
        before = self.classes.codes(_waiting_times(sequences, gaps))[last]
        before[sequences.lengths == 1] = len(self.classes)
        read = (hidden_states(model, sequences)[last], before, _tokens(sequences)[last])
        shares = self.shares(*map(torch.from_numpy, read))
        return pl.Series("expected_gap", self.classes.median(shares))

    def save(self, run: Run) -> None:
        """Write it into the run folder."""
        facts = {
            "edges": self.classes.edges,
            "longest": self.classes.longest,
            "hidden": self.head.first.in_features,
        }
        weights = safetensors.torch.save(self.head.state_dict())
        files = {"classes.json": json.dumps(facts).encode(), "weights.safetensors": weights}
        write_sealed(run.folder / FOLDER, files)

    @classmethod
    def of_run(cls, run: Run) -> WaitingTimes | None:
        """What a run learned of waiting times; None where its events have none."""
        if not run.has(FOLDER):
            return None
        files = read_sealed(run.folder / FOLDER)
        facts = json.loads(files["classes.json"])
        classes = WaitClasses(tuple(facts["edges"]), facts["longest"])
        weights = safetensors.torch.load(files["weights.safetensors"])
        head = WaitHead(facts["hidden"], weights["after"])
        head.load_state_dict(weights)
        return cls(head.eval(), classes)


def fit_waiting_times(
    run: Run, dataset: Dataset, sequences: Ragged, model: TrainedModel
) -> WaitingTimes | None:
    """Learn waiting times from the training rows; None where rows have none."""
    frame, seed = dataset.table.frame, run.recipe.seed
    if not isinstance(model.network, StepModel) or GAPS not in frame.columns:
        return None
    if (waiting_times := WaitingTimes.of_run(run)) is not None:
        return waiting_times
    parts: list[tuple[Ragged, pl.Series]] = []
    for rows, most in (
        (dataset.split.train, MOST_STEPS),
        (dataset.split.validation, MOST_VALIDATED),
    ):
        some = _some(sequences, rows, most, seed)
        parts.append((sequences.take(some), frame[GAPS].gather(some)))
    train = _waiting_times(*parts[0])[steps_after_the_first(parts[0][0])]
    if not len(train) or not len(steps_after_the_first(parts[1][0])):
        return None
    classes = WaitClasses.of(train)
    learned, held_out = (_steps(model, *part, classes) for part in parts)
    own = _shares(*parts[0], classes, len(model.network.embeddings["state"]))["waits_after_event"]
    after = torch.from_numpy(np.log(own).astype(np.float32))
    waiting_times = WaitingTimes(train_waiting_times(learned, held_out, after, seed), classes)
    waiting_times.save(run)
    return waiting_times


def evaluate_waiting_times(
    run: Run, dataset: Dataset, sequences: Ragged, model: TrainedModel, waiting_times: WaitingTimes
) -> WaitFacts:
    """How well the waiting times of the test rows are predicted, beside the baselines."""
    frame, split = dataset.table.frame, dataset.split
    learned = np.concatenate([split.train, split.validation])
    baselines = _shares(
        sequences.take(learned),
        frame[GAPS].gather(learned),
        waiting_times.classes,
        len(waiting_times.head.after),
    )
    terms: dict[str, list[Floats]] = {}
    misses: dict[str, list[Floats]] = {}
    persons, tested = [], split.test
    for some in pieces(sequences.lengths[tested], AT_ONCE):
        rows = tested[some]
        read, gaps = sequences.take(rows), frame[GAPS].gather(rows)
        places = steps_after_the_first(read)
        true = _waiting_times(read, gaps)[places]
        *known, came = _steps(model, read, gaps, waiting_times.classes)
        embeddings = {"network": waiting_times.shares(*known)}
        embeddings |= {name: table[known[2].numpy()] for name, table in baselines.items()}
        units = rows if dataset.groups is None else dataset.groups[rows]
        persons.append(np.repeat(units, np.maximum(read.lengths - 1, 0)))
        for name, shares in embeddings.items():
            of_truth = np.take_along_axis(shares, came.numpy()[:, None], axis=1)[:, 0]
            bits = -np.log2(np.clip(of_truth, FLOOR, 1.0))
            terms.setdefault(name, []).append(np.stack([np.ones(len(bits)), bits], axis=1))
            misses.setdefault(name, []).append(np.abs(waiting_times.classes.median(shares) - true))
    evaluation = evaluate_models(
        {name: np.concatenate(found) for name, found in terms.items()},
        np.zeros(sum(map(len, persons)), dtype=np.int64),
        IN_BITS,
        groups=np.concatenate(persons),
        resamples=run.recipe.evaluation.bootstrap,
        seed=run.recipe.seed,
    )
    return WaitFacts(
        steps=sum(map(len, persons)),
        classes=len(waiting_times.classes),
        models={
            name: Wait(
                bits=Estimate(**figures["bits"]),
                median_error=float(np.median(np.concatenate(misses[name]))),
            )
            for name, figures in evaluation.models.items()
        },
    )


def hidden_states(model: TrainedModel, sequences: Ragged) -> NDArray[np.float32]:
    """The network's hidden state after each step, float32 [steps, hidden]."""
    network = model.network
    if not isinstance(network, StepModel):
        raise TypeError(f"{type(network).__name__} does not answer step by step")
    network.eval()
    found = np.empty((len(sequences.values), network.head.in_features), dtype=np.float32)
    with torch.inference_mode():
        for rows in scoring_batches(sequences):
            values, lengths = pad(sequences, rows)
            states = network.states(values, lengths).numpy()
            real = np.arange(states.shape[1]) < lengths.numpy()[:, None]
            found[sequences.places(rows)] = states[real]
    return found


def _steps(model: TrainedModel, sequences: Ragged, gaps: pl.Series, classes: WaitClasses) -> Steps:
    """Of every step after the first of its row: the inputs of the head, and its target."""
    codes, places = classes.codes(_waiting_times(sequences, gaps)), steps_after_the_first(sequences)
    before = codes[places - 1]
    # Nothing is known of the wait before the first event that is read.
    before[np.isin(places - 1, sequences.offsets[:-1])] = len(classes)
    return (
        torch.from_numpy(hidden_states(model, sequences)[places - 1]),
        torch.from_numpy(before),
        torch.from_numpy(_tokens(sequences)[places - 1]),
        torch.from_numpy(codes[places]),
    )


def _waiting_times(sequences: Ragged, gaps: pl.Series) -> Floats:
    """The wait before each step that is read, float64 [steps]; of longer rows the last ones."""
    lists = pl.DataFrame({"gaps": gaps, "length": sequences.lengths})
    read = lists.select(pl.col("gaps").list.tail(pl.col("length"))).to_series()
    return np.asarray(read.explode().to_numpy(), dtype=np.float64)


def _shares(
    sequences: Ragged, gaps: pl.Series, classes: WaitClasses, count: int
) -> Mapping[str, Floats]:
    """Shares of the classes after each token, float64 [tokens, classes]: of all, and of its own."""
    places, tokens = steps_after_the_first(sequences), _tokens(sequences)
    codes = classes.codes(_waiting_times(sequences, gaps))[places]
    cells = np.bincount(tokens[places - 1] * len(classes) + codes, minlength=count * len(classes))
    counts = cells.reshape(count, len(classes)).astype(np.float64)
    of_all = (counts.sum(axis=0) + 1) / (counts.sum() + len(classes))
    own = (counts + STRENGTH * of_all) / (counts.sum(axis=1, keepdims=True) + STRENGTH)
    return {"all_waits": np.tile(of_all, (count, 1)), "waits_after_event": own}


def _tokens(sequences: Ragged) -> NDArray[np.int64]:
    values = sequences.values
    return (values if values.ndim == 1 else values[:, 0]).astype(np.int64)


def _some(sequences: Ragged, rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """Of these rows as many, at random, as hold so many steps."""
    lengths = sequences.lengths[rows]
    numbered = Ragged(np.repeat(rows, lengths), np.append(0, np.cumsum(lengths)))
    return np.unique(numbered.take(some_rows(numbered, most, seed)).values)
