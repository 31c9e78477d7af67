"""Text for people: every print and every log line of this project goes through here.

Names of files and texts from files can hold control characters that a terminal obeys (colours, titles, erased lines);
they are shown as escapes. A stream that cannot hold a character gets an escape for it, too.

On the last line of a terminal there may be a bar (`draw_bar`). Lines are printed above it, each from the first column.
"""

import contextlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

from gans import signals
from gans.errors import UserError, cannot_write

# Control characters but for newline and tab; marks that turn the direction of writing; halves of surrogate pairs, which
# stand for the bytes of a file name that is no UTF-8.
_UNSAFE = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')

_bar = ''  # what is on the last line of the terminal behind standard error, without a line end; '' for nothing
_hushed = ''  # the run whose lines go into its log alone; '' for none
_one_at_a_time = threading.RLock()  # threads log, while the main one draws


def visible(text: str) -> str:
    r"""The text with every unsafe character as an escape: \x1b, \u202e."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def say(text: object, stream: TextIO | None = None) -> None:
    """Prints a line for people, at once.

    A reader that has gone (`| head`) or a terminal that was closed ends the output, but not the work.

    Args:
      text: what to print.
      stream: where; standard output by default.

    Raises:
      UserError: the stream cannot be written, the disk behind it being full for example.
    """
    stream = sys.stdout if stream is None else stream
    if stream is None or getattr(stream, 'closed', False):
        return
    with _one_at_a_time, _bar_aside():
        try:
            _write(stream, f'{visible(str(text))}\n')
        except OSError as error:
            if not isinstance(error, BrokenPipeError) and stream is not sys.stderr:
                raise cannot_write('standard output', error) from error


def tell(text: object) -> None:
    """Prints a line of a work that is worth more than the line: as `say`, but whatever happens, the work goes on."""
    if _hushed:
        record = logging.makeLogRecord({'msg': f'{text}', 'levelno': logging.INFO, 'levelname': 'INFO'})
        for handler in logging.getLogger().handlers:
            if not isinstance(handler, Screen):
                handler.handle(record)
        return
    with contextlib.suppress(UserError):
        say(text)


@contextlib.contextmanager
def hushed(run: str) -> Iterator[None]:
    """For one of many trainings: what `tell` is given within the block goes into the run's log, not on the screen.

    Warnings are on the screen too, with the name of the run before them.
    """
    global _hushed
    before, _hushed = _hushed, run
    try:
        yield
    finally:
        _hushed = before


def draw_bar(bar: str) -> None:
    """Puts a bar on the last line of the terminal behind standard error, in place of the one that was there.

    A terminal that cannot be written, having been closed for example, is no reason to fail.

    Args:
      bar: shorter than the terminal is wide; '' takes the bar away, and leaves the cursor at the line's beginning.
    """
    global _bar
    with _one_at_a_time:
        if not bar and not _bar:
            return
        _bar = visible(bar)
        signals.bar_is_drawn = bool(_bar)
        _redraw(_bar)


def encodes(stream: TextIO, text: str) -> bool:
    """Whether a stream can hold all characters of a text."""
    try:
        text.encode(_encoding(stream))
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def not_lost(numbers: Callable[[], object]) -> Iterator[None]:
    """Prints what long work has found if the block cannot write it, the disk being full for example."""
    try:
        yield
    except (UserError, OSError):
        tell(numbers())
        raise


@contextlib.contextmanager
def _bar_aside():
    """Takes the bar away for the length of the block."""
    if not _bar:
        yield
        return
    _redraw('')
    try:
        yield
    finally:
        _redraw(_bar)


def _redraw(bar):
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):  # gone, slow, or closed
            _write(sys.stderr, f'\r{bar}{signals.TO_LINE_END}')


def _write(stream, text):
    """Writes a text at once, with escapes for what the stream cannot hold."""
    encoding = _encoding(stream)
    try:
        stream.write(text.encode(encoding, 'backslashreplace').decode(encoding))
        stream.flush()
    except BlockingIOError:  # a terminal that is too slow: the next text may fit
        raise
    except OSError:
        _to_nowhere(stream)
        raise


def _encoding(stream):
    return getattr(stream, 'encoding', None) or 'utf-8'


def _to_nowhere(stream):
    """What is still in the stream's buffer would be written, and fail, once more when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class Screen(logging.Handler):
    """Log lines on standard error, as `say` prints them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a line."""
        say(f'{_hushed}: {self.format(record)}' if _hushed else self.format(record), sys.stderr)


class Formatter(logging.Formatter):
    """A log line as the format has it, made visible."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        return visible(super().format(record))
