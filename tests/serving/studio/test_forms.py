"""The form of the studio: the layout of a table is guessed and can be changed, training runs as in
``duree fit``, and a fault is reported at its field."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.forecasts import HORIZON, long_table, walks
from tests.support.letters import letters
from tests.support.studio import Visitor
from tests.support.tagged_words import sentences, write_universal

from duree.errors import chinese_templates
from duree.pipeline.progress import standing
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.serving.studio.forms import FORMS
from duree.serving.studio.workspace import Workspace

STATES = ["school", "work", "none"]


def life_courses() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    months = {f"m{n}": rng.choice(STATES, 60) for n in range(8)}
    return pl.DataFrame({"id": range(60), "pay": ["good", "poor"] * 30} | months)


def spells() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    begins = [2000 + 5 * (n % 3) for n in range(180)]
    return pl.DataFrame(
        {
            "person": [f"p{n // 3}" for n in range(180)],
            "state": rng.choice(STATES, 180),
            "from": begins,
            "to": [begin + 4 for begin in begins],
            "pay": [("good", "poor")[n // 3 % 2] for n in range(180)],
        }
    )


def log() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "user": [f"u{n // 10}" for n in range(400)],
            "action": rng.choice(["look", "buy", "leave"], 400),
            "time": [f"2024-01-{1 + n % 10:02}" for n in range(400)],
        }
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each kind of rows."""
    folder = tmp_path_factory.mktemp("kinds")
    frames = {"texts": letters(100), "states": life_courses(), "spells": spells(), "events": log()}
    frames["wide"] = pl.DataFrame(
        {"V1": [f"W{n}" for n in range(6)]}
        | {f"V{n}": column for n, column in enumerate(np.array(walks()).T, start=2)}
    )
    files = {kind: folder / f"{kind}.csv" for kind in frames}
    for kind, frame in frames.items():
        frame.write_csv(files[kind])
    more = {"kind": pl.col("id").str.slice(1).cast(pl.Int64) % 2}
    files["series"] = Path(long_table(folder / "series.csv", walks(14), more=more))
    files["tokens"] = write_universal(folder / "tokens.conllu", sentences(60))
    return files


def opened(visitor: Visitor, file: Path) -> str:
    return visitor.table(file.name, file.read_bytes())


def selected(page: str, field: str) -> str:
    """What a select of a page has chosen."""
    inside = re.search(rf'<select id="{field}".*?</select>', page, re.DOTALL)
    assert inside, field
    found = re.search(r'<option value="([^"]*)" selected', inside[0])
    return found[1] if found else ""


def filled(page: str) -> dict[str, str]:
    """The form of a page as a browser would send it."""
    inputs = re.findall(
        r'<input [^>]*?name="(\w+)"[^>]*? type="(?:text|number)" value="([^"]*)"', page
    )
    chosen = dict(inputs) | {
        name: selected(page, name) for name in re.findall(r'<select id="(\w+)"', page)
    }
    return {name: value for name, value in chosen.items() if value} | {"part": "whole"}


@pytest.mark.parametrize(
    ("kind", "guessed"),
    [
        ("texts", {"text": "letter", "target": "tone"}),
        ("states", {"states": "m0:m7", "target": "pay"}),
        (
            "spells",
            {"id": "person", "state": "state", "start": "from", "end": "to", "target": "pay"},
        ),
        ("events", {"id": "user", "event": "action", "time": "time", "task": "next"}),
        ("series", {"series": "y", "time": "when", "id": "id", "cell": "gru"}),
        ("wide", {"id": "V1", "series": "V2:V61", "cell": "gru"}),
        ("tokens", {"target": "upos"}),
    ],
)
def test_what_rows_are_is_guessed_and_the_checks_fit(
    visitor: Visitor, tables: dict[str, Path], kind: str, guessed: dict[str, str]
) -> None:
    address = opened(visitor, tables[kind])
    page = visitor.get(address).text
    assert selected(page, "rows") == kind
    chosen = filled(page)
    if kind in ("series", "wide"):
        guessed["cell"] = chosen.setdefault("cell", "gru")  # the first of its choices
    assert guessed.items() <= chosen.items()
    checks = visitor.get(f"{address}/checks", params=chosen).text
    assert 'role="alert"' not in checks
    assert 'class="checks"' in checks
    assert "gaps" not in checks  # which are ours, and no column of the table


