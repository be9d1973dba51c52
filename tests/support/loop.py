"""A progress listener that stops training where a test says."""

from __future__ import annotations


class Stop(Exception):
    """The process ends here."""


class Progress:
    """Follows a training; ``at`` says what happens at which step."""

    def __init__(self, at=None, stop_at=None):
        self.at, self.steps, self.records, self.messages = at or {}, 0, [], []
        self.stop_at = stop_at
        self.ended = 0

    def start(self, steps, done, expected):
        self.expected_steps, self.steps, self.estimate = steps, done, expected

    def step(self, loss, rows):
        self.steps += 1
        self.at.get(self.steps, lambda: None)()

    def epoch(self, record):
        self.records.append(record)

    def should_stop(self):
        return self.steps == self.stop_at

    def message(self, message):
        self.messages.append(message)

    def end(self):
        self.ended += 1


def raises(error):
    def act():
        raise error

    return act
