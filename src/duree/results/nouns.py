"""Nouns: what sentences call the rows of a table and the units that they are made of.

Sentences speak of rows of texts, which are made of words. Rows of another layout have other nouns:
the same sentence serves them, with these put in. Layouts carry their nouns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Nouns:
    """Nouns to put in place of those of rows of texts, in English and Chinese.

    Attributes
    ----------
    of_rows : {noun: noun}
        In all sentences. Where several fit, the first that is named.
    of_answers : {noun: noun}
        Further ones, in sentences about single predictions.
    """

    of_rows: Mapping[str, str] = field(default_factory=dict)
    of_answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def of_single_answers(self) -> Nouns:
        """The nouns of sentences about single predictions."""
        return Nouns({**self.of_rows, **self.of_answers})

    def put_into(self, text: str) -> str:
        """The text with these nouns; what stands in braces is a name, and stays."""
        if not self.of_rows:
            return text
        known = (rf"\b{noun}\b" if noun.isascii() else noun for noun in self.of_rows)

        def other(noun: re.Match[str]) -> str:
            text = self.of_rows[noun.group().lower()]
            return text.capitalize() if noun.group()[0].isupper() else text

        pattern = rf"(?:{'|'.join(known)})(?![^{{]*\}})"
        return re.sub(pattern, other, text, flags=re.IGNORECASE)


TEXTS = Nouns()
# A life course has states where a text has words.
STATES = Nouns(
    {
        "test row": "test sequence",
        "test rows": "test sequences",
        "} 行测试数据": "} 条测试序列",
        "测试行": "测试序列",
        "word": "state",
        "words": "states",
        "text": "sequence",
        "texts": "sequences",
        "label errors, irony": "errors in labels or states",
        "标注错误、反讽": "标注或状态中的错误",
        "词袋部分": "线性部分",
        "词": "状态",
        "文本": "序列",
    }
)
SERIES = Nouns(
    {
        "test row": "test series",
        "test rows": "test series",
        "} 行测试数据": "} 条测试序列",
        "测试行": "测试序列",
        "word": "step",
        "words": "steps",
        "text": "series",
        "texts": "series",
        "label errors, irony": "errors in labels or values",
        "标注错误、反讽": "标注或数值中的错误",
        "词袋部分": "线性部分",
        "词": "步",
        "文本": "序列",
    }
)
FORECASTS = Nouns(
    {
        "test row": "test forecast",
        "test rows": "test forecasts",
        "group": "series",
        "groups": "series",
        "} 组": "} 条序列",
        "整组": "整条序列",
        "组数": "序列数",
        "} 行测试数据": "} 个测试预测",
        "测试行": "测试预测",
    }
)
# Figures rest on tokens; what is split and drawn are sentences, which are the groups too, where the
# table has no others.
SENTENCES = Nouns(
    {
        "rows whose class was predicted correctly": "tokens whose tag was predicted correctly",
        "类别预测正确的行": "标签预测正确的词",
        "各行": "各句",
        "test row": "test token",
        "test rows": "test tokens",
        "row": "sentence",
        "rows": "sentences",
        "group": "sentence",
        "groups": "sentences",
        "text": "sentence",
        "texts": "sentences",
        "} 行测试数据": "} 个测试词",
        "行测试数据": "个测试词",
        "测试行": "测试词",
        "} 行": "} 句",
        "整组": "整句",
        "组数": "句数",
        "文本": "句子",
    }
)
# Of single predictions, where each step of a sequence has one.
STEPS = {
    "test row": "test step",
    "test rows": "test steps",
    "} 行测试数据": "} 步测试数据",
    "测试行": "测试步",
    "majority class": "most frequent state",
    "多数类": "最常见的状态",
    "label errors, irony": "errors in the table",
    "标注错误、反讽": "表格中的错误",
    "row": "step",
    "rows": "steps",
    "class": "state",
    "classes": "states",
    "行": "步",
    "类别": "状态",
}
