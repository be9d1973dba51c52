"""Models that do not read in order use step attributes, too."""

from __future__ import annotations

import numpy as np
import polars as pl

from duree.baselines.state_features import StateFeatures
from duree.baselines.step_attributes import Encoding, WithStepFeatures, with_those_before
from duree.recipe.settings import TextSettings
from duree.sequences.ragged import Ragged
from duree.sequences.state_encoder import StateEncoder

ROWS = pl.DataFrame(
    {
        "states": ["a › b › a", "b › b"],
        "amount": [[1.0, None, 3.0], [5.0, 5.0]],
        "place": [["x", "y", "x"], [None, "x"]],
    },
    schema_overrides={"place": pl.List(pl.String)},
).to_struct("states")


def test_shares_of_classes_and_of_numbers_the_mean_and_the_last() -> None:
    settings = TextSettings(segmenter="states", lowercase=False)
    encoder = StateEncoder.fit(ROWS, settings, 0)
    plain = StateFeatures(encoder.states.units)
    features = WithStepFeatures(
        plain, Encoding(encoder.encode, list(encoder.step_classes.values()))
    )
    train, validation = features.fit(ROWS, ROWS[:1])
    own = plain.count(["a › b › a", "b › b"]).toarray()
    np.testing.assert_array_equal(train.toarray()[:, : own.shape[1]], own)
    # amount: missing, below 3, 3 to 5, from 5 on; place: missing, other, x, y.
    assert list(encoder.step_classes.values()) == [(4, True), (4, False)]
    third = 1 / 3
    wanted = [
        [third, third, third, 0, 1.5, 2, 0, 0, 2 * third, third],
        [0, 0, 0, 1, 3, 3, 0.5, 0, 0.5, 0],
    ]
    np.testing.assert_allclose(train.toarray()[:, own.shape[1] :], wanted, rtol=1e-6)
    np.testing.assert_array_equal(validation.toarray(), train.toarray()[:1])
    assert features.is_unit.all()
    assert len(features.is_unit) == train.shape[1]


def test_each_step_gets_the_attributes_of_the_step_before() -> None:
    values = np.array([[7, 1, 2], [8, 3, 4], [9, 5, 6]], dtype=np.int32)
    found = with_those_before(Ragged(values, np.array([0, 2, 3])), 1)
    assert found.values.tolist() == [[7, 1, 2, 0], [8, 3, 4, 2], [9, 5, 6, 0]]
