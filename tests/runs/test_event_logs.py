"""Logs of many events of many types: evaluated by sums, and never held as one large table."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from duree.baselines.markov import Markov, nothing_before, one_before
from duree.baselines.next_steps import StepBaseline
from duree.evaluation.calibration import log_of_truth
from duree.evaluation.evaluate import evaluate_models
from duree.evaluation.next_metrics import NEXT, NEXT_IN_TERMS, SUMS, terms
from duree.network import batches
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import Ragged, pieces
from duree.tables.layouts.state_strings import ARROW
from duree.tasks.next import Next
from duree.workflow import fit

KINDS = 500


def random_predictions(seed: int, answers: int, states: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and what came after what."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(states), answers), rng.integers(0, states, (answers, 2))


def test_sums_by_person_give_the_figures_and_intervals_of_all_answers() -> None:
    persons = np.random.default_rng(2).integers(0, 40, 600)
    network, targets = random_predictions(0, 600, 7)
    other, _ = random_predictions(1, 600, 7)
    whole = {"network": network, "markov": other, "majority": np.tile(other[:1], (600, 1))}
    in_terms = {
        name: np.concatenate([terms(found, targets), found], axis=1)
        for name, found in whole.items()
    }
    by_answer = evaluate_models(whole, targets, NEXT, groups=persons, resamples=300)
    by_person = evaluate_models(in_terms, targets, NEXT_IN_TERMS, groups=persons, resamples=300)
    for name, figures in by_answer.models.items():
        assert set(by_person.models[name]) == set(figures)
        for metric, figure in figures.items():
            assert by_person.models[name][metric] == pytest.approx(figure, rel=1e-9)
    for one, two in zip(by_answer.comparisons, by_person.comparisons, strict=True):
        assert (one.metric, one.model) == (two.metric, two.model)
        assert one.low == pytest.approx(two.low, rel=1e-9)
    assert by_person.verdict.sentence() == by_answer.verdict.sentence()


def test_the_place_of_the_truth_among_five_hundred_is_counted() -> None:
    predictions, targets = random_predictions(3, 200, KINDS)
    order = np.argsort(-predictions, axis=1)
    places = np.array([list(row).index(came) + 1 for row, came in zip(order, targets[:, 0])])  # noqa: B905
    found = NEXT.values(predictions, targets)
    assert found["mrr"] == pytest.approx(float(np.mean(1 / places)))
    assert found["top3_accuracy"] == pytest.approx(float(np.mean(places <= 3)))


def test_rows_are_cut_into_pieces_in_their_order() -> None:
    lengths = np.array([3, 0, 4, 9, 1, 1, 0])
    found = [rows.tolist() for rows in pieces(lengths, 7)]
    assert found == [[0, 1, 2], [3], [4, 5, 6]]


def test_the_logarithms_of_some_rows_at_a_time_are_those_of_all(monkeypatch) -> None:
    scores = np.random.default_rng(0).normal(size=(50, 9)).astype(np.float32)
    targets = np.arange(50) % 9
    whole = log_of_truth(scores, targets, 1.3)
    monkeypatch.setattr("duree.evaluation.calibration.CACHED", 30)
    assert np.array_equal(log_of_truth(scores, targets, 1.3), whole)


def test_a_chain_is_tuned_on_the_very_probabilities_that_it_gives() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 5, rng.integers(1, 9)).tolist() for _ in range(30)]

    def codes(texts: list[str]) -> Ragged:
        return Ragged.from_rows([[int(code) for code in text.split()] for text in texts])

    texts = [" ".join(map(str, row)) for row in rows]
    chain = Markov("markov", 6, one_before, Markov("majority", 6, nothing_before))
    baseline = StepBaseline(chain, codes).fit(texts[:20], None, texts[20:], None)
    after = np.concatenate([row[1:] for row in rows]).astype(np.int64)
    counted, total, simpler = chain._evidence(codes(texts), after)
    of_truth = (counted + chain.strength * simpler) / (total + chain.strength)
    given = baseline.predict(texts)
    assert given.sum(axis=1) == pytest.approx(1.0)
    assert of_truth == pytest.approx(given[np.arange(len(after)), after])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A log of 500 kinds of events without times; many persons have a single event."""
    folder = tmp_path_factory.mktemp("log")
    rng = np.random.default_rng(0)
    lengths = np.where(rng.random(200) < 0.4, 1, rng.integers(2, 16, 200))
    who = np.repeat(np.arange(200), lengths)
    kinds = rng.integers(0, KINDS, len(who))
    kinds[1:] = np.where(rng.random(len(who) - 1) < 0.6, (kinds[:-1] + 1) % KINDS, kinds[1:])
    frame = pl.DataFrame({"user": who, "action": [f"page {kind}" for kind in kinds]})
    frame.write_parquet(folder / "log.parquet")
    files = [str(folder / "log.parquet")]
    settings = {
        "task": "next",
        "data": {"files": files, "id": "user", "event": ["action"]},
        "training": {"epochs": 2, "batch_size": 4},
        "model": {"hidden_size": 8, "embedding_size": 8},
        "evaluation": {"bootstrap": 100},
    }
    return fit(Recipe.build(settings), folder / "run")


def test_a_log_of_five_hundred_kinds_without_times_ends_in_a_report(run: Run) -> None:
    table = pl.read_parquet(run.folder / "predictions.parquet")
    model = TrainedModel.of_run(run)
    assert table["probability"].is_between(0, 1).all()
    assert not [name for name in table.columns if name.startswith("probability_")]
    assert set(table["prediction"]) <= set(model.task.classes)
    right = (table["prediction"] == table["states"]).mean()
    figures = run.read_json("metrics.json")["models"]["network"]
    assert figures["accuracy"]["value"] == pytest.approx(right)
    assert figures["mrr"]["value"] >= right
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "page 1" in page


def test_predictions_in_pieces_are_those_of_the_whole(run: Run, monkeypatch) -> None:
    model = TrainedModel.of_run(run)
    texts = pl.Series([ARROW.join(f"page {n}" for n in range(k, 2 * k)) for k in (9, 1, 5, 3)])
    examples = model.task.examples(model.encoder.encode(texts), texts)
    whole = model.summarise(examples)
    assert whole.shape == (14, len(SUMS) + 2)
    monkeypatch.setattr(batches, "MOST_VALUES", 5 * model.task.outputs)
    assert len(list(examples.pieces(model.task.outputs))) == 3
    assert model.summarise(examples) == pytest.approx(whole, abs=1e-6)


def test_a_large_table_keeps_the_probability_of_the_likeliest_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = pl.Series("states", ["a › b › a", "b › b"])
    recipe = Recipe.build({"task": "next", "data": {"id": "id", "event": ["event"]}})
    small = Next.from_target(target, recipe)
    monkeypatch.setattr("duree.tasks.next.MOST_CELLS", 9)
    large = Next.from_target(target, recipe)
    assert (small.has_many, large.has_many) == (False, True)  # five steps of two states
    assert Next.from_dict(large.to_dict()) == large
