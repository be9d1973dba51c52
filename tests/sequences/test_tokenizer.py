"""How a text is split into units."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import ExtraError
from duree.recipe.settings import TextSettings
from duree.sequences import tokenizer as segment
from duree.sequences.tokenizer import Segmenter, resolve

# Letters, marks, emoji and signs of many scripts, so that they meet each other often.
AWKWARD = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("aZé09 '’´.,:/_-!<>\u0301\u0327\u093f\u200c\u200d\ufe0f\u20e3\u00ad\u0000"),
        st.sampled_from("中国の ไำ한ا🇩🇪👩❤🏽\U000e0067\U000e0100ﬁＡİΣß½…"),
    ),
    max_size=30,
)
MODES = ["words", "characters", "jieba"]


def units(text, segmenter="words", **settings):
    return Segmenter(TextSettings(segmenter=segmenter, **settings))(text)


@pytest.mark.parametrize("segmenter", MODES)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop!", ["don't", "stop", "!"]),
        ("Don’t stop…", ["don't", "stop", ".", ".", "."]),
        ("‘Tis the dogs’ “bone”", ["'", "tis", "the", "dogs", "'", '"', "bone", '"']),
        ("rock'n'roll, well-known", ["rock'n'roll", ",", "well", "-", "known"]),
        ("On 9/11 at 10:30 it was 1,000.5 or 3.14.", "on 9/11 at 10:30 it was 1,000.5 or 3.14 ."),
        ("2nd mp3 of the 1920s", "2nd mp3 of the 1920s"),
        ("_so_ #tag @user", "_ so _ # tag @ user"),
        ("one<br />two<BR>three</p>four<br/>five", "one two three four five"),
        ("a < b <brave> <p>", "a < b < brave > < p >"),
        ("soft\u00adhyphen zero\u200bwidth \u202eleft", "softhyphen zero width left"),
        ("NUL\x00 and tab\tand\u2028line", "nul and tab and line"),
        ("L'École e\u0301tait À-côté", "l'école était à - côté"),
        ("ﬁnd ＡＢＣ ① m²", "find abc 1 m2"),
        ("İstanbul ΟΔΟΣ Maße", "istanbul οδος maße"),
        ("हिन्दी में क्‍षेत्र", ["हिन्दी", "में", "क्\u200dषेत्र"]),
        ("می‌خواهم", ["می\u200cخواهم"]),
        ("한국어 문장입니다.", ["한국어", "문장입니다", "."]),
        ("👍🏽👍 🇩🇪🇫🇷 👩‍👩‍👧!", ["👍🏽", "👍", "🇩🇪", "🇫🇷", "👩\u200d👩\u200d👧", "!"]),
        ("❤️ ❤ 1️⃣", ["❤", "❤", "1\u20e3"]),
        (" \n\t", []),
        ("", []),
    ],
)
def test_text_with_spaces_is_split_the_same_by_every_segmenter(segmenter, text, expected):
    expected = expected.split() if isinstance(expected, str) else expected
    assert units(text, segmenter) == expected


@pytest.mark.parametrize(
    ("segmenter", "expected"),
    [
        ("words", "我用 iphone15 拍了照片 , 很好 !"),
        ("characters", "我 用 iphone15 拍 了 照 片 , 很 好 !"),
        ("jieba", "我用 iphone15 拍 了 照片 , 很 好 !"),
    ],
)
def test_latin_words_and_numbers_stay_whole_in_chinese(segmenter, expected):
    assert units("我用iPhone15拍了照片，很好！", segmenter) == expected.split()


def test_characters_of_thai_keep_their_vowels_and_tones():
    assert units("ที่นี่", "characters") == ["ที่", "นี่"]
    assert units("เก่า", "characters") == ["เ", "ก่", "า"]


def test_japanese_is_split_into_characters_and_marks():
    assert units("カメラは。", "characters") == ["カ", "メ", "ラ", "は", "。"]


def test_case_is_kept_where_the_settings_say_so():
    assert units("The İstanbul Straße", lowercase=False) == ["The", "İstanbul", "Straße"]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("keep", "in 1914 , 2,500.75 of the 2nd ; ٣ mp3"),
        ("digits", "in 0000 , 0,000.00 of the 0nd ; 0 mp0"),
        ("one", "in 0 , 0 of the 0nd ; 0 mp0"),
    ],
)
def test_numbers_are_kept_or_flattened(numbers, expected):
    assert units("In 1914, 2,500.75 of the 2nd; ٣ mp3", numbers=numbers) == expected.split()


@pytest.mark.parametrize("segmenter", MODES)
@given(text=AWKWARD)
def test_nothing_is_lost_torn_or_invented(segmenter, text):
    segmenter_of = Segmenter(TextSettings(segmenter=segmenter))
    found = segmenter_of(text)
    normal = segmenter_of.normalise(text)
    shown = [c for c in normal if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf")]
    visible = [c for unit in found for c in unit if unicodedata.category(c) not in ("Cc", "Cf")]
    assert visible == shown
    # A mark begins a unit only where it stood after a space or at the start.
    at = 0
    for unit in found:
        at = normal.index(unit, at)
        if unicodedata.category(unit[0]).startswith("M"):
            assert at == 0 or not is_visible(normal[at - 1])
        at += len(unit)


def is_visible(character):
    return not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")


@pytest.mark.parametrize("segmenter", ["words", "characters"])
@pytest.mark.parametrize("numbers", ["keep", "digits", "one"])
@given(text=AWKWARD)
def test_units_that_are_split_again_stay_what_they_are(segmenter, numbers, text):
    segmenter_of = Segmenter(TextSettings(segmenter=segmenter, numbers=numbers))
    found = segmenter_of(text)
    assert segmenter_of(" ".join(found)) == found


@pytest.mark.parametrize("segmenter", MODES)
@given(text=st.text(st.characters(max_codepoint=127)))
def test_ascii_text_is_split_the_same_alone_and_next_to_other_letters(segmenter, text):
    segmenter_of = Segmenter(TextSettings(segmenter=segmenter))
    assert [*segmenter_of(text), "é"] == segmenter_of(text + " é")


@pytest.mark.parametrize("segmenter", MODES)
@pytest.mark.parametrize(
    "piece", ["a'", "1.", "1", "a", "中", "中\u0301", "\u0301", "👩\u200d", "<br", "a\u0301", "1.a"]
)
def test_a_very_long_text_without_spaces_takes_no_time(segmenter, piece):
    found = units(piece * (200_000 // len(piece)), segmenter)
    assert sum(len(unit) for unit in found) >= 100_000


@pytest.mark.parametrize(
    ("text", "segmenter"),
    [("good day", "words"), ("ภาษาไทย", "characters"), ("日本語です", "characters")],
)
def test_auto_goes_by_the_script(text, segmenter):
    assert resolve(TextSettings(), [text]).segmenter == segmenter


def test_auto_takes_jieba_for_chinese_and_characters_where_it_is_missing(monkeypatch):
    assert resolve(TextSettings(), ["房间很干净"]).segmenter == "jieba"
    monkeypatch.setattr(segment, "find_spec", lambda name: None)
    assert resolve(TextSettings(), ["房间很干净"]).segmenter == "characters"


def test_a_segmenter_that_was_named_is_kept():
    for named in ("words", "characters", "jieba"):
        assert resolve(TextSettings(segmenter=named), ["房间很干净"]).segmenter == named


def test_jieba_that_is_missing_is_reported_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jieba", None)
    segment._jieba_cut.cache_clear()
    with pytest.raises(ExtraError) as error:
        Segmenter(TextSettings(segmenter="jieba"))
    assert str(error.value) == (
        "segmenting Chinese into words needs the package 'jieba'; "
        "install it with: pip install 'duree[chinese]'"
    )


@given(AWKWARD, st.sampled_from(MODES), st.sampled_from(["keep", "one", "digits"]))
def test_every_unit_has_its_place_in_the_text(text, segmenter, numbers):
    parter = Segmenter(TextSettings(segmenter=segmenter, numbers=numbers))
    units, places = parter(text), parter.places(text)
    assert len(units) == len(places)
    for unit, (begin, end) in zip(units, places, strict=True):
        assert 0 <= begin < end <= len(text)
        assert unit in parter.normalise(text[begin:end]) or numbers == "one"
    begins = [begin for begin, _ in places]
    assert begins == sorted(begins)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Don’t PANIC…", ["Don’t", "PANIC", "…", "…", "…"]),
        ("ﬁnd<br />it", ["ﬁnd", "it"]),
        ("酒店很好", ["酒", "店", "很", "好"]),
        ("Cafe\u0301 au lait", ["Cafe\u0301", "au", "lait"]),
    ],
)
def test_places_point_at_the_letters_as_they_were_typed(text, parts):
    places = Segmenter(TextSettings(segmenter="characters")).places(text)
    assert [text[begin:end] for begin, end in places] == parts
