"""Outputs: from which units of its source each unit of an output came.

The influence of a source unit is by how much the log-probability of an output unit falls if the
source unit is hidden (occlusion, Zeiler & Fergus 2014; of translations Li et al. 2019). Attention
is shown beside it, but is no explanation by itself (Jain & Wallace 2019): their agreement is
compared with that of attention to positions in another order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duree.network.batches import Batch
from duree.network.ensemble import Decoder
from duree.sequences.ragged import END, UNKNOWN

# Orders of positions with which the agreement of attention and influence is compared.
SHUFFLES = 200
# Sources with one hidden unit that are read at once.
AT_ONCE = 256

Floats = NDArray[np.float64]


class OutputSources(NamedTuple):
    """What each unit of an output came from.

    Attributes
    ----------
    influence : float64 [output units, source units]
        In nats; negative where hiding the source unit makes the output unit more probable.
    attention : float64 [output units, source units]
        Each row adds up to 1.
    agreement : float or None
        The mean correlation of influence and attention over output units; None for
        sources of fewer than 3 units.
    shuffled : float64 [shuffles]
        The same with attention to positions in other orders; empty where there is no agreement.
    """

    influence: Floats
    attention: Floats
    agreement: float | None
    shuffled: Floats

    @property
    def by_chance(self) -> float | None:
        """The 95 % quantile of the agreement with attention to positions in another order."""
        return float(np.quantile(self.shuffled, 0.95)) if len(self.shuffled) else None


def output_sources(
    network: Decoder, source: NDArray[np.int32], output: NDArray[np.int64], seed: int = 0
) -> OutputSources:
    """Influence of and attention to each source unit, for each unit of an output.

    Parameters
    ----------
    network : Transducer or Ensemble
    source : integers [source units]
    output : integers [output units]
        Without END.
    seed : int
        Of the orders for ``shuffled``.
    """
    targets = torch.from_numpy(np.append(output, END).astype(np.int64))
    network.eval()
    with torch.inference_mode():
        hidden = _with_one_hidden(torch.from_numpy(source.astype(np.int64)))
        some = (hidden[begin : begin + AT_ONCE] for begin in range(0, len(hidden), AT_ONCE))
        log_p = torch.cat([_log_p(network, rows, targets) for rows in some])
        attention = network.attended(_batch(hidden[:1], targets))
    influence = (log_p[0] - log_p[1:]).T[:-1].double().numpy()
    attended = attention[0, :-1].double().numpy()
    return OutputSources(influence, attended, *_agreement(influence, attended, seed))


def _with_one_hidden(source: Tensor) -> Tensor:
    """The source, then it with each unit hidden: int64 [1 + units, units]."""
    rows = source.repeat(len(source) + 1, 1)
    places = torch.arange(len(source))
    rows[places + 1, places] = UNKNOWN
    return rows


def _batch(sources: Tensor, targets: Tensor) -> Batch:
    lengths = torch.full((len(sources),), sources.shape[1], dtype=torch.int64)
    return Batch(sources, lengths, targets.repeat(len(sources), 1))


def _log_p(network: Decoder, sources: Tensor, targets: Tensor) -> Tensor:
    """The log-probability of each unit of the targets, float [sources, units]."""
    return network.log_probabilities(_batch(sources, targets))


def _agreement(influence: Floats, attention: Floats, seed: int) -> tuple[float | None, Floats]:
    rows, units = influence.shape
    if units < 3 or not rows:
        return None, np.zeros(0)
    rng = np.random.default_rng(seed)
    used, given = _standardised(influence), _standardised(attention)
    orders = (rng.permutation(units) for _ in range(SHUFFLES))
    shuffled = np.array([(used * given[:, order]).mean() for order in orders])
    return float((used * given).mean()), shuffled


def _standardised(values: Floats) -> Floats:
    """Each row with mean 0 and mean square 1; constant rows are 0."""
    centred = values - values.mean(axis=1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=1, keepdims=True))
    found: Floats = np.divide(centred, scale, out=np.zeros_like(centred), where=scale > 0)
    return found
