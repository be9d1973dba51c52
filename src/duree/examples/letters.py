"""Simulated letters whose tone depends on the order of words, with a known ground truth.

Each letter is about one matter, and its tone is the writer's final opinion of it. Three plots
decide it, each by word order alone:

    reversal   two reports of opposite tone: what others said, and what the writer saw
    negation   one statement is denied and one affirmed: which of them is about the matter?
    late turn  something is taken back: does the matter come before it, or after?

For either tone, a plot draws the same phrases from the same lists, so that word counts carry
little information; see docs/explanation/why-order-matters.md. All sentences were written for this
file.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl

FAVOURABLE, UNFAVOURABLE = "favourable", "unfavourable"
# Share of letters with a wrongly recorded tone: the best possible accuracy is 1 - NOISE.
NOISE = 0.03
# Share of letters, among those with one word of praise or blame, that reverse it.
TURNED = 0.25
YEARS = (1750, 1890)

# A word in braces stands for one of its phrases, drawn again at each place; the plot fills in the
# matter itself, the opinion of it and the frame.
PHRASES: dict[str, tuple[str, ...]] = {
    "good": (
        *("admirable", "charming", "delightful", "excellent", "pleasant", "splendid", "superb"),
    ),
    "bad": (*("abominable", "detestable", "dismal", "dreadful", "miserable", "vile", "wretched"),),
    "plain": ("broad", "crowded", "dark", "deserted", "long", "narrow", "steep"),
    "how": ("most", "quite", "really", "thoroughly", "truly"),
    "matter": (
        *("the opera", "the inn", "the garden", "the school", "the harvest", "the sermon"),
        *("the house", "the portrait", "the crossing", "the supper", "the concert", "the library"),
    ),
    "thing": (
        *("the alley", "the avenue", "the harbour", "the lane", "the market", "the quay"),
        *("the road", "the square", "the street", "the valley"),
    ),
    "name": (
        *("my aunt", "the abbé", "our cousin", "the curate", "Edmund", "the notary", "Henriette"),
        *("Julie", "Lady Ashby", "the old major", "Mr Pemberton", "my sister"),
    ),
    "place": (
        *("Antwerp", "Bath", "Calais", "Cork", "Dresden", "Florence", "Geneva", "Lisbon"),
        *("Lyons", "Naples", "Vienna", "York"),
    ),
    "when": (
        *("at Easter", "at Michaelmas", "before the frost", "last Sunday", "on Monday"),
        *("in the autumn", "this spring", "three weeks ago", "towards evening"),
    ),
    "greeting": (
        *("Dear friend,", "My dear Robert,", "Dear brother,", "My dearest Anna,", "Sir,"),
        *("Dear cousin,", "Dear madam,"),
    ),
    "opening": (
        "your letter found me in {place}.",
        "{name} shall carry this to you from {place}.",
        "forgive my silence; {name} kept me busy.",
        "the mail for {place} leaves within the hour.",
        "we came to {place} {when}.",
    ),
    "aside": (
        "{name} sits beside me and mends a pen.",
        "{name} has gone to {place}.",
        "We had {name} with us {when}.",
        "There was a letter from {name} {when}.",
        "I paid {name} what I owed in {place}.",
    ),
    "closing": (
        "Greet {name}. Yours ever,",
        "Write to me in {place}. Your friend,",
        "Let {name} read this too. Your servant,",
        "The candle is out. I embrace you,",
    ),
    "heard": (
        "From {name} I heard that {it} was {so} {when}.",
        "All the way from {place} I heard that {it} was {so} {when}.",
        "What I heard, in {place}, was that {it} was {so} {when}.",
    ),
    "seen": (
        "With {name} I saw that {it} was {so} {when}.",
        "All the way from {place} I saw that {it} was {so} {when}.",
        "What I saw, in {place}, was that {it} was {so} {when}.",
    ),
    "denied": (
        "It is not the case, my friend, that {it} was {so} {when}.",
        "I could not say to {name} that {it} was {so} {when}.",
        "It is not true, as they hold in {place}, that {it} was {so} {when}.",
    ),
    "affirmed": (
        "It is surely the case, my friend, that {it} was {so} {when}.",
        "I could surely say to {name} that {it} was {so} {when}.",
        "It is surely true, as they hold in {place}, that {it} was {so} {when}.",
    ),
    "told": (
        "You ask for news of {place}: {it} was {so} {when}.",
        "I noted in my book that {it} was {so} {when}.",
        "I told {name} that {it} was {so} {when}.",
    ),
    "turn": (
        "So far on Friday; now I know the contrary.",
        "All this I take back, for {name} has shown me the contrary.",
        "The contrary of what you have just read has proved true.",
    ),
}
AUTHORS = (
    *("A. Bellamy", "B. Thornton", "C. de Vries", "C. Lindqvist", "D. Marchetti", "E. Ainsworth"),
    *("E. von Arnsberg", "F. Duval", "F. Okonski", "G. Harcourt", "H. Merian", "H. Whitlock"),
    *("I. Castellan", "J. Abernathy", "J. Fournier", "K. Steiner", "L. Carrow", "L. Perrault"),
    *("M. Delacourt", "M. Fairweather", "N. Ostrova", "O. Brandt", "P. Gillespie", "R. Sandoval"),
    *("S. Vautrin", "T. Hollis", "T. Reinhardt", "V. Lamotte", "W. Kestrel", "W. Tregarth"),
)


def generate(rows: int = 3000, seed: int = 0) -> pl.DataFrame:
    """Generate letters; the same arguments give the same letters.

    Parameters
    ----------
    rows : int
    seed : int

    Returns
    -------
    polars.DataFrame
        ``letter_id`` (String), ``author`` (String), ``year`` (Int64), ``letter`` (String) and
        ``tone`` (``"favourable"`` or ``"unfavourable"``, wrong in a share ``NOISE`` of the rows).
    """
    rng = np.random.default_rng(seed)
    favourable = rng.random(rows) < 0.5
    letters = [_letter(rng, bool(good)) for good in favourable]
    recorded = favourable ^ (rng.random(rows) < NOISE)
    return pl.DataFrame(
        {
            "letter_id": [f"L{row:05d}" for row in range(1, rows + 1)],
            "author": rng.choice(AUTHORS, rows),
            "year": np.sort(rng.integers(*YEARS, rows)),
            "letter": letters,
            "tone": np.where(recorded, FAVOURABLE, UNFAVOURABLE),
        }
    )


def _letter(rng: np.random.Generator, favourable: bool) -> str:
    """One letter, whose final tone is favourable or not."""
    plot = (_reversal, _negation, _late_turn)[rng.integers(3)]
    sentences = plot(rng, favourable)
    sentences.insert(rng.integers(len(sentences) + 1), "{aside}")
    whole = " ".join(["{greeting}", "{opening}", *sentences, "{closing}"])
    return _capitals(_expand(rng, whole))


def _reversal(rng: np.random.Generator, favourable: bool) -> list[str]:
    """A report heard and one seen, in either order: the one seen counts."""
    matter = _pick(rng, "matter")
    heard = _frame(rng, "heard", matter, not favourable)
    seen = _frame(rng, "seen", matter, favourable)
    return [heard, seen] if rng.random() < 0.5 else [seen, heard]


def _negation(rng: np.random.Generator, favourable: bool) -> list[str]:
    """One statement denied and one affirmed: the one about the matter counts."""
    turned = rng.random() < TURNED
    about, other = ("denied", "affirmed") if turned else ("affirmed", "denied")
    statement = _frame(rng, about, _pick(rng, "matter"), favourable ^ turned)
    rest = _frame(rng, other, _pick(rng, "thing"), None)
    return [statement, rest] if rng.random() < 0.5 else [rest, statement]


def _late_turn(rng: np.random.Generator, favourable: bool) -> list[str]:
    """A statement before the turn is revoked; one after it is not."""
    turned = rng.random() < TURNED
    statement = _frame(rng, "told", _pick(rng, "matter"), favourable ^ turned)
    rest = _frame(rng, "told", _pick(rng, "thing"), None)
    return [statement, "{turn}", rest] if turned else [rest, "{turn}", statement]


def _frame(rng: np.random.Generator, frame: str, what: str, praise: bool | None) -> str:
    """A sentence of this frame that praises or blames; None: that does neither."""
    word = {True: "good", False: "bad", None: "plain"}[praise]
    return _pick(rng, frame).replace("{it}", what).replace("{so}", f"{{how}} {{{word}}}")


def _pick(rng: np.random.Generator, kind: str) -> str:
    phrases = PHRASES[kind]
    return phrases[rng.integers(len(phrases))]


def _expand(rng: np.random.Generator, text: str) -> str:
    """Replace words in braces by phrases, until none is left."""
    while "{" in text:
        text = re.sub(r"\{(\w+)\}", lambda match: _pick(rng, match[1]), text)
    return text


def _capitals(text: str) -> str:
    """A capital letter after every full stop."""
    return re.sub(r"(?<=[.] )[a-z]", lambda match: match[0].upper(), text)
