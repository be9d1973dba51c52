"""Pairs of texts as indices, and texts from indices."""

import json
import pickle
import unicodedata

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError, RunError
from duree.recipe.settings import TextSettings
from duree.sequences.encoder import ENCODERS
from duree.sequences.pair_encoder import FIRST_UNIT, PairEncoder
from duree.sequences.pair_units import Sides, choose_units
from duree.sequences.ragged import EMPTY, END, UNKNOWN
from duree.sequences.text_encoder import TextEncoder

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SPELLING = ["vnd", "vns", "jnn"], ["und", "uns", "in"]
SOUNDS = ["thé", "chat", "chats", "tache"] * 3, ["t e", "ʃ a", "ʃ a", "t a ʃ"] * 3
CAPTIONS = (
    ["A man in a red hat.", "Two men in hats.", "A red, red hat is on a man."],
    ["Ein Mann mit einem roten Hut.", "Zwei Männer mit Hüten.", "Ein roter Hut!"],
)
CHINESE = ["学而时习之", "有朋自远方来"], ["学习并且按时温习", "有朋友从远方来"]
FORMS = (
    ["tags=V;PST › gå", "tags=V;PRS › stå", "tags=V;PST › se"],
    ["gick", "står", "såg"],
)


def texts(rows):
    return pl.Series("text", rows, dtype=pl.String)


def fit(pairs, covariates=(), **settings):
    settings = TextSettings(**{"lowercase": False} | settings)
    return PairEncoder.fit(texts(pairs[0]), texts(pairs[1]), settings, covariates)


def restored(encoder, target):
    """What is left of a target that was encoded and restored, as a network would return it."""
    ragged = encoder.encode_targets(texts([target]))
    assert ragged[0][-1] == END
    return encoder.texts(ragged[0][None, :-1], ragged.lengths - 1)[0]


@pytest.mark.parametrize(
    ("pairs", "source", "target"),
    [
        (SPELLING, "characters", "characters"),
        (SOUNDS, "characters", "symbols"),
        (SOUNDS[::-1], "symbols", "characters"),
        (CAPTIONS, "subwords", "subwords"),
        (CHINESE, "characters", "characters"),
        ((CHINESE[0][:1], CAPTIONS[0]), "characters", "characters"),
        ((CAPTIONS[0][:1], CHINESE[1]), "subwords", "characters"),
    ],
)
def test_units_are_chosen_by_the_training_texts(pairs, source, target):
    assert fit(pairs).sides == Sides(source, target)


def test_words_of_several_syllables_with_blanks_are_spelt_where_targets_are_sounds():
    vietnamese = ["hà nội", "việt nam là một nước", "sài gòn"] * 4, ["h a n o j", "v i t", "s a j"]
    assert fit((vietnamese[0], vietnamese[1] * 4)).sides == Sides("characters", "symbols")


def test_covariates_do_not_make_sentences_of_words():
    rows = texts(["pos=V › tense=PST › num=SG › gå", "pos=V › tense=PRS › num=PL › stå"])
    names = ["pos", "tense", "num"]
    assert PairEncoder.fit(rows, texts(["gick", "står"]), TextSettings(), names).sides == Sides(
        "characters", "characters"
    )
    chosen = choose_units(rows, texts(["gick", "står"]), TextSettings(), names)
    assert chosen == Sides("characters", "characters")


@pytest.mark.parametrize("kind", ["characters", "subwords", "words"])
def test_the_recipe_chooses_the_units_of_both_sides(kind):
    assert fit(CAPTIONS, segmenter=kind).sides == Sides(kind, kind)


def test_symbols_of_the_recipe_are_for_sides_with_blanks():
    assert fit(SOUNDS, segmenter="symbols").sides == Sides("characters", "symbols")


@pytest.mark.parametrize("kind", ["jieba", "states"])
def test_units_that_pairs_do_not_have_are_refused(kind):
    with pytest.raises(DataError, match="does not segment pairs of texts"):
        fit(SPELLING, segmenter=kind)


@pytest.mark.parametrize("kind", ["symbols", "subwords"])
def test_units_of_pairs_are_refused_for_single_texts(kind):
    with pytest.raises(DataError, match="is for pairs of texts"):
        TextEncoder.fit(texts(["a text"]), TextSettings(segmenter=kind))


