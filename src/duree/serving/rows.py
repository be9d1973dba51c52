"""ServedRows: the requests and responses of a run.

Each kind of rows has its own module in this package; ``duree.serving.served`` chooses one for a
run. The service and the studio do not check which kind they have.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from fastapi import HTTPException
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.unseen import MOST_UNSEEN
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import Ragged
from duree.serving.bodies import (
    ARROW,
    JSON,
    AskedLists,
    AskedSurprisal,
    AskedTexts,
    Line,
    parsed,
)

R = TypeVar("R")

EMPTY = "the row is empty: its prediction is that for an empty sequence, and means nothing"
UNSEEN = (
    "more than half of the row's words or states are not in the vocabulary: its prediction means "
    "little"
)


class Tried(Protocol):
    """The prediction for typed input, and the template that shows it."""

    page: ClassVar[str]


class ServedRows(ABC, Generic[R]):
    """One kind of rows; ``R`` is the input of the network for one row.

    Parameters
    ----------
    model : TrainedModel
    recipe : Recipe
        The recipe of its run.

    Attributes
    ----------
    body : type of BaseModel
        The body of a request.
    run : Run or None
        The run, for what needs more of it than its network.
    """

    body: type[BaseModel] = AskedLists
    run: Run | None = None
    # What only language models answer: the surprisal of texts, and texts that go on.
    surprisal: Callable[[AskedSurprisal], list[dict[str, Any]]] | None = None
    generate: Callable[[AskedTexts], dict[str, Any]] | None = None

    def __init__(self, model: TrainedModel, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe

    @property
    @abstractmethod
    def needed(self) -> list[str]:
        """The columns that every row must have."""

    @property
    @abstractmethod
    def example(self) -> dict[str, Line]:
        """An example row."""

    @abstractmethod
    def read(self, row: Mapping[str, Line], number: int) -> R:
        """The input of a row.

        Raises
        ------
        HTTPException
            422: a column is missing or invalid.
        """

    @abstractmethod
    def size(self, row: R) -> int:
        """The number of characters of a text that take as long as the row."""

    @abstractmethod
    def answers(self, rows: list[R]) -> list[dict[str, Any]]:
        """The predictions for some rows, as the service returns them."""

    @abstractmethod
    def try_typed(self, text: str, covariates: Mapping[str, str]) -> Tried:
        """The prediction for typed input; see ``Layout.typed_input``.

        Raises
        ------
        DataError
            The network cannot read it.
        """

    def try_action(self, action: str, text: str, covariates: Mapping[str, str]) -> Tried:
        """What one of the buttons of ``Layout.typed_input`` gives for typed input."""
        return self.try_typed(text, covariates)

    @property
    def explain(self) -> Callable[[R], dict[str, Any]] | None:
        """A function of a row that gives a prediction with attributions; None if there are none."""
        return None

    async def receive(self, body: bytes, media_type: str) -> list[R]:
        """The rows of a request.

        Raises
        ------
        HTTPException
            415: rows cannot be sent in this format. 422: a row is invalid.
        """
        if media_type == ARROW:
            raise HTTPException(415, "send sentences and series as JSON")
        # Preparing them takes too long for the event loop.
        return await run_in_threadpool(self.of_json, body)

    def of_json(self, body: bytes) -> list[R]:
        """The rows of a JSON body."""
        asked: Any = parsed(self.body, body)
        return [self.read(row, number) for number, row in enumerate(asked.rows, start=1)]

    def media_type(self, sent: str, accepted: str) -> str:
        """The format of the predictions, given that of the rows and those accepted.

        Raises
        ------
        HTTPException
            406: predictions have no format that is accepted.
        """
        if ARROW in accepted and JSON not in accepted:
            raise HTTPException(406, "predictions for sentences and series are JSON only")
        return JSON

    def doubted(self, answers: list[dict[str, Any]], sequences: Ragged) -> Iterator[dict[str, Any]]:
        """The predictions with the share of each row's units that do not occur in training as
        ``unseen``, and a ``warning`` where that is more than half, or the row is empty."""
        shares = self.model.encoder.unseen(sequences)
        if shares is None:
            yield from answers
            return
        for answer, share in zip(answers, shares.tolist(), strict=True):
            if math.isnan(share):
                yield answer | {"unseen": None, "warning": EMPTY}
            elif share > MOST_UNSEEN:
                yield answer | {"unseen": share, "warning": UNSEEN}
            else:
                yield answer | {"unseen": share}

    def send(self, answers: list[dict[str, Any]], media_type: str) -> bytes:
        """Predictions in the format that ``media_type`` chose."""
        return to_json({"predictions": answers})
