"""Models of fastText: words have the mean of their own vector and those of their n-grams."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from duree.errors import DataError
from duree.tables.files.fasttext_model import fnv
from duree.tables.files.word_vectors import read_word_vectors, vector_size

SIZE, BUCKETS = 4, 50
WORDS = ["Straße", "the", "道", "</s>"]
# As fastText's hash gives them; "a" is the published value of 32-bit FNV-1a.
HASHES = {"a": 0xE40C292C, "<st": 1383131652, "ße>": 2436679512, "<知道>": 2713964959}
ROWS = np.random.default_rng(0).normal(size=(len(WORDS) + BUCKETS, SIZE)).astype("<f4")


def model(*, ngrams: tuple[int, int] = (3, 4), version: int = 12, quantised: bool = False) -> bytes:
    """The content of a model with four words and a label."""
    sizes = (SIZE, 5, 5, 1, 5, 1, 2, 1, BUCKETS, *ngrams, 100)
    head = struct.pack("<ii12id", 793712314, version, *sizes, 1e-4)
    head += struct.pack("<iiiqq", len(WORDS) + 1, len(WORDS), 1, 1000, -1)
    entries = b"".join(word.encode() + b"\0" + struct.pack("<qb", 9, 0) for word in WORDS)
    entries += b"__label__the\0" + struct.pack("<qb", 9, 1)
    matrix = struct.pack("<?qq", quantised, *ROWS.shape) + ROWS.tobytes()
    return head + entries + matrix + struct.pack("<?qq", False, 0, SIZE)


def mean(*parts: str | int) -> np.ndarray:
    """The mean of rows of words, by number, and of n-grams."""
    places = [
        part if isinstance(part, int) else len(WORDS) + fnv(part.encode()) % BUCKETS
        for part in parts
    ]
    return ROWS[places].mean(axis=0, dtype=np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "model.bin"
    found.write_bytes(model())
    return found


def test_the_hash_of_n_grams_is_fasttexts() -> None:
    assert {text: fnv(text.encode()) for text in HASHES} == HASHES


def test_words_known_or_not_have_the_mean_of_their_parts(path: Path) -> None:
    assert vector_size(path) == SIZE
    found = read_word_vectors(path, ["the", "道", None, "oh", "</s>"])
    assert found.in_file == len(WORDS)
    assert found.found.tolist() == [True, True, False, True, True]
    expected = [
        mean(1, "<th", "<the", "the", "the>", "he>"),
        mean(2, "<道>"),
        np.zeros(SIZE),
        mean("<oh", "<oh>", "oh>"),
        mean(3),
    ]
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)


def test_a_word_in_another_case_is_the_models_word(path: Path) -> None:
    found = read_word_vectors(path, ["straße", "Straße", "THE"])
    np.testing.assert_array_equal(found.values[0], found.values[1])
    np.testing.assert_array_equal(found.values[2], read_word_vectors(path, ["the"]).values[0])


def test_without_n_grams_unknown_words_have_no_vector(path: Path) -> None:
    path.write_bytes(model(ngrams=(0, 0)))
    found = read_word_vectors(path, ["the", "unknown"])
    assert found.found.tolist() == [True, False]
    np.testing.assert_array_equal(found.values[0], ROWS[1])


def test_single_characters_are_n_grams_but_the_marks_alone_are_not(path: Path) -> None:
    path.write_bytes(model(ngrams=(1, 1)))
    found = read_word_vectors(path, ["oh"])
    np.testing.assert_allclose(found.values[0], mean("o", "h"), rtol=1e-6)


def test_a_model_that_breaks_off_is_compressed_or_of_another_version_is_refused(
    path: Path,
) -> None:
    whole = model()
    end = whole.index(ROWS.tobytes()) + ROWS.nbytes
    broken = [whole[:length] for length in range(4, end)]
    for content in (*broken, model(quantised=True), model(version=11)):
        path.write_bytes(content)
        with pytest.raises(DataError, match="no complete model of fastText"):
            read_word_vectors(path, ["the"])
