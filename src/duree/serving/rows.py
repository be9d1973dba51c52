"""ServedRows: the rows of a run as they are sent, predicted and sent back.

Each file beside this one that holds such rows describes one kind; ``duree.serving.served`` says
which a run has. The service and the studio do not ask which they have.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from fastapi import HTTPException
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from duree.pipeline.model import TrainedModel
from duree.recipe.recipe import Recipe
from duree.serving.bodies import ARROW, JSON, AskedLists, Line, parsed

R = TypeVar("R")


class Tried(Protocol):
    """The prediction for what a person has typed, and the template that shows it."""

    page: ClassVar[str]


class ServedRows(ABC, Generic[R]):
    """One kind of rows; ``R`` is what the network reads of one.

    Parameters
    ----------
    model : TrainedModel
    recipe : Recipe
        That of its run.

    Attributes
    ----------
    body : type of BaseModel
        What a request is.
    """

    body: type[BaseModel] = AskedLists

    def __init__(self, model: TrainedModel, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe

    @property
    @abstractmethod
    def needed(self) -> list[str]:
        """The columns that every row must have."""

    @property
    @abstractmethod
    def example(self) -> dict[str, Line]:
        """A row as it is to be written."""

    @abstractmethod
    def read(self, row: Mapping[str, Line], number: int) -> R:
        """What the network reads of a row.

        Raises
        ------
        HTTPException
            422: a column is missing or does not fit.
        """

    @abstractmethod
    def size(self, row: R) -> int:
        """How many characters of texts take as long as a row."""

    @abstractmethod
    def answers(self, rows: list[R]) -> list[dict[str, Any]]:
        """A prediction for each row, as the service sends it."""

    @abstractmethod
    def try_typed(self, text: str, covariates: Mapping[str, str]) -> Tried:
        """The prediction for what a person has typed; see ``Layout.typed_input``.

        Raises
        ------
        DataError
            The network cannot read it.
        """

    @property
    def explain(self) -> Callable[[R], dict[str, Any]] | None:
        """A prediction with the attributions of a row's words; None: there are none."""
        return None

    async def receive(self, body: bytes, media_type: str) -> list[R]:
        """The rows of a request.

        Raises
        ------
        HTTPException
            415: the format is not that of such rows. 422: a row does not fit.
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
        """The format of the predictions, by that of the rows and those that are accepted.

        Raises
        ------
        HTTPException
            406: none that is accepted can hold them.
        """
        if ARROW in accepted and JSON not in accepted:
            raise HTTPException(406, "predictions for sentences and series are JSON only")
        return JSON

    def send(self, answers: list[dict[str, Any]], media_type: str) -> bytes:
        """Predictions in the format that ``media_type`` chose."""
        return to_json({"predictions": answers})
