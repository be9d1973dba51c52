"""The estimators follow scikit-learn's conventions, and take sequences in any usual container."""

from __future__ import annotations

import inspect
import json
import pydoc
from datetime import date
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
from duree.storage import read_sealed, write_sealed

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
    # A row that is given twice is drawn into other batches than one of weight 2.
    "check_sample_weight_equivalence_on_dense_data": "weights are not repetitions to the bit",
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


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1, 0], dtype=np.int16),
        np.array([True, False]),
        np.array(["up", "down"], dtype=object),
        [date(1914, 7, 28), date(1918, 11, 11)],
        np.array(["1914-07-28", "1918-11-11"], dtype="datetime64[D]"),
        np.array(["1914-07-28", "1918-11-11"], dtype="datetime64[ns]"),
    ],
    ids=["int16", "bool", "object", "dates", "days", "nanoseconds"],
)
def test_labels_have_the_same_type_after_loading(labels: Any, tmp_path: Path) -> None:
    model = classifier(epochs=1).fit(TEXTS, np.tile(labels, 60))
    model.save(tmp_path / "mine")
    found, expected = load(tmp_path / "mine").predict(TEXTS), model.predict(TEXTS)
    assert found.dtype == expected.dtype
    assert found.dtype == np.asarray(labels).dtype or found.dtype.kind == "M"
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT], ids=repr)
def test_a_row_without_a_label_is_named(missing: object) -> None:
    labels = [*LABELS[:39], missing, *LABELS[40:]]
    containers = [list, pd.Series, lambda labels: np.array(labels, dtype=object)]
    if missing is None:
        containers.append(pl.Series)
    for container in containers:
        with pytest.raises(DataError, match="y has no label in row 40"):
            classifier().fit(TEXTS, container(labels))


def test_parameters_of_numpy_can_be_saved(tmp_path: Path) -> None:
    chosen = {"hidden_size": np.int64(3), "wide": np.bool_(False), "learning_rate": np.float32(0.5)}
    model = classifier(epochs=1, **chosen).fit(TEXTS, LABELS)
    model.save(tmp_path / "mine")
    assert load(tmp_path / "mine").get_params()["hidden_size"] == 3


def test_rows_of_no_weight_are_as_if_they_were_not_there() -> None:
    weights = np.repeat([1.0, 0.0], 60)
    weighted = classifier(epochs=2).fit(TEXTS, LABELS, sample_weight=weights)
    fewer = classifier(epochs=2).fit(TEXTS[:60], LABELS[:60], sample_weight=weights[:60])
    np.testing.assert_array_equal(weighted.predict_proba(TEXTS), fewer.predict_proba(TEXTS))


def test_a_class_of_more_weight_is_more_probable() -> None:
    texts = [f"the play number {n} was shown" for n in range(120)]
    weights = np.where(np.array(LABELS) == "up", 9.0, 1.0)
    model = classifier().fit(texts, LABELS, sample_weight=weights)
    assert model.predict_proba(["the play was shown"])[0, 1] > 0.75  # "up" comes second


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(7), r"sample_weight has the shape \(7,\), and X has 120 rows"),
        ([1.0] * 119 + [-1.0], "the weight of row 120 is -1"),
        ([float("nan")] + [1.0] * 119, "the weight of row 1 is nan"),
        (np.zeros(120), "all sample weights are zero"),
    ],
)
def test_weights_that_are_none_are_named(weights: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        classifier().fit(TEXTS, LABELS, sample_weight=weights)


def test_logarithms_of_probabilities_are_those_of_the_probabilities() -> None:
    model = classifier(epochs=1).fit(TEXTS, LABELS)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(TEXTS)), model.predict_proba(TEXTS))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame({"a": TEXTS, "b": TEXTS}), "X has 2 columns of texts, and one is read"),
        ("one text", r"write \[text\]"),
        (b"one text", r"write \[text\]"),
        ([text.encode() for text in TEXTS], "X holds bytes, and no texts"),
        ([], "X has no rows"),
        ((text for text in TEXTS), r"X is a generator.*write list\(X\)"),
    ],
    ids=["two columns", "text", "bytes", "list of bytes", "empty", "generator"],
)
def test_what_is_no_list_of_texts_is_named(X: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        classifier().fit(X, LABELS)


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


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    SequenceClassifier(hidden_size=2, embedding_size=2, epochs=1).fit(TEXTS[:20], [1, 0] * 10).save(
        folder
    )
    return folder


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("parameters", "hiden_size", 2, "hiden_size"),
        ("parameters", "hidden_size", "two", "hidden_size"),
        ("parameters", "cell", ["gru"], "cell"),
        ("attributes", "classes", ["x", "y"], "x"),
        ("attributes", "classes", [2, 3], r"classes: they are \['0', '1'\]"),
        ("attributes", "classes", [10**30, 1], "too large"),
        ("attributes", "dtype", "none", "none"),
        ("attributes", "dtype", 5, "5"),
    ],
)
def test_a_model_whose_stored_facts_are_no_estimator_s_is_refused(
    saved: Path, tmp_path: Path, part: str, name: str, value: object, message: str
) -> None:
    files = read_sealed(saved / "model")
    description = json.loads(files["model.json"])
    description["extra"][part][name] = value
    changed = {**files, "model.json": json.dumps(description).encode()}
    write_sealed(tmp_path / "model", changed)
    with pytest.raises(RunError, match=f"does not fit together.*{message}"):
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


