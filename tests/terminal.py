"""A terminal for tests: a real one towards the program (a pseudo-terminal), and a screen that a test can look at."""

import codecs
import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from command_line import MAIN, run

_TOKEN = re.compile('\x1b\\[K|\r|\n|.', re.DOTALL)


class Screen:
    """What a person sees after some bytes were written: carriage returns, line ends and wiped lines are obeyed.

    Attributes:
      rows: the lines, from the first one on.
      column: where the cursor is in the last one.
      seen: every text that stood in the last line when something was written after it.
      wrapped: whether a line was longer than the screen is wide.
    """

    def __init__(self, columns: int):
        self.rows, self.column, self.seen, self.wrapped = [''], 0, [], False
        self._columns, self._rest = columns, ''  # the rest: the beginning of a control whose end has not come yet

    def write(self, text: str) -> None:
        """Obeys a text, of which no control but these three may come."""
        text, self._rest = re.fullmatch('(.*?)(\x1b\\[?)?', self._rest + text, re.DOTALL).groups('')
        for token in _TOKEN.findall(text):
            if token in '\r\n':
                self.seen.append(self.rows[-1])
            if token == '\r':
                self.column = 0
            elif token == '\n':
                self.rows.append(' ' * self.column)
            elif token == '\x1b[K':
                self.rows[-1] = self.rows[-1][: self.column]
            else:
                assert token.isprintable(), repr(token)
                if self.column == self._columns:
                    self.wrapped, self.column = True, 0
                    self.rows.append('')
                row = self.rows[-1].ljust(self.column)
                self.rows[-1] = row[: self.column] + token + row[self.column + 1 :]
                self.column += 1

    def bars(self, word: str) -> list[str]:
        """The bars that were seen of a work, each once."""
        return list(dict.fromkeys(row for row in self.seen if row.startswith(f'{word}:') and '%|' in row))

    def lines(self) -> list[str]:
        """What stays on the screen; the cursor is at the beginning of an empty line below."""
        assert self.rows[-1].strip() == '' and self.column == 0, self.rows[-2:]
        return self.rows[:-1]


class Shown(NamedTuple):
    """How a command ended on a terminal."""

    code: int
    screen: Screen


@contextlib.contextmanager
def terminal(columns: int = 100, heard: Callable[[Screen, int], None] = lambda screen, far: None) -> Iterator:
    """Gives (file number of a terminal, its screen), which is whole after the block.

    heard: is called with the screen and the number of the terminal's other end whenever something was written, in
    another thread.
    """
    far, near = os.openpty()
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack('HHHH', 40, columns, 0, 0))
    screen = Screen(columns or 80)

    decoder = codecs.getincrementaldecoder('utf-8')()  # a character may come in two parts

    def read():
        with contextlib.suppress(OSError):  # the end of a terminal that nobody has open
            while some := os.read(far, 2**16):
                screen.write(decoder.decode(some))
                heard(screen, far)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield near, screen
    finally:
        os.close(near)
        reader.join()
        os.close(far)


def on_terminal(*words: object, columns: int = 100, encoding: str = 'utf-8', heard=lambda screen, far: None) -> Shown:
    """Runs `main.py` in this process with a terminal as standard output and error."""
    with terminal(columns, heard) as (near, screen):
        streams = [open(os.dup(near), 'w', encoding=encoding) for _ in range(2)]
        with streams[0], streams[1]:
            code = run(words, *streams)
    return Shown(code, screen)


def process_on_terminal(*words: object, columns: int = 100, heard=lambda screen, far: None) -> Shown:
    """Runs it in a process of its own, whose terminal it is: Ctrl-C is a byte (3) that is written to the other end."""
    own = 'import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])'
    with terminal(columns, heard) as (near, screen):
        child = subprocess.Popen(
            [sys.executable, '-c', own, sys.executable, MAIN, *map(str, words)],
            stdin=near,
            stdout=near,
            stderr=near,
            start_new_session=True,
            env=os.environ | {'TERM': 'xterm'},
        )
        code = child.wait(timeout=300)
    return Shown(code, screen)
