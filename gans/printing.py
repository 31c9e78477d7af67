"""Text for people: every print and every log line of this project goes through here.

Names of files and texts from files can hold control characters that a terminal obeys (colours, titles, erased lines);
they are shown as escapes. A stream that cannot hold a character gets an escape for it, too.
"""

import contextlib
import logging
import os
import re
import sys
from typing import TextIO

from gans.errors import UserError, cannot_write

# Control characters but for newline and tab; marks that turn the direction of writing; halves of surrogate pairs, which
# stand for the bytes of a file name that is no UTF-8.
_UNSAFE = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')


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
    if stream is None:  # there is none
        return
    encoding = getattr(stream, 'encoding', None) or 'utf-8'
    line = f'{visible(str(text))}\n'.encode(encoding, 'backslashreplace').decode(encoding)
    try:
        stream.write(line)
        stream.flush()
    except OSError as error:
        _to_nowhere(stream)
        if not isinstance(error, BrokenPipeError) and stream is not sys.stderr:
            raise cannot_write('standard output', error) from error


def tell(text: object) -> None:
    """Prints a line of a work that is worth more than the line: as `say`, but whatever happens, the work goes on."""
    with contextlib.suppress(UserError):
        say(text)


def _to_nowhere(stream):
    """What is still in the stream's buffer would be written, and fail, once more when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class Formatter(logging.Formatter):
    """A log line as the format has it, made visible."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        return visible(super().format(record))
