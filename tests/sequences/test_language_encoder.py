"""Texts as the codes that a language model reads, and texts from codes."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duree.errors import DataError, RunError
from duree.recipe.settings import TextSettings
from duree.sequences import language_spellings, language_units
from duree.sequences.encoder import ENCODERS
from duree.sequences.language_encoder import FIRST_UNIT, SPELLING, SPELT, LanguageEncoder
from duree.sequences.ragged import END, UNKNOWN

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ENGLISH = ["The cat sat on the mat.\nThe dog didn't (it ran).", "The mat, the cat, the dog ran on."]
SEGMENTED = [" the cat sat on the <unk> \n the dog did n't \n", " the cat the cat dog \n"]
CHINESE = ["床前明月光，疑是地上霜。", "舉頭望明月，低頭思故鄉。"]
KINDS = ["characters", "subwords", "words", "symbols"]


def texts(rows):
    return pl.Series("text", rows, dtype=pl.String)


def fit(rows, **settings):
    return LanguageEncoder.fit(texts(rows), TextSettings(**{"lowercase": False} | settings))


@pytest.fixture(scope="module", params=KINDS)
def encoder(request):
    return fit(ENGLISH + CHINESE, segmenter=request.param)


def test_units_of_few_words_and_of_chinese_are_characters():
    assert fit(ENGLISH).kind == fit(CHINESE).kind == "characters"


def test_units_of_many_words_are_words(monkeypatch):
    monkeypatch.setattr(language_units, "MANY_WORDS", 15)
    assert fit(ENGLISH).kind == "words"
    assert fit(SEGMENTED).kind == "symbols"
    assert fit(CHINESE * 10).kind == "characters"


def test_full_stops_at_ends_of_words_are_marks_if_they_are_many():
    abbreviated = ["the u.s. cat " + "sat on the mat and saw it all " * 5 + "\n"] * 4
    assert fit(abbreviated, segmenter="words").kind == "symbols"
    assert fit(["the cat sat. the dog ran. "] * 8, segmenter="words").kind == "words"


@pytest.mark.parametrize("kind", ["jieba", "states"])
def test_units_that_language_models_do_not_have_are_refused(kind):
    with pytest.raises(DataError, match="does not segment texts for a language model"):
        fit(ENGLISH, segmenter=kind)


def test_a_unit_that_does_not_stand_in_the_text_is_refused():
    with pytest.raises(DataError, match=r"text\.numbers = one"):
        fit(ENGLISH, numbers="one")


@settings(max_examples=30)
@given(ANY)
def test_every_character_but_blanks_between_words_belongs_to_one_unit(encoder, text):
    spans, begin = encoder.spans(text), 0
    for unit, (first, last) in zip(encoder.units(text), spans.tolist(), strict=True):
        assert unit == text[first:last] != ""
        between = text[begin:first]
        assert between == "" or (encoder.kind in ("words", "symbols") and between.isspace())
        assert "\n" not in between
        begin = last
    assert text[begin:].strip() == "" or encoder.kind not in ("words", "symbols")
    assert encoder.kind in ("words", "symbols") or begin == len(text)


@settings(max_examples=30)
@given(ANY)
def test_codes_units_and_characters_of_any_text_agree(encoder, text):
    codes = encoder.encode(texts([text]))[0]
    counted = encoder.counted(texts([text]))[0]
    assert codes[-1] == END
    assert ((codes[:-1] == UNKNOWN) | (codes[:-1] >= FIRST_UNIT)).all()
    assert codes.max() < encoder.vocabulary_size
    assert encoder.code_counts(text).sum() == len(codes) - 1
    assert len(encoder.code_counts(text)) == len(encoder.units(text))
    assert counted[:, 0].sum() == len(encoder.units(text)) + 1
    assert counted[:, 1].sum() == len(text)


@settings(max_examples=30)
@given(st.text("Thecatson dim.,()'\n", max_size=40))
@pytest.mark.parametrize("kind", ["characters", "subwords"])
def test_texts_of_known_characters_are_restored_from_their_codes(kind, text):
    encoder = fit(ENGLISH, segmenter=kind)
    assert encoder.text_of(encoder.encode(texts([text]))[0]) == text


def test_words_are_joined_as_training_texts_join_them():
    encoder = fit(ENGLISH, segmenter="words")
    assert encoder.text_of(encoder.encode(texts(ENGLISH))[0]) == ENGLISH[0]
    encoder = fit(SEGMENTED, segmenter="words")
    assert encoder.kind == "symbols"
    restored = encoder.text_of(encoder.encode(texts(SEGMENTED))[0])
    assert restored == "the cat sat on the <unk>\nthe dog did n't\n"


def test_words_outside_the_vocabulary_are_spelt():
    encoder = fit(SEGMENTED, segmenter="words")
    codes = encoder.encode(texts(["the mat"]))[0].tolist()
    spelt = [encoder.characters.index(one) + SPELT + 1 for one in "at"]
    assert codes == [
        encoder.known.index("the") + SPELT + 1 + len(encoder.characters),
        *(SPELLING, UNKNOWN, *spelt, SPELT),
        END,
    ]
    assert encoder.code_counts("the mat").tolist() == [1, 5]
    assert encoder.counted(texts(["the mat "]))[0].tolist() == [
        [1, 3, 0],
        *[[0, 0, 0]] * 4,
        [1, 4, 0],
        [1, 1, 1],
    ]
    assert encoder.text_of(codes) == "the \ufffdat"
    assert encoder.unseen(encoder.encode(texts(["the mat", "", "the"])))[[0, 2]].tolist() == [
        0.5,
        0,
    ]


def test_some_words_are_spelt_in_training_where_nearly_all_are_known(monkeypatch):
    monkeypatch.setattr(language_spellings, "SPELT_SHARE", 0.2)
    encoder = fit(SEGMENTED, segmenter="words")
    documents = encoder.encode(texts(["the cat the dog the", "the cat", "dog dog the the"]))
    spelt = encoder.with_spellings(documents, 0)
    assert (spelt.values == SPELLING).sum() == int(0.2 * 11)
    for row in range(3):
        assert encoder.text_of(spelt[row]) == encoder.text_of(documents[row])
    again, other = (encoder.with_spellings(documents, seed).values.tolist() for seed in (0, 1))
    assert again == spelt.values.tolist() != other
    enough = encoder.encode(texts(["the mat the cat"]))
    assert encoder.with_spellings(enough, 0).values.tolist() == enough.values.tolist()
    letters = fit(ENGLISH)
    read = letters.encode(texts(ENGLISH))
    assert letters.with_spellings(read, 0) is read


def test_texts_are_not_lower_cased_by_default_and_keep_their_places_if_they_are():
    assert fit(["Ab"]).known == ["A", "b"]
    encoder = fit(["İAb1"], lowercase=True, numbers="digits")
    assert encoder.known == ["0", "a", "b", "İ"]
    assert encoder.units("İAb1") == ("İ", "A", "b", "1")


def test_units_do_not_depend_on_the_blocks_in_which_a_text_is_split(monkeypatch):
    for kind in KINDS:
        encoder = fit(ENGLISH, segmenter=kind)
        text = ENGLISH[0] + " " + ENGLISH[1]
        whole = encoder.units(text)
        with monkeypatch.context() as patched:
            patched.setattr(language_units, "BLOCK", 7)
            assert encoder.units(text) == whole


def test_a_saved_encoder_gives_the_same_codes(encoder):
    restored = LanguageEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert ENCODERS["language"] is LanguageEncoder
    rows = texts([*ENGLISH, *CHINESE, "éàü 12"])
    codes, again = encoder.encode(rows), restored.encode(rows)
    np.testing.assert_array_equal(codes.values, again.values)
    assert restored.text_of(again.values) == encoder.text_of(codes.values)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("units", "sounds"),
        ("known", ["a", "a"]),
        ("joins", []),
        ("merges", [["a"]]),
        ("version", 2),
    ],
)
def test_a_damaged_encoder_is_refused(encoder, key, value):
    with pytest.raises(RunError):
        LanguageEncoder.from_dict(encoder.to_dict() | {key: value})


def test_a_word_never_runs_into_another_whatever_training_joined() -> None:
    rows = pl.Series(["don 't Stop . don 't Go on . (Stop (Go (Stop"] * 3)
    encoder = LanguageEncoder.fit(rows, TextSettings(segmenter="words"))
    codes = encoder.encode(pl.Series(["don 't Stop on Go ."]))[0]
    text = encoder.text_of(codes[:-1])
    assert "onGo" not in text
    assert "onStop" not in text