def test_help_on_the_package_names_and_explains_what_is_public() -> None:
    page = pydoc.render_doc(duree, renderer=pydoc.plaintext)
    description = page.partition("PACKAGE CONTENTS")[0]
    assert [name for name in duree.__all__ if f"\n    {name}\n" not in description] == []
    assert "class SequenceClassifier(" in page
    for name in duree.__all__:
        assert getattr(duree, name) is not None


def test_lists_of_states_are_read_as_states_in_their_order(tmp_path: Path) -> None:
    up, down = ["school", "unemployed", "higher work"], ["higher work", "unemployed", "school"]
    rows, y = [up, down, [*up, "retired"], down] * 15, [1, 0, 1, 0] * 15
    model = SequenceClassifier(
        hidden_size=8, embedding_size=8, epochs=30, learning_rate=0.02, wide=False
    ).fit(rows, y)
    assert model.predict(rows[:4]).tolist() == y[:4]
    model.save(tmp_path / "saved")
    restored = load(tmp_path / "saved")
    assert restored.predict(pl.Series(rows[:4])).tolist() == y[:4]
    with pytest.raises(DataError, match="reads states, and was given texts"):
        model.predict(["school unemployed"])
    with pytest.raises(DataError, match="step 2 of row 1 is None, and no state"):
        model.predict([["school", None]])


def test_series_of_different_lengths_are_read_as_they_are() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    rows = [
        np.cumsum(rng.normal(size=5 + row % 3)) * 0.1 + (2 * label - 1) * np.arange(5 + row % 3)
        for row, label in enumerate(y)
    ]
    model = SequenceClassifier(hidden_size=8, epochs=20, learning_rate=0.02).fit(rows, y)
    assert model.predict(rows).tolist() == y.tolist()
    two_channels = [np.column_stack([row, -row]) for row in rows]
    both = SequenceRegressor(hidden_size=8, epochs=2).fit(two_channels, y)
    assert both.predict(two_channels).shape == (60,)
    with pytest.raises(DataError, match="different numbers of channels: 1, 2"):
        model.predict([rows[0], two_channels[1]])
    with pytest.raises(DataError, match="row 2 has no steps"):
        model.predict([[1.0], []])


def test_embeddings_start_from_the_vectors_of_a_file(tmp_path):
    file = tmp_path / "vectors.txt"
    file.write_text("good 1 0 0\nbad 0 1 0\nday 0 0 1\n")
    texts = ["a good day", "a bad day", "good weather", "bad weather"] * 10
    model = SequenceClassifier(hidden_size=4, epochs=2, vectors=str(file), seed=1)
    model.fit(texts, [1, 0, 1, 0] * 10).save(tmp_path / "saved")
    assert model.model_.settings.embedding_size == 3
    file.unlink()
    loaded = load(tmp_path / "saved")
    assert loaded.vectors == str(file)
    np.testing.assert_array_equal(loaded.predict_proba(texts), model.predict_proba(texts))
    with pytest.raises(DataError, match="for texts"):
        SequenceClassifier(vectors=str(file)).fit(np.zeros((4, 3)), [0, 1, 0, 1])
