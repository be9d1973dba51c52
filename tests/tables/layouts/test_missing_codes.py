"""Codes that the recipe names as missing are missing wherever states and numbers are read."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from duree.errors import DataError
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings, ForecastSettings
from duree.tables.layouts.registry import gather_rows
from duree.tables.layouts.series_files import read_series
from duree.tables.table import Source, Table


def settings(**data: object) -> DataSettings:
    return Recipe.build({"data": {"missing_codes": ["-99", "*"]} | data}).data


def table(**columns: list) -> Table:
    frame = pl.DataFrame(columns)
    return Table(frame, (Source("some.csv", "csv", len(frame), ""),))


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        (
            {"year": ["1900", "1901", "1902"], "y": ["1", " -99 ", "3"]},
            {"series": ["y"], "time": "year"},
        ),
        ({"year": [1900, 1901, 1902], "y": [1.0, -99.0, 3.0]}, {"series": ["y"], "time": "year"}),
        (
            {"year": [1900, 1901, 1902], "x": [1, 2, 3], "y": ["1", "-99.0", "3"]},
            {"series": ["y", "x"], "time": "year"},
        ),
        ({"who": ["a"], "y1": ["1"], "y2": ["*"], "y3": ["3"]}, {"id": "who"}),
    ],
)
def test_a_series_to_forecast_has_a_gap_there(tmp_path, frame, data) -> None:
    pl.DataFrame(frame).write_parquet(tmp_path / "a.parquet")
    files = (str(tmp_path / "a.parquet"),)
    found = read_series(settings(files=files, **data), ForecastSettings()).series
    values = dict(zip(found.names, found.values, strict=True))
    np.testing.assert_array_equal(values.get("y", values.get("a")), [1, np.nan, 3])


def test_covariates_of_forecasts_have_it_missing(tmp_path) -> None:
    pl.DataFrame({"t": [1, 2], "y": [1, 2], "x": [-99, 5]}).write_csv(tmp_path / "a.csv")
    data = settings(files=(str(tmp_path / "a.csv"),), series=["y"], time="t")
    found = read_series(data, ForecastSettings(past=("x",))).series
    np.testing.assert_array_equal(found.past[0].ravel(), [np.nan, 5])


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        ({"a": ["1"], "b": ["-99"], "c": ["3"]}, {"series": ["a", "b", "c"]}),
        (
            {"who": ["x"] * 3, "t": [1, 2, 3], "a": [1.0, -99.0, 3.0]},
            {"series": ["a"], "id": "who", "time": "t"},
        ),
    ],
)
def test_a_series_to_classify_has_a_gap_there(frame, data) -> None:
    found, _ = gather_rows(table(**frame), settings(text="numbers", target="kind", **data))
    np.testing.assert_array_equal(np.ravel(found.frame["numbers"][0].to_list()), [1, np.nan, 3])


def test_spells_have_no_state_there() -> None:
    data = settings(id="who", state="state", start="from")
    rows = table(who=["a"] * 3, state=["x", "*", "y"], **{"from": [1, 2, 3]})
    assert gather_rows(rows, data)[0].frame["states"][0] == "x › – › y"


def test_events_without_a_type_are_refused_as_empty_ones_are() -> None:
    data = settings(id="who", event=["what"], time="when", attribute=["size"])
    rows = {"who": ["a"] * 2, "what": ["x", "*"], "when": [1, 2], "size": ["-99", "b"]}
    with pytest.raises(DataError, match="1 rows have no 'what'"):
        gather_rows(table(**rows), data)
    found, _ = gather_rows(table(**rows | {"what": ["x", "y"]}), data)
    assert found.frame["size"][0].to_list() == [None, "b"]


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ("NA, *,-99", ("NA", "*", "-99")),
        (-99, ("-99",)),
        (["NA", -99, 9.5], ("NA", "-99", "9.5")),
        ([], ()),
    ],
)
def test_codes_are_given_as_a_list_or_as_one_text(given, codes) -> None:
    assert Recipe.build({"data": {"missing_codes": given}}).data.missing_codes == codes