def test_both_sides_share_one_vocabulary():
    encoder = fit(SPELLING)
    assert encoder.units == ["n", "d", "s", "u", "v", "i", "j"]
    assert encoder.vocabulary_size == FIRST_UNIT + 7
    assert encoder.encode(texts(["vnd"]))[0].tolist() == [8, 4, 5]
    assert encoder.encode_targets(texts(["und"]))[0].tolist() == [7, 4, 5, END]


@given(ANY)
@pytest.mark.parametrize("pairs", [SPELLING, CAPTIONS, CHINESE])
def test_any_text_is_restored_from_its_codes_up_to_canonical_equivalence(pairs, text):
    assert restored(fit(pairs), text) == unicodedata.normalize("NFC", text)


@given(ANY)
def test_symbols_are_restored_with_one_blank_between_them(text):
    expected = unicodedata.normalize("NFC", text).split()
    assert restored(fit(SOUNDS), text) == " ".join(expected)


@given(ANY)
def test_words_outside_the_vocabulary_are_restored(text):
    assert restored(fit(CAPTIONS, segmenter="words"), text) == unicodedata.normalize("NFC", text)


def test_decomposed_letters_are_those_of_training():
    encoder = fit(SOUNDS)
    composed, decomposed = (texts([unicodedata.normalize(form, "thé")]) for form in ("NFC", "NFD"))
    assert encoder.encode(composed)[0].tolist() == encoder.encode(decomposed)[0].tolist()


def test_unseen_characters_have_open_codes_on_both_sides():
    encoder = fit(SOUNDS)
    size = encoder.vocabulary_size
    assert encoder.encode(texts(["ж"]))[0].tolist() == [size + ord("ж")]
    assert encoder.encode_targets(texts(["ж"]))[0].tolist() == [size + ord("ж"), END]


def test_unseen_symbols_are_unknown_in_sources_but_spelt_in_targets():
    encoder = fit(SOUNDS[::-1], segmenter="symbols")
    assert encoder.encode(texts(["t͡s t"]))[0].tolist() == [UNKNOWN, *encoder.codes_of("t")]
    encoder = fit(SOUNDS)
    assert restored(encoder, "t͡s a t͡sʰ") == "t͡s a t͡sʰ"


def test_open_codes_are_exact_as_single_precision_numbers():
    encoder = fit(CHINESE)
    codes = encoder.target_codes(["\U0010ffff" * 2])
    assert max(codes) < 2**24
    assert encoder.texts(np.float32([codes]).astype(int), np.array([2])) == ["\U0010ffff" * 2]


def test_codes_that_are_no_units_of_texts_write_nothing():
    encoder = fit(FORMS, ["tags"])
    known = encoder.codes_of(["g"])[0]
    codes = np.array([[0, UNKNOWN, EMPTY, END, *encoder.tag_codes, known, known]])
    assert encoder.texts(codes, np.array([codes.shape[1] - 1])) == ["g"]


def test_each_tag_before_a_source_is_a_unit_that_no_text_has():
    encoder = fit(FORMS, ["tags"])
    units = encoder.units_of_source("tags=V;PST › gå")
    assert units == ("tags=V ›", "tags=PST ›", "g", "å")
    of_text = encoder.units_of_target("tags=V › V ›")
    assert not set(of_text) & set(units[:2])
    assert len(encoder.tag_codes) == 3


@pytest.mark.parametrize("kind", ["characters", "symbols", "subwords", "words"])
def test_no_text_writes_the_tags_of_another_row(kind):
    encoder = fit((FORMS[0] * 9, ["tags=V › tags=PST › x"] * 27), ["tags"], segmenter=kind)
    assert restored(encoder, "tags=V › tags=PST › x") == "tags=V › tags=PST › x"


def test_the_name_of_a_covariate_may_be_written_in_other_letters():
    encoder = fit(FORMS, ["Tags"])
    assert encoder.units_of_source("tags=V › gå") == ("Tags=V ›", "g", "å")


def test_a_source_of_covariates_alone_has_no_text():
    encoder = fit(FORMS, ["tags"])
    assert encoder.units_of_source("tags=V;PST") == ("tags=V ›", "tags=PST ›")