def test_a_user_of_texts_sees_one_choice_more_and_none_of_the_others(
    visitor: Visitor, tables: dict[str, Path]
) -> None:
    page = visitor.get(opened(visitor, tables["texts"])).text
    seen = page[page.index('id="choices"') : page.index("More settings")]
    names = re.findall(r'<(?:select|input) id="(\w+)"', seen)
    assert names == ["rows", "text", "target", "cell", "id"]  # the table has a column id
    assert 'id="horizon"' not in page


def test_no_target_is_chosen_where_several_columns_could_be_it(visitor: Visitor) -> None:
    frame = life_courses().rename({"pay": "male"})
    frame = frame.with_columns(pl.Series("catholic", ["yes", "no", "no"] * 20))
    page = visitor.get(visitor.table("mvad.csv", frame.write_csv().encode())).text
    assert selected(page, "target") == ""
    assert selected(page, "task") == ""
    assert "not evident from the table: please choose" in page
    answer = visitor.post(f"{address_of(page)}/runs", data=filled(page))
    assert answer.status_code == 422
    assert "No target column was named; choose one" in answer.text


def address_of(page: str) -> str:
    """The address of the table whose form a page shows."""
    found = re.search(r'action="(/tables/\w+)/runs"', page)
    assert found
    return found[1]


def test_what_was_guessed_is_marked_as_a_proposal_until_it_is_changed(
    visitor: Visitor, tables: dict[str, Path]
) -> None:
    address = opened(visitor, tables["texts"])
    mark = '<small class="proposal">proposed from the table: please check</small>'
    page = visitor.get(address).text
    assert page.count(mark) == 4  # rows, text, target and id
    sent = filled(page) | {"was": "texts", "target": "warmth", "id": ""}
    changed = visitor.get(f"{address}/form", params=sent).text
    assert changed.count(mark) == 1
    assert "the table has a column “id”" in changed


def test_a_column_of_weights_is_offered_and_not_chosen(visitor: Visitor) -> None:
    frame = letters(60).with_columns(pl.Series("weight", [0.5, 1.25, 2.0] * 20))
    page = visitor.get(visitor.table("weighted.csv", frame.write_csv().encode())).text
    seen = page[page.index('id="choices"') : page.index("More settings")]
    assert 'id="weight"' in seen
    assert selected(page, "weight") == ""
    assert "the table has a column “weight”" in page


def test_a_chinese_message_names_the_field_and_not_the_value_of_an_option(
    visitor: Visitor,
) -> None:
    frame = letters(60).with_columns(pl.Series("year", [1900 + n for n in range(60)]))
    chinese = Visitor(visitor.folder, "zh")
    address = chinese.table("dated.csv", frame.write_csv().encode())
    sent = filled(chinese.get(address).text)
    checks = chinese.get(f"{address}/checks", params=sent).text
    assert "请加上“时间”" in checks
    assert "列名" not in checks


def test_another_kind_of_rows_has_other_fields_and_keeps_what_both_have(
    visitor: Visitor, tables: dict[str, Path]
) -> None:
    address = opened(visitor, tables["series"])
    sent = {"rows": "texts", "was": "series", "note": "Mine.", "time": "when", "horizon": "3"}
    page = visitor.get(f"{address}/form", params=sent).text
    assert 'id="text"' in page
    assert 'id="horizon"' not in page
    assert 'value="Mine."' in page
    sent = {"rows": "series", "was": "texts", "series": "when", "note": "Mine."}
    assert filled(visitor.get(f"{address}/form", params=sent).text)["series"] == "y"
    sent = {"rows": "series", "was": "series", "series": "when"}
    assert filled(visitor.get(f"{address}/form", params=sent).text)["series"] == "when"
    assert visitor.get(f"{address}/form", params={"rows": "nothing"}).status_code == 200


