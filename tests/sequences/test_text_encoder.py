"""Texts as sequences of indices."""

import json
import os
import pickle
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError, ExtraError, RunError
from duree.recipe.settings import TextSettings
from duree.sequences import tokenizer as segment
from duree.sequences.ragged import EMPTY, PADDING, UNKNOWN
from duree.sequences.text_encoder import SPECIAL, TextEncoder

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8)
WORDS = st.lists(
    st.sampled_from(["war", "peace", "don't", "été", "1914", "!", "👍🏽"]), max_size=30
)


def fit(*texts, **settings):
    return TextEncoder.fit(pl.Series(texts, dtype=pl.String), TextSettings(**settings))


def encode(encoder, *texts):
    ragged = encoder.encode(pl.Series(texts, dtype=pl.String))
    return [ragged[row].tolist() for row in range(len(ragged))]


def test_frequent_units_come_first_and_ties_in_order_of_text():
    encoder = fit("b a c c", "c b d")
    assert encoder.vocabulary == ["<padding>", "<unknown>", "<empty>", "c", "b", "a", "d"]
    assert encode(encoder, "a c e", "D") == [[5, 3, UNKNOWN], [6]]


@given(st.permutations(["one two", "two three", "three", "four 4", "vier"]))
def test_the_vocabulary_does_not_depend_on_the_order_of_rows(texts):
    assert (
        fit(*texts).vocabulary == fit("one two", "two three", "three", "four 4", "vier").vocabulary
    )


def test_max_features_counts_real_units():
    assert fit("a a b b c", max_features=2).vocabulary[3:] == ["a", "b"]


@pytest.mark.parametrize(
    ("keep", "length", "kept"),
    [
        ("head", 3, "a b c"),
        ("tail", 3, "e f g"),
        ("both", 3, "a b g"),
        ("both", 4, "a b f g"),
        ("both", 1, "a"),
        ("tail", 1, "g"),
        ("both", 7, "a b c d e f g"),
        ("tail", 9, "a b c d e f g"),
    ],
)
def test_long_texts_are_cut_from_the_side_that_was_asked_for(keep, length, kept):
    text = "a b c d e f g"
    encoder = fit(text, keep=keep, max_length=length)
    assert encoder.units(text) == kept.split()
    assert [encoder.vocabulary[index] for index in encode(encoder, text)[0]] == kept.split()


def test_what_was_cut_is_counted():
    encoder = fit("a b c", max_length=3)
    assert encoder.truncated(pl.Series(["a b", "a b c", "a b c d e", ""])).tolist() == [0, 0, 2, 0]


@pytest.mark.parametrize("text", ["", "  \n", "<br />", "\u200b\x00", None])
def test_a_text_without_units_is_one_empty_step(text):
    encoder = fit("a b")
    assert encode(encoder, text, "a") == [[EMPTY], [3]]
    assert encoder.units(text or "") == ["<empty>"]


def test_no_text_can_write_a_special_index():
    encoder = fit("<padding> <unknown> <empty>")
    assert min(encode(encoder, "<padding> <unknown> <empty>")[0]) > EMPTY


def test_a_vocabulary_of_no_units_still_encodes():
    assert encode(fit(""), "a b", "") == [[UNKNOWN, UNKNOWN], [EMPTY]]
    assert encode(fit(), "a") == [[UNKNOWN]]
    assert len(fit("a").encode(pl.Series([], dtype=pl.String))) == 0


@given(TEXTS, TEXTS)
def test_any_text_encodes_the_same_each_time_and_never_as_padding(train, others):
    encoder = fit(*train, max_length=20)
    rows = encode(encoder, *others)
    assert rows == encode(encoder, *others)
    for text, row in zip(others, rows, strict=True):
        assert PADDING not in row
        assert 1 <= len(row) <= 20
        assert len(row) == len(encoder.units(text))
        assert max(row) < len(encoder.vocabulary)


@given(TEXTS)
def test_a_row_is_encoded_the_same_alone_and_among_others(texts):
    encoder = fit("a b c")
    assert encode(encoder, *texts) == [encode(encoder, text)[0] for text in texts]


@given(WORDS)
def test_the_units_of_known_words_are_those_words(words):
    encoder = fit("war peace don't été 1914 ! 👍🏽")
    assert encoder.segment(" ".join(words)) == words
    row = encode(encoder, " ".join(words))[0]
    assert [encoder.vocabulary[index] for index in row] == (words or ["<empty>"])


@given(st.lists(st.text("ab ", max_size=6), max_size=2500))
def test_many_texts_are_encoded_in_order(texts):
    encoder = fit("a b ab")
    sequences = encoder.encode(pl.Series(texts, dtype=pl.String))
    assert len(sequences) == len(texts)
    lengths = [max(1, len(text.split())) for text in texts]
    assert sequences.lengths.tolist() == lengths
    assert sequences.values.dtype == np.int32


