"""The studio's form to try a model answers as the service does, with the fields the run needs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.forecasts import HORIZON, long_table, walks
from tests.support.forecasts import recipe as forecasting
from tests.support.letters import letters
from tests.support.studio import Visitor
from tests.support.tagged_words import recipe as tagging
from tests.support.tagged_words import sentences, write_universal

from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.serving.served import rows_of
from duree.workflow import fit

SMALL = {
    "model.hidden_size": 8,
    "model.embedding_size": 8,
    "training.epochs": 1,
    "evaluation.bootstrap": 100,
    "evaluation.baselines": False,
}
NUMBERS = {name: value for name, value in SMALL.items() if name != "model.embedding_size"}
MONTHS = [f"m{n}" for n in range(8)]


def states(folder: Path, name: str, **data: object) -> None:
    rng = np.random.default_rng(0)
    months = {month: rng.choice(["school", "work", "none"], 80) for month in MONTHS}
    frame = pl.DataFrame({"pay": ["good", "poor"] * 40, "town": ["A", "B"] * 40} | months)
    frame.write_csv(folder / "states.csv")
    plain = {"data": {"files": [str(folder / "states.csv")], "states": ["m0:m7"], **data}}
    task = {} if "target" in data else {"task": "next"}
    fit(Recipe.build(plain | task).replace(SMALL), folder / "runs" / name)


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Visitor:
    folder = tmp_path_factory.mktemp("trying")
    (folder / "runs").mkdir()
    file = write_universal(folder / "train.conllu", sentences(60))
    settings = {"training.epochs": 1, "evaluation.baselines": False}
    fit(tagging(file, "upos,lemma", **settings), folder / "runs" / "tags")
    more = {"plan": pl.int_range(pl.len()) % 3}
    file = Path(long_table(folder / "walks.csv", walks(), more=more))
    fit(forecasting(str(file), **settings), folder / "runs" / "walks")
    planned = settings | {"forecast.known": ("plan",)}
    fit(forecasting(str(file), **planned), folder / "runs" / "planned")
    kinds = {"kind": pl.col("id").str.slice(1).cast(pl.Int64) % 2}
    file = Path(long_table(folder / "kinds.csv", walks(40, 12), more=kinds))
    read = {"series": ["y"], "time": "when", "id": "id", "target": "kind"}
    numbers = Recipe.build({"data": {"files": [str(file)], **read}})
    fit(numbers.replace(NUMBERS), folder / "runs" / "numbers")
    states(folder, "next", covariate=["town"])
    states(folder, "pay", target="pay")
    states(folder, "pay by town", target="pay", covariate=["town"])
    letters(120).write_csv(folder / "letters.csv")
    texts = {"files": [str(folder / "letters.csv")], "text": "letter", "target": "tone"}
    fit(Recipe.build({"data": texts}).replace(SMALL), folder / "runs" / "tones")
    return Visitor(folder / "runs")


def asked(visitor: Visitor, name: str, row: dict) -> dict:
    """The service's answer."""
    run = Run(visitor.folder / name)
    rows = rows_of(TrainedModel.of_run(run), run.recipe)
    found: dict = rows.answers([rows.read(row, 1)])[0]
    return found


