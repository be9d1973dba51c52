"""What the report shows of tagged words."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from duree.results.run_files import Record


class Confusion(Record):
    """How often one tag was given where another was right; ``share`` is of the right one's."""

    true: str
    predicted: str = Field(validation_alias=AliasChoices("predicted", "said"))
    count: int
    share: float
    examples: list[str]


class TaggedWord(Record):
    """A word with its right tag, and the one that it was given."""

    word: str
    true: str
    predicted: str = Field(validation_alias=AliasChoices("predicted", "said"))


class TaggedSentence(Record):
    """A sentence of the test part; ``place`` is counted from 1, and ``first`` from 0: the place of
    its first word among the words of the test part, None in runs of version 0.1.0."""

    place: int
    first: int | None = None
    words: list[TaggedWord]


class TagFacts(Record):
    """``tags.json``.

    Attributes
    ----------
    layers : list of str
        The columns of tags; the others speak of the first.
    entities : bool
        Whether its tags mark entities.
    tokens, unseen, wrong : int
        Words of the test part; those that training never saw; those with a wrong tag.
    sentences, flawed : int
        Sentences of the test part; those with a wrong tag.
    table : {true: {predicted: words}}
        Of the commonest tags; empty where there are too many.
    confusions : list of Confusion
        The commonest first.
    examples : list of TaggedSentence
        Sentences with the mistakes that the network was surest of.
    """

    layers: list[str]
    entities: bool
    tokens: int
    unseen: int
    wrong: int
    sentences: int
    flawed: int
    table: dict[str, dict[str, int]]
    confusions: list[Confusion]
    examples: list[TaggedSentence]
