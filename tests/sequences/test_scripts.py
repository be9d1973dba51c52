"""Which writing texts use."""

import pytest

from duree.sequences.tokenizer import find_script


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("The quick brown fox jumps over the lazy dog.", "spaced"),
        ("Съешь же ещё этих мягких французских булок", "spaced"),
        ("다람쥐 헌 쳇바퀴에 타고파", "spaced"),
        ("हिन्दी में लिखा हुआ", "spaced"),
        ("نص حكيم له سر قاطع", "spaced"),
        ("这家酒店的服务很好，房间也很干净。", "chinese"),
        ("學而時習之，不亦說乎？", "chinese"),
        ("我用 iPhone 拍了照片，然后发到 WeChat 上", "chinese"),
        ("吾輩は猫である。名前はまだ無い。", "spaceless"),
        ("ภาษาไทยเป็นภาษาที่มีระดับเสียง", "spaceless"),
        ("ភាសាខ្មែរ", "spaceless"),
        ("မြန်မာဘာသာ", "spaceless"),
        ("She wrote 你好 on the card and posted it", "spaced"),
        ("", "spaced"),
        ("12, 34! 😂", "spaced"),
    ],
)
def test_the_script_that_prevails_is_found(text, script):
    assert find_script([text]) == script


def test_the_share_is_that_of_all_texts_together():
    chinese, english = "酒店很好" * 10, "a fine hotel with a fine view " * 10
    assert find_script([chinese] * 9 + [english]) == "chinese"
    assert find_script([chinese] + [english] * 9) == "spaced"
