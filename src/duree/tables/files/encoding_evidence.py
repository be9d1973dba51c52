"""Evidence for a decoding: how many of its characters outside ASCII are plausible.

A wrong decoding is rarely an error and usually nonsense: rare Chinese characters in improbable
combinations, or accented letters and signs in improbable places. Each function returns two counts
of characters outside ASCII: the plausible ones, and all.
"""

from __future__ import annotations

import re

# The most frequent characters of modern written Chinese, simplified and traditional, and its
# punctuation: more than half of almost any text, and 3 % of the character set.
FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之"
    "年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样"
    "理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将"
    "两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信"
    "表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔"
    "更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统"
    "区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品"
    "住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笑飞风步改收根"
    "干造言联持组每济车亲极林服快办议往元英士证近失转夫令准布始怎呢存未远叫台单影具罗字爱击流"
    "备兵连调深商算质团集百需价花党华城石级整府离况亚请技际约示复病息究线似官火断精满支视消越"
    "器容照须九增研写称企八功吗包片史委乎查轻易早曾除农找装广显吧阿李标谈吃图念六引历首医局突"
    "专费号尽另周较注语仅考落青随选列武红响虽推势参希古众构房半节土投某案黑维革划敌致陈律足态"
    "护七兴派孩验责营星够章音跟志底站严巴例防族供效续施留讲型料终答紧黄绝奇察母京段依批群项故"
    "按河米围江织害斗双境客纪采举杀攻父苏密低朝友诉止细愿千值仍男钱破网热助倒育属坐帝限船脸职"
    "速刻乐否刚威毛状率甚独球般普怕弹校苦创伪环境"
    "這個們來為國說時會對過發後裡還進樣開從實軍無與長機將兩間問並應戰頭體見產話給門員處義幾認"
    "條係氣題爾變總電數報結務場計許統區隊決馬書聽卻達強難權設記類邊張該規覺術領確傳師觀讓識帶"
    "導爭運飛聯組濟車親極辦議證轉準單羅愛擊備連調質團價黨華級離況亞請際約複線斷滿視須寫稱嗎輕"
    "歷醫專費號盡較語僅隨選紅響雖勢參眾構節劃敵態護興驗責營夠嚴續講終緊黃絕項圍織雙紀舉殺蘇訴"
    "細願錢網熱屬職樂剛狀獨彈創沒麼點業關當動學現經種於裏"
    "，。！？、；：（）《》“”‘’…—　"
)

_VOWELS = "àâäáãåèéêëìíîïòóôõöøùúûüýÿ"
_CONSONANTS = "çñßðþæœ"
_SMALL = _VOWELS + _CONSONANTS
_CAPITALS = _SMALL.upper().replace("SS", "")
_AROUND = "«»‹›“”‘’…–—•§¶£€\xa0©®½¼¾·´×±†‰"
_BEFORE, _AFTER = _AROUND + "„‚¡¿", _AROUND + "°¹²³ºª™"
# õ that is not Portuguese, and û.
_DOUBLE_ACUTE = re.compile(r"õ(?!e)|û")
_WORD = re.compile(r"[A-Za-z\x80-\U0010ffff]+")
_CORE = re.compile(f"[A-Za-z{_SMALL}{_CAPITALS}’·\xad]*")
# A capital or a thorn within a word: signs of wrongly decoded Mac and Turkish texts.
_MISPLACED = re.compile(f"[a-z{_SMALL}][{_CAPITALS}þ]")


def chinese_evidence(text: str) -> tuple[int, int]:
    """Characters that are frequent in Chinese, and all outside ASCII."""
    foreign = [character for character in text if character > "\x7f"]
    return sum(character in FREQUENT for character in foreign), len(foreign)


def japanese_evidence(text: str) -> tuple[int, int]:
    """Kana, which Japanese texts have and Chinese ones lack, and all outside ASCII."""
    foreign = [character for character in text if character > "\x7f"]
    return sum("\u3040" < character < "\u30ff" for character in foreign), len(foreign)


def western_evidence(text: str) -> tuple[int, int]:
    """Accented letters and signs in places usual in Western languages, and all outside ASCII."""
    good = total = 0
    for word in _WORD.findall(text):
        foreign = sum(character > "\x7f" for character in word)
        total += foreign
        if foreign and _is_western(word):
            good += foreign
    return good, total


def hungarian_evidence(text: str) -> bool:
    """Whether a text in cp1252 is probably Hungarian in cp1250, whose ő and ű show as õ and û.

    Portuguese has õ only before e, Estonian has no á, í and ó, and French has no õ: only
    Hungarian has õ or û together with á, í or ó and with ö or ü, each of them often.
    """
    text = text.lower()
    foreign = sum(character > "\x7f" for character in text)
    double = len(_DOUBLE_ACUTE.findall(text))
    acute = sum(text.count(letter) for letter in "áíó")
    umlauts = sum(text.count(letter) for letter in "öü")
    return double > 0 and min(acute, umlauts, 10 * double) >= foreign / 20


def _is_western(word: str) -> bool:
    core = word.lstrip(_BEFORE).rstrip(_AFTER)
    if not core:
        return len(word) <= 3
    vowels = sum(character.lower() in _VOWELS for character in core)
    return (
        _CORE.fullmatch(core) is not None
        and (vowels <= 2 * (len(core) - vowels) or len(word) == 1)
        and _MISPLACED.search(core) is None
    )
