"""The studio shows a run that forecasts, and asks it nothing that it cannot answer."""

import pytest
from tests.support.forecasts import long_table, recipe, walks
from tests.support.studio import Visitor

from duree.workflow import fit


@pytest.fixture(scope="module")
def visitor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf")
    file = long_table(tmp_path_factory.mktemp("data") / "walks.csv", walks(4))
    fit(recipe(file, **{"training.epochs": 1}), folder / "walks")
    return Visitor(folder)


def test_a_run_that_forecasts_is_shown_without_what_only_texts_have(visitor):
    page = visitor.get("/runs/walks")
    assert page.status_code == 200
    assert "Forecasting “y”" in page.text
    assert "Try your own sentence" not in page.text
    assert "View the test rows" not in page.text
    assert "onnx.zip" not in page.text
    assert visitor.get("/runs/walks/report.html").status_code == 200


@pytest.mark.parametrize("path", ["/runs/walks/rows", "/runs/walks/rows/1.html"])
def test_its_rows_are_refused_with_what_to_do(visitor, path):
    page = visitor.get(path)
    assert page.status_code < 500
    assert "report" in page.text


def test_another_table_is_forecast(visitor, tmp_path):
    file = long_table(tmp_path / "more.csv", walks(2, seed=3))
    with open(file, "rb") as content:
        answer = visitor.upload("more.csv", content.read(), "/runs/walks/predict")
    assert answer.status_code == 200
    assert answer.text.startswith("id,when,step,prediction,low,high")
