"""The methods section: paragraphs ready to paste, with citations.

Sentences are templates with citations such as ``{breiman2001}``, so that only works cited in the
text are listed as references.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from duree.report.methods.baselines import baseline_sentences
from duree.report.methods.evaluation import evaluation_sentences
from duree.report.methods.phrases import Phrases
from duree.report.methods.references import Reference, references
from duree.report.methods.training import training_sentences
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.report.safe_text import label

MOST_FILES = 3
DIGEST = 16  # of 64 digits, enough to distinguish files; the data table has all digits


@dataclass(frozen=True)
class Methods:
    """Paragraphs with titles, and the works that they cite."""

    paragraphs: list[tuple[str, str]]
    cited: list[Reference]


def write_methods(run: RunData, language: str) -> Methods:
    """The methods section in ``language`` (``"en"`` or ``"zh"``)."""
    words = run.words(language)
    say = Phrases(words)
    parts = {
        "Data": _data(run, say),
        run.rows.encoding_title: _encoding(run, say),
        "Network": run.target.network_sentences(run, say),
        "Training": training_sentences(run, say),
        "Baselines": baseline_sentences(run, say),
        "Evaluation": evaluation_sentences(run, say),
        "Explanations": chain.from_iterable(
            extra.explanation_sentences(run, say) for extra in run.extras
        ),
        "Software": _software(run, say),
    }
    gap = "" if language == "zh" else " "
    paragraphs = [(words(title), gap.join(found)) for title, found in parts.items()]
    cited = sorted((references()[key] for key in say.cited), key=lambda work: work.full)
    return Methods([(title, text) for title, text in paragraphs if text], cited)


def _encoding(run: RunData, say: Phrases) -> Iterator[str]:
    yield from run.rows.encoding_sentences(run, say)
    for extra in run.extras:
        yield from extra.encoding_sentences(run, say)


def _data(run: RunData, say: Phrases) -> Iterator[str]:
    sources, counts = run.data.sources, run.split.counts
    digests = {source.name: source.sha256[:DIGEST] for source in sources}
    named = [say("{file} (SHA-256 {digest}…)", file=label(f), digest=d) for f, d in digests.items()]
    several = say("{n} files", n=len(sources))
    files = say.words.listed(named) if len(sources) <= MOST_FILES else several
    if sources:
        rows = count(sum(source.rows for source in sources))
        yield say(run.rows.of_files, rows=rows, files=files)
    yield from run.target.question_sentences(run, say)
    if weight := run.recipe.data.weight:
        yield from run.target.weight_sentences(run, label(weight), say)
        for extra in run.extras:
            yield from extra.weight_sentences(run, say)
    method = run.split.method_zh if say.words.language == "zh" else run.split.method
    method = say.words.with_nouns(method or run.split.method)
    yield say.words.sentence(method)
    numbers = {part: count(counts.get(part, 0)) for part in ("train", "validation", "test")}
    yield say(
        "This gave {train} rows for training, {validation} for validation and {test} for testing.",
        **numbers,
    )
    if left_out := counts.get("left_out", 0):
        yield say("{n} rows were not used.", n=count(left_out))
    openings = len(run.metrics.test_openings)
    if openings == 1:
        yield say("The test set was used once, after all choices had been made.")
    elif openings:
        yield say("The test set was used {n} times.", n=openings)
    if shared := run.metrics.without_shared_rows:
        yield say(
            "{n} test rows have a near-duplicate, or their group, in the training rows; "
            "results without them are reported as well.",
            n=count(shared.shared),
        )


def _software(run: RunData, say: Phrases) -> Iterator[str]:
    versions = run.data.versions
    named = [f"Durée {versions['duree']}"] if "duree" in versions else ["Durée"]
    for package, template in (
        ("python", "Python {version}"),
        ("torch", "PyTorch {version} ({paszke2019})"),
        ("numpy", "NumPy {version} ({harris2020})"),
        ("scikit-learn", "scikit-learn {version} ({pedregosa2011})"),
    ):
        if package in versions:
            named.append(say(template, version=versions[package]))
    facts = {"software": say.words.listed(named), "seed": run.metrics.seed}
    if run.data.threads == 1:
        yield say("All computations used {software}, on one thread, with seed {seed}.", **facts)
    elif run.data.threads:
        yield say(
            "All computations used {software}, on {threads} threads, with seed {seed}.",
            threads=run.data.threads,
            **facts,
        )
    else:
        yield say("All computations used {software}, with seed {seed}.", **facts)
