"""One thread here too, as for the networks."""

from tests.network.conftest import one_thread

__all__ = ["one_thread"]
