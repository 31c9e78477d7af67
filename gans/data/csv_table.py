"""Tables that people write: CSV of a few columns, as scripts, spreadsheets and hands leave them."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gans.data import files
from gans.errors import UserError

_MOST = 64 * 2**20  # bytes
_SHOWN = 80  # characters of a field in a message
_SEPARATORS = (',', ';', '\t')
_SEPARATOR_LINE = re.compile(r'sep=\W*')  # at the top of what some programs write for Excel


def read_text(path: Path, made_by: str) -> str:
    """The text of a table, UTF-8 with or without a byte order mark; `made_by` says where such files come from.

    Raises:
      UserError: there is no such file, it is no regular one, too large, or no UTF-8.
    """
    shown = files.printable(str(path))
    try:
        return files.read_regular(path, _MOST, shown).decode('utf-8-sig')
    except FileNotFoundError as error:
        raise UserError(f"There is no '{shown}': give {made_by}.") from error
    except OSError as error:
        raise UserError(f"'{shown}' cannot be read ({error.strerror}): mend that, or leave it out.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"'{shown}' is no text in UTF-8: save it as CSV in UTF-8.") from error


def rows(text: str, shown: str, columns: Sequence[str], advice: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table.

    The first line names the columns, in any order and in upper or lower case; further ones are left aside. Empty lines
    are passed over, and so is the line `sep=;` that Excel knows. What separates is a comma, a semicolon or a tab:
    whichever of them makes the columns of the first line.

    Args:
      text: of the table.
      shown: what messages call it.
      columns: the columns that are wanted.
      advice: what to do where the first line names not each of them once.

    Yields:
      (number of its first line, its fields in the order of `columns`, without space around them; '' for missing ones).

    Raises:
      UserError: a column that is missing or named twice, or a line that is none of a CSV.
    """
    tables = [_Table(text, shown, separator) for separator in _SEPARATORS]
    table = max(tables, key=lambda one: sum(name in one.header for name in columns))
    for name in columns:
        if table.header.count(name) != 1:
            wrong = f'names two columns {name!r}' if name in table.header else f'names no column {name!r}'
            raise UserError(f"The first line of '{shown}' {wrong}: {advice}.")
    places = [table.header.index(name) for name in columns]
    for line, row in table.rows:
        yield line, [row[place].strip() if place < len(row) else '' for place in places]


def quoted(text: str) -> str:
    """A field for a message, shortened."""
    return repr(text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...')


class _Table:
    """A CSV without its empty rows: `header`, the names of the columns, and `rows`, (line, fields) of the others."""

    def __init__(self, text, shown, separator):
        self._reader = csv.reader(io.StringIO(text, newline=''), delimiter=separator, strict=True)
        self._shown = shown
        self.rows = self._filled()
        self.header = [name.strip().lower() for name in next(self.rows, (1, []))[1]]

    def _filled(self):
        line = 1
        try:
            for row in self._reader:
                if any(field.strip() for field in row) and not _SEPARATOR_LINE.fullmatch(','.join(row)):
                    yield line, row
                line = self._reader.line_num + 1
        except csv.Error as error:
            raise UserError(f"Line {line} of '{self._shown}' is no line of a CSV ({error}): mend it.") from error
