"""Transduce: from one sequence to another of its own length, such as old spelling to new."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.baselines import Baseline
from duree.baselines.transduction import transduction_baselines
from duree.evaluation.metrics import MetricSet
from duree.evaluation.transduction_facts import describe_transduction
from duree.evaluation.transduction_metrics import statistics, transduction_metrics
from duree.network.batches import Examples, pad
from duree.network.contracts import Criterion
from duree.network.decoding import decode_rows
from duree.network.ensemble import Decoder, Ensemble
from duree.network.length_limit import LengthLimit
from duree.network.network import Network
from duree.network.scoring import RECURRENT_PART, scores
from duree.network.transducer import Transducer
from duree.recipe.recipe import Defaults, Recipe
from duree.recipe.settings import EpochBudget, ModelSettings
from duree.results.run_files import Record
from duree.results.transduction import Chooser
from duree.sequences.encoder import Encoder
from duree.sequences.padded_outputs import HEAD, padded_outputs
from duree.sequences.pair_encoder import PairEncoder
from duree.sequences.pair_units import choose_units
from duree.sequences.ragged import Ragged
from duree.sequences.tokenizer import find_script
from duree.tables.columns import as_text
from duree.tables.table import Table
from duree.tasks.alternatives import columns_of_alternatives
from duree.tasks.joined_outputs import JoinedOutputs
from duree.tasks.pair_examples import (
    answers_of_pairs,
    are_right,
    best_choice,
    counts_of,
    spread,
    targets_of_pairs,
    types_of,
)
from duree.tasks.pair_lookup import Lookup
from duree.tasks.task import Task
from duree.tasks.transduce_defaults import WORDS, names, suited
from duree.tasks.watched import Watched, mean_of

# In place of a probability that is not known.
NONE = -1.0
# Targets by which the script is found, and the most characters of a word where words are not set
# apart by blanks.
SAMPLE, MOST_OF_WORD = 2000, 6
# Of words, and of sentences.
WATCHED = (
    Watched("share of right outputs", "share of right outputs on validation", 1),
    Watched("chrF", "chrF on validation", 1),
)
NO_LIMIT, NO_LOOKUP = LengthLimit(0, 0.0, 0), Lookup({})


@dataclass(frozen=True)
class Transduce(Task):
    """A sequence for each sequence, decoded unit by unit.

    Predictions are float64 [rows, 2 + limit.longest]: the probability of the output, its number of
    codes, and the codes (see ``PairEncoder``), 0 after the last.

    Attributes
    ----------
    encoder : PairEncoder or None
        The units of sources and targets; None before it is fitted.
    written : tuple of int
        The codes that occur in training targets.
    limit : LengthLimit
        The most codes of an output.
    lookup : Lookup
        The sources of training and validation rows, and their targets.
    looks_up : bool
        Whether known sources get their most frequent target: chosen on the validation set.
    joined : JoinedOutputs or None
        A joint n-gram that chooses together with the network; None if it does not help on the
        validation set.
    sentences, chinese : bool
        Whether targets are sentences, and in Chinese: metrics depend on it.
    members : int
        Networks that write together.
    """

    encoder: PairEncoder | None = None
    written: tuple[int, ...] = ()
    limit: LengthLimit = NO_LIMIT
    lookup: Lookup = NO_LOOKUP
    looks_up: bool = False
    joined: JoinedOutputs | None = None
    sentences: bool = False
    chinese: bool = False
    members: int = 1

    name: ClassVar[str] = "transduce"
    title: ClassVar[str] = "another text: a spelling, a pronunciation, a translation"
    layouts: ClassVar[tuple[str, ...]] = ("pairs",)
    writes_texts: ClassVar[bool] = True
    predicts_together: ClassVar[bool] = True
    unused_settings: ClassVar[frozenset[str]] = frozenset({"class_names", "label_separator"})
    run_title: ClassVar[str] = "“{target}” from “{text}”"
    defaults: ClassVar[Defaults] = {"text": {"lowercase": False, "max_length": 400}}
    decided_by_rows: ClassVar[tuple[str, ...]] = names(WORDS)

    @classmethod
    def read_target(cls, table: Table, column: str) -> pl.Series:
        """The targets as they are, without blanks at their ends."""
        return as_text(table, column).fill_null("").str.strip_chars()

    @classmethod
    def with_sizes(cls, recipe: Recipe, rows: pl.Series, target: pl.Series) -> Recipe:
        """Words get other sizes than sentences, and monotonic attention."""
        sides = choose_units(rows, target, recipe.text, recipe.data.covariate)
        return recipe.with_defaults(suited((sides.source, sides.target), rows, target))

    @classmethod
    def fit_encoder(cls, rows: pl.Series, target: pl.Series, recipe: Recipe) -> Encoder:
        return PairEncoder.fit(rows, target, recipe.text, recipe.data.covariate)

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        return cls()

    def with_encoder(self, encoder: Encoder) -> Self:
        assert isinstance(encoder, PairEncoder)
        return replace(self, encoder=encoder)

    def with_rows(self, training: Examples, validation: Examples) -> Self:
        targets = targets_of_pairs(training)
        both = training.sequences.followed_by(validation.sequences)
        codes, lengths = np.unique(targets.values), targets.lengths - 1
        task = replace(
            self,
            written=tuple(codes[codes < self._units.vocabulary_size].tolist()),
            limit=LengthLimit.fit(training.sequences.lengths, lengths),
            lookup=Lookup.fit(both, targets.followed_by(targets_of_pairs(validation))),
        )
        script = find_script(task._texts(targets.take(np.arange(min(len(targets), SAMPLE)))))
        # Where words are not set apart, texts of more characters than a word are sentences.
        long = script != "spaced" and float(np.median(lengths)) > MOST_OF_WORD
        kind = self._units.sides.target
        return replace(
            task,
            sentences=kind in ("subwords", "words") or (kind == "characters" and long),
            chinese=script == "chinese",
        )

    @cached_property
    def metrics(self) -> MetricSet:  # type: ignore[override]
        return transduction_metrics(**self._kind)

    @classmethod
    def ever_watched(cls) -> Iterable[Watched]:
        return WATCHED

    @property
    def watched(self) -> Watched:  # type: ignore[override]
        return WATCHED[self.sentences]

    @property
    def epoch_budget(self) -> EpochBudget:  # type: ignore[override]
        """The schedule of the learning rate ends with the last epoch: about as many as needed."""
        return EpochBudget(6_000 if self.sentences else 3_000, 40)

    @property
    def outputs(self) -> int:
        return HEAD + self.limit.longest

    def network(self, settings: ModelSettings, encoder: Encoder) -> Network:
        assert isinstance(encoder, PairEncoder)
        size = encoder.vocabulary_size
        networks = [
            Transducer(settings, vocabulary_size=size, outputs=self.written, limit=self.limit)
            for _ in range(self.members)
        ]
        return networks[0] if len(networks) == 1 else Ensemble(networks)

    def together(self, networks: Sequence[Network]) -> tuple[Self, Network]:
        members = [network for network in networks if isinstance(network, Transducer)]
        return replace(self, members=len(members)), Ensemble(members)

    def encode(self, target: pl.Series) -> Ragged:
        """The codes of each target and END: int32, with lengths of their own."""
        return self._units.encode_targets(target)

    def examples(self, sequences: Ragged, target: pl.Series) -> Examples:
        return Examples(sequences, self.encode(target), transduced=True)

    def answers(self, examples: Examples) -> NDArray[np.int32]:
        """Whether training had the source, the length of the target, and its codes, 0 after the
        last: int32 [rows, 2 + longest target]."""
        return answers_of_pairs(examples, self.lookup.known(examples.sequences))

    def prepare_training(
        self, examples: Examples, recipe: Recipe
    ) -> tuple[Self, Examples, Criterion]:
        """Equal pairs become one, weighted by the root of how often they occur."""
        return self, types_of(examples), self.criterion(examples.answers, recipe)

    def watched_rows(self, validation: Examples) -> Examples:
        return spread(validation)

    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        def loss(*_: Any) -> Any:
            raise TypeError("a network that decodes computes its own loss")

        return loss

    def complete(self, network: Network, examples: Examples, validation: Examples) -> Self:
        """Words by the network alone, a lookup or an n-gram: by what is right on validation."""
        assert isinstance(network, Decoder)
        if self.sentences or not len(validation):
            return self
        some = spread(validation)
        pairs = examples.sequences, targets_of_pairs(examples), counts_of(examples)
        tried = [self, replace(self, looks_up=True, lookup=Lookup.fit(*pairs))]
        tried.append(replace(self, joined=JoinedOutputs.fit(network, self._units, examples, some)))
        answers = self.answers(some)
        right = [are_right(task.predict(network, some.sequences), answers) for task in tried]
        best = best_choice(right, some.weights)
        joined = tried[best].joined
        # What was held out to choose is known to what predicts.
        return replace(
            tried[best],
            lookup=self.lookup,
            joined=None if joined is None else joined.learn(self._units, examples, validation),
        )

    def predict(self, network: Network, sequences: Ragged) -> NDArray[np.float64]:
        if self.joined is not None:
            return padded_outputs(
                [row[0] for row in self._best(network, sequences, 1)], self.limit.longest
            )
        found = self.predictions(scores(network, sequences))
        return self.lookup.replace(found, sequences) if self.looks_up else found

    def are_too_long(self, sequences: Ragged) -> NDArray[np.bool_]:
        return self.limit.is_short_of(sequences.lengths)

    @property
    def network_alone(self) -> bool:
        return self._chosen_by == "network"

    def parts(self, network: Network, sequences: Ragged) -> dict[str, NDArray[np.float64]]:
        if self.network_alone:
            return {}
        return {RECURRENT_PART: self.predictions(scores(network, sequences))}

    def alternatives(
        self,
        network: Network,
        sequences: Ragged,
        predictions: NDArray[np.float64],
        count: int,
    ) -> list[pl.Series]:
        found = []
        for row in self._best(network, sequences, count):
            texts = self._outputs(padded_outputs(row, self.limit.longest))
            found.append(list(zip(texts, (chance for _, chance in row), strict=True)))
        return columns_of_alternatives(self._outputs(predictions), found, count)

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        return scores.astype(np.float64)

    def summarise(
        self, predictions: NDArray[np.float64], answers: NDArray[Any]
    ) -> NDArray[np.float64]:
        """The sums of which metrics are made, then the predictions: float64 [rows, S + 2 + k]."""
        sums = statistics(
            self._outputs(predictions),
            self._units.texts(answers[:, HEAD:], answers[:, 1]),
            answers[:, 0].astype(bool),
            **self._kind,
        )
        # Baselines have no probability, and evaluation refuses what is no number.
        return np.concatenate([sums, np.nan_to_num(predictions, nan=NONE)], axis=1)

    def progress(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> float:
        """The primary metric."""
        answers = self.answers(Examples(targets, targets, transduced=True))
        found = self.predictions(scores)
        if not self.sentences:  # which is exact match, without the cost of the other metrics
            return mean_of(are_right(found, answers), *weights)
        found = self.summarise(found, answers)
        return self.metrics.values(found, answers, *weights)[self.metrics.primary]

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        chances = predictions[:, -self.outputs]
        return [
            pl.Series("prediction", self._outputs(predictions), dtype=pl.String),
            pl.Series("probability", np.where(chances < 0, np.nan, chances)).fill_nan(None),
        ]

    @classmethod
    def added_names(cls, target: pl.Series, recipe: Recipe) -> list[str]:
        return ["prediction", "probability"]

    def facts(
        self,
        predictions: NDArray[np.float64],
        answers: NDArray[Any],
        inputs: pl.Series,
        target: pl.Series,
    ) -> dict[str, Record]:
        predicted, chances = self.columns(predictions)
        found = describe_transduction(
            inputs.to_list(),
            self._units.texts_of_sources(inputs),
            predicted.to_list(),
            target.to_list(),
            answers[:, 0].astype(bool),
            chances.to_numpy(),
            predictions,
            chosen_by=self._chosen_by,
            **self._kind,
        )
        return {"transduction.json": found}

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        assert isinstance(encoder, PairEncoder)
        return transduction_baselines(encoder, self.limit.longest, sentences=self.sentences)

    def to_dict(self) -> dict[str, Any]:
        return {
            "written": list(self.written),
            "limit": self.limit._asdict(),
            "lookup": self.lookup.to_dict(),
            "looks_up": self.looks_up,
            "joined": None if self.joined is None else self.joined.to_dict(),
            "sentences": self.sentences,
            "chinese": self.chinese,
            "members": self.members,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        return cls(
            written=tuple(state["written"]),
            limit=LengthLimit(**state["limit"]),
            lookup=Lookup.from_dict(state["lookup"]),
            looks_up=bool(state["looks_up"]),
            joined=None if state["joined"] is None else JoinedOutputs.from_dict(state["joined"]),
            sentences=bool(state["sentences"]),
            chinese=bool(state["chinese"]),
            members=int(state.get("members", 1)),
        )

    @property
    def _units(self) -> PairEncoder:
        assert self.encoder is not None  # it is set before anything is encoded
        return self.encoder

    @property
    def _chosen_by(self) -> Chooser:
        """What the network's outputs are chosen by."""
        return "joint_ngram" if self.joined else "lookup" if self.looks_up else "network"

    @property
    def _kind(self) -> dict[str, bool]:
        """What metrics need to know of the targets."""
        symbols = self._units.sides.target == "symbols"
        return {"sentences": self.sentences, "chinese": self.chinese, "symbols": symbols}

    def _outputs(self, predictions: NDArray[np.float64]) -> list[str]:
        """The texts of predictions or of their summaries, which end with the predictions."""
        found = predictions[:, predictions.shape[1] - self.outputs + 1 :].astype(np.int64)
        return self._units.texts(found[:, 1:], found[:, 0])

    def _best(
        self, network: Network, sequences: Ragged, count: int
    ) -> list[list[tuple[list[int], float]]]:
        """At most ``count`` outputs of each source and their probabilities, the best first."""
        assert isinstance(network, Decoder)
        if self.joined is not None:
            return self.joined.best(network, self._units, sequences, count)
        decoded = decode_rows(network.members, sequences, max(count, network.settings.beam), count)
        return [[(codes.tolist(), math.exp(chance)) for codes, chance in row] for row in decoded]

    def _texts(self, targets: Ragged) -> list[str]:
        padded = pad(targets, np.arange(len(targets)))[0].numpy()
        return self._units.texts(padded, targets.lengths - 1)
