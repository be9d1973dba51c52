"""Vectors of sequences go to a file, and their types on a page, compared with optimal matching."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from tests.support.letters import SMALL, letters
from tests.support.letters import recipe as of_letters
from tests.support.life_courses import life_courses, recipe
from tests.support.spells import SPELLS, spells
from tests.support.spells import recipe as of_spells

from duree import SequenceClassifier
from duree.errors import DataError, RunError
from duree.network.scoring import scores
from duree.network.wide import JoinedModel
from duree.pipeline import typology as typologies
from duree.pipeline.embed import embed
from duree.pipeline.model import TrainedModel
from duree.pipeline.predict import read_like
from duree.pipeline.run import Run
from duree.pipeline.typology import embed_rows
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import Ragged
from duree.tables.files.write import write_table
from duree.workflow import fit

ALONE = {"evaluation.baselines": False, "training.epochs": 2}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("types") / "lives.csv"
    twins = life_courses(150).head(30).with_columns(("Q" + pl.col("id")).alias("id"))
    write_table(pl.concat([life_courses(150), twins]), path)
    return path


@pytest.fixture(scope="module")
def run(table: Path) -> Run:
    return fit(recipe(table, training__epochs=8, evaluation__baselines=False), table.parent / "run")


@pytest.fixture(scope="module")
def page(run: Run, table: Path) -> str:
    written = embed_rows(run.folder, table, table.parent / "vectors.parquet")
    assert written == table.parent / "vectors.html"
    return written.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["v1", "type"])
def test_identifiers_under_the_name_of_a_vector_or_type_are_refused(
    run: Run, table: Path, tmp_path: Path, name: str
) -> None:
    copy = Run(shutil.copytree(run.folder, tmp_path / "run"))
    copy.decide(copy.recipe.replace({"data.id": name}))
    write_table(pl.read_csv(table).rename({"id": name}), tmp_path / "lives.csv")
    with pytest.raises(DataError, match=f"already has a column '{name}'"):
        embed_rows(copy.folder, tmp_path / "lives.csv", tmp_path / "vectors.csv")


def test_the_file_holds_a_vector_and_types_for_each_row(run: Run, table: Path, page: str) -> None:
    found = pl.read_parquet(table.parent / "vectors.parquet")
    size = 2 * run.recipe.model.hidden_size
    assert found.columns == ["id", *(f"v{n + 1}" for n in range(size)), "type", "type_matching"]
    assert found["id"].to_list() == pl.read_csv(table)["id"].to_list()
    assert found["v1"].dtype == pl.Float32
    kinds = found["type"].n_unique()
    assert set(found["type"]) == set(range(1, kinds + 1)) == set(found["type_matching"])
    # Identical life courses have the same vector and types.
    one, other = found.filter(pl.col("id").is_in(["P007", "QP007"])).drop("id").rows()
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_vector_is_what_the_head_reads(run: Run, table: Path, page: str) -> None:
    model = TrainedModel.of_run(run)
    network = model.network.deep if isinstance(model.network, JoinedModel) else model.network
    sequences = model.encode(model.texts(read_like(run, table, model)))
    vectors = embed(model, sequences)
    head = network.head
    by_hand = vectors @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    np.testing.assert_allclose(by_hand, scores(network, sequences), atol=1e-5)
    alone = embed(model, sequences.take(np.array([3])))
    np.testing.assert_allclose(alone[0], vectors[3], atol=1e-5)
    empty = Ragged(np.zeros(0, dtype=np.int32), np.zeros(2, dtype=np.int64))
    assert not embed(model, empty).any()


def test_the_page_compares_types_with_optimal_matching(table: Path, page: str) -> None:
    found = pl.read_parquet(table.parent / "vectors.parquet")
    agreement = adjusted_rand_score(found["type"], found["type_matching"])
    for text in (
        f"{found['type'].n_unique()} types in “lives.csv”",
        f"an adjusted Rand index of {agreement:.2f}".replace("-", "−"),
        "optimal matching (transition rates)",
        "Abbott, A.; Forrest, J. (1986)",
        "to predict “pay”",
        "150 distinct sequences",
    ):
        assert text in page, text
    for figure in ("shares", "lines", "widths"):
        assert f'id="figure-{figure}"' in page
    assert "<script" not in page


def test_the_number_of_types_can_be_given(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as chinese:
        chinese.setenv("DUREE_LANG", "zh")
        written = embed_rows(run.folder, table, tmp_path / "vectors.csv", 4)
    assert written is not None
    assert "4 个类型" in written.read_text(encoding="utf-8")
    assert set(pl.read_csv(tmp_path / "vectors.csv")["type"]) == {1, 2, 3, 4}
    with pytest.raises(DataError, match="only 150 sequences differ"):
        embed_rows(run.folder, table, tmp_path / "vectors.csv", 151)
    with pytest.raises(DataError, match="cannot be written"):
        embed_rows(run.folder, table, tmp_path / "vectors.doc")


def test_beyond_a_limit_a_sample_is_matched_and_the_page_says_so(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typologies, "MOST_CELLS", 60**2 * 24**2 // 2)
    written = embed_rows(run.folder, table, tmp_path / "some.parquet", 3)
    assert written is not None
    assert "a sample of 60 distinct sequences, not for all 150" in written.read_text("utf-8")
    found = pl.read_parquet(tmp_path / "some.parquet")
    assert found["type"].null_count() == 0
    assert 60 <= found["type_matching"].drop_nulls().len() < 90
    monkeypatch.setattr(typologies, "MOST_CELLS", 24**2)
    written = embed_rows(run.folder, table, tmp_path / "none.parquet", 3)
    assert written is not None
    assert "optimal matching was left out" in written.read_text("utf-8")
    assert "type_matching" not in pl.read_parquet(tmp_path / "none.parquet").columns


def test_spells_are_embedded_person_by_person(tmp_path: Path) -> None:
    write_table(spells(life_courses(120)), tmp_path / "spells.csv")
    made = fit(of_spells(tmp_path / "spells.csv", SPELLS).replace(ALONE), tmp_path / "run")
    assert embed_rows(made.folder, tmp_path / "spells.csv", tmp_path / "v.parquet", 2)
    found = pl.read_parquet(tmp_path / "v.parquet")
    assert found["id"].to_list() == life_courses(120)["id"].to_list()


def test_texts_have_types_too(tmp_path: Path) -> None:
    write_table(letters(120), tmp_path / "letters.csv")
    made = fit(of_letters(tmp_path / "letters.csv", data__id="id").replace(ALONE), tmp_path / "run")
    written = embed_rows(made.folder, tmp_path / "letters.csv", tmp_path / "v.parquet")
    assert written is not None
    page = written.read_text("utf-8")
    assert "120 distinct texts" in page
    assert "optimal matching" not in page.lower()
    assert pl.read_parquet(tmp_path / "v.parquet").columns[-1] == "type"
    write_table(letters(120).head(2), tmp_path / "two.csv")
    assert embed_rows(made.folder, tmp_path / "two.csv", tmp_path / "two.parquet") is None
    assert pl.read_parquet(tmp_path / "two.parquet").height == 2


def test_a_network_that_answers_at_each_step_gives_the_mean_of_its_states(
    table: Path, tmp_path: Path
) -> None:
    chosen = {"task": "next", "data": {"files": [str(table)], "states": ["m01:m24"], "id": "id"}}
    made = fit(Recipe.build(chosen).replace(SMALL | ALONE), tmp_path / "next")
    written = embed_rows(made.folder, table, tmp_path / "v.parquet", 3)
    assert written is not None
    assert "to predict the next state" in written.read_text("utf-8")
    model = TrainedModel.of_run(made)
    sequences = model.encode(model.texts(read_like(made, table, model)))
    values = torch.from_numpy(sequences[0].astype(np.int64))[None]
    states = model.network.states(values, torch.tensor([values.shape[1]]))[0]
    found = pl.read_parquet(tmp_path / "v.parquet").select(f"v{n + 1}" for n in range(8)).row(0)
    np.testing.assert_allclose(found, states.mean(dim=0).detach(), atol=1e-5)


def test_covariates_are_read_and_not_matched(run: Run, table: Path, tmp_path: Path) -> None:
    data = {"files": [str(table)], "states": ["m01:m24"], "target": "wage", "id": "id"}
    chosen = Recipe.build({"data": data | {"covariate": ["pay"]}}).replace(SMALL | ALONE)
    made = fit(chosen, tmp_path / "run")
    embed_rows(made.folder, table, tmp_path / "v.parquet", 2)
    embed_rows(run.folder, table, tmp_path / "w.parquet", 2)
    one, other = (pl.read_parquet(tmp_path / name) for name in ("v.parquet", "w.parquet"))
    assert adjusted_rand_score(one["type_matching"], other["type_matching"]) == 1
    model = TrainedModel.of_run(made)
    assert model.texts(read_like(made, table, model))[0].startswith("pay=")


def test_a_network_without_a_vector_for_a_sequence_says_so() -> None:
    model = SequenceClassifier(hidden_size=4, epochs=1).fit(["a", "b"] * 9, [0, 1] * 9).model_
    with pytest.raises(RunError, match="no vector for a sequence"):
        embed(replace(model, network=torch.nn.Identity()), model.encode(pl.Series(["a"])))


def test_an_estimator_embeds() -> None:
    texts, answers = ["a fine day", "a bad day"] * 10, [1, 0] * 10
    model = SequenceClassifier(hidden_size=8, epochs=1).fit(texts, answers)
    found = model.embed(["fine", "bad", "fine"])
    assert found.shape == (3, 16)
    np.testing.assert_array_equal(found[0], found[2])
    assert not np.allclose(found[0], found[1])
