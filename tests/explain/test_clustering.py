"""Sequences are partitioned around the best medoids, and silhouettes are Rousseeuw's."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from duree.explain import clustering as partition
from duree.explain.clustering import match_types, part_distances, part_vectors, silhouettes

CENTRES = np.array([[0, 0], [6, 0], [0, 6]])


def blobs(each: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    kinds = np.repeat(np.arange(3), each)
    return (CENTRES[kinds] + rng.normal(0, 0.6, (3 * each, 2))).astype(np.float32), kinds


def apart(vectors: np.ndarray) -> np.ndarray:
    return cdist(vectors, vectors).astype(np.float32)


def test_the_number_of_types_is_that_of_the_widest_silhouette() -> None:
    vectors, kinds = blobs(20)
    found = part_distances(apart(vectors), np.ones(60))
    assert len(found) == 3
    assert list(found.widths) == list(range(2, 9))
    assert max(found.widths, key=found.widths.__getitem__) == 3
    assert adjusted_rand_score(found.types, kinds) == 1
    assert [found.types[medoid] for medoid in found.medoids] == [0, 1, 2]


@pytest.mark.parametrize("kinds", [2, 3])
def test_medoids_are_the_best_there_are(kinds: int) -> None:
    vectors, _ = blobs(6, seed=1)
    weights = np.random.default_rng(2).integers(1, 5, 18).astype(np.float64)
    table = apart(vectors)
    found = part_distances(table, weights, kinds)
    assert list(found.widths) == list(range(2, 9))
    cost = weights @ table[:, found.medoids].min(axis=1)
    every = (weights @ table[:, list(one)].min(axis=1) for one in combinations(range(18), kinds))
    assert cost == pytest.approx(min(every), rel=1e-6)


def test_silhouettes_are_those_of_every_copy() -> None:
    vectors, types = blobs(8, seed=3)
    weights = np.random.default_rng(4).integers(1, 4, 24)
    copies = np.repeat(np.arange(24), weights)
    found = silhouettes(apart(vectors), types, weights.astype(np.float64))
    expected = silhouette_samples(vectors[copies].astype(np.float64), types[copies])
    np.testing.assert_allclose(found[copies], expected, atol=1e-5)


def test_a_singleton_type_has_a_silhouette_of_zero() -> None:
    found = silhouettes(apart(np.array([[0.0], [1.0], [9.0]])), np.array([0, 0, 1]), np.ones(3))
    assert found[2] == 0
    assert found[0] == pytest.approx(1 - 1 / 9)


def test_the_largest_type_comes_first() -> None:
    vectors, _ = blobs(10)
    weights = np.repeat([1.0, 5.0, 2.0], 10)
    found = part_distances(apart(vectors), weights, 3)
    assert np.bincount(found.types, weights).tolist() == [50, 20, 10]


def test_many_vectors_are_split_by_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "SAMPLE", 60)
    vectors, kinds = blobs(200, seed=5)
    found = part_vectors(vectors, np.ones(600))
    assert len(found) == 3
    assert adjusted_rand_score(found.types, kinds) == 1
    assert np.isfinite(found.silhouettes).sum() == 60
    again = part_vectors(vectors, np.ones(600))
    assert np.array_equal(found.types, again.types)


def test_types_are_numbered_like_those_of_another() -> None:
    like = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    types = np.array([2, 2, 1, 0, 0, 1, 1, 1])
    assert match_types(types, like).tolist() == [0, 0, 2, 1, 1, 2, 2, 2]


def test_two_objects_are_one_type_and_three_may_be_two() -> None:
    assert len(part_distances(apart(np.array([[0.0], [1.0]])), np.ones(2))) == 1
    assert len(part_distances(apart(np.array([[0.0], [0.1], [9.0]])), np.ones(3))) == 2
