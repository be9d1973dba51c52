"""Errors of sequence labelling: confusions, and example sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from duree.results.tags import Confusion, TagFacts, TaggedSentence, TaggedWord

MOST_CONFUSIONS, MOST_EXAMPLES, MOST_SENTENCES = 15, 4, 10
# Tables of more tags than this cannot be read, and longer sentences are no examples.
MOST_IN_TABLE, LONGEST = 20, 45


def describe_tags(
    sentences: Sequence[Sequence[str]],
    true: Sequence[str],
    predicted: Sequence[str],
    sure: Sequence[float],
    *,
    unseen: int,
    layers: list[str],
    entities: bool,
) -> TagFacts:
    """The errors on the test set, for the report.

    Parameters
    ----------
    sentences : words of each sentence
    true, predicted : a tag for each word, sentence after sentence
    sure : the probability of each predicted tag
    unseen : number of words that do not occur in training
    layers, entities
        See ``TagFacts``.
    """
    pairs = Counter(zip(true, predicted, strict=True))
    of_true = Counter(true)
    words: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    examples, flawed, start = [], 0, 0
    for place, sentence in enumerate(sentences, start=1):
        tagged = [
            TaggedWord(word=word, true=true[at], predicted=predicted[at])
            for at, word in enumerate(sentence, start=start)
        ]
        wrong = [at for at, one in enumerate(tagged) if one.true != one.predicted]
        for at in wrong:
            words[tagged[at].true, tagged[at].predicted][tagged[at].word] += 1
        flawed += bool(wrong)
        if wrong and 4 <= len(tagged) <= LONGEST:
            surest = max(sure[start + at] for at in wrong)
            examples.append((-surest, TaggedSentence(place=place, first=start, words=tagged)))
        start += len(sentence)
    examples.sort(key=lambda pair: (pair[0], pair[1].place))
    commonest = sorted(
        ((pair, count) for pair, count in pairs.items() if pair[0] != pair[1]),
        key=lambda item: (-item[1], item[0]),
    )
    names = sorted({*true, *predicted}, key=lambda tag: (-of_true[tag], tag))
    shown = names if len(names) <= MOST_IN_TABLE else []
    return TagFacts(
        layers=layers,
        entities=entities,
        tokens=len(true),
        unseen=unseen,
        wrong=sum(count for _, count in commonest),
        sentences=len(sentences),
        flawed=flawed,
        table={one: {two: pairs[one, two] for two in shown} for one in shown},
        confusions=[
            Confusion(
                true=pair[0],
                predicted=pair[1],
                count=count,
                share=count / of_true[pair[0]],
                examples=[word for word, _ in words[pair].most_common(MOST_EXAMPLES)],
            )
            for pair, count in commonest[:MOST_CONFUSIONS]
        ],
        examples=[sentence for _, sentence in examples[:MOST_SENTENCES]],
    )
