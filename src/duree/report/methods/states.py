"""Methods section: encoding of states, spells and events, and of step features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from duree.report.methods.phrases import Phrases
from duree.report.safe_text import label
from duree.results.run_files import StepFeature
from duree.sequences.step_features import HIDDEN
from duree.tables.layouts.persons import GAPS

BASELINES = {
    "state_logistic": "logistic regression on times spent in each state, spells, and the first "
    "and last states ({studer2016})",
    "state_ridge": "ridge regression ({hoerl1970}) on times spent in each state, spells, and the "
    "first and last states ({studer2016})",
    "random_forest": "a random forest ({breiman2001}) on the same features",
}
CLASSES = {
    (True,): "Numeric features were binned at quantiles of the training events "
    "({gorishniy2022}); missing values form a class of their own.",
    (False,): "Categorical features were used as they are, with rare categories merged; "
    "missing values form a class of their own.",
    (False, True): "Numeric features were binned at quantiles of the training events "
    "({gorishniy2022}), categorical features used as they are, with rare "
    "categories merged; missing values form a class of their own.",
}


def encoding_sentences(say: Phrases) -> Iterator[str]:
    """Sentences on the encoding of sequences."""
    yield say("Each sequence was read in order, one state per step.")


def step_feature_sentences(features: Mapping[str, StepFeature], say: Phrases) -> Iterator[str]:
    """Sentences on the encoding of step features."""
    named = [
        say("the time since the previous event, in {n} classes", n=found.classes)
        if name == GAPS
        else say("“{name}”, in {n} classes", name=label(name), n=found.classes)
        for name, found in features.items()
    ]
    yield say("Each event was read together with {named}.", named=say.words.listed(named))
    yield say(CLASSES[tuple(sorted({found.is_number for found in features.values()}))])
    yield say(
        "Each class has an embedding that is added to that of its event; during training, each "
        "feature was masked as missing in {share:g} % of the sequences.",
        share=100 * HIDDEN,
    )
