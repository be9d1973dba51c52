"""Letters of three tones, two of them rare, whose words only hint at the tone."""

from __future__ import annotations

import numpy as np
import polars as pl

TONES, SHARES = ("calm", "grim", "wild"), (0.8, 0.12, 0.08)


def rare_tones(rows: int, seed: int = 0) -> pl.DataFrame:
    """Letters, their tone, and their topics: any number of two."""
    rng = np.random.default_rng(seed)
    tones = rng.choice(3, rows, p=SHARES)
    topics = rng.random((rows, 2)) < (0.15, 0.4)
    words = np.array([f"word{number}" for number in range(60)])
    texts = []
    for tone, (war, trade) in zip(tones, topics, strict=True):
        hints = [TONES[tone] if rng.random() < 0.6 else str(rng.choice(TONES))]
        hints += ["cannon"] * (rng.random() < (0.5 if war else 0.12))
        hints += ["cotton"] * (rng.random() < (0.7 if trade else 0.2))
        texts.append(" ".join(rng.permutation([*rng.choice(words, 8), *hints])))
    return pl.DataFrame(
        {
            "letter": texts,
            "tone": [TONES[tone] for tone in tones],
            "topics": ["; ".join(np.array(["war", "trade"])[row]) for row in topics],
            "warmth": [round(float(tone + rng.normal()), 3) for tone in tones],
        }
    )
