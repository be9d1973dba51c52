"""The user's word vectors: read for the words of the training rows, used, and described."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from duree.errors import Phrase, RunError
from duree.network.network import Network
from duree.pipeline.run import Run
from duree.report.run_folder import RunFolder
from duree.results.run_files import VectorFacts
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.tables.files.read import checksum
from duree.tables.files.word_vectors import WordVectors, read_word_vectors
from duree.training.plan import Plan, Progress
from duree.training.word_vectors import train_from_vectors

FACTS = "vectors.json"


@dataclass(frozen=True)
class StartVectors:
    """Word vectors for the embeddings of a run's network.

    Attributes
    ----------
    run : Run
    vectors : WordVectors
        Of the words of the encoder.
    facts : VectorFacts
    """

    run: Run
    vectors: WordVectors
    facts: VectorFacts

    @classmethod
    def read(cls, run: Run, encoder: Encoder, training: Ragged) -> StartVectors:
        """Read the vectors of the recipe's file; ``training`` are the encoded training rows.

        Raises
        ------
        DataError
            The file cannot be read, or has none of the words.
        RunError
            The file has changed since the run began.
        """
        path = str(run.recipe.data.vectors)
        vectors = read_word_vectors(path, encoder.embedded_words)
        digest = checksum(Path(path))
        known = RunFolder(run.folder).record_if_there(VectorFacts, FACTS)
        if known is not None and known.sha256 != digest:
            raise RunError(
                "{path!r} has changed since the run began",
                fix="put the old file back, or begin a new run",
                path=path,
            )
        if known is None:
            known = _describe(vectors, encoder, training, Path(path).name, digest)
            run.write_json(FACTS, known)
        return cls(run, vectors, known)

    def describe(self) -> str:
        """How many words have a vector, as a sentence."""
        return Phrase(
            "{found} of {words} words ({share:.0%} of their occurrences) have a vector in {file}",
            **self.facts.model_dump(include={"found", "words", "share", "file"}),
        ).message()

    def learn(
        self, progress: Progress | None, checkpoint: Path, history: Path | None
    ) -> Callable[[Network, Plan], None]:
        """What trains a network from the vectors; with ``history`` the choice is described."""

        def learn(network: Network, plan: Plan) -> None:
            choice = train_from_vectors(self.vectors, network, plan, progress, checkpoint, history)
            if history is not None:
                self.run.write_json(FACTS, self.facts.model_copy(update=choice._asdict()))

        return learn


def _describe(
    vectors: WordVectors, encoder: Encoder, training: Ragged, file: str, digest: str
) -> VectorFacts:
    """How many words, and how many of their occurrences in training, have a vector."""
    tokens = training.values if training.values.ndim == 1 else training.values[:, 0]
    return VectorFacts(
        file=file,
        sha256=digest,
        size=vectors.values.shape[1],
        in_file=vectors.in_file,
        words=sum(word is not None for word in encoder.embedded_words),
        found=int(vectors.found.sum()),
        share=float(np.mean(vectors.found[tokens])) if len(tokens) else 0.0,
    )
