"""Texts drawn from a language model, unit by unit.

Source: Holtzman et al. 2020, "The curious case of neural text degeneration", section 3.1: nucleus
sampling draws from the fewest units whose probabilities add up to ``top_p``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from duree.network.language_model import LanguageModel
from duree.network.recurrent import State
from duree.sequences.ragged import EMPTY, END, PADDING, UNKNOWN

Floats = NDArray[np.float64]

# Texts are always drawn in blocks of so many: in products of another size, the last digits of a
# text's probabilities would depend on how many texts are drawn with it.
BLOCK = 16
# Codes that write nothing.
NEVER = (PADDING, UNKNOWN, EMPTY)


@dataclass(frozen=True)
class Sampling:
    """How units are drawn.

    Attributes
    ----------
    length : int
        The most codes of a text, without the prompt.
    temperature : float
        Divisor of the log-probabilities, above 0: below 1, probable units become more so.
    top_p : float
        The probability of the nucleus, in (0, 1]; 1: all units.
    seed : int
    """

    length: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Drawn:
    """One text.

    Attributes
    ----------
    codes : list of int
        After the prompt, without ``END``.
    ended : bool
        Whether the model ended it; otherwise it has the full length.
    nats : float
        Minus the log-probability of ``codes``, and of the end if there is one, given the prompt:
        that of the model itself, whatever the temperature and the nucleus.
    """

    codes: list[int]
    ended: bool
    nats: float


@torch.inference_mode()
def draw_texts(
    model: LanguageModel, prompt: Sequence[int], numbers: Sequence[int], sampling: Sampling
) -> list[Drawn]:
    """Texts that continue a prompt.

    Each depends on its number and the seed alone, not on the others.

    Parameters
    ----------
    model : LanguageModel
    prompt : sequence of int
        Codes without ``END``; may be empty.
    numbers : sequence of int
        The numbers of the texts, from 0, ascending.
    sampling : Sampling
    """
    model.eval()
    found = dict[int, Drawn]()
    for block in sorted({number // BLOCK for number in numbers}):
        wanted = [number for number in numbers if number // BLOCK == block]
        found |= _draw_block(model, prompt, block * BLOCK, wanted, sampling)
    return [found[number] for number in numbers]


def _draw_block(
    model: LanguageModel, prompt: Sequence[int], first: int, wanted: list[int], sampling: Sampling
) -> dict[int, Drawn]:
    """The wanted texts of a block, whose first text has the number ``first``."""
    given = torch.tensor([[END, *prompt]])
    scores, state = model.read(given)
    scores = scores.expand(BLOCK, -1)
    state = tuple(part.expand(-1, BLOCK, -1).contiguous() for part in state)
    # Numbers for each text from a generator of its own; those of texts nobody wants are not drawn.
    sources = {number - first: np.random.default_rng([sampling.seed, number]) for number in wanted}
    codes: list[list[int]] = [[] for _ in range(BLOCK)]
    nats, ended = np.zeros(BLOCK), np.zeros(BLOCK, dtype=bool)
    for _ in range(sampling.length):
        open_rows = [row for row in sources if not ended[row]]
        if not open_rows:
            break
        shares = scores[open_rows].double().numpy()
        points = np.array([sources[row].random() for row in open_rows])
        chosen = choose(shares, points, sampling)
        nats[open_rows] -= shares[np.arange(len(open_rows)), chosen]
        step = np.full(BLOCK, END)
        for row, code in zip(open_rows, chosen.tolist(), strict=True):
            ended[row] = code == END
            if not ended[row]:
                codes[row].append(code)
                step[row] = code
        scores, state = _read(model, step, state)
    return {row + first: Drawn(codes[row], bool(ended[row]), float(nats[row])) for row in sources}


def _read(
    model: LanguageModel, step: NDArray[np.int64], state: State
) -> tuple[torch.Tensor, State]:
    return model.read(torch.from_numpy(step)[:, None], state)


def choose(log_shares: Floats, points: Floats, sampling: Sampling) -> NDArray[np.int64]:
    """Draw a code for each row.

    Parameters
    ----------
    log_shares : float64 [rows, codes]
        Log-probabilities.
    points : float64 [rows]
        Uniform random numbers in [0, 1).
    sampling : Sampling

    Returns
    -------
    int64 [rows]
    """
    scores = log_shares / sampling.temperature
    scores[:, NEVER] = -np.inf
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    order = None
    if sampling.top_p < 1:
        order = np.argsort(-shares, axis=1, kind="stable")
        shares = np.take_along_axis(shares, order, axis=1)
        before = np.cumsum(shares, axis=1) - shares
        shares[before >= sampling.top_p] = 0.0
    sums = np.cumsum(shares, axis=1)
    # The first place whose sum exceeds the point; a code without probability never is.
    places = (sums <= points[:, None] * sums[:, -1:]).sum(axis=1)
    places = np.minimum(places, (sums < sums[:, -1:]).sum(axis=1))
    return np.asarray(places if order is None else order[np.arange(len(order)), places])