def test_a_task_that_other_rows_had_does_not_hide_the_target(
    visitor: Visitor, tables: dict[str, Path]
) -> None:
    sent = {"rows": "texts", "was": "series", "task": "forecast", "horizon": "3", "part": "whole"}
    page = visitor.get(f"{opened(visitor, tables['series'])}/form", params=sent).text
    assert 'id="target"' in page
    assert 'id="group"' in page


def test_what_comes_next_needs_no_target(visitor: Visitor, tables: dict[str, Path]) -> None:
    address = opened(visitor, tables["states"])
    sent = {"rows": "states", "was": "states", "states": "m0:m7", "task": "next"}
    assert 'id="target"' not in visitor.get(f"{address}/form", params=sent).text
    assert 'id="target"' in visitor.get(f"{address}/form", params=sent | {"task": ""}).text


def test_a_series_may_have_a_target_column_instead_of_a_forecast(
    visitor: Visitor, tables: dict[str, Path]
) -> None:
    address = opened(visitor, tables["series"])
    sent = {"rows": "series", "was": "series", "series": "y", "task": "forecast"}
    page = visitor.get(f"{address}/form", params=sent).text
    assert 'id="horizon"' in page
    assert 'id="target"' not in page
    page = visitor.get(f"{address}/form", params=sent | {"task": "found", "horizon": "3"}).text
    assert 'id="horizon"' not in page
    assert 'id="known"' not in page
    assert 'id="target"' in page


def test_the_primary_metrics_are_those_of_the_task(
    visitor: Visitor, tables: dict[str, Path]
) -> None:
    address = opened(visitor, tables["texts"])
    sent = {"rows": "texts", "was": "texts", "text": "letter", "target": "tone"}

    def offered(**chosen: str) -> list[str]:
        page = visitor.get(f"{address}/form", params=sent | chosen).text
        inside = re.search(r'<select id="metric".*?</select>', page, re.DOTALL)
        return re.findall(r'value="(\w*)"', inside[0]) if inside else []

    assert offered(task="regress") == ["", "mae", "rmse", "r2", "spearman"]
    assert offered(task="classify") == ["", "accuracy", "macro_f1", "log_loss", "brier", "auc"]
    assert {"micro_f1", "accuracy", "mae"} < set(offered(task=""))
    sent |= {"rows": "states", "was": "states"}
    assert offered(task="next") == []


def test_covariates_are_asked_for_where_texts_become_other_texts(
    visitor: Visitor, tables: dict[str, Path]
) -> None:
    address = opened(visitor, tables["texts"])
    sent = {"rows": "texts", "was": "texts", "text": "letter"}
    for task, asked in (("transduce", True), ("classify", False), ("", False)):
        page = visitor.get(f"{address}/form", params=sent | {"task": task}).text
        assert ('id="covariate"' in page) is asked


def test_every_choice_is_a_setting_and_has_a_chinese_translation() -> None:
    names = {"LSTM", "GRU", "RNN"}
    for form in FORMS.values():
        fields = (*form.first, *form.more)
        assert len({field.name for field in fields}) == len(fields)
        titles = {form.title, *(title for f in fields for _, title in f.choices)}
        titles |= {text for field in fields for text in (field.title, field.help)}
        assert titles - names <= chinese_templates().keys()


