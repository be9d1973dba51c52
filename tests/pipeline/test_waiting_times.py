"""When the next event comes: a distribution of waiting times after each event, and its median."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from duree.network.waiting_times import WaitClasses, WaitHead, train_waiting_times
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.workflow import fit, predict

# Mean waiting time after each event.
AFTER = {"look": 2.0, "buy": 50.0, "leave": 1000.0}


def test_classes_hold_equally_many_waiting_times_as_far_as_ties_allow() -> None:
    waiting_times = np.random.default_rng(0).exponential(3.0, 3200)
    classes = WaitClasses.of(waiting_times)
    counts = np.bincount(classes.codes(waiting_times), minlength=len(classes))
    assert len(classes) == 32
    assert counts.min() >= 99
    assert counts.max() <= 102
    tied = WaitClasses.of(np.array([0.0] * 50 + [7.0] * 50))
    assert tied.codes(np.array([0.0, 3.0, 7.0, 9.0])).tolist() == [0, 0, 1, 1]


def test_the_median_of_the_shares_of_all_is_the_median_of_all() -> None:
    waiting_times = np.random.default_rng(1).lognormal(2.0, 1.5, 20_000)
    classes = WaitClasses.of(waiting_times)
    shares = np.bincount(classes.codes(waiting_times), minlength=len(classes)) / len(waiting_times)
    assert classes.median(shares[None]) == pytest.approx(np.median(waiting_times), rel=0.02)
    certain = np.eye(len(classes))
    found, edges = classes.median(certain), np.array([*classes.edges, classes.longest])
    assert np.all((edges[:-1] <= found) & (found <= edges[1:]))


def test_the_head_begins_with_the_shares_after_the_event_and_learns_what_the_past_adds() -> None:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(3000, 5, generator=generator)
    tokens = torch.randint(0, 3, (3000,), generator=generator)
    before = torch.full((3000,), 4)
    came = (states[:, 0] > 0).long() + 2 * (states[:, 1] > 0).long()
    after = torch.log(torch.full((3, 4), 0.25))
    assert torch.equal(WaitHead(5, after)(states, before, tokens), after[tokens])
    train, validation = (
        tuple(part[rows] for part in (states, before, tokens, came))
        for rows in (slice(2000), slice(2000, None))
    )
    head = train_waiting_times(train, validation, after, 0)
    right = (head(*validation[:3]).argmax(dim=1) == validation[3]).float().mean()
    assert right > 0.9


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A log in which the waiting time depends on the last event."""
    folder, rng = tmp_path_factory.mktemp("waiting_times"), np.random.default_rng(0)
    rows = []
    for user in range(120):
        time = 0.0
        for event in rng.choice(list(AFTER), rng.integers(1, 12)):
            rows.append((user, event, time))
            time += rng.uniform(0.9, 1.1) * AFTER[event]
    table = pl.DataFrame(rows, schema=["user", "action", "when"], orient="row")
    table.write_csv(folder / "log.csv")
    data = {"id": "user", "event": ["action"], "time": "when"}
    settings = {
        "task": "next",
        "data": {"files": [str(folder / "log.csv")], **data},
        "training": {"epochs": 1},
        "model": {"hidden_size": 8, "embedding_size": 8},
        "evaluation": {"bootstrap": 100, "baselines": False},
    }
    return fit(Recipe.build(settings), folder / "run")


def test_waiting_times_are_compared_with_two_simple_distributions(run: Run) -> None:
    found = run.read_json("waiting_times.json")
    models = found["models"]
    assert set(models) == {"network", "all_waits", "waits_after_event"}
    assert found["steps"] == len(pl.read_parquet(run.folder / "predictions.parquet"))
    of_all, network = models["all_waits"], models["network"]
    assert network["bits"]["high"] < of_all["bits"]["low"] - 1
    assert network["median_error"] < of_all["median_error"] / 5


def test_predictions_hold_the_waiting_time_after_the_last_event(run: Run, tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "user": ["u", "u", "v", "w", "w", "w"],
            "action": ["leave", "look", "buy", "look", "buy", "leave"],
            "when": [0.0, 990.0, 3.0, 0.0, 2.0, 51.0],
        }
    )
    table.write_csv(tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv")
    found = pl.read_csv(tmp_path / "out.csv")
    assert found["expected_gap"].to_list() == pytest.approx([2.0, 50.0, 1000.0], rel=0.15)


def test_the_report_says_how_well_waiting_times_were_predicted(run: Run) -> None:
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    section = page[page.index('<section id="waiting_times">') :]
    section = section[: section.index("</section>")]
    models = run.read_json("waiting_times.json")["models"]
    for name in ("network", "shares of all waiting times", "shares after the same event"):
        assert name in section
    assert f"{models['all_waits']['bits']['value']:.3f}" in section
    assert f"{models['all_waits']['median_error']:.3g}" in section
