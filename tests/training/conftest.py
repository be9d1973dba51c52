"""One thread, which waits for no other."""

from tests.support.threads import one_thread

__all__ = ["one_thread"]
