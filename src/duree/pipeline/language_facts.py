"""What a run of a language model found on its test documents, for the report."""

from __future__ import annotations

from typing import cast

import polars as pl

from duree.evaluation.language_metrics import SUMS
from duree.network.language_model import LanguageModel
from duree.pipeline.compare_surprisal import compare_by
from duree.pipeline.dataset import Dataset
from duree.pipeline.evaluate import TestResult
from duree.pipeline.language_model import encoder_of, is_language_model, rate_of
from duree.pipeline.model import TrainedModel
from duree.pipeline.surprisal_page import chosen_documents, shown_text
from duree.results.metrics_file import NETWORK
from duree.results.surprisal import Comparison, LanguageFacts
from duree.sequences.ragged import Ragged
from duree.sequences.surprisal import Surprisal

# Groups that are compared, those with most documents; characters of each document that is shown.
MOST_GROUPS, CHARACTERS = 20, 2_000


def language_facts(
    dataset: Dataset, model: TrainedModel, sequences: Ragged, result: TestResult, seed: int
) -> LanguageFacts | None:
    """The test documents that surprise most and least, and means by group.

    None if the network gives texts no probability.

    Parameters
    ----------
    dataset, sequences
        All rows of the run, and their encoding.
    result : TestResult
        With the terms of the metrics of each code of the test documents.
    seed : int
        Of resamples and permutations.
    """
    if not is_language_model(model):
        return None
    rows = dataset.split.test
    offsets = sequences.take(rows).offsets
    of_codes = result.predictions[NETWORK]
    sums = Ragged(of_codes, offsets).sums()
    columns = {name: sums[:, SUMS.index(name)] for name in ("bits", "units", "characters")}
    documents = pl.DataFrame(columns).with_columns(
        pl.col("units", "characters").cast(pl.Int64), pl.lit(value=False).alias("in_training")
    )
    texts, bits = dataset.texts.gather(rows), Ragged(of_codes[:, SUMS.index("bits")], offsets)
    chosen, order = chosen_documents(documents, rate_of(model))
    found = [
        shown_text(
            Surprisal.of(texts[row], encoder_of(model), bits[row]), CHARACTERS, seed
        ).model_copy(update={"row": row + 1})
        for row in chosen
    ]
    comparison, groups = _by_group(dataset, documents, model, seed)
    state = model.task.to_dict()
    return LanguageFacts(
        order=int(state["order"]),
        share=float(state["share"]),
        texts=found,
        order_of_texts=order,
        comparison=comparison,
        groups=groups,
        samples=cast(LanguageModel, model.network).samples,
    )


def _by_group(
    dataset: Dataset, documents: pl.DataFrame, model: TrainedModel, seed: int
) -> tuple[Comparison | None, int]:
    """Means of the groups with most test documents, and how many groups there are."""
    column = dataset.recipe.data.group
    if column is None or column in documents.columns:
        return None, 0
    group = dataset.table.frame[column].gather(dataset.split.test).cast(pl.String)
    sizes = group.drop_nulls().value_counts(sort=True)
    if len(sizes) < 2:
        return None, len(sizes)
    largest = sizes.sort("count", column, descending=[True, False])[column][:MOST_GROUPS]
    taken = documents.with_columns(group).filter(group.is_in(largest.to_list()))
    if not (taken["characters"] > 0).any():
        return None, len(sizes)
    return compare_by(taken, column, model, seed), len(sizes)
