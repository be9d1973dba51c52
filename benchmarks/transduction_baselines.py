"""Baselines for one sequence from another, on the data sets of ../shared/data.

    OMP_NUM_THREADS=1 python benchmarks/transduction_baselines.py [SET...] [--part dev|test]

Sets: language (perplexity of the Kneser-Ney models alone), spelling (1,000 training tokens, three
draws, and 25,000), full (all training tokens), sounds, inflection, translation, chinese. Settings
are chosen on the development part, which is never trained on; the figures are those of the part
asked for. Needs DUREE_DATA (default ../shared/data). On one core, spelling takes four minutes,
sounds and chinese two each, language and translation half a minute.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from duree.baselines.alignment import Units
from duree.baselines.joint_ngram import JointNgram
from duree.baselines.kneser_ney import KneserNey
from duree.baselines.lookup import Copy, Lookup
from duree.baselines.nearest_translation import NearestTranslation
from duree.baselines.word_translation import WordTranslation
from duree.evaluation.transduction_metrics import OF_SUMS, statistics
from duree.sequences.pair_units import JOINED, split_text
from duree.sequences.ragged import Ragged, offsets_of

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data"))
Pairs = list[tuple[Units, Units]]

# Bars of issue 17: word accuracy at 1,000 and 25,000 training tokens.
CORPORA = {"german-ridges": (0.750, 0.859), "spanish-ps18": (0.862, 0.931)}
CORPORA |= {"icelandic-icepahc": (0.723, 0.818)}
LANGUAGES = ("ady", "arm", "bul", "fre", "geo", "gre", "hin", "jpn", "lit", "rum", "vie")
INFLECTED = ("ang", "dan", "frr", "lug", "mlg", "swe", "tgl")


class Model(Protocol):
    def fit(
        self,
        sources: Sequence[Units],
        targets: Sequence[Units],
        counts: Sequence[int],
        validation_sources: Sequence[Units],
        validation_targets: Sequence[Units],
    ) -> object: ...

    def predict(self, sources: Sequence[Units]) -> list[Units]: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET")
    parser.add_argument("--part", choices=("dev", "test"), default="test")
    options = parser.parse_args()
    if unknown := sorted(set(options.sets) - set(SETS)):
        parser.error(f"no such set: {', '.join(unknown)}; there are {', '.join(SETS)}")
    for name in options.sets or SETS:
        print(f"\n{name}, {options.part} part")
        try:
            SETS[name](options.part)
        except FileNotFoundError as missing:
            print(f"  skipped: there is no {missing.filename}; set DUREE_DATA")


def measure_language(part: str) -> None:
    """Perplexity per word of Penn Treebank, and nats per character of Shakespeare."""
    rows = {
        name: [[*line.split(), "</s>"] for line in lines(DATA / "ptb" / f"ptb.{name}.txt")]
        for name in ("train", {"dev": "valid", "test": "test"}[part])
    }
    numbers: dict[str, int] = {}
    train, other = (
        Ragged.from_rows([numbers.setdefault(word, len(numbers)) for word in row] for row in of)
        for of in rows.values()
    )
    for order in (3, 5):
        began = time.perf_counter()
        model = KneserNey.fit(train, order, len(numbers))
        perplexity = np.exp(-model.log_probabilities(other).mean())
        spent = time.perf_counter() - began
        print(f"  Penn Treebank, {order}-gram: perplexity {perplexity:.2f} ({spent:.1f} s)")
    text = (DATA / "tinyshakespeare" / "input.txt").read_text("utf-8")
    codes = np.unique(list(text), return_inverse=True)[1].astype(np.int32)
    cut = len(codes) * 9 // 10
    train, other = (Ragged(some, offsets_of([len(some)])) for some in (codes[:cut], codes[cut:]))
    began = time.perf_counter()
    model = KneserNey.fit(train, 8, int(codes.max()) + 1)
    nats = -model.log_probabilities(other).mean()
    spent = time.perf_counter() - began
    print(f"  Shakespeare, 8-gram: {nats:.3f} nats per character ({spent:.1f} s)")


def measure_spelling(part: str) -> None:
    """Word accuracy after 1,000 random training tokens (seeds 0, 1, 2), and after 25,000."""
    for corpus, bars in CORPORA.items():
        train, dev, other = (spellings(corpus, name) for name in ("train", "dev", part))
        for size, seeds, bar in ((1_000, (0, 1, 2), bars[0]), (25_000, (0,), bars[1])):
            found = []
            for seed in seeds:
                drawn = np.random.default_rng(seed).choice(len(train), size, replace=False)
                found.append(compare([train[row] for row in drawn.tolist()], dev, other))
            show(f"{corpus}, {size} tokens", found, f"asked for: {bar}")


def measure_full(part: str) -> None:
    """Word accuracy after the full training parts."""
    for corpus in CORPORA:
        train, dev, other = (spellings(corpus, name) for name in ("train", "dev", part))
        show(f"{corpus}, {len(train)} tokens", [compare(train, dev, other)])


def measure_sounds(part: str) -> None:
    """Share of words with a wrong pronunciation (WER), SIGMORPHON 2020."""
    every = []
    for language in LANGUAGES:
        train, dev, other = (
            [
                (tuple(word), tuple(sounds.split()))
                for word, sounds in table(DATA / "g2p" / "2020" / f"{language}_{name}.tsv")
            ]
            for name in ("train", "dev", part)
        )
        accuracy, seconds = evaluate(JointNgram(), train, dev, other)
        every.append(1 - accuracy)
        print(f"  {language}: joint n-gram WER {1 - accuracy:.4f} ({seconds})")
    print(f"  mean of {len(every)} languages: {np.mean(every):.4f}")


def measure_inflection(part: str) -> None:
    """Share of right forms; all tags are one unit at both ends of the lemma, as in a run."""
    ends = {"train": "trn", "dev": "dev", "test": "tst"}
    for language in INFLECTED:
        train, dev, other = (
            [
                ((f"‹ {tags} ›", *lemma, f"› {tags} ›"), tuple(form))
                for lemma, form, tags in table(DATA / "inflection" / f"{language}.{ends[name]}")
            ]
            for name in ("train", "dev", part)
        )
        accuracy, seconds = evaluate(JointNgram(), train, dev, other)
        print(f"  {language}, {len(train)} rows: joint n-gram {accuracy:.4f} ({seconds})")


def measure_translation(part: str) -> None:
    """BLEU (13a, lower-cased) of Multi30k, English to German."""
    names = {"train": "train", "dev": "val", "test": "test_2016_flickr"}
    train, other = (
        [
            tuple(tuple(split_text("subwords", text.lower())) for text in pair)
            for pair in zip(
                *(lines(DATA / "multi30k" / f"{names[name]}.{side}.gz") for side in ("en", "de")),
                strict=True,
            )
        ]
        for name in ("train", part)
    )
    compare_sentences(train, other, JOINED["subwords"], chinese=False)


def measure_chinese(part: str) -> None:
    """BLEU (zh) of classical Chinese to modern Chinese, chapters apart."""
    of_parts: dict[str, Pairs] = {"train": [], part: []}
    folder = DATA / "classical_modern"
    files = sorted(folder.glob("*.tsv.gz"))
    if not files:
        raise FileNotFoundError(2, "no such file", str(folder / "*.tsv.gz"))
    for file in files:
        header, *rows = (line.split("\t") for line in lines(file))
        for row in rows:
            cells = dict(zip(header, row, strict=True))
            if cells["split"] in of_parts:
                pair = tuple(cells["classical"]), tuple(cells["modern"])
                of_parts[cells["split"]].append(pair)
    compare_sentences(of_parts["train"], of_parts[part], "".join, chinese=True)


def compare(train: Pairs, dev: Pairs, other: Pairs) -> dict[str, tuple[float, str]]:
    """Accuracy and seconds of each baseline for words."""
    models: dict[str, Model] = {"copy": Copy(), "lookup": Lookup(), "joint_ngram": JointNgram()}
    return {name: evaluate(model, train, dev, other) for name, model in models.items()}


def show(title: str, found: list[dict[str, tuple[float, str]]], remark: str = "") -> None:
    """The figures of each draw, and their mean."""
    print(f"  {title}  {remark}")
    for name in found[0]:
        figures = [of[name][0] for of in found]
        each = ", ".join(f"{figure:.4f}" for figure in figures)
        mean = f"; mean {np.mean(figures):.4f}" if len(figures) > 1 else ""
        print(f"    {name:12} {each}{mean}  ({found[0][name][1]})")


def evaluate(model: Model, train: Pairs, dev: Pairs, other: Pairs) -> tuple[float, str]:
    """The share of right predictions, and the seconds to fit and to predict."""
    counts = Counter(train)
    began = time.perf_counter()
    model.fit(*sides(list(counts)), list(counts.values()), *sides(dev))
    fitted = time.perf_counter()
    sources, targets = sides(other)
    predicted = model.predict(sources)
    ended = time.perf_counter()
    right = np.mean([given == true for given, true in zip(predicted, targets, strict=True)])
    return float(right), f"fit {fitted - began:.0f} s, predict {ended - fitted:.0f} s"


def compare_sentences(
    train: Pairs, other: Pairs, join: Callable[[Sequence[str]], str], *, chinese: bool
) -> None:
    """BLEU and chrF of each baseline for sentences."""
    models: dict[str, Model] = {"copy": Copy(), "nearest_translation": NearestTranslation()}
    models["word_translation"] = WordTranslation()
    sources, targets = sides(other)
    known = np.zeros(len(other), dtype=bool)
    for name, model in models.items():
        began = time.perf_counter()
        model.fit(*sides(train), [1] * len(train), [], [])
        predicted = model.predict(sources)
        spent = time.perf_counter() - began
        sums = statistics(
            list(map(join, predicted)),
            list(map(join, targets)),
            known,
            sentences=True,
            chinese=chinese,
        ).sum(axis=0)
        bleu, chrf = (float(OF_SUMS[metric](sums)) for metric in ("bleu", "chrf"))
        print(f"  {name:20} BLEU {bleu:.2f}, chrF {chrf:.2f}  ({spent:.0f} s)")


def spellings(corpus: str, part: str) -> Pairs:
    """Historical and modern tokens, prepared as in Bollmann 2019 (``preprocess.py -A``).

    Empty pairs and pairs of punctuation alone are dropped; NFC, lower case; digits that are equal
    on both sides become 0; blanks become ÷.
    """
    found = []
    for cells in table(DATA / "histnorm" / f"{corpus}.{part}.txt"):
        if len(cells) != 2 or not all(cell.strip() for cell in cells):
            continue
        old, new = (unicodedata.normalize("NFC", cell.strip()).lower() for cell in cells)
        if all(unicodedata.category(letter)[0] in "PS" for letter in old + new):
            continue
        if digits(old) == digits(new):
            old, new = (
                "".join("0" if letter.isdigit() else letter for letter in word)
                for word in (old, new)
            )
        found.append((tuple(old.replace(" ", "÷")), tuple(new.replace(" ", "÷"))))
    return found


def digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def sides(pairs: Pairs) -> tuple[list[Units], list[Units]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def table(file: Path) -> list[list[str]]:
    return [line.split("\t") for line in lines(file) if line]


def lines(file: Path) -> list[str]:
    if file.suffix == ".gz":
        with gzip.open(file, "rt", encoding="utf-8") as text:
            return text.read().removesuffix("\n").split("\n")
    return file.read_text("utf-8").removesuffix("\n").split("\n")


SETS: dict[str, Callable[[str], None]] = {
    "language": measure_language,
    "spelling": measure_spelling,
    "full": measure_full,
    "sounds": measure_sounds,
    "inflection": measure_inflection,
    "translation": measure_translation,
    "chinese": measure_chinese,
}


if __name__ == "__main__":
    main()
