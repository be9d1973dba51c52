"""The service tags sentences and forecasts series as ``duree predict`` does, and says what does not
fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.forecasts import HORIZON, long_table, walks
from tests.support.forecasts import recipe as forecasting
from tests.support.service import Client
from tests.support.tagged_words import recipe as tagging
from tests.support.tagged_words import sentences, write_universal

from duree.pipeline.run import Run
from duree.serving.bodies import ARROW
from duree.serving.service import create_service
from duree.tables.files.conll_lines import LONGEST_SENTENCE
from duree.tables.files.write import write_table
from duree.workflow import fit, predict

WORDS = ["Anna", "walks", "in", "Rome", "."]


@pytest.fixture(scope="module")
def tags(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("tags")
    file = write_universal(folder / "train.conllu", sentences(80))
    settings = {"training.epochs": 2, "evaluation.baselines": False}
    return fit(tagging(file, "upos,lemma", **settings), folder / "words")


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("series")
    file = long_table(folder / "walks.csv", walks())
    return fit(forecasting(file, **{"training.epochs": 1}), folder / "months")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that reads a column known beforehand, and one known up to now; times are numbers."""
    folder = tmp_path_factory.mktemp("planned")
    more = {"plan": pl.int_range(pl.len()) % 3, "heat": pl.int_range(pl.len()) % 5}
    file = long_table(folder / "walks.csv", walks(), months=False, more=more)
    settings = {"training.epochs": 1, "forecast.known": ("plan",), "forecast.past": ("heat",)}
    return fit(forecasting(file, **settings), folder / "plans")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a table with a line for each series, without times."""
    folder = tmp_path_factory.mktemp("wide")
    cells = {f"V{step}": column for step, column in enumerate(np.array(walks()).T)}
    write_table(pl.DataFrame({"name": [f"W{n}" for n in range(6)]} | cells), folder / "wide.csv")
    plain = forecasting(str(folder / "wide.csv"), **{"training.epochs": 1})
    given = {"data.series": (), "data.time": None, "data.id": None, "data.target": "value"}
    return fit(plain.replace(given), folder / "lines")


@pytest.fixture
def client(tags: Run, series: Run, planned: Run, wide: Run) -> Client:
    return Client(create_service([run.folder for run in (tags, series, planned, wide)]))


def ask(client: Client, run: str, *rows: dict) -> list[dict]:
    answer = client.predict(list(rows), params={"run": run})
    assert answer.status_code == 200, answer.text
    found: list[dict] = answer.json()["predictions"]
    return found


def rows_of(file: Path, *columns: str) -> list[dict]:
    """The series of a long table as rows of lists."""
    frame = pl.read_csv(file, schema_overrides={"when": pl.String})
    parts = frame.partition_by("id", maintain_order=True)
    return [{name: part[name].to_list() for name in columns} for part in parts]


def matches(answers: list[dict], file: Path, name: str = "id") -> None:
    """Whether the answers are what ``duree predict`` wrote of the same series."""
    written = pl.read_csv(file).partition_by(name, maintain_order=True)
    assert len(answers) == len(written)
    for answer, rows in zip(answers, written, strict=True):
        assert [str(time) for time in rows[:, 1].to_list()] == answer["time"]
        for column in ("prediction", "low", "high", "low_80", "high_80"):
            np.testing.assert_allclose(answer[column], rows[column].to_list(), rtol=1e-6)


def test_each_word_of_a_sentence_gets_the_tags_that_predict_writes(
    client: Client, tags: Run, tmp_path: Path
) -> None:
    given = sentences(20, seed=5)
    predict(tags.folder, write_universal(tmp_path / "new.conllu", given), tmp_path / "out.csv")
    written = pl.read_csv(tmp_path / "out.csv")
    found = ask(client, "words", *({"tokens": [word for word, *_ in row]} for row in given))
    assert [len(one["prediction"]) for one in found] == [len(row) for row in given]
    for column in ("prediction", "prediction_lemma"):
        assert [cell for one in found for cell in one[column]] == written[column].to_list()
    for column in ("probability", "probability_lemma"):
        answered = [cell for one in found for cell in one[column]]
        np.testing.assert_allclose(answered, written[column].to_list(), atol=1e-5)


def test_a_sentence_is_tagged_the_same_alone_as_a_text_and_in_a_batch(client: Client) -> None:
    alone = ask(client, "words", {"tokens": WORDS})[0]
    assert ask(client, "words", {"tokens": " ".join(WORDS), "id": 7}) == [alone]
    among = ask(client, "words", {"tokens": ["x"] * 50}, {"tokens": WORDS})[1]
    assert among["prediction"] == alone["prediction"]
    np.testing.assert_allclose(among["probability"], alone["probability"], atol=1e-5)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": ["a"]}, "row 2 has no column 'tokens'; its columns are 'text'"),
        ({"tokens": []}, "row 2: 'tokens' is to be a list of words"),
        ({"tokens": "  "}, "a list of words"),
        ({"tokens": None}, "a list of words"),
        ({"tokens": ["a", ""]}, "word 2 of 'tokens' is '', and no word"),
        ({"tokens": ["a", None]}, "word 2 of 'tokens' is None"),
        ({"tokens": [7]}, "word 1 of 'tokens' is 7"),
        ({"tokens": [["a"]]}, "valid"),
        ({"tokens": ["a"] * (LONGEST_SENTENCE + 1)}, "at most 2,000: split it"),
    ],
)
def test_what_is_no_sentence_is_refused_with_the_place(
    client: Client, row: dict, message: str
) -> None:
    answer = client.predict([{"tokens": WORDS}, row])
    assert answer.status_code == 422
    assert message in answer.text


def test_series_are_forecast_as_by_predict_with_gaps_and_in_any_order(
    client: Client, series: Run, tmp_path: Path
) -> None:
    file = long_table(tmp_path / "new.csv", walks(3, 50, seed=4))
    frame = pl.read_csv(file).with_row_index("row")
    gap = pl.when(pl.col("row") % 50 == 20).then(None).otherwise(pl.col("y"))
    frame = frame.with_columns(gap.alias("y")).filter(pl.col("row") % 50 != 30).drop("row")
    frame.write_csv(file)
    predict(series.folder, file, tmp_path / "next.csv")
    rows = rows_of(Path(file), "when", "y")
    assert rows[0]["y"][20] is None
    matches(ask(client, "months", *rows), tmp_path / "next.csv")
    turned = {name: cells[::-1] for name, cells in rows[1].items()}
    assert ask(client, "months", turned) == ask(client, "months", rows[1])


def test_a_count_of_zero_after_training_on_positive_ones_is_served_as_by_predict(
    tmp_path: Path,
) -> None:
    counts = [np.random.default_rng(n).poisson(9, size=60) + 1 for n in range(3)]
    file = long_table(tmp_path / "counts.csv", counts)
    run = fit(forecasting(file, **{"training.epochs": 1}), tmp_path / "run")
    for values in counts:
        values[-2:] = 0
    later = long_table(tmp_path / "later.csv", counts)
    predict(run.folder, later, tmp_path / "next.csv")
    client = Client(create_service([run.folder]))
    rows = rows_of(Path(later), "when", "y")
    matches(ask(client, "run", *rows), tmp_path / "next.csv")


def test_known_future_columns_are_read_for_the_forecast_steps(
    client: Client, planned: Run, tmp_path: Path
) -> None:
    more = {"plan": pl.int_range(pl.len()) % 2, "heat": pl.int_range(pl.len()) % 7}
    file = long_table(tmp_path / "new.csv", walks(2, 40, seed=4), months=False, more=more)
    ahead = pl.col("when") >= 40 - HORIZON
    frame = pl.read_csv(file).with_columns(
        pl.when(~ahead).then(pl.col(name)).alias(name) for name in ("y", "heat")
    )
    frame.write_csv(file)
    predict(planned.folder, file, tmp_path / "next.csv")
    rows = rows_of(Path(file), "when", "y", "plan", "heat")
    matches(ask(client, "plans", *rows), tmp_path / "next.csv")
    short = rows[0] | {"y": rows[0]["y"][:-HORIZON], "heat": rows[0]["heat"][:-HORIZON]}
    assert ask(client, "plans", short) == ask(client, "plans", rows[0])
    switched = rows[0] | {"plan": [1 - cell for cell in rows[0]["plan"]]}
    assert ask(client, "plans", switched) != ask(client, "plans", rows[0])
    ended = {name: cells[:-HORIZON] for name, cells in rows[0].items()}
    answer = client.predict([ended], params={"run": "plans"})
    assert answer.status_code == 422
    assert (
        "row 1: the columns known in advance (plan) end before the steps to forecast" in answer.text
    )


def test_series_without_times_are_counted(client: Client, wide: Run, tmp_path: Path) -> None:
    values = walks(2, 45, seed=4)
    cells = {f"V{step}": column for step, column in enumerate(np.array(values).T)}
    write_table(pl.DataFrame({"name": ["a", "b"]} | cells), tmp_path / "new.csv")
    predict(wide.folder, tmp_path / "new.csv", tmp_path / "next.csv")
    found = ask(client, "lines", *({"value": list(own)} for own in values))
    matches(found, tmp_path / "next.csv", "name")
    padded = {"value": [None, *values[0], None], "name": "a"}
    # Products of one row and of two may differ in the last digits, by the processor.
    alone = ask(client, "lines", {"value": list(values[0])})
    assert ask(client, "lines", padded) == alone
    assert alone[0]["prediction"] == pytest.approx(found[0]["prediction"], rel=1e-6)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"y": [1.0]}, "row 2 has no column 'when'; its columns are 'y'"),
        ({"y": 1.0, "when": ["2001-01"]}, "'y' is to be a list, from the first step"),
        ({"y": [], "when": []}, "'y' is to be a list"),
        ({"y": [1, "two"], "when": ["2001-01", "2001-02"]}, "'y' holds 'two': give numbers"),
        ({"y": [1, True], "when": ["2001-01", "2001-02"]}, "'y' holds True: give numbers"),
        ({"y": [None, None], "when": ["2001-01", "2001-02"]}, "row 2: the column 'y' holds no"),
        ({"y": [1, 10**400], "when": ["2001-01", "2001-02"]}, "'y' holds 1000"),
        ({"y": [1, 2, 3], "when": ["2001-01", "2001-02"]}, "'y' has 3 cells, and 'when' 2 times"),
        ({"y": [1, 2], "when": ["2001-01", "2001-01"]}, "two rows for the time '2001-01'"),
        ({"y": [1, 2], "when": ["2001-01", None]}, "have no 'when'"),
        ({"y": [1, 2], "when": ["soon", "later"]}, "row 2: "),
        ({"y": [1, 2], "when": [2001, 2002]}, "trained on steps of a month"),
        ({"y": [1], "when": ["2001-01"]}, "trained on steps of a month"),
        ({"y": [1, 2, 3], "when": ["1", "2", "200000000"]}, "span 200000000 steps, of which only"),
    ],
)
def test_what_is_no_series_is_refused_with_the_place(
    client: Client, row: dict, message: str
) -> None:
    good = {
        "y": list(range(1, 31)),
        "when": [f"{1990 + n // 12}-{n % 12 + 1:02}" for n in range(30)],
    }
    answer = client.predict([good, row], params={"run": "months"})
    assert answer.status_code == 422
    assert message in answer.json()["detail"].replace("\\", "")


def test_sentences_and_series_are_exchanged_only_as_json(client: Client) -> None:
    for run in ("words", "months"):
        sent = client(
            "POST", "/predict", params={"run": run}, content=b"", headers={"Content-Type": ARROW}
        )
        assert sent.status_code == 415
        rows = {"rows": [{"tokens": WORDS}]}
        asked = client(
            "POST", "/predict", params={"run": run}, json=rows, headers={"Accept": ARROW}
        )
        assert asked.status_code == 406
        explained = client("POST", "/explain", params={"run": run}, json={"row": {"tokens": "a"}})
        assert explained.status_code == 422
        assert "no attributions" in explained.text


def test_the_card_and_the_description_say_what_a_row_needs(client: Client, tags: Run) -> None:
    needed = {"words": ["tokens"], "months": ["y", "when"], "lines": ["value"]}
    for run, columns in needed.items():
        assert client("GET", "/model", params={"run": run}).json()["inputs"] == columns
    body = client("GET", "/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]
    example = body["content"]["application/json"]["example"]["rows"][0]
    assert len(ask(client, "words", example)[0]["prediction"]) == len(example["tokens"])
    metrics = client("GET", "/metrics").text
    assert 'duree_rows_waiting{run="months"} 0.0' in metrics
