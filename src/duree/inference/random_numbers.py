"""Permanent random numbers: each id has its own, the same on every machine and in every version.

The number of an id is the SHA-256 of the UTF-8 text ``SEED\\nID``, of which the first eight bytes
are read as an unsigned integer (big-endian) and divided by 2^64. Taking the smallest in a stratum
is simple random sampling without replacement; a larger sample contains the smaller one.

Source: Ohlsson (1995), Coordination of samples using permanent random numbers, in Business Survey
Methods, Wiley.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def permanent_random_numbers(seed: int, names: Iterable[str]) -> NDArray[np.uint64]:
    """uint64 [names]: the permanent random numbers, times 2^64."""
    start = hashlib.sha256(f"{seed}\n".encode())
    digests = bytearray()
    for name in names:
        one = start.copy()
        one.update(name.encode())
        digests += one.digest()[:8]
    return np.frombuffer(bytes(digests), dtype=">u8").astype(np.uint64)


def is_coded_twice(seed: int, id: str, share: float = 0.2) -> bool:
    """Whether a row is in the random share that is coded twice.

    The number that decides is that of ``twice: ID``, and so independent of the sample.
    """
    return float(permanent_random_numbers(seed, [f"twice: {id}"])[0]) < share * 2.0**64
