"""The labels of images as a table that people can write: a CSV with the columns `file` and `label`."""

import csv
import io
import re
from pathlib import Path, PurePosixPath

from gans.classifier.trained import ACCEPTABLE, UNACCEPTABLE
from gans.data import files
from gans.errors import UserError, closest

FILE = 'labels.csv'
CLASSES = (ACCEPTABLE, UNACCEPTABLE)
_COLUMNS = ('file', 'label')
_MOST = 64 * 2**20  # bytes
_SHOWN = 80  # characters of a field in a message
_SEPARATORS = (',', ';', '\t')
_SEPARATOR_LINE = re.compile(r'sep=\W*')  # at the top of what some programs write for Excel


def read_labels(path: str | Path) -> dict[str, str]:
    """Reads which label each file has.

    The first line names the columns; further columns than `file` and `label` are left aside. Rows without a label are
    passed over, and so are empty lines and the line `sep=;` that Excel knows. What separates is a comma, a semicolon or
    a tab: whichever of them makes the columns of the first line. A name with backslashes is also looked for with
    slashes.

    Args:
      path: of the CSV, UTF-8. The files that it names are in the same folder.

    Returns:
      {file: 'acceptable' or 'unacceptable'} in the order of the rows.

    Raises:
      UserError: no such table, an unknown label, a file that is not there, or two labels for one file.
    """
    path = Path(path).expanduser()
    shown = files.printable(str(path))
    rows = _rows(_text(path, shown), shown)
    found: dict[str, tuple[str, int]] = {}
    for line, named, label in rows:
        if not label:
            continue
        if label not in CLASSES:
            near = closest(label[:_SHOWN], CLASSES)
            raise UserError(
                f"Line {line} of '{shown}' has the label {_quoted(label)}{near}: give {', '.join(CLASSES)}, or nothing."
            )
        file = _beside(path, named)
        if file is None:
            raise UserError(
                f"Line {line} of '{shown}' names {_quoted(named)}, and there is no such file in its folder: put the "
                'table beside its images and give their names as they are there, or leave the line out.'
            )
        before, first = found.setdefault(file, (label, line))
        if before != label:
            raise UserError(
                f"Lines {first} and {line} of '{shown}' call {file!r} {before} and {label}: leave one of them out."
            )
    if not found:
        raise UserError(f"'{shown}' has no label in it: give some images one of {', '.join(CLASSES)}.")
    return {file: label for file, (label, _) in found.items()}


def _text(path, shown):
    if path.is_dir():
        raise UserError(f"'{shown}' is a folder: give the table in it, as in --labels={shown}/{FILE}.")
    try:
        return files.read_regular(path, _MOST, shown).decode('utf-8-sig')
    except FileNotFoundError as error:
        raise UserError(f"There is no '{shown}': give the {FILE} of a folder that --mode=label made.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"'{shown}' is no text in UTF-8: save it as CSV in UTF-8.") from error


def _rows(text, shown):
    """Yields (number of its first line, file, label) of every row."""
    tables = [_Table(text, shown, separator) for separator in _SEPARATORS]
    table = max(tables, key=lambda one: sum(name in one.header for name in _COLUMNS))
    for name in _COLUMNS:
        if table.header.count(name) != 1:
            wrong = f'names two columns {name!r}' if name in table.header else f'names no column {name!r}'
            raise UserError(
                f"The first line of '{shown}' {wrong}: begin with a line file,label and give each image a line."
            )
    places = [table.header.index(name) for name in _COLUMNS]
    for line, row in table.rows:
        file, label = (row[place].strip() if place < len(row) else '' for place in places)
        yield line, file, label.lower()


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


def _beside(path, named):
    """The plainest name of a file in the folder of the table, or in a folder inside of it; None if there is none."""
    for name in (named, named.replace('\\', '/')):
        inside = PurePosixPath(name)
        try:
            if not inside.is_absolute() and '..' not in inside.parts and (path.parent / inside).is_file():
                return str(inside)
        except (OSError, ValueError):
            pass
    return None


def _quoted(text):
    return repr(text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...')