def post(visitor: Visitor, address: str, changed: dict[str, str]) -> tuple[int, str]:
    chosen = filled(visitor.get(address).text)
    answer = visitor.post(f"{address}/runs", data={**chosen, **changed})
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("kind", "changed", "field", "message"),
    [
        ("texts", {"target": ""}, "target", "no target column was named"),
        ("texts", {"seeds": "many"}, "seeds", "the recipe has a fault"),
        ("texts", {"name": "../evil"}, "name", "a run cannot be called"),
        ("texts", {"group": "verse"}, "group", "there is no column"),
        ("states", {"states": "m0:m99"}, "", "m99"),
        ("states", {"states": ""}, "states", "no states column was named"),
        ("spells", {"start": "pay"}, "start", "pay"),
        ("events", {"event": ""}, "event", "no event column was named"),
        ("series", {}, "horizon", "nothing says how many steps"),
        ("series", {"horizon": "0"}, "horizon", "the recipe has a fault"),
        ("series", {"horizon": "40"}, "horizon", "use arima"),
        ("series", {"horizon": "58"}, "horizon", "fewer than"),
        ("series", {"horizon": "3", "series": "when"}, "series", "when"),
        ("tokens", {"target": "mood"}, "target", "there is no column"),
        ("texts", {"metric": "r2"}, "metric", "has no metric"),
    ],
)
def test_a_fault_is_reported_at_its_field_and_nothing_is_lost(
    visitor: Visitor,
    tables: dict[str, Path],
    kind: str,
    changed: dict[str, str],
    field: str,
    message: str,
) -> None:
    status, page = post(visitor, opened(visitor, tables[kind]), changed | {"note": "Kept."})
    assert status == 422
    assert message in page.lower()
    if field:
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page)
        assert f'id="{field}-fault"' in page
    assert page.count('role="alert"') == 1
    assert 'value="Kept."' in page
    assert selected(page, "rows") == kind
    assert Workspace(visitor.folder).runs() == []


@pytest.mark.parametrize(
    ("kind", "changed", "setting", "value"),
    [
        ("spells", {"task": "next"}, "task", "next"),
        ("events", {}, "data.event", ("action",)),
        ("series", {"horizon": "4"}, "forecast.horizon", 4),
        ("wide", {"horizon": "4", "series": "V2:V40"}, "data.series", ("V2:V40",)),
        ("series", {"task": "found", "target": "kind"}, "data.target", "kind"),
        ("tokens", {"target": "upos,lemma"}, "data.target", "upos,lemma"),
        ("states", {"covariate": "pay, id", "task": "next"}, "data.covariate", ("pay", "id")),
        ("texts", {"metric": "macro_f1"}, "evaluation.metric", "macro_f1"),
        ("texts", {"task": "transduce", "covariate": "tone"}, "data.covariate", ("tone",)),
    ],
)
def test_the_recipe_is_what_was_chosen(
    visitor: Visitor,
    tables: dict[str, Path],
    kind: str,
    changed: dict[str, str],
    setting: str,
    value: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("duree.serving.studio.worker.Workers.start", lambda *_: None)
    monkeypatch.setattr("duree.serving.studio.table_preview.read_as_run", lambda recipe: None)
    status, page = post(visitor, opened(visitor, tables[kind]), changed | {"name": "run"})
    assert status == 303, page
    found: object = Run(visitor.folder / "run").recipe
    for name in setting.split("."):
        found = getattr(found, name)
    assert found == value
    assert "<h1>run</h1>" in visitor.get("/runs/run").text


def test_series_are_forecast_from_the_form_to_the_report(
    visitor: Visitor, tables: dict[str, Path]
) -> None:
    address = opened(visitor, tables["series"])
    chosen = {"horizon": str(HORIZON), "name": "walks", "max_minutes": "0.02"}
    page = visitor.get(address).text
    given = filled(page) | chosen
    assert "baselines" not in given  # a box that is not ticked is not sent
    assert visitor.post(f"{address}/runs", data=given).status_code == 303
    run = Run(visitor.folder / "walks")
    events = visitor.get("/runs/walks/progress").text
    assert events.endswith("event: over\ndata: \n\n"), standing(run)
    page = visitor.get("/runs/walks").text
    assert "Forecasting “y”" in page
    assert "Read the report" in page
    assert "onnx.zip" not in page
    assert "Forecasting “y”" in visitor.get("/").text
    assert Recipe.read(run.folder / "recipe.toml").forecast.horizon == HORIZON
