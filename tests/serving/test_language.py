"""The service and the studio give the surprisal of texts, and go on from them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.support.sentences_of_a_grammar import documents
from tests.support.service import Client
from tests.support.studio import Visitor

from duree.network.generate import Sampling
from duree.pipeline.generate import write_texts
from duree.pipeline.run import Run
from duree.pipeline.surprisal import write_surprisal
from duree.serving.documents import MOST_CHARACTERS
from duree.serving.service import create_service
from duree.serving.studio.filled_form import recipe_of
from duree.serving.studio.forms import FORMS, form_of
from duree.tasks import resolve

TEXTS = documents(3, seed=7)["text"].to_list()


@pytest.fixture
def client(grammar_run: Run) -> Client:
    return Client(create_service([grammar_run.folder]))


@pytest.mark.parametrize("by", ["unit", "word", "sentence"])
def test_surprisal_is_that_of_the_command(
    client: Client, grammar_run: Run, tmp_path: Path, by: str
):
    pl.DataFrame({"text": TEXTS}).write_csv(tmp_path / "new.csv")
    output = tmp_path / "bits.parquet"
    write_surprisal(grammar_run.folder, tmp_path / "new.csv", output, by=by)
    rows = [{"text": text} for text in TEXTS]
    answer = client("POST", "/surprisal", json={"rows": rows, "by": by})
    assert answer.status_code == 200, answer.text
    found = answer.json()["surprisal"]
    parts = [part for one in found for part in one["parts"]]
    expected = pl.read_parquet(output)
    assert [part["text"] for part in parts] == expected["text"].to_list()
    assert [part["bits"] for part in parts] == pytest.approx(expected["bits"].to_list(), abs=1e-4)
    for one in found:
        assert sum(part["bits"] for part in one["parts"]) == pytest.approx(one["bits"], abs=1e-6)


def test_predictions_are_the_sums(client: Client):
    answer = client.predict([{"text": TEXTS[0]}, {"text": "ЖЖ"}])
    first, second = answer.json()["predictions"]
    assert first["units"] == first["characters"] + 1 == len(TEXTS[0]) + 1
    assert first["perplexity"] == pytest.approx(2 ** (first["bits"] / first["units"]))
    assert "warning" not in first
    assert "more than half" in second["warning"]


def test_texts_are_those_of_the_command(client: Client, grammar_run: Run):
    asked = {"prompt": "The cat", "length": 60, "count": 2, "seed": 3, "temperature": 0.5}
    answer = client("POST", "/generate", json=asked)
    assert answer.status_code == 200, answer.text
    sampling = Sampling(60, temperature=0.5, seed=3)
    texts, _ = write_texts(grammar_run.folder, "The cat", 2, sampling)
    assert answer.json()["warning"] is None
    found = answer.json()["texts"]
    assert [one["text"] for one in found] == [one.text for one in texts]
    assert [[(span["begin"], span["end"]) for span in one["copied"]] for one in found] == [
        one.copied for one in texts
    ]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/surprisal", {"rows": []}, 422),
        ("/surprisal", {"rows": [{"txt": "a"}]}, 422),
        ("/surprisal", {"rows": [{"text": "a"}], "by": "line"}, 422),
        ("/surprisal", {"rows": [{"text": "a" * (MOST_CHARACTERS + 1)}]}, 422),
        ("/generate", {"length": 5000}, 422),
        ("/generate", {"count": 17}, 422),
        ("/generate", {"temperature": 0}, 422),
        ("/generate", {"top_p": 2}, 422),
        ("/generate", {"prompt": "a" * 20_001}, 422),
        ("/generate", {"promt": "a"}, 422),
        ("/explain", {"row": {"text": "a"}}, 422),
    ],
)
def test_what_does_not_fit_is_refused(client: Client, path: str, body: dict, status: int):
    assert client("POST", path, json=body).status_code == status


def test_both_are_described(client: Client):
    paths = client("GET", "/openapi.json").json()["paths"]
    for path in ("/surprisal", "/generate"):
        assert "application/json" in paths[path]["post"]["requestBody"]["content"]
        assert paths[path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]


@pytest.fixture
def visitor(grammar_run: Run, tmp_path: Path) -> Visitor:
    shutil.copytree(grammar_run.folder, tmp_path / "runs" / "grammar")
    return Visitor(tmp_path / "runs")


def test_the_studio_shades_a_text_and_writes_on(visitor: Visitor):
    page = visitor.get("/runs/grammar").text
    assert "Shade the text" in page
    assert "Write on" in page
    assert "View the test rows" not in page
    shaded = visitor.post("/runs/grammar/try", data={"text": TEXTS[0], "action": "shade"}).text
    assert 'class="for9"' in shaded
    assert "bits per character" in shaded
    texts = [
        visitor.post("/runs/grammar/try", data={"text": "The owl", "action": "write_on"}).text
        for _ in range(2)
    ]
    assert texts[0].count("<blockquote") == 3
    assert texts[0] != texts[1]  # others each time
    assert "<mark>" in texts[0] + texts[1]


def test_the_studio_says_what_it_cannot_read(visitor: Visitor):
    asked = {"text": "Ж", "action": "write_on"}
    assert (
        "do not occur in the training texts" in visitor.post("/runs/grammar/try", data=asked).text
    )
    empty = visitor.post("/runs/grammar/try", data={"text": "  ", "action": "shade"})
    assert "text was given; write or paste one" in empty.text


def test_the_studio_proposes_a_language_model_for_texts_alone(tmp_path: Path):
    visitor = Visitor(tmp_path / "runs")
    table = visitor.table("texts.csv", documents(60).select("text").write_csv().encode())
    page = visitor.get(table).text
    assert re.search(r'<option value="language" selected', page)
    assert 'name="target"' not in page
    chosen = {"rows": "texts", "text": "text", "task": "language"}
    recipe = resolve(recipe_of(FORMS["texts"], str(tmp_path / "texts.csv"), None, chosen))
    assert recipe.task == "language"
    assert recipe.data.target == recipe.data.text == "text"
    assert form_of(recipe) is FORMS["texts"]
