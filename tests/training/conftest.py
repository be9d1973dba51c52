"""One thread, free of contention; and the wide part trained as for a user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.threads import one_thread
from tests.support.wide import usual_training

__all__ = ["one_thread"]


@pytest.fixture(scope="module", autouse=True)
def usual_wide_training() -> Iterator[None]:
    with usual_training():
        yield