def test_sources_without_their_covariates_are_their_texts():
    encoder = fit(FORMS, ["tags"])
    rows = texts(["tags=V;PST › gå › se", "tags=V", None])
    assert encoder.texts_of_sources(rows) == ["gå › se", "", ""]


def test_arrows_in_the_text_are_characters():
    encoder = fit(SPELLING)
    assert "".join(encoder.units_of_source("a=b › c")) == "a=b › c"


def test_blanks_around_a_source_are_none_of_its_units():
    words = pl.Series(["vnd", "vns"]), pl.Series(["und", "uns"])
    encoder = PairEncoder.fit(*words, TextSettings())
    rows = encoder.encode(pl.Series(["vnd", " vnd\t", "   "]))
    assert rows[1].tolist() == rows[0].tolist()
    assert rows[2].tolist() == [EMPTY]
    assert encoder.texts_of_sources(pl.Series([" vnd "])) == ["vnd"]


def test_only_sources_are_lower_cased():
    encoder = fit((["Vnd"], ["Und"]), lowercase=True)
    assert encoder.units_of_source("VND") == ("v", "n", "d")
    assert encoder.units_of_target("UND") == ("U", "N", "D")


@pytest.mark.parametrize(("keep", "kept"), [("head", "abc"), ("tail", "def"), ("both", "abf")])
def test_long_sources_are_cut_and_counted_but_never_their_tags_or_targets(keep, kept):
    encoder = fit((["tags=V;X › ab"], ["ab"]), ["tags"], max_length=3, keep=keep)
    rows = texts(["tags=V;X › abcdef", "tags=V › abc", "tags=X"])
    assert encoder.units_of_source(rows[0]) == ("tags=V ›", "tags=X ›", *kept)
    assert encoder.truncation(rows, encoder.encode(rows)) == (
        "1 of 3 texts are longer than 3 units, and were cut"
    )
    assert restored(encoder, "abcdefgh") == "abcdefgh"


def test_a_vocabulary_that_is_too_small_still_restores_all_texts():
    encoder = fit(CAPTIONS, max_features=5)
    assert encoder.vocabulary_size == FIRST_UNIT + 5
    assert restored(encoder, CAPTIONS[1][1]) == CAPTIONS[1][1]


def test_an_empty_source_is_one_step():
    encoder = fit(SPELLING)
    rows = texts(["", None, "vx"])
    ragged = encoder.encode(rows)
    assert [ragged[row].tolist() for row in range(2)] == [[EMPTY], [EMPTY]]
    assert encoder.unseen(ragged).tolist()[2] == 0.5
    assert np.isnan(encoder.unseen(ragged)[:2]).all()


def test_a_column_of_numbers_is_refused():
    encoder = fit(SPELLING)
    with pytest.raises(DataError, match="not text"):
        encoder.encode(pl.Series("n", [1, 2]))


@pytest.mark.parametrize("pairs", [SPELLING, SOUNDS, CAPTIONS])
def test_a_stored_encoder_is_the_same(pairs):
    encoder = fit(pairs)
    state = json.loads(json.dumps(encoder.to_dict()))
    again = ENCODERS[state["kind"]].from_dict(state)
    rows = texts(pairs[0])
    for other in (again, pickle.loads(pickle.dumps(encoder))):
        assert other.encode(rows).values.tolist() == encoder.encode(rows).values.tolist()
        assert other.to_dict() == encoder.to_dict()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("version", 2),
        ("settings", {"segmenter": "other"}),
        ("sides", {"source": "characters"}),
        ("sides", {"source": "characters", "target": "auto"}),
        ("covariates", "tags"),
        ("units", ["a", "a"]),
        ("units", [1]),
        ("merges", [["a"]]),
        ("merges", [["a", ""]]),
    ],
)
def test_altered_encoders_are_refused(part, value):
    with pytest.raises(RunError, match=f"the stored pairs encoder is invalid: see its '{part}'"):
        PairEncoder.from_dict(fit(CAPTIONS).to_dict() | {part: value})


def test_the_report_gets_the_units_of_both_sides():
    facts = fit(SOUNDS).describe()["encoding.json"]
    assert (facts.segmenter, facts.target_segmenter) == ("characters", "symbols")
