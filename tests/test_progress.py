"""Where a long work tells how far it is, and where it is silent."""

import io
import sys

from gans.progress import progress


def test_without_a_terminal_a_line_is_told_every_ten_seconds_and_none_at_the_end(capsys):
    now = iter([0, 4, 11, 11, 15, 22, 22, 40, 40])
    with progress('drawing', 5, clock=lambda: next(now)) as advance:
        for _ in range(5):
            advance(1)
    assert capsys.readouterr().err.splitlines() == ['drawing: 2 of 5 images', 'drawing: 4 of 5 images']


def test_on_a_terminal_a_bar_is_drawn_and_wiped(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr('sys.stderr', Terminal())
    monkeypatch.setattr('gans.progress._DELAY', 0)
    with progress('drawing', 3, 'steps') as advance:
        advance(3)
        shown = sys.stderr
    assert 'drawing' in shown.getvalue() and '0/3' in shown.getvalue()
