"""Word vectors are read from every usual format, and nothing is read wrongly from a broken file."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError
from duree.tables.files.word_vectors import read_word_vectors, vector_size

FORMATS = ("glove", "word2vec", "binary", "vec")
FORMATS = (*FORMATS, *(f"{name}.gz" for name in FORMATS))
VECTORS = {
    "the": [0.25, -1.5, 3e-05],
    "Paris": [1.0, 2.0, 3.0],
    "不": [-0.125, 0.5, 7.25],
    "3": [9.0, -9.0, 0.0],
}


def content(form: str, vectors: dict[str, list[float]]) -> bytes:
    """The file in one of FORMATS."""
    form, _, packed = form.partition(".")
    size = len(next(iter(vectors.values())))
    rows = [(word.encode(), np.float32(values)) for word, values in vectors.items()]
    head = b"" if form == "glove" else f"{len(rows)} {size}\n".encode()
    if form == "binary":
        body = b"".join(word + b" " + struct.pack(f"<{size}f", *row) + b"\n" for word, row in rows)
    else:
        end = b" \n" if form == "vec" else b"\n"
        body = b"".join(
            word + b" " + b" ".join(str(value).encode() for value in row) + end
            for word, row in rows
        )
    return gzip.compress(head + body) if packed else head + body


def written(folder: Path, form: str, vectors: dict[str, list[float]] = VECTORS) -> Path:
    path = folder / f"vectors.{form}"
    path.write_bytes(content(form, vectors))
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_vectors(tmp_path: Path, form: str) -> None:
    path = written(tmp_path, form)
    assert vector_size(path) == 3
    found = read_word_vectors(path, [None, "不", "absent", "the", "3", "不"])
    assert found.in_file == 4
    assert found.found.tolist() == [False, True, False, True, True, True]
    expected = [[0] * 3, VECTORS["不"], [0] * 3, VECTORS["the"], VECTORS["3"], VECTORS["不"]]
    np.testing.assert_array_equal(found.values, np.float32(expected))


words = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=6)
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.data(), st.sampled_from(FORMATS), st.integers(2, 5))
def test_whatever_the_words_and_numbers_all_are_read_exactly(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, form: str, size: int
) -> None:
    vectors = data.draw(
        st.dictionaries(words, st.lists(numbers, min_size=size, max_size=size), min_size=1)
    )
    path = written(tmp_path_factory.mktemp("vectors"), form, vectors)
    found = read_word_vectors(path, list(vectors))
    assert found.found.all()
    np.testing.assert_array_equal(found.values, np.float32(list(vectors.values())))


def test_a_word_without_a_vector_takes_that_of_another_case_but_its_own_comes_first(
    tmp_path: Path,
) -> None:
    vectors = {"PARIS": [1.0, 1.0], "paris": [2.0, 2.0], "Rome": [3.0, 3.0], "ROME": [4.0, 4.0]}
    path = written(tmp_path, "word2vec", vectors)
    found = read_word_vectors(path, ["paris", "Paris", "rome", "ROME"])
    assert found.values[:, 0].tolist() == [2.0, 1.0, 3.0, 4.0]


def test_the_first_of_two_vectors_of_a_word_counts(tmp_path: Path) -> None:
    path = tmp_path / "twice.txt"
    path.write_text("a 1 2\nb 3 4\na 5 6\n")
    assert read_word_vectors(path, ["a"]).values.tolist() == [[1.0, 2.0]]


def test_words_with_blanks_tabs_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_bytes(b"\xef\xbb\xbfat\t1\t2\r\nat name@domain.com 3 4\r\n. . . 5 6\r\nof 7 8\r\n")
    assert read_word_vectors(path, ["at", "of"]).values.tolist() == [[1.0, 2.0], [7.0, 8.0]]


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "glove"])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, form: str) -> None:
    """Only the digits of the very last number of a text may be missing, which nothing shows."""
    whole, path = content(form, VECTORS), tmp_path / "broken"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            found = read_word_vectors(path, ["the", "Paris", "不"])
        except DataError:
            continue
        assert found.in_file == 4
        expected = [VECTORS[word] for word in ("the", "Paris", "不")]
        np.testing.assert_array_equal(found.values, np.float32(expected))


def test_where_no_line_states_the_number_of_words_the_last_line_shows_a_break(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "glove")
    path.write_bytes(path.read_bytes().removesuffix(b" 0.0\n"))
    with pytest.raises(DataError, match="word 4"):
        read_word_vectors(path, ["the"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "holds no word vectors"),
        (b"not a vector\n", "holds no word vectors"),
        (b"text,label\ngood,1\n", "holds no word vectors"),
        (b"2 3\nthe 1 2 3\nof 1 2\n", "word 2"),
        (b"the 1 2 3\nof 1 2 x\n", "word 2"),
        (b"the 1 2\nof nan 2\n", "word 2"),
        (b"5 2\nthe 1 2\nof 1 2\n", "ends after 2 of 5"),
        (b"une 1 2\ndes 1 2\n", "une, des"),
        (b"PK\x03\x04", "zip archive"),
        (b"x" * (1 << 21), "holds no word vectors"),
        (b"3 4\n" + b"x" * (1 << 21), "holds no word vectors"),
        (b"the 1 2\n" + b"x" * (1 << 21), "holds no word vectors"),
    ],
)
def test_what_holds_no_vectors_is_refused_with_the_reason(
    tmp_path: Path, text: bytes, said: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(text)
    with pytest.raises(DataError) as error:
        read_word_vectors(path, ["the", "of"])
    assert said in error.value.message("en")
    assert error.value.message("zh") != error.value.message("en")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(DataError, match=path.name):
            vector_size(path)


def test_memory_depends_on_the_words_not_on_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "large.bin"
    with open(path, "wb") as file:
        file.write(b"40000 300\n")
        for number in range(40_000):
            file.write(b"word%d " % number + rng.random(300, dtype=np.float32).tobytes())
    assert path.stat().st_size > 48e6
    tracemalloc.start()
    found = read_word_vectors(path, [f"word{number}" for number in range(0, 40_000, 400)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.found.all()
    assert peak < 16e6
