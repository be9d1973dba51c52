"""Tagged words from file to report: the run, what it predicts and writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.support.tagged_words import (
    recipe,
    sentences,
    write_plain,
    write_universal,
)

from duree import load
from duree.errors import DataError, DureeError, RecipeError
from duree.estimators import TrainedTagger
from duree.pipeline.dataset import check_files
from duree.pipeline.model import TrainedModel, load_networks
from duree.pipeline.run import Run
from duree.recipe.flags import recipe_from_flags
from duree.recipe.recipe import Recipe
from duree.report.pages.report import write_report
from duree.serving.export import export
from duree.tables.files.conll import read_conll
from duree.tasks import resolve
from duree.workflow import evaluate, explain_row, fit, predict, resume


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokens")
    write_plain(folder / "train.txt", sentences(120))
    write_plain(folder / "test.txt", sentences(40, 1))
    write_universal(folder / "train.conllu", sentences(120))
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    settings = {"data.test_file": str(folder / "test.txt")}
    return fit(recipe(folder / "train.txt", **settings), folder / "run")


@pytest.fixture(scope="module")
def layered(folder: Path) -> Run:
    settings = {"evaluation.seeds": 2, "training.epochs": 12}
    return fit(recipe(folder / "train.conllu", "upos,lemma", **settings), folder / "layered")


def test_a_file_of_its_own_may_choose(folder: Path, tmp_path: Path) -> None:
    chosen = write_plain(tmp_path / "valid.txt", sentences(30, 2))
    files = {"data.test_file": str(folder / "test.txt"), "data.validation_file": str(chosen)}
    settings = {**files, "evaluation.baselines": False, "training.epochs": 1}
    run = fit(recipe(folder / "train.txt", **settings), tmp_path / "run")
    assert run.read_json("metrics.json")["rows"] == {"train": 120, "validation": 30, "test": 40}
    split = run.read_json("split.json")
    assert (split["test"], split["validation"]) == ([*range(120, 160)], [*range(160, 190)])
    assert [Path(source["path"]).name for source in run.read_json("data.json")["sources"]] == [
        "train.txt",
        "test.txt",
        "valid.txt",
    ]


def test_a_file_to_choose_by_goes_with_a_test_file(folder: Path) -> None:
    with pytest.raises(RecipeError, match="goes with"):
        recipe(folder / "train.txt", **{"data.validation_file": str(folder / "test.txt")})


def test_entities_are_learned_and_evaluated_by_whole_sentences(run: Run) -> None:
    metrics = run.read_json("metrics.json")
    assert metrics["primary_metric"] == "entity_f1"
    assert set(metrics["models"]) >= {"network", "most_frequent_tag", "hmm"}
    figures = metrics["models"]["network"]
    assert figures["entity_f1"]["value"] > 0.9
    assert figures["entity_f1"]["low"] <= figures["entity_f1"]["value"]
    assert set(metrics["per_class"]["network"]) == {"LOC", "PER"}
    assert all("by group" in found["method"] for found in metrics["comparisons"])
    assert "test tokens" in metrics["verdict"]
    assert "词数" in metrics["verdict_zh"]
    assert metrics["rows"]["test"] == 40


def test_the_words_of_a_file_and_their_tags_are_what_the_run_was_given(
    run: Run, folder: Path
) -> None:
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    given = read_conll(folder / "test.txt").frame
    assert predictions.select(given.columns).equals(given)
    assert predictions["prediction"].is_in(["O", "B-PER", "I-PER", "B-LOC"]).all()
    assert predictions["probability"].is_between(0, 1).all()


def test_no_prediction_breaks_the_scheme(run: Run, folder: Path) -> None:
    write_plain(folder / "odd.txt", [[(word, "O", "")] * 3 for word in ["in", "Otto", "zzz"]])
    predict(run.folder, folder / "odd.txt", folder / "odd.csv")
    for _, tags in pl.read_csv(folder / "odd.csv").group_by("sentence"):
        before = "O"
        for tag in tags["prediction"]:
            assert not tag.startswith("I-") or before[2:] == tag[2:]
            before = tag


def test_predict_writes_the_format_that_it_read(run: Run, layered: Run, folder: Path) -> None:
    predict(run.folder, folder / "test.txt", folder / "tagged.txt")
    read, written = (
        (folder / name).read_text(encoding="utf-8").split("\n")
        for name in ("test.txt", "tagged.txt")
    )
    assert [line.rpartition(" ")[0] if line else "" for line in written] == read
    predict(layered.folder, folder / "train.conllu", folder / "tagged.conllu")
    lines = zip(
        (folder / "train.conllu").read_text(encoding="utf-8").split("\n"),
        (folder / "tagged.conllu").read_text(encoding="utf-8").split("\n"),
        strict=True,
    )
    for was, now in lines:
        one, other = was.split("\t"), now.split("\t")
        assert len(one) == len(other)
        assert [one[0], *one[4:]] == [other[0], *other[4:]]
    read_conll(folder / "tagged.conllu")


def test_a_file_of_other_tokens_gets_tags_and_lemmas(layered: Run, folder: Path) -> None:
    (folder / "new.txt").write_text("Anna\nKarl\nwalks\nin\nRome\n", encoding="utf-8")
    predict(layered.folder, folder / "new.txt", folder / "new.csv")
    found = pl.read_csv(folder / "new.csv")
    assert found.columns[2:] == [
        "prediction",
        "probability",
        "prediction_lemma",
        "probability_lemma",
    ]
    assert found["prediction_lemma"][2] == "walk"
    with pytest.raises(DataError, match="cannot be written as a token file"):
        predict(layered.folder, folder / "new.csv", folder / "again.conllu")


def test_several_layers_are_evaluated_separately_and_several_seeds_have_a_spread(
    layered: Run,
) -> None:
    metrics = layered.read_json("metrics.json")
    assert metrics["primary_metric"] == "accuracy"
    assert {"accuracy", "lemma_accuracy"} <= set(metrics["metric_names"])
    assert metrics["models"]["network"]["lemma_accuracy"]["value"] > 0.8
    assert len(metrics["seeds"]["values"]["accuracy"]) == 2
    assert len(load_networks(layered)) == 2


def test_evaluate_reads_another_file_and_counts_an_unseen_tag_as_wrong(
    run: Run, folder: Path
) -> None:
    figures = evaluate(run.folder, folder / "test.txt")
    stored = run.read_json("metrics.json")["models"]["network"]
    assert figures["entity_f1"]["value"] == pytest.approx(stored["entity_f1"]["value"])
    other = [[(w, "B-EVENT" if t == "B-LOC" else t, "") for w, t, _ in r] for r in sentences(9, 2)]
    figures = evaluate(run.folder, write_plain(folder / "other.txt", other))
    assert figures["entity_recall"]["value"] <= 0.5


@pytest.mark.parametrize(("language", "text"), [("en", "test tokens"), ("zh", "测试词")])
def test_the_report_uses_tokens_and_sentences_and_shows_mistakes(
    run: Run, layered: Run, language: str, text: str
) -> None:
    for one in (run, layered):
        page = write_report(one.folder, language).read_text(encoding="utf-8")
        assert text in page
        without_settings = page[: page.index('id="choices"')] + page[page.index('id="methods"') :]
        assert "test rows" not in without_settings
        assert "行测试数据" not in without_settings
    facts = layered.read_json("tags.json")
    assert facts["tokens"] == sum(sum(row.values()) for row in facts["table"].values())
    assert facts["wrong"] == facts["tokens"] - sum(r[t] for t, r in facts["table"].items())
    assert (layered.folder / "figures/models.svg").exists()


def test_tagged_words_name_their_row_in_the_file(run: Run, folder: Path) -> None:
    found = pl.read_parquet(run.folder / "predictions.parquet")
    assert found["source_row"].to_list() == [*range(1, len(found) + 1)]
    assert set(found["source_file"]) == {"test.txt"}
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    for example in run.read_json("tags.json")["examples"]:
        assert found["form"][example["first"]] == example["words"][0]["word"]
        title = f"test sentence {example['place']} · row {example['first'] + 1} of test.txt"
        assert title in page


def test_an_interrupted_run_ends_as_if_it_had_not_been(folder: Path, run: Run) -> None:
    class Interrupting:
        def step(self, name: str) -> None:
            if name == "baselines":
                raise KeyboardInterrupt

        def message(self, message: str) -> None: ...

        def training(self, seed: int, watched: str) -> None: ...

    settings = {"data.test_file": str(folder / "test.txt")}
    with pytest.raises(KeyboardInterrupt):
        fit(recipe(folder / "train.txt", **settings), folder / "stopped", Interrupting())
    resumed = resume(folder / "stopped")
    one, other = (pl.read_parquet(each.folder / "predictions.parquet") for each in (run, resumed))
    assert one.equals(other)


def test_a_table_with_a_row_for_each_token_is_read_like_a_file_of_tokens(folder: Path) -> None:
    frame = read_conll(folder / "train.txt").frame
    frame.rename({"sentence": "s", "token": "w"}).write_csv(folder / "rows.csv")
    settings = {"data.id": "s", "data.token": "w", "evaluation.baselines": False}
    table = fit(recipe(folder / "rows.csv", **settings), folder / "table")
    plain = fit(recipe(folder / "train.txt", **{"evaluation.baselines": False}), folder / "plain")
    one, other = (each.read_json("metrics.json")["models"]["network"] for each in (table, plain))
    assert one["entity_f1"] == other["entity_f1"]
    with pytest.raises(DataError, match="the column that identifies sentences is not given"):
        fit(recipe(folder / "rows.csv", **{"data.token": "w"}), folder / "no")
    with pytest.raises(DataError, match="the column of words is not given"):
        fit(recipe(folder / "rows.csv", **{"data.id": "s"}), folder / "no")
    one_sentence = pl.DataFrame({"s": ["a"] * 3000, "w": ["b"] * 3000, "ner": ["O"] * 3000})
    one_sentence.write_csv(folder / "one.csv")
    with pytest.raises(DataError, match="all 3000 tokens are one sentence"):
        fit(recipe(folder / "one.csv", **settings), folder / "no")
    frame.with_columns(ner=pl.lit("")).write_csv(folder / "untagged.csv")
    with pytest.raises(DataError, match="tokens have no 'ner'"):
        fit(recipe(folder / "untagged.csv"), folder / "no")


def test_breaks_of_the_scheme_and_tags_that_only_the_test_set_has_are_reported(
    folder: Path,
) -> None:
    rows = sentences(20)
    rows[0][0] = ("Anna", "I-PER", "")
    rows[3][2] = ("walks", "B-EVENT", "")
    write_plain(folder / "broken.txt", rows)
    flags = {"target": "ner", "test": str(folder / "broken.txt")}
    data = recipe_from_flags(None, (str(folder / "train.txt"),), flags, ()).data
    messages = {finding.check: finding.message("en") for finding in check_files(data)[1]}
    assert "break the BIO scheme (I- without B- before it): 1" in messages["broken_scheme"]
    assert "'B-EVENT'; 1 of its tokens" in messages["unseen_tags"]
    assert "also occur in the other data: " in messages["repeated_sentences"]
    settings = {"data.test_file": str(folder / "broken.txt"), "evaluation.baselines": False}
    broken = fit(recipe(folder / "train.txt", **settings), folder / "evaluated")
    assert broken.read_json("metrics.json")["models"]["network"]["entity_f1"]["value"] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"training.class_weights": "balanced"}, "training.class_weights has no meaning"),
        ({"data.weight": "column_3"}, "data.weight has no meaning"),
    ],
)
def test_settings_that_tags_cannot_use_are_refused(
    folder: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        resolve(recipe(folder / "train.txt", **settings))


def test_tokens_belong_to_the_task_that_tags_them() -> None:
    with pytest.raises(RecipeError, match=r"data\.token goes with task = label"):
        resolve(Recipe.build({"data": {"token": "form"}}))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("model.characters", ("recurrent", "convolution", "none")),
        ("model.chain", (True, False)),
        ("model.wide", (True, False)),
    ],
)
def test_each_value_of_a_setting_gives_another_network(
    folder: Path, name: str, values: tuple[Any, ...]
) -> None:
    plain = {"evaluation.baselines": False, "training.epochs": 1}
    sure = []
    for value in values:
        out = folder / f"{name}-{value}"
        done = fit(recipe(folder / "train.txt", **plain, **{name: value}), out)
        sure.append(pl.read_parquet(done.folder / "predictions.parquet")["probability"])
    assert all((a - b).abs().max() > 1e-6 for i, a in enumerate(sure) for b in sure[:i])  # type: ignore[operator]


def test_without_its_package_the_crf_is_left_out_and_reported(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duree.tasks.label.find_spec", lambda name: None)
    model = TrainedModel.of_run(run)
    found = model.task.baselines(run.recipe, model.encoder)
    assert [baseline.name for baseline in found] == ["most_frequent_tag", "hmm"]
    assert "pip install 'duree[label]'" in found[0].notes[0]


def test_a_loaded_run_tags_sentences_in_every_layer(layered: Run) -> None:
    tagger = load(layered.folder)
    assert isinstance(tagger, TrainedTagger)
    sentences = [["Anna", "Karl", "walks", "in", "Rome"], ["in", "Bonn"]]
    found = tagger.predict_layers(sentences)
    assert found["upos"] == tagger.predict(sentences)
    assert [len(tags) for tags in found["lemma"]] == [5, 2]
    assert found["lemma"][0][2] == "walk"
    assert found["upos"][0] == ["PROPN", "PROPN", "X", "X", "PROPN"]


def test_what_a_tagger_cannot_do_is_refused_with_what_to_do(run: Run, folder: Path) -> None:
    asked: list[Any] = [
        lambda: explain_row(run.folder, folder / "test.txt", 1),
        lambda: export(run.folder, folder / "network.onnx"),
    ]
    for ask in asked:
        with pytest.raises(DureeError, match="duree predict"):
            ask()
