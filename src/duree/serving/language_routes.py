"""The addresses of language models: /surprisal and /generate."""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request

from duree.serving.bodies import (
    JSON,
    REFUSALS,
    AskedSurprisal,
    AskedTexts,
    Surprisals,
    TextsThatGoOn,
    body_of,
    parsed,
)
from duree.serving.served import Served

Answered = Callable[[str | None, Callable[[Served], Awaitable[Any]]], Awaitable[Any]]
Name = Annotated[str | None, Query(description="Name of the run; default: the first.")]

NO_LANGUAGE_MODEL = "this run is no language model: it gives no text a probability"
RESPONSES: dict[int | str, dict[str, Any]] = {code: REFUSALS[code] for code in (404, 503)}
# A text takes as long as the prediction of so many rows, and a code that is written as long as one.
TEXT = 4


def add_language_routes(app: FastAPI, answered: Answered) -> None:
    """Add the routes; ``answered`` asks a run by its name, and refuses where it is busy."""

    @app.post(
        "/surprisal",
        responses=RESPONSES,
        openapi_extra=_body(AskedSurprisal, {"rows": [{"text": "No rain."}], "by": "word"}),
    )
    async def surprisal(request: Request, run: Name = None) -> Surprisals:
        """Surprisal of texts, in bits, by a language model: sums, and each unit or word."""
        asked = parsed(AskedSurprisal, await request.body())

        async def ask(served: Served) -> Surprisals:
            work = served.rows.surprisal
            if work is None:
                raise HTTPException(422, NO_LANGUAGE_MODEL)
            found = await served.batcher.alone(work, asked, TEXT * len(asked.rows))
            return Surprisals(surprisal=found)

        found: Surprisals = await answered(run, ask)
        return found

    @app.post(
        "/generate",
        responses=RESPONSES,
        openapi_extra=_body(AskedTexts, {"prompt": "No rain", "length": 100, "seed": 0}),
    )
    async def generate(request: Request, run: Name = None) -> TextsThatGoOn:
        """Texts that continue a prompt, with the passages that stand in the training text."""
        asked = parsed(AskedTexts, await request.body())

        async def ask(served: Served) -> TextsThatGoOn:
            work = served.rows.generate
            if work is None:
                raise HTTPException(422, NO_LANGUAGE_MODEL)
            found = await served.batcher.alone(work, asked, asked.length)
            return TextsThatGoOn(**found)

        found: TextsThatGoOn = await answered(run, ask)
        return found


def _body(kind: type[Any], example: dict[str, Any]) -> dict[str, Any]:
    content = {JSON: body_of(kind, example, frozenset())}
    return {"requestBody": {"required": True, "content": content}}
