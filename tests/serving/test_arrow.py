"""An Arrow table from any source is read as rows of JSON are, or refused with a reason."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

import httpx
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.letters import letters
from tests.support.letters import recipe_alone as recipe
from tests.support.service import Client

from duree.serving.arrow import read_column, write_table
from duree.serving.bodies import ARROW, JSON
from duree.serving.service import create_service
from duree.workflow import fit

TEXTS = ["a glad spring", "", None, "grim 冬 " * 9, "word7 glad"]


def sent(table: pa.Table, **options) -> bytes:
    written = io.BytesIO()
    with pa.ipc.new_stream(written, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as to:
        to.write_table(table)
    return written.getvalue()


def by_polars(frame: pl.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.write_ipc_stream(written)
    return written.getvalue()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    folder = tmp_path_factory.mktemp("data")
    letters(200).write_csv(folder / "letters.csv")
    runs = [
        fit(recipe(folder / "letters.csv"), folder / "tones"),
        fit(recipe(folder / "letters.csv", data__target="warmth"), folder / "warmths"),
    ]
    return Client(create_service([run.folder for run in runs]))


def ask(client: Client, body: bytes, accept: str = "*/*", run: str = "tones") -> httpx.Response:
    headers = {"Content-Type": ARROW, "Accept": accept}
    return client("POST", "/predict", content=body, headers=headers, params={"run": run})


@pytest.mark.parametrize("run", ["tones", "warmths"])
def test_a_table_is_predicted_as_its_rows_are(client: Client, run: str) -> None:
    rows = [{"letter": text} for text in TEXTS]
    wanted = client.predict(rows, params={"run": run}).json()["predictions"]
    answer = ask(client, by_polars(pl.DataFrame({"letter": TEXTS})), run=run)
    assert answer.headers["Content-Type"] == ARROW
    found = pl.read_ipc_stream(answer.content)
    assert found["prediction"].to_list() == [one["prediction"] for one in wanted]
    for name in found.columns[1:]:
        assert found[name].dtype == pl.Float64
        values = [one.get("probability", one)[name.removeprefix("probability_")] for one in wanted]
        np.testing.assert_array_equal(found[name].to_numpy(), values)
    assert (
        found.columns
        == {
            "tones": ["prediction", "probability_bad", "probability_good"],
            "warmths": ["prediction", "low", "high"],
        }[run]
    )


def test_the_answer_has_the_form_that_was_asked_for(client: Client) -> None:
    table = by_polars(pl.DataFrame({"letter": TEXTS}))
    assert len(ask(client, table, accept=JSON).json()["predictions"]) == len(TEXTS)
    answer = client.predict([{"letter": "glad"}], headers={"Accept": ARROW})
    assert pl.read_ipc_stream(answer.content)["prediction"].to_list() == ["good"]
    described = client("GET", "/openapi.json").json()["paths"]["/predict"]["post"]
    assert set(described["requestBody"]["content"]) == {ARROW, JSON}
    assert set(described["responses"]["200"]["content"]) == {ARROW, JSON}


@pytest.mark.parametrize(
    "values",
    [
        pa.array(TEXTS),
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS, pa.string_view()),
        pa.array([None] * 5),
        pa.array([True, None, False, True, True]),
        pa.array([1, -2, None, 2**40, 0]),
        pa.array([1, 2, None, 255, 0], pa.uint8()),
        pa.array([0.1, 1e300, None, -0.0, 7.0]),
        pa.array([0.5, 2.0, None, -0.0, 7.0], pa.float32()),
        pa.array(TEXTS)[2:],
        pa.chunked_array([TEXTS, [], TEXTS[1:]], pa.string()),
    ],
    ids=lambda values: str(values.type),
)
def test_what_a_row_of_json_can_hold_is_read_as_it_is(values: pa.Array) -> None:
    other_columns = {
        "views": pa.array(["a longer text than a view can hold"] * len(values), pa.string_view()),
        "bytes": pa.array([b"x"] * len(values)),
        "lists": pa.array([[{"a": ["b", None], "c": 2.5}]] * len(values)),
        "nothing": pa.nulls(len(values)),
        "kind": pa.array(["a"] * len(values)).dictionary_encode(),
        "when": pa.array([0] * len(values), pa.timestamp("us", tz="UTC")),
    }
    table = pa.table(other_columns | {"letter": values, "after": values})
    assert read_column(sent(table), "letter") == values.to_pylist()
    wide = pl.from_arrow(table)
    assert isinstance(wide, pl.DataFrame)
    assert read_column(by_polars(wide), "letter") == values.to_pylist()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"text": ["a"]}), "no single column 'letter'; its columns are 'text'"),
        (pa.table([pa.array(["a"])] * 2, ["letter"] * 2), "no single column"),
        (pa.table({"letter": [["a"]]}), "neither texts nor numbers"),
        (pa.table({"letter": [b"a"]}), "neither texts nor numbers"),
        (pa.table({"letter": pa.array(["a"]).dictionary_encode()}), "neither texts"),
        (pa.table({"letter": pa.array([0], pa.timestamp("s"))}), "neither texts"),
        (pa.table({"letter": [1.0, float("nan")]}), "not finite"),
        (pa.table({"letter": ["a"] * 1001}), "more than 1000 rows"),
        (pa.table({"letter": pa.array([], pa.string())}), "no rows"),
        (pa.table({f"c{number}": ["a"] for number in range(1500)}), "more than 1000 columns"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(
    client: Client, table: pa.Table, message: str
) -> None:
    answer = ask(client, sent(table))
    assert answer.status_code == 422
    assert message in answer.json()["detail"]


def test_compressed_arrow_is_refused(client: Client) -> None:
    answer = ask(client, sent(pa.table({"letter": ["a" * 1_000_000]}), compression="zstd"))
    assert answer.status_code == 422
    assert "compressed" in answer.json()["detail"]


def test_a_text_view_repeated_many_times_is_refused() -> None:
    body = by_polars(pl.DataFrame({"letter": pl.Series(["glad " * 2000]).gather([0] * 1000)}))
    assert len(body) < 100_000
    with pytest.raises(ValueError, match="more than 1000000 bytes"):
        read_column(body, "letter")


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"\xff\xff\xff\xff", b"\xff" * 100, b"ARROW1\0\0" * 9, struct.pack("<iI", -1, 0)],
)
def test_what_is_no_arrow_is_refused(client: Client, body: bytes) -> None:
    answer = ask(client, body)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "the body is not an Arrow stream"


def test_half_a_stream_is_refused_wherever_it_ends() -> None:
    body = by_polars(pl.DataFrame({"letter": TEXTS, "id": range(5)}))
    for end in range(0, len(body) - 8, 3):
        with pytest.raises(ValueError, match=r"not an Arrow stream|no rows"):
            read_column(body[:end], "letter")


BODIES = [
    by_polars(pl.DataFrame({"id": range(5), "letter": TEXTS, "kind": [["a"]] * 5})),
    sent(pa.table({"kind": pa.array(["a"] * 5).dictionary_encode(), "letter": TEXTS})),
    sent(pa.table({"letter": [1.5, None, 2.5]})),
]
LENGTHS = [0, 1, 127, 128, 255]


@given(
    st.sampled_from(BODIES),
    st.lists(st.tuples(st.integers(0, 2000), st.sampled_from(LENGTHS)), min_size=1, max_size=6),
)
def test_a_corrupt_stream_is_refused_or_read_and_never_crashes_the_process(
    body: bytes, changes: list[tuple[int, int]]
) -> None:
    changed = bytearray(body)
    for place, byte in changes:
        changed[place % len(body)] = byte
    with suppress(ValueError):
        assert len(read_column(bytes(changed), "letter")) <= 1000


def test_what_is_written_can_be_read_by_readers_of_every_age() -> None:
    body = write_table([pl.Series("prediction", ["good"]), pl.Series("probability_good", [0.5])])
    table = pa.ipc.open_stream(body).read_all()
    assert table.schema.types == [pa.large_string(), pa.float64()]
