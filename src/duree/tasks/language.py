"""Language: each unit of a text, from all units before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.baselines import Baseline
from duree.baselines.language import KNESER_NEY, fit_ngrams, language_baselines
from duree.baselines.mixture import mixed, mixture_share
from duree.errors import RecipeError
from duree.evaluation.language_metrics import OF_CHARACTERS, OF_WORDS, SUMS, terms
from duree.evaluation.metrics import MetricSet
from duree.network.batches import Examples
from duree.network.contracts import Criterion
from duree.network.documents import Documents
from duree.network.language_model import LanguageModel
from duree.network.network import Network
from duree.network.scoring import scores
from duree.recipe.recipe import Defaults, Recipe
from duree.recipe.settings import EpochBudget, ModelSettings
from duree.results.metrics_file import INTERPOLATED, NETWORK
from duree.sequences.encoder import Encoder
from duree.sequences.language_encoder import LanguageEncoder
from duree.sequences.language_units import choose_kind
from duree.sequences.ragged import Ragged, offsets_of
from duree.tables.columns import as_text, with_columns
from duree.tables.table import Table
from duree.tasks.language_defaults import BUDGETS, names, suited
from duree.tasks.task import Task
from duree.tasks.watched import Watched

# Codes that can occur in a text: not PADDING or EMPTY.
RESERVED = 2
# Longer validation documents are divided for early stopping: read at once, they are fast.
WATCHED_LENGTH = 2_000


@dataclass(frozen=True)
class Language(Task):
    """A language model: the probability of every unit of a text.

    Predictions are float64 [codes, 1], the log-probability of each code in nats. A word that is
    spelt has several codes; the end of a text is a unit.

    Attributes
    ----------
    encoder : LanguageEncoder or None
        None before it is fitted.
    order : int
        Of the n-grams that are best on the validation set; 0 before training.
    share : float
        The share of the network in its mixture with these n-grams, fitted on the validation set.
    """

    encoder: LanguageEncoder | None = None
    order: int = 0
    share: float = 0.5

    name: ClassVar[str] = "language"
    title: ClassVar[str] = "the next unit of a text: a language model"
    layouts: ClassVar[tuple[str, ...]] = ("documents",)
    unused_settings: ClassVar[frozenset[str]] = frozenset({"target", "class_names", "weight"})
    run_title: ClassVar[str] = "Language model of “{text}”"
    reads_forwards: ClassVar[bool] = True
    watched: ClassVar[Watched] = Watched("minus bits per unit", "bits per unit on validation", -1)
    defaults: ClassVar[Defaults] = {
        "text": {"lowercase": False},
        "model": {"bidirectional": False, "pooling": "last", "wide": False},
        "training": {"patience": 5},
    }
    decided_by_rows: ClassVar[tuple[str, ...]] = names()

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        super().check_recipe(recipe)
        if recipe.data.target not in (None, recipe.data.text):
            raise RecipeError(
                "the texts themselves are predicted, and {target!r} is named as target too",
                fix="leave --target out, or leave --task language out",
                target=recipe.data.target,
            )
        if recipe.data.weight is not None:
            raise RecipeError(
                "a language model has no case weights, and {weight!r} is named",
                fix="leave --weight out",
                weight=recipe.data.weight,
            )

    @classmethod
    def read_target(cls, table: Table, column: str) -> pl.Series:
        """The texts, which are their own targets."""
        return as_text(table, column).fill_null("")

    @classmethod
    def with_sizes(cls, recipe: Recipe, rows: pl.Series, target: pl.Series) -> Recipe:
        """Characters get other sizes than words."""
        return recipe.with_defaults(suited(choose_kind(rows.to_list(), recipe.text), rows))

    @classmethod
    def fit_encoder(cls, rows: pl.Series, target: pl.Series, recipe: Recipe) -> Encoder:
        return LanguageEncoder.fit(rows, recipe.text)

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        return cls()

    def with_encoder(self, encoder: Encoder) -> Self:
        assert isinstance(encoder, LanguageEncoder)
        return replace(self, encoder=encoder)

    @property
    def metrics(self) -> MetricSet:  # type: ignore[override]
        of_characters = self.encoder is not None and self.encoder.kind == "characters"
        return OF_CHARACTERS if of_characters else OF_WORDS

    @property
    def epoch_budget(self) -> EpochBudget:  # type: ignore[override]
        """The schedule of the learning rate ends with the last epoch: see ``language_defaults``."""
        return BUDGETS[self._units.kind == "characters"]

    @property
    def outputs(self) -> int:
        return 1

    def network(self, settings: ModelSettings, encoder: Encoder) -> Network:
        assert isinstance(encoder, LanguageEncoder)
        return LanguageModel(settings, vocabulary_size=encoder.vocabulary_size)

    def encode(self, target: pl.Series) -> Ragged:
        """The units, characters and texts that end at each code: int32 [codes, 3]."""
        return self._units.counted(target)

    def examples(self, sequences: Ragged, target: pl.Series) -> Examples:
        return Documents(sequences, self.encode(target))

    def prepare_training(
        self, examples: Examples, recipe: Recipe
    ) -> tuple[Self, Examples, Criterion]:
        assert isinstance(examples, Documents)
        read = self._units.with_spellings(examples.sequences, recipe.seed)
        # A language model needs no targets: each unit is one.
        no_targets = np.zeros(len(read), dtype=np.int64)
        chunked = Documents(read, no_targets, chunk=recipe.training.chunk_length)
        return self, chunked, self.criterion(no_targets, recipe)

    def watched_rows(self, validation: Examples) -> Examples:
        assert isinstance(validation, Documents)
        return validation.divided(WATCHED_LENGTH)

    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        def loss(*_: Any) -> Any:
            raise TypeError("a language model computes its own loss")

        return loss

    def complete(self, network: Network, examples: Examples, validation: Examples) -> Self:
        """The order of n-grams, and the share of the network in its mixture with them."""
        of_network = scores(network, validation.sequences)[:, 0].astype(np.float64)
        read = examples.sequences, validation.sequences
        order, of_ngrams = fit_ngrams(*read, self._units.vocabulary_size)
        return replace(self, order=order, share=mixture_share(of_network, of_ngrams))

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        return scores.astype(np.float64)

    def summarise(
        self, predictions: NDArray[np.float64], answers: NDArray[Any]
    ) -> NDArray[np.float64]:
        """The terms of the metrics: see ``language_metrics.terms``."""
        return terms(predictions, answers)

    def mixtures(
        self, summaries: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, NDArray[np.float64]]:
        """The network and the n-grams interpolated, where both were evaluated."""
        if KNESER_NEY not in summaries:
            return {}
        network, ngrams = summaries[NETWORK], summaries[KNESER_NEY]
        nats = mixed(-np.log(2) * network[:, 0], -np.log(2) * ngrams[:, 0], self.share)
        return {INTERPOLATED: np.column_stack([nats / -np.log(2), network[:, 1:]])}

    def progress(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> float:
        """Minus the bits per unit."""
        nats = float(scores.sum(dtype=np.float64))
        return float(nats / np.log(2) / targets.values[:, 0].sum())

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        """Of each document its bits, units, characters and perplexity, from ``summarise``."""
        ends = np.flatnonzero(predictions[:, SUMS.index("documents")]) + 1
        bits, units, characters, _ = Ragged(predictions, np.append(0, ends)).sums().T
        return [
            pl.Series("bits", bits),
            pl.Series("units", units.astype(np.int64)),
            pl.Series("characters", characters.astype(np.int64)),
            pl.Series("perplexity", np.exp2(bits / units)),
        ]

    @classmethod
    def added_names(cls, target: pl.Series, recipe: Recipe) -> list[str]:
        return ["bits", "units", "characters", "perplexity"]

    def predicted_table(
        self, frame: pl.DataFrame, predictions: NDArray[np.float64], lengths: NDArray[np.int64]
    ) -> pl.DataFrame:
        """With the bits of each document."""
        nats = Ragged(predictions[:, 0], offsets_of(lengths)).sums()
        return with_columns(frame, [pl.Series("bits", nats / -np.log(2))])

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        codes = self._units.vocabulary_size
        return language_baselines(codes, codes - RESERVED, self.order)

    def to_dict(self) -> dict[str, Any]:
        return {"order": self.order, "share": self.share}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        return cls(order=int(state["order"]), share=float(state["share"]))

    @property
    def _units(self) -> LanguageEncoder:
        assert self.encoder is not None  # it is fitted before texts are encoded
        return self.encoder
