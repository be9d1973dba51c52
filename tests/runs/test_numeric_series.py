"""Series of numbers are handled like texts: the same commands, files, metrics and services."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest
from tests.support.letters import SMALL

from duree import load
from duree.errors import RecipeError
from duree.pipeline.dataset import check_files
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.typology import embed_rows
from duree.recipe.flags import recipe_from_flags
from duree.recipe.recipe import Recipe
from duree.recipe.settings import NUMBERS
from duree.report.figures.sparklines import draw_sparks
from duree.report.pages.report import write_report
from duree.report.vocabulary import Words
from duree.serving.export import export
from duree.serving.service import create_service
from duree.serving.studio.test_rows import finished, list_rows, row_page
from duree.tables.describe.series import describe_channels
from duree.tables.files.write import write_table
from duree.tables.layouts.forecast_origins import ForecastOrigins
from duree.tables.layouts.numeric_series import NumericSeries
from duree.tasks import layout_for, resolve
from duree.workflow import evaluate, explain_all, explain_row, fit, predict, resume

LAG = 2


def strikes(countries: int, seed: int = 0, missing: float = 0.05) -> pl.DataFrame:
    """Countries in which wages follow prices, or the reverse; neither series shows it alone."""
    rng = np.random.default_rng(seed)
    frames = []
    for place in range(countries):
        steps = int(rng.integers(15, 25))
        shocks = rng.normal(size=steps + LAG)
        early, late = shocks[LAG:], shocks[:steps]
        wages_lead = bool(rng.integers(0, 2))
        wage, price = (early, late) if wages_lead else (late, early)
        known = rng.random(steps) >= missing
        frames.append(
            pl.DataFrame(
                {
                    "country": [f"C{place:03}"] * steps,
                    "year": range(1900, 1900 + steps),
                    "wage": pl.Series(50 + 5 * wage + rng.normal(size=steps)).set(
                        pl.Series(~known), None
                    ),
                    "price": 1000 + 100 * price + 20 * rng.normal(size=steps),
                    "leader": ["wages" if wages_lead else "prices"] * steps,
                    "unrest": [3.0 * wages_lead + 0.1 * (place % 40)] * steps,
                    "both": ["a;b" if wages_lead else "b"] * steps,
                    "size": [1 + place % 3] * steps,
                }
            )
        )
    return pl.concat(frames)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "strikes.csv"
    write_table(strikes(240), path)
    return path


LONG = {"series": ["wage", "price"], "id": "country", "time": "year", "target": "leader"}
QUICK = {name: value for name, value in SMALL.items() if name != "model.embedding_size"}
LEARNED = {"training.epochs": 60, "training.learning_rate": 0.02, "model.hidden_size": 16}


def recipe(table: Path, **overrides: object) -> Recipe:
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    return Recipe.build({"data": {"files": [str(table)], **LONG}}).replace(QUICK | dotted)


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe(table).replace(LEARNED), tmp_path_factory.mktemp("runs") / "strikes")


def test_order_is_learned_that_no_channel_statistic_shows(run: Run) -> None:
    models = run.read_json("metrics.json")["models"]
    assert {"majority", "series_logistic", "rocket", "random_forest"} < set(models)
    assert models["network"]["accuracy"]["value"] > 0.9
    assert models["series_logistic"]["accuracy"]["value"] < 0.7


def test_predictions_have_a_row_for_each_series(run: Run, table: Path, tmp_path: Path) -> None:
    for name in ("predicted.parquet", "predicted.csv"):
        predict(run.folder, table, tmp_path / name)
    found = pl.read_parquet(tmp_path / "predicted.parquet")
    assert found.columns == [
        *("country", "leader", "unrest", "both", "size"),
        *("prediction", "probability_prices", "probability_wages"),
    ]
    assert found["country"].to_list() == [f"C{place:03}" for place in range(240)]
    assert pl.read_csv(tmp_path / "predicted.csv").columns == found.columns
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    again = found.join(predictions, on="country", suffix="_kept")
    assert len(again) == len(predictions)
    np.testing.assert_allclose(
        again["probability_wages"], again["probability_wages_kept"], atol=1e-6
    )
    assert evaluate(run.folder, table)["accuracy"]["value"] > 0.9


def test_the_estimator_of_a_run_predicts_what_the_run_predicts(run: Run, tmp_path: Path) -> None:
    new = strikes(12, seed=5).group_by("country", maintain_order=True).head(15)
    write_table(new, tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "predicted.parquet")
    array = new.select("wage", "price").to_numpy().reshape(12, 15, 2)
    assert np.isnan(array).any()
    found = pl.read_parquet(tmp_path / "predicted.parquet")["probability_wages"]
    np.testing.assert_allclose(load(run.folder).predict_proba(array)[:, 1], found, atol=1e-5)


def test_a_prediction_depends_neither_on_the_order_of_rows_nor_on_other_series(
    run: Run, tmp_path: Path
) -> None:
    new = strikes(8, seed=6)
    write_table(new.sample(fraction=1.0, shuffle=True, seed=1), tmp_path / "shuffled.csv")
    write_table(new.filter(pl.col("country") == "C003"), tmp_path / "alone.csv")
    write_table(new, tmp_path / "whole.csv")
    predictions = {}
    for name in ("shuffled", "alone", "whole"):
        predict(run.folder, tmp_path / f"{name}.csv", tmp_path / f"{name}.parquet")
        frame = pl.read_parquet(tmp_path / f"{name}.parquet")
        predictions[name] = dict(frame.select("country", "probability_wages").iter_rows())
    assert predictions["shuffled"] == pytest.approx(predictions["whole"], abs=1e-6)
    assert predictions["alone"]["C003"] == pytest.approx(predictions["whole"]["C003"], abs=1e-6)


def test_the_report_describes_series_and_not_words(run: Run) -> None:
    for language, present, absent in (
        (
            "en",
            "the series of wage and price of each case in order of time",
            r"\b([Ww]ords?|[Tt]exts?)\b",
        ),
        ("zh", "各个体按时间先后排列的 wage 和 price 序列", "词|文本"),
    ):
        page = write_report(run.folder, language).read_text(encoding="utf-8")
        assert present in page
        assert "series_logistic" not in page
        assert page.count('id="figure-channels"') == 1
        # The recipe's own settings go by their names, and so do the elements of the pictures.
        prose = page[: page.index('id="choices"')] + page[page.index('id="methods"') :]
        others = r'<ul class="(?:references|checks)".*?</ul>|<(pre|style).*?</\1>|<[^>]*>'
        plain = re.sub(others, " ", prose, flags=re.DOTALL)
        if language == "en":  # the methods stand there in both languages
            plain = re.sub(r"[\u4e00-\u9fff]+", "", plain)
        found = [plain[at.start() - 60 : at.end() + 40] for at in re.finditer(absent, plain)]
        assert not found, found


def test_a_mistake_is_shown_as_small_pictures_that_are_broken_at_gaps() -> None:
    series = np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, 5.0], [4.0, 5.0]])
    drawn = str(draw_sparks(series, ["<wage>", "price", "beyond"]))
    assert drawn.count("<svg") == 2
    assert (drawn.count("<polyline"), drawn.count("<circle")) == (2, 1)
    assert "&lt;wage&gt; 1 – 4" in drawn
    assert "style=" not in drawn


def test_curves_are_means_and_quartiles_of_those_whose_value_is_known() -> None:
    rows = [[[v], [10.0 * v]] for v in (1.0, 2.0, 3.0, 4.0, 5.0)] + [[[np.nan]]]
    series = pl.Series(NUMBERS, rows, dtype=pl.List(pl.Array(pl.Float64, 1)))
    facts = describe_channels(series, ["wage"], ["1900", "1901"])
    curve = facts.curves["wage"][""]
    assert (curve.mean, curve.low, curve.high) == ([3, 30], [2, 20], [4, 40])
    assert facts.channels[0].missing == pytest.approx(1 / 11)
    weights = np.array([1.0, 1, 1, 1, 6, 1])
    weighted = describe_channels(series, ["wage"], ["1900", "1901"], weights=weights)
    assert weighted.curves["wage"][""].mean[0] == 4
    by_class = describe_channels(
        series, ["wage"], ["1900", "1901"], pl.Series(["a", "a", "a", "a", "b", "b"])
    )
    assert by_class.curves["wage"]["a"].mean == [2.5, 25]
    assert by_class.curves["wage"]["b"].mean == [None, None]  # of too few


def test_no_value_of_the_test_part_reaches_the_scaling(table: Path, tmp_path: Path) -> None:
    clean = fit(recipe(table, evaluation__baselines=False), tmp_path / "clean")
    tested = pl.read_parquet(clean.folder / "predictions.parquet")["country"].to_list()
    poisoned = strikes(240).with_columns(
        pl.when(pl.col("country").is_in(tested)).then(1e6).otherwise(pl.col(name)).alias(name)
        for name in ("wage", "price")
    )
    write_table(poisoned, tmp_path / "poisoned.csv")
    again = fit(recipe(tmp_path / "poisoned.csv", evaluation__baselines=False), tmp_path / "poison")
    one, other = TrainedModel.of_run(clean), TrainedModel.of_run(again)
    assert one.encoder == other.encoder
    weights = zip(one.network.parameters(), other.network.parameters(), strict=True)
    assert all(bool((left == right).all()) for left, right in weights)
    # The means are those of the series that are not tested, for validation is not seen either.
    trained = clean.read_json("split.json")["train"]
    known = strikes(240).filter(pl.col("country").is_in([f"C{place:03}" for place in trained]))
    assert one.encoder.to_dict()["means"] == pytest.approx(
        [known["wage"].drop_nulls().mean(), known["price"].mean()]
    )
    assert one.encoder.to_dict()["marked"] == [0]


@pytest.mark.parametrize(
    ("data", "task", "baselines"),
    [
        ({"target": "unrest"}, "regress", {"mean", "series_ridge", "rocket", "random_forest"}),
        (
            {"target": "both", "label_separator": ";", "weight": "size"},
            "multilabel",
            {"majority", "series_logistic", "rocket", "random_forest"},
        ),
        ({"weight": "size", "series": ["wage"]}, "classify", {"majority", "rocket"}),
    ],
)
def test_every_kind_of_answer_is_learned_and_reported(
    data: dict, task: str, baselines: set, table: Path, tmp_path: Path
) -> None:
    chosen = recipe(table, **{f"data__{name}": value for name, value in data.items()})
    found = fit(chosen, tmp_path / "run")
    metrics = found.read_json("metrics.json")
    assert metrics["task"] == task
    assert baselines < set(metrics["models"])
    assert found.has("report.html")


def test_a_stopped_run_can_be_resumed(table: Path, tmp_path: Path) -> None:
    begun = Run.create(tmp_path / "run", resolve(recipe(table)))
    assert resume(begun.folder).has("report.html")
    assert Recipe.read(begun.folder / "recipe.toml") == begun.recipe


def beats(rows: int, seed: int = 0) -> pl.DataFrame:
    """Waves that are slow or fast, side by side, some of which end early."""
    rng = np.random.default_rng(seed)
    fast = rng.integers(0, 2, rows)
    at = np.arange(30)[None] / (4 - 2 * fast[:, None]) + rng.uniform(0, 6, (rows, 1))
    cells = np.sin(at) + 0.2 * rng.normal(size=(rows, 30))
    ended = np.arange(30) >= rng.integers(20, 40, (rows, 1))
    columns = {
        f"t{place + 1}": pl.Series(np.round(cells[:, place], 4)).set(
            pl.Series(ended[:, place]), None
        )
        for place in range(30)
    }
    return pl.DataFrame({"beat": range(rows), **columns, "kind": np.where(fast, "fast", "slow")})


def test_a_wide_table_is_read_row_by_row(tmp_path: Path) -> None:
    write_table(beats(160), tmp_path / "beats.csv")
    data = {"files": [str(tmp_path / "beats.csv")], "series": ["t1:t30"], "target": "kind"}
    chosen = Recipe.build({"data": data}).replace(QUICK | LEARNED)
    found = fit(chosen, tmp_path / "run")
    assert found.read_json("metrics.json")["models"]["network"]["accuracy"]["value"] > 0.9
    write_table(beats(30, seed=2), tmp_path / "new.csv")
    predict(found.folder, tmp_path / "new.csv", tmp_path / "predicted.parquet")
    predicted = pl.read_parquet(tmp_path / "predicted.parquet")
    assert predicted.columns[:32] == beats(1).columns
    assert (predicted["prediction"] == predicted["kind"]).mean() > 0.9
    assert evaluate(found.folder, tmp_path / "new.csv")["accuracy"]["value"] > 0.9


def test_a_test_file_is_read_as_the_data_are(table: Path, tmp_path: Path) -> None:
    write_table(strikes(40, seed=9), tmp_path / "test.csv")
    chosen = recipe(table, data__test_file=str(tmp_path / "test.csv"), evaluation__baselines=False)
    found = fit(chosen, tmp_path / "run")
    assert len(pl.read_parquet(found.folder / "predictions.parquet")) == 40


def test_a_series_that_is_cut_is_reported(table: Path, tmp_path: Path) -> None:
    found = fit(recipe(table, text__max_length=18, evaluation__baselines=False), tmp_path / "run")
    long = int((strikes(240).group_by("country").len()["len"] > 18).sum())
    notes = found.read_json("metrics.json")["notes"]
    assert notes == [f"network: {long} of 240 series are longer than 18 steps, and were cut"]


def test_check_reports_on_series(table: Path) -> None:
    flags = LONG | {"series": ("wage", "price")}
    chosen = recipe_from_flags(None, (str(table),), flags, ())
    read, findings = check_files(chosen.data)
    assert NUMBERS in read.frame.columns
    checks = {finding.check: finding.level for finding in findings}
    assert {"series", "channel", "missing_cells", "class_balance"} < set(checks)
    doubtful = {name for name, level in checks.items() if level in ("error", "warning")}
    assert doubtful == {"leaking_column"}  # unrest follows from who leads


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": {"series": ["a"], "text": "letter", "target": "y"}}, "choose one"),
        ({"data": {"series": ["a"], "states": ["b:c"], "target": "y"}}, "choose one"),
        ({"data": {"series": ["a"], "time": "t", "target": "y"}}, "data.id must name"),
        ({"task": "next", "data": {"series": ["a"]}}, "does not go with task = next"),
        ({"task": "label", "data": {"series": ["a"]}}, "does not go with task = label"),
        ({"data": {"series": ["a"], "target": "y"}, "model": {"wide": True}}, "no meaning where"),
        ({"data": {"series": ["a"], "target": "y"}, "text": {"numbers": "one"}}, "no meaning"),
        (
            {"data": {"text": "a", "target": "y"}, "forecast": {"horizon": 3}},
            "for forecasts of series",
        ),
    ],
)
def test_settings_that_do_not_suit_numbers_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        resolve(Recipe.build(settings))


def test_several_labels_in_a_cell_are_separated_by_semicolons_by_default() -> None:
    flags = LONG | {"series": ("wage",), "target": "both", "task": "multilabel"}
    assert resolve(recipe_from_flags(None, (), flags, ())).data.label_separator == ";"
    changed = recipe_from_flags(None, (), flags, ("data.label_separator=|",))
    assert changed.data.label_separator == "|"


def test_series_without_a_target_are_forecast() -> None:
    flags = {"series": ("wage",), "id": "country", "time": "year"}
    chosen = resolve(recipe_from_flags(None, ("strikes.csv",), flags, ()))
    assert (chosen.task, layout_for(chosen)) == ("forecast", ForecastOrigins)
    asked = resolve(recipe_from_flags(None, ("strikes.csv",), flags | {"target": "leader"}, ()))
    assert (asked.task, layout_for(asked)) == (None, NumericSeries)
    assert layout_for(asked)(asked.data).is_long


async def sent(folder: Path, rows: list[dict]) -> httpx.Response:
    """What the service answers to some rows."""
    app = create_service([folder])
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        return await client.post("/predict", json={"rows": rows})


def test_the_service_predicts_what_predict_does_for_the_same_series(
    run: Run, tmp_path: Path
) -> None:
    new = strikes(5, seed=4)
    write_table(new, tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "predicted.parquet")
    wanted = pl.read_parquet(tmp_path / "predicted.parquet")["probability_wages"]
    rows = new.group_by("country", maintain_order=True).agg("wage", "price")
    answer = asyncio.run(sent(run.folder, rows.drop("country").to_dicts()))
    found = [one["probability"]["wages"] for one in answer.json()["predictions"]]
    assert found == pytest.approx(wanted.to_list(), abs=1e-5)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"wage": [1, 2]}, "no column 'price'"),
        ({"wage": [1, 2], "price": 3}, "'price' is to be a list"),
        ({"wage": [1, 2], "price": [3]}, "lists have [1, 2] cells: give a cell for each step"),
        ({"wage": [1, "2"], "price": [3, 4]}, "'wage' holds '2': give numbers, null for none"),
        ({"wage": [1, True], "price": [3, 4]}, "'wage' holds True"),
        ({"wage": [None], "price": [None]}, "no value in any of its columns"),
        ({"wage": [], "price": []}, "is to be a list, from the first step to the last"),
    ],
)
def test_malformed_requests_are_refused(run: Run, row: dict, message: str) -> None:
    answer = asyncio.run(sent(run.folder, [{"wage": [1], "price": [2]}, row]))
    assert answer.status_code == 422
    assert message in answer.json()["detail"]
    assert answer.json()["detail"].startswith("row 2")


def test_uneven_steps_are_read_in_a_file_and_by_the_service(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = []
    for place in range(120):
        slow = place % 2
        years = 1800 + np.cumsum(rng.integers(1, 3 + 4 * slow, 14))
        noise = rng.normal(size=14)
        frames.append(
            pl.DataFrame({"who": [f"w{place}"] * 14, "year": years, "tax": noise}).with_columns(
                pl.lit("slow" if slow else "fast").alias("pace")
            )
        )
    write_table(pl.concat(frames), tmp_path / "taxes.csv")
    data = {"files": [str(tmp_path / "taxes.csv")], "series": ["tax"], "id": "who"}
    chosen = Recipe.build({"data": data | {"time": "year", "target": "pace"}})
    found = fit(chosen.replace(QUICK | LEARNED), tmp_path / "run")
    # The values are noise: only the time between them is informative.
    assert found.read_json("metrics.json")["models"]["network"]["accuracy"]["value"] > 0.9
    predict(found.folder, tmp_path / "taxes.csv", tmp_path / "predicted.parquet")
    wanted = pl.read_parquet(tmp_path / "predicted.parquet")["probability_slow"][:3]
    rows = [frame.select("year", "tax").to_dict(as_series=False) for frame in frames[:3]]
    answer = asyncio.run(sent(found.folder, rows)).json()["predictions"]
    assert [one["probability"]["slow"] for one in answer] == pytest.approx(list(wanted), abs=1e-5)
    page = (found.folder / "report.html").read_text(encoding="utf-8")
    assert "Steps are not evenly spaced" in page


def test_a_network_of_numbers_goes_to_other_runtimes(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    graph, tables, card = export(run.folder, tmp_path / "model.onnx")
    exported = json.loads(tables.read_text(encoding="utf-8"))
    assert exported["series"]["marked"] == [0]
    assert exported["reading"]["channels"] == ["wage", "price"]
    assert "float32 [batch, steps, numbers]" in card.read_text(encoding="utf-8")
    assert graph.stat().st_size > 0


def test_series_are_embedded_and_sorted_into_types(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUREE_LANG", "en")
    page = embed_rows(run.folder, table, tmp_path / "vectors.parquet", 2)
    found = pl.read_parquet(tmp_path / "vectors.parquet")
    assert found.columns == ["country", *(f"v{place}" for place in range(1, 33)), "type"]
    leaders = strikes(240).group_by("country", maintain_order=True).first()["leader"]
    shares = pl.DataFrame([leaders, found["type"]]).group_by("type", "leader").len()["len"]
    assert sum(sorted(shares)[-2:]) > 0.8 * 240
    assert page is not None
    assert "distinct series" in page.read_text(encoding="utf-8")


def test_a_series_is_explained_step_by_step_and_channel_by_channel(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for language, text in (("en", "Attributions of each channel"), ("zh", "各通道在所有步上")):
        monkeypatch.setenv("DUREE_LANG", language)
        page = explain_row(run.folder, table, 3, tmp_path / "row.html")
        assert text in page.read_text(encoding="utf-8")
    found = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert [channel["name"] for channel in found["channels"]] == ["wage", "price"]
    given = strikes(240).filter(pl.col("country") == "C002")
    assert found["channels"][0]["values"] == pytest.approx(given["wage"].to_list())
    added = sum(sum(channel["attributions"]) for channel in found["channels"])
    way = found["score"] - found["start"]
    assert added == pytest.approx(way, abs=0.011 * abs(way) + 1e-4)
    every = pl.read_parquet(explain_all(run.folder, table, tmp_path / "all.parquet"))
    assert len(every) == 2 * len(strikes(240))
    same = every.filter(pl.col("row") == 3)
    assert same["attribution"].sum() == pytest.approx(added, abs=1e-3)
    assert same.filter(pl.col("channel") == "wage")["value"].to_list() == given["wage"].to_list()


def test_the_studio_lists_series_by_name_and_explains_them(run: Run) -> None:
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    rows, count = list_rows(finished(run), "", False, 1, Words("en"))
    assert (count, rows[0].text) == (len(predictions), predictions["country"][0])
    page = row_page(run, 1, Words("en"))
    assert "Blue steps support" in page
