"""Label: a tag for each word of a sentence, in one or several layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any, ClassVar, Self, cast

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from duree.baselines import Baseline
from duree.baselines.crf import FeatureCrf
from duree.baselines.tag_hidden_markov import HiddenMarkov
from duree.baselines.tagging import MostFrequentTag, TagBaseline
from duree.baselines.tagging import Tagger as WordTagger
from duree.evaluation.metrics import MetricSet
from duree.evaluation.tag_errors import describe_tags
from duree.evaluation.tag_metrics import (
    FIRST,
    KIND,
    LAYERS,
    LENGTH,
    MOST_CLASSES,
    UNSEEN,
    Scheme,
    entities,
    tagging_metrics,
)
from duree.network.batches import Examples
from duree.network.contracts import Criterion
from duree.network.network import Network
from duree.network.tagger import Tagger, TagScores
from duree.recipe.recipe import Defaults, Recipe
from duree.recipe.settings import TOKENS, ModelSettings
from duree.results.run_files import Record
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import UNKNOWN, Ragged, offsets_of
from duree.sequences.token_encoder import WORD, TokenEncoder
from duree.tables.columns import with_columns
from duree.tables.layouts.layout import Layout as TableLayout
from duree.tables.layouts.sentences import layers_of, tags_of, with_tokens
from duree.tables.table import Table
from duree.tasks.tag_layer import Layer
from duree.tasks.task import Task
from duree.tasks.watched import Watched

# A wrong probability of exactly 0 or 1 would make the validation loss infinite.
SURE = 1e-6


@dataclass(frozen=True)
class Label(Task):
    """Tags predicted jointly, as the best path of a CRF on top of the network, or one by one.

    Targets are lists of structs, one per word: the word as ``form``, then its cell in each layer.
    Models are compared in the first layer.
    """

    layers: tuple[Layer, ...]

    name: ClassVar[str] = "label"
    title: ClassVar[str] = "a tag for each word"
    layouts: ClassVar[tuple[str, ...]] = ("tokens",)
    unused_settings: ClassVar[frozenset[str]] = frozenset({"class_names"})
    run_title: ClassVar[str] = "“{target}” of each word"
    watched: ClassVar[Watched] = Watched(
        "share of right tags, or entity F1", "right tags, or entity F1, on validation", 1
    )
    # benchmarks/tagging.py measures the accuracy of these settings.
    defaults: ClassVar[Defaults] = {
        "model": {
            "embedding_size": 100,
            "hidden_size": 200,
            "word_dropout": 0.5,
            "input_dropout": 0.5,
            "recurrent_dropout": 0.4,
        },
        "training": {"batch_size": 16, "epochs": 20},
    }

    @classmethod
    def read_target(cls, table: Table, column: str) -> pl.Series:
        """The tags of each sentence; see ``duree.tables.layouts.sentences.tags_of``."""
        return tags_of(table, layers_of(column, table))

    @classmethod
    def fit_encoder(cls, rows: pl.Series, target: pl.Series, recipe: Recipe) -> Encoder:
        return TokenEncoder.fit(rows, recipe.text.max_features)

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        cells, first = _flat(target)
        words = cells["form"].to_list()
        return cls(
            tuple(
                Layer.learn(name, words, cells[name].to_list(), first, chain=recipe.model.chain)
                for name in cells.columns[1:]
            )
        )

    @cached_property
    def metrics(self) -> MetricSet:  # type: ignore[override]
        first = self.layers[0]
        return tagging_metrics([layer.name for layer in self.layers], first.tags, first.scheme)

    @property
    def outputs(self) -> int:
        return sum(len(layer.tags) for layer in self.layers)

    @property
    def classes(self) -> tuple[str, ...]:
        first = self.layers[0]
        if first.scheme is not None:
            return first.scheme.kinds
        return first.tags if len(first.tags) <= MOST_CLASSES else ()

    def network(self, settings: ModelSettings, encoder: Encoder) -> Network:
        if not isinstance(encoder, TokenEncoder):
            raise TypeError(f"{type(encoder).__name__} reads no tokens")
        return Tagger(
            settings,
            sizes=encoder.sizes,
            rare=encoder.rare,
            layers=[len(layer.tags) for layer in self.layers],
            allowed=[layer.allowed for layer in self.layers],
        )

    def examples(self, sequences: Ragged, target: pl.Series) -> Examples:
        answers = self.encode(target)
        answers.values[:, UNSEEN] = sequences.values[:, WORD] == UNKNOWN
        return Examples(sequences, answers)

    def encode(self, target: pl.Series) -> Ragged:
        """Targets int64 [words, 4 + layers]; see ``duree.evaluation.tag_metrics``. Tags that do not
        occur in training have codes after all others, so that they always count as wrong."""
        cells, first = _flat(target)
        words = cells["form"].to_list()
        answers = np.zeros((len(words), LAYERS + len(self.layers)), dtype=np.int64)
        answers[:, FIRST] = first
        for place, layer in enumerate(self.layers, start=LAYERS):
            answers[:, place] = layer.encode(words, cells[layer.name].to_list())
        main = self.layers[0]
        if main.scheme is not None:
            every = list(dict.fromkeys([*main.tags, *cells[main.name].to_list()]))
            scheme = Scheme.of(every, main.scheme)
            codes = answers[:, LAYERS]
            lengths, kinds = entities(scheme.prefix[codes], scheme.kind[codes], first)
            answers[:, LENGTH], answers[:, KIND] = lengths, kinds
        return Ragged(answers, offsets_of(target.list.len().to_numpy()))

    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        def loss(scores: Any, targets: Tensor) -> Tensor:
            answers = targets[:, :, LAYERS:].unbind(2)
            if isinstance(scores, TagScores):
                return _training_loss(scores, answers)
            return _surprise(scores, answers)

        return loss

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """The code of the tag and its probability in each layer: float64 [words, 2 * layers]."""
        return scores.astype(np.float64)

    def progress(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> float:
        """The mean of the first layer's primary metric and the accuracies of the others."""
        found = self.metrics.values(self.predictions(scores), targets.values)
        names = [self.metrics.primary, *(f"{layer.name}_accuracy" for layer in self.layers[1:])]
        return float(np.mean([found.get(name, 0.0) for name in names]))

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        raise TypeError("a lemma depends on its word: ask summary_columns")

    def summary_columns(
        self, predictions: NDArray[np.float64], inputs: pl.Series
    ) -> list[pl.Series]:
        words = inputs.explode().to_list()
        found = []
        for place, layer in enumerate(self.layers):
            codes, chances = predictions[:, 2 * place : 2 * place + 2].T
            name = f"_{layer.name}" if place else ""
            cells = layer.cells(words, codes.astype(np.int64))
            found.append(pl.Series(f"prediction{name}", cells, dtype=pl.String))
            found.append(pl.Series(f"probability{name}", chances))
        return found

    def facts(
        self,
        predictions: NDArray[np.float64],
        answers: NDArray[Any],
        inputs: pl.Series,
        target: pl.Series,
    ) -> dict[str, Record]:
        main, cells = self.layers[0], _flat(target)[0]
        predicted, sure = self.summary_columns(predictions, inputs)[:2]
        found = describe_tags(
            inputs.to_list(),
            cells[main.name].to_list(),
            predicted.to_list(),
            sure.to_list(),
            unseen=int(answers[:, UNSEEN].sum()),
            layers=[layer.name for layer in self.layers],
            entities=main.scheme is not None,
        )
        return {"tags.json": found}

    def answer_rows(
        self, frame: pl.DataFrame, target: pl.Series, layout: TableLayout
    ) -> pl.DataFrame:
        return with_tokens(frame)

    def predicted_table(
        self, frame: pl.DataFrame, predictions: NDArray[np.float64], lengths: NDArray[np.int64]
    ) -> pl.DataFrame:
        return with_columns(with_tokens(frame), self.summary_columns(predictions, frame[TOKENS]))

    @classmethod
    def added_names(cls, target: pl.Series, recipe: Recipe) -> list[str]:
        return ["prediction", "probability"]

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        counts = [len(layer.tags) for layer in self.layers]
        makers: dict[str, Callable[[], WordTagger]] = {
            "most_frequent_tag": MostFrequentTag,
            "hmm": HiddenMarkov,
        }
        if find_spec("pycrfsuite"):
            makers["crf"] = FeatureCrf
        found = [TagBaseline(name, make, counts, LAYERS) for name, make in makers.items()]
        if "crf" not in makers:
            found[0].notes.append("the CRF was left out: it needs pip install 'duree[label]'")
        return cast("list[Baseline]", found)  # they differ only in lacking row weights

    def to_dict(self) -> dict[str, Any]:
        return {"layers": [layer.to_dict() for layer in self.layers]}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        return cls(tuple(Layer.from_dict(layer) for layer in state["layers"]))


