"""The estimators follow scikit-learn's conventions, and take sequences in any usual container."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import duree
from duree import SequenceClassifier, SequenceRegressor, load
from duree.errors import DataError, RecipeError, RunError
from duree.recipe.recipe import Recipe, setting_names

TEXTS = [f"the play number {n} was {word}" for n in range(60) for word in ("good", "bad")]
LABELS = ["up", "down"] * 60

# Large enough to learn the little tables of the checks, small enough to learn them at once.
QUICK = {
    "hidden_size": 8,
    "embedding_size": 8,
    "epochs": 20,
    "learning_rate": 0.02,
    "batch_size": 16,
    "word_dropout": 0.0,
    "input_dropout": 0.0,
    "output_dropout": 0.0,
}

EXCLUDED = {
    "check_array_api_input": "arrays of other libraries are turned into NumPy's",
}


def classifier(**changes: Any) -> SequenceClassifier:
    return SequenceClassifier(**{**QUICK, "epochs": 6, **changes})


def exclusions(estimator: Any) -> dict[str, str]:
    return EXCLUDED


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [SequenceClassifier(**QUICK), SequenceRegressor(**{**QUICK, "epochs": 60})],
    expected_failed_checks=exclusions,
)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def test_every_parameter_is_a_setting_of_the_recipe_with_its_default() -> None:
    defaults = {}
    for name in setting_names():
        value: Any = Recipe()
        for part in name.split("."):
            value = getattr(value, part)
        defaults[name.rpartition(".")[2]] = value
    for name, parameter in inspect.signature(SequenceClassifier).parameters.items():
        assert parameter.default == defaults[name], name


@pytest.mark.parametrize(
    "container",
    [
        list,
        np.array,
        pd.Series,
        lambda texts: pd.DataFrame({"text": texts}),
        lambda texts: pl.Series("text", texts),
        pa.array,
        lambda texts: pa.chunked_array([texts]),
    ],
    ids=["list", "numpy", "pandas", "pandas frame", "polars", "arrow", "arrow chunks"],
)
def test_texts_come_in_any_container(container: Any) -> None:
    expected = classifier(epochs=1).fit(TEXTS, LABELS).predict_proba(TEXTS)
    found = classifier(epochs=1).fit(container(TEXTS), LABELS).predict_proba(container(TEXTS))
    np.testing.assert_array_equal(found, expected)


def test_a_classifier_learns_which_word_decides() -> None:
    model = classifier(epochs=12).fit(TEXTS, LABELS)
    assert model.score(TEXTS, LABELS) > 0.95
    assert set(model.predict(["it was good", "it was bad"])) == {"up", "down"}


def test_a_saved_model_predicts_the_same(tmp_path: Path) -> None:
    model = classifier().fit(TEXTS, LABELS)
    model.save(tmp_path / "mine")
    again = load(tmp_path / "mine")
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert again.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()
    assert again.get_params() == model.get_params()


def test_integer_labels_are_integers_again_after_loading(tmp_path: Path) -> None:
    classifier(epochs=1).fit(TEXTS, [1, 0] * 60).save(tmp_path / "mine")
    assert load(tmp_path / "mine").predict(TEXTS[:2]).dtype.kind == "i"


def test_a_regressor_saves_and_loads_as_a_regressor(tmp_path: Path) -> None:
    SequenceRegressor(**{**QUICK, "epochs": 1}).fit(TEXTS, np.arange(120.0)).save(tmp_path / "mine")
    assert isinstance(load(tmp_path / "mine"), SequenceRegressor)


def test_estimators_work_in_pipelines_and_searches() -> None:
    shout = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    pipeline = make_pipeline(shout, classifier(epochs=2))
    assert len(cross_val_score(pipeline, TEXTS, LABELS, cv=2)) == 2
    search = GridSearchCV(classifier(epochs=1), {"hidden_size": [4, 8]}, cv=2).fit(TEXTS, LABELS)
    assert search.best_params_["hidden_size"] in (4, 8)


def test_numeric_sequences_may_have_several_channels() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 12, 3))
    labels = (rows[:, :, 1].mean(axis=1) > 0).astype(int)
    model = classifier(epochs=30).fit(rows, labels)
    assert model.score(rows, labels) > 0.8


def test_the_same_seed_gives_the_same_model_and_leaves_the_global_one_alone() -> None:
    import torch

    before = torch.get_rng_state()
    first = classifier().fit(TEXTS, LABELS).predict_proba(TEXTS)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(classifier().fit(TEXTS, LABELS).predict_proba(TEXTS), first)


def test_wrong_rows_are_reported() -> None:
    with pytest.raises(DataError, match=r"write \[text\]"):
        classifier().fit("one text", ["a"])
    with pytest.raises(DataError, match="row 2 is None"):
        classifier().fit(["a", None, "b"], ["x", "y", "x"])
    with pytest.raises(DataError, match="3 rows and y has 2"):
        classifier().fit(["a", "b", "c"], ["x", "y"])
    with pytest.raises(DataError, match="only one class"):
        classifier().fit(["a", "b"], ["x", "x"])
    model = classifier(epochs=1).fit(TEXTS, LABELS)
    with pytest.raises(DataError, match="reads texts"):
        model.predict(np.zeros((2, 3)))


def test_a_parameter_out_of_range_is_reported_when_fitting() -> None:
    with pytest.raises(RecipeError, match="hidden_size"):
        classifier(hidden_size=0).fit(TEXTS, LABELS)


def test_loading_from_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        load(tmp_path)


def test_cloning_keeps_parameters() -> None:
    assert clone(classifier(cell="gru")).get_params() == classifier(cell="gru").get_params()


def test_the_package_exports_what_it_promises() -> None:
    assert sorted(duree.__all__) == [
        "SequenceClassifier",
        "SequenceRegressor",
        "__version__",
        "load",
    ]
    assert dir(duree) == sorted(duree.__all__)
    for name in duree.__all__:
        assert getattr(duree, name) is not None
