"""Titles and descriptions of the baselines, in both languages."""

from __future__ import annotations

import string
from collections.abc import Sequence

import pytest

from duree.baselines import Baseline, label_baselines, next_baselines, regression_baselines
from duree.baselines.crf import FeatureCrf
from duree.baselines.forecasts import WORDS, Naive2
from duree.baselines.tag_hidden_markov import HiddenMarkov
from duree.baselines.tagging import MostFrequentTag, TagBaseline
from duree.errors import chinese_templates
from duree.recipe.recipe import Recipe
from duree.report.methods.references import references
from duree.sequences.ragged import Ragged

TEXTS = Recipe.build({})
STATES = Recipe.build({"data": {"states": ["a", "b"], "target": "t"}})


def nothing(texts: object) -> Ragged:
    return Ragged.from_rows([])


LISTS: dict[str, Sequence[Baseline | TagBaseline]] = {
    "classes of texts": label_baselines(TEXTS, str.split),
    "classes of states": label_baselines(STATES, str.split, states=True),
    "classes of series": label_baselines(TEXTS, None),
    "numbers of texts": regression_baselines(TEXTS, str.split),
    "numbers of states": regression_baselines(STATES, str.split, states=True),
    "numbers of series": regression_baselines(TEXTS, None),
    "next": next_baselines(nothing, 3, TEXTS, on_grid=True),
    "tags": [
        TagBaseline(make.name, make, [3], 4) for make in (MostFrequentTag, HiddenMarkov, FeatureCrf)
    ],
}


def check(name: str, title: str, description: str) -> None:
    twins = chinese_templates()
    # NB-SVM is its own name in Chinese too.
    assert title in twins or title.isupper(), name
    assert description in twins, name
    cited = {key for _, key, _, _ in string.Formatter().parse(description) if key}
    assert cited <= references().keys(), name


@pytest.mark.parametrize("kind", LISTS)
def test_every_baseline_has_a_title_and_a_description_in_both_languages(kind: str) -> None:
    for baseline in LISTS[kind]:
        check(baseline.name, baseline.title, baseline.description)


@pytest.mark.parametrize("kind", LISTS)
def test_no_two_baselines_of_a_list_have_the_same_words(kind: str) -> None:
    for words in ("name", "title", "description"):
        found = [getattr(baseline, words) for baseline in LISTS[kind]]
        assert len({*found}) == len(found)


def test_every_method_of_forecasts_has_words() -> None:
    for name, words in WORDS.items():
        check(name, *words)
    naive = Naive2(4, 1)
    check(naive.name, naive.title, naive.description)