def _flat(target: pl.Series) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
    """The cells of all words, and a mask of the first words of sentences."""
    cells = target.explode().struct.unnest()
    first = np.zeros(len(cells), dtype=bool)
    first[offsets_of(target.list.len().to_numpy())[:-1]] = True
    return cells, first


def _training_loss(scores: TagScores, answers: Sequence[Tensor]) -> Tensor:
    """The negative log-likelihood of the true tags, in nats per word, summed over layers."""
    total = torch.zeros(())
    for of_layer, chain, tags in zip(scores.layers, scores.chains, answers, strict=True):
        if chain is None:
            total = total + cross_entropy(of_layer.flatten(0, 1), tags.flatten())
        else:
            likelihood = chain.log_likelihood(of_layer, tags, scores.lengths)
            total = total - likelihood.sum() / scores.lengths.sum()
    return total


def _surprise(answered: Tensor, answers: Sequence[Tensor]) -> Tensor:
    """The log-loss of the predicted tags being right or wrong, in nats per word."""
    total = torch.zeros(())
    for place, tags in enumerate(answers):
        real = tags >= 0
        chosen, chance = answered[:, :, 2 * place], answered[:, :, 2 * place + 1]
        of_truth = torch.where(chosen.long() == tags, chance, 1 - chance)[real]
        total = total - of_truth.clamp(SURE, 1.0).log().mean()
    return total
