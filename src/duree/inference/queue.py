"""What a coder is asked next: the sample in its order, and a random fifth of it twice.

A text of that fifth is asked of two coders. Of one who works alone it is asked again after 20 other
texts, or at the end; the page does not say which texts these are, so that nobody copies themselves.
Whoever signs in as ``adjudicated`` is asked for the texts on which coders disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from duree.inference.codebook import Variable
from duree.inference.codings import ACTIVE_BATCH, ADJUDICATED, AGAIN, DESIGN_BATCH, Coding
from duree.inference.folder import CodingFolder
from duree.inference.random_numbers import is_coded_twice

# Texts between the first and the second time that one coder codes the same text.
GAP = 20


@dataclass(frozen=True)
class Question:
    """A text and a variable that a coder is asked for.

    ``given`` are the labels of others by coder: shown to the adjudicator alone.
    """

    id: str
    variable: Variable
    batch: str
    given: dict[str, str]


@dataclass(frozen=True)
class Progress:
    """How far a sample is coded: questions that somebody answered, and those left for a coder."""

    answered: int
    all: int
    left: int
    own: int


class Queue:
    """The questions for one coder.

    Parameters
    ----------
    folder : CodingFolder
    coder : str
    batch : {"design", "active"}
        The random sample, or the rows for training.
    """

    def __init__(self, folder: CodingFolder, coder: str, batch: str = DESIGN_BATCH) -> None:
        self.folder, self.coder, self.batch = folder, coder, batch
        drawn = folder.active if batch == ACTIVE_BATCH else folder.design
        self.order = drawn.order if drawn else []
        self.labels: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        self.again: set[tuple[str, str]] = set()
        self.own: list[Coding] = []
        for one in folder.codings:
            if one.batch == batch:
                self.labels[one.id, one.variable][one.coder] = one.label or ""
            if one.coder == coder and one.batch in (batch, AGAIN) and one.time:
                self.own.append(one)
            if one.coder == coder and one.batch == AGAIN:
                self.again.add((one.id, one.variable))
        coders = {one.coder for one in folder.codings if one.batch == batch}
        self.is_alone = coders <= {coder, ADJUDICATED}

    def next(self) -> Question | None:
        """What is asked now; None if nothing is left."""
        return next(self.questions(), None)

    def questions(self) -> Iterator[Question]:
        """Everything that is left, in the order in which it is asked."""
        if self.coder == ADJUDICATED:
            yield from self._disagreements()
            return
        repeated = list(self._repeated())
        due = self._due(repeated)
        yield from due
        yield from self._first()
        yield from (one for one in repeated if one not in due)

    def question(self, id: str, variable: str) -> Question | None:
        """The question for one text, whether it is answered or not; None if it was not drawn."""
        found = [one for one in self.folder.codebook.variable if one.name == variable]
        # A form may have lost the blanks around an id.
        ids = [id] if id in self.order else [one for one in self.order if one.strip() == id]
        if len(ids) != 1 or not found:
            return None
        id = ids[0]
        given = self.labels[id, variable] if self.coder == ADJUDICATED else {}
        return Question(id, found[0], self.batch, given)

    def last(self) -> Coding | None:
        """The coder's own latest coding, which undo withdraws."""
        return self.own[-1] if self.own else None

    def progress(self) -> Progress:
        """How far the sample is coded."""
        pairs = [(id, one.name) for id in self.order for one in self.folder.codebook.variable]
        answered = sum(bool(self.labels.get(pair)) for pair in pairs)
        return Progress(answered, len(pairs), sum(1 for _ in self.questions()), len(self.own))

    def _pairs(self) -> Iterator[tuple[str, Variable]]:
        return ((id, one) for id in self.order for one in self.folder.codebook.variable)

    def _first(self) -> Iterator[Question]:
        """Texts that nobody coded (others may have skipped them), or that need a second coder."""
        for id, variable in self._pairs():
            given = self.labels.get((id, variable.name), {})
            others = [
                coder
                for coder, label in given.items()
                if label and coder not in (self.coder, ADJUDICATED)
            ]
            if self.coder in given:
                continue
            if not others or (len(others) == 1 and self._is_doubled(id)):
                yield Question(id, variable, self.batch, {})

    def _repeated(self) -> Iterator[Question]:
        """Texts that a coder who works alone codes again, in the order of the first time."""
        if not self.is_alone or self.batch != DESIGN_BATCH:
            return
        variables = {one.name: one for one in self.folder.codebook.variable}
        for one in self.own:
            is_first = one.batch == self.batch and (one.id, one.variable) not in self.again
            if is_first and self._is_doubled(one.id):
                yield Question(one.id, variables[one.variable], AGAIN, {})

    def _due(self, repeated: list[Question]) -> list[Question]:
        """Those of them with enough other texts between."""
        place = {
            (one.id, one.variable): at for at, one in enumerate(self.own) if one.batch == self.batch
        }
        return [
            one for one in repeated if len(self.own) - 1 - place[one.id, one.variable.name] >= GAP
        ]

    def _disagreements(self) -> Iterator[Question]:
        """Texts to which coders gave different labels, and that are not decided yet."""
        for id, variable in self._pairs():
            given = self.labels.get((id, variable.name), {})
            if ADJUDICATED not in given and len({label for label in given.values() if label}) > 1:
                yield Question(id, variable, self.batch, given)

    def _is_doubled(self, id: str) -> bool:
        return self.folder.design is not None and is_coded_twice(self.folder.design.seed, id)