def tried(visitor: Visitor, name: str, text: str, **more: str) -> str:
    answer = visitor.post(f"/runs/{name}/try", data={"text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("name", ["next", "pay", "pay by town"])
def test_states_that_training_has_not_seen_are_refused(visitor: Visitor, name: str) -> None:
    answer = visitor.post(f"/runs/{name}/try", data={"text": "school school work"})
    assert answer.status_code == 422
    assert "The network was not trained on &#39;school school work&#39;" in answer.text
    known = answer.text.partition("separated by commas: ")[2]
    assert sorted(re.findall("&#39;(.*?)&#39;", known)) == ["none", "school", "work"]


@pytest.mark.parametrize(
    ("name", "title", "hint"),
    [
        ("tones", "Try your own text", "a text like those in the table"),
        ("tags", "Try your own sentence", "separated by spaces"),
        ("next", "Try your own sequence", "States in order"),
        ("pay", "Try your own sequence", "States in order"),
        ("walks", "Try your own time series", "One step per line"),
    ],
)
def test_the_page_of_a_run_asks_for_what_it_reads(
    visitor: Visitor, name: str, title: str, hint: str
) -> None:
    page = visitor.get(f"/runs/{name}").text
    assert title in page
    assert hint in page


def test_a_series_that_needs_further_columns_is_tried_only_as_a_table(visitor: Visitor) -> None:
    page = visitor.get("/runs/planned").text
    assert "Try your own" not in page
    assert "Predict another table" in page


def test_rows_are_shown_where_they_can_be_and_explained_where_they_are(visitor: Visitor) -> None:
    page = visitor.get("/runs/numbers").text
    assert "Try your own" not in page
    assert "View the test rows" in page
    assert "/rows/1" in visitor.get("/runs/numbers/rows").text
    assert "Blue steps support" in visitor.get("/runs/numbers/rows/1.html").text
    assert "View the test rows" in visitor.get("/runs/next").text
    assert "/rows/1" not in visitor.get("/runs/next/rows").text
    assert "/rows/1" in visitor.get("/runs/pay/rows").text


def test_words_get_their_tags_in_every_layer(visitor: Visitor) -> None:
    answer = asked(visitor, "tags", {"tokens": ["Anna", "walks", "in", "Rome"]})
    page = tried(visitor, "tags", "Anna walks  in\nRome")
    cells = [page.index(f'dir="auto">{word}</th>') for word in ("Anna", "walks", "in", "Rome")]
    assert cells == sorted(cells)
    for name in ("prediction", "prediction_lemma"):
        assert all(f"<td>{tag}</td>" in page for tag in answer[name])
    assert f"{answer['probability'][0]:.3f}" in page


def test_a_series_is_forecast_with_its_intervals(visitor: Visitor) -> None:
    values = walks(1, 30)[0].round(3).tolist()
    times = [f"{2001 + n // 12}-{n % 12 + 1:02}" for n in range(30)]
    values[20] = None
    answer = asked(visitor, "walks", {"y": values, "when": times})
    pairs = zip(times, values, strict=True)
    lines = "\n".join(f"{time}\t{'' if value is None else value}" for time, value in pairs)
    page = tried(visitor, "walks", lines.replace("2002-09\t\n", "2002-09 -\n"))
    assert page.count('<th scope="row">') == HORIZON
    for time, value, low in zip(
        answer["time"], answer["prediction"], answer["low_80"], strict=True
    ):
        assert f'<th scope="row">{time}</th>' in page
        assert f"<b>{value:.2f}</b>" in page
        assert f"{low:.2f} –" in page


def test_states_are_predicted_with_their_covariates(visitor: Visitor) -> None:
    given = dict.fromkeys(MONTHS) | {"m0": "school", "m1": "work"}
    answer = asked(visitor, "next", given | {"town": "B"})
    page = tried(visitor, "next", "school, work", **{"known town": "B"})
    assert f"Predicted: {answer['prediction']}" in page
    assert page.count("<meter") == len(answer["probability"])
    assert all(f"{chance:.3f}" in page for chance in answer["probability"].values())
    page = tried(visitor, "pay", "school\nwork › none")
    assert "Predicted: " in page
    assert 'class="shaded' in page


def test_a_test_row_is_explained_with_what_is_known_beside_it(visitor: Visitor) -> None:
    page = visitor.get("/runs/pay by town/rows/1.html").text
    town = pl.read_parquet(visitor.folder / "pay by town" / "predictions.parquet")["town"][0]
    assert f"town={town}" in page


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tags", "  ", "no words were given"),
        ("next", " , ", "no states were given"),
        ("pay", "a," * 9, "9 states are more than the 8 time points"),
        ("walks", "2001-01 5\n2001-02 five", "line 2"),
        ("walks", "2001-01 5\n2001-01 6", "two rows for the time"),
        ("walks", "5\n6", "have no"),
        ("walks", "1 5\n2 6", "trained on steps of a month"),
    ],
)
def test_what_cannot_be_read_is_reported_in_both_languages(
    visitor: Visitor, name: str, text: str, message: str
) -> None:
    htmx = {"hx-request": "true"}
    answer = visitor.post(f"/runs/{name}/try", data={"text": text}, headers=htmx)
    assert answer.status_code == 422
    assert message in answer.text.lower()
    assert "<html" not in answer.text
    chinese = {"cookie": visitor.headers["cookie"].replace("=en", "=zh")}
    answer = visitor.post(f"/runs/{name}/try", data={"text": text}, headers=htmx | chinese)
    assert message not in answer.text.lower()


def test_what_training_never_saw_is_said_beside_the_prediction(visitor: Visitor) -> None:
    assert "are not in the vocabulary" not in tried(visitor, "tones", "glad grim")
    page = tried(visitor, "tones", "xyzzy plugh").replace("\u202f", " ")
    assert "100 % of its words are not in the vocabulary" in page
    assert "the prediction means little" in page


def test_what_is_said_of_states_does_not_speak_of_words(visitor: Visitor) -> None:
    page = tried(visitor, "pay", "school, work, none")
    assert "Blue states support" in page
    assert "words" not in page
