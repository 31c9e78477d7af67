"""What tests ask of the processes that they start."""

import signal

import pytest


def wait_for(process, word):
    """Reads the process's lines until one has the word."""
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(process.stderr.read())


@pytest.fixture
def heard():
    """Signals that whoever began the tests had ignored (`&` in a script) would stay ignored in the processes too."""
    ignored = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