def test_a_column_that_holds_no_text_is_refused():
    for do in (lambda s: TextEncoder.fit(s, TextSettings()), fit("a").encode, fit("a").truncated):
        with pytest.raises(DataError) as error:
            do(pl.Series("age", [1, 2]))
        assert str(error.value) == ("column 'age' holds Int64, not text; choose a column of texts")


def test_the_segmenter_is_chosen_once_and_kept():
    encoder = fit("这家酒店的服务很好")
    assert encoder.settings.segmenter == "jieba"
    facts = encoder.describe()["encoding.json"]
    assert (facts.segmenter, facts.version) == ("jieba", version("jieba"))
    assert facts.units == len(encoder.vocabulary) - len(SPECIAL)
    assert encoder.segment("good day") == ["good", "day"]
    assert TextEncoder.from_dict(encoder.to_dict()).segment("酒店很好") == encoder.segment(
        "酒店很好"
    )


def test_the_script_is_that_of_a_sample_of_all_texts():
    chinese = ["这家酒店的服务很好"] * 1500
    assert fit(*["english words"] * 500, *chinese).settings.segmenter != "words"
    assert (
        fit(*chinese[:100], *["english words, and many of them"] * 3000).settings.segmenter
        == "characters"  # the Chinese texts are not single units, but jieba is for Chinese ones
    )


def test_sentences_in_a_script_without_spaces_are_segmented_among_english_ones() -> None:
    english = ["we don't know", "it was 9/11, they said"] * 1000
    alone = fit(*english)
    mixed = fit(*english, "he said 今天天气 twice", "สวัสดี")
    assert mixed.segment("so 今天天气") == ["so", "今", "天", "天", "气"]
    assert len(mixed.segment("สวัสดี")) > 1
    assert alone.settings.segmenter == "words"
    assert fit(*english, "the letter 天 alone").settings.segmenter == "words"
    assert fit(*english, "今天天气", segmenter="words").segment("今天") == ["今天"]
    assert [mixed.segment(text) for text in english] == [alone.segment(t) for t in english]


def test_what_is_stored_is_json_and_comes_back_equal():
    encoder = fit("Été 1914: don’t 👍🏽", numbers="digits", max_length=7, keep="tail")
    state = json.loads(json.dumps(encoder.to_dict()))
    restored = TextEncoder.from_dict(state)
    assert restored == encoder
    assert encode(restored, "été 2024 war") == encode(encoder, "été 2024 war")
    assert pickle.loads(pickle.dumps(encoder)).segment("a b") == ["a", "b"]


def stored():
    return json.loads(json.dumps(fit("a b").to_dict()))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda s: s.pop("vocabulary"), "keys"),
        (lambda s: s.update(more=1), "keys"),
        (lambda s: s.update(kind="series"), "kind"),
        (lambda s: s.update(version=3), "version"),
        (lambda s: s.update(version="1"), "version"),
        (lambda s: s["settings"].update(segmenter="auto"), "settings"),
        (lambda s: s["settings"].update(segmenter="spaces"), "settings"),
        (lambda s: s["settings"].update(max_length=0), "settings"),
        (lambda s: s["settings"].update(max_length="400"), "settings"),
        (lambda s: s["settings"].update(lowercase=1), "settings"),
        (lambda s: s["settings"].update(stem=True), "settings"),
        (lambda s: s.update(settings=None), "settings"),
        (lambda s: s.update(vocabulary="abc"), "vocabulary"),
        (lambda s: s["vocabulary"].append("a"), "vocabulary"),
        (lambda s: s["vocabulary"].append(7), "vocabulary"),
        (lambda s: s["vocabulary"].append(["x"]), "vocabulary"),
        (lambda s: s["vocabulary"].reverse(), "vocabulary"),
        (lambda s: s["vocabulary"].pop(0), "vocabulary"),
        (lambda s: s["settings"].update(max_features=1), "vocabulary"),
    ],
)
def test_a_stored_encoder_that_was_altered_is_refused(change, part):
    state = stored()
    change(state)
    with pytest.raises(RunError) as error:
        TextEncoder.from_dict(state)
    assert error.value.message("en") == (
        f"the stored text encoder is invalid: see its {part!r}; it was altered, or written by a "
        "newer version of Durée: update Durée, or train the model again"
    )
    assert "编码器无效" in error.value.message("zh")


def test_a_stored_encoder_that_needs_jieba_says_so_where_it_is_missing(monkeypatch):
    state = stored() | {"settings": TextSettings(segmenter="jieba").model_dump()}
    monkeypatch.setitem(sys.modules, "jieba", None)
    segment._jieba_cut.cache_clear()
    with pytest.raises(ExtraError):
        TextEncoder.from_dict(state)


def test_jieba_is_silent_and_writes_nothing(tmp_path):
    code = (
        "import polars as pl\n"
        "from duree.recipe.recipe import TextSettings\n"
        "from duree.sequences.text_encoder import TextEncoder\n"
        "TextEncoder.fit(pl.Series(['今天天气很好']), TextSettings()).units('天气')\n"
    )
    source = os.path.dirname(os.path.dirname(os.path.dirname(segment.__file__)))
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": source}
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []
