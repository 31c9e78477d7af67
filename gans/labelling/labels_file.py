"""The labels of images as a table that people can write: a CSV with the columns `file` and `label`."""

import csv
import io
from pathlib import Path

from gans.classifier.trained import ACCEPTABLE, UNACCEPTABLE
from gans.data import files
from gans.errors import UserError, closest

FILE = 'labels.csv'
CLASSES = (ACCEPTABLE, UNACCEPTABLE)
_COLUMNS = ('file', 'label')
_MOST = 64 * 2**20  # bytes


def read_labels(path: str | Path) -> dict[str, str]:
    """Reads which label each file has.

    The first line names the columns; further columns than `file` and `label` are left aside. Rows without a label are
    passed over, and so are empty lines. Separators are commas, or semicolons where the first line has no comma.

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
    for line, file, label in rows:
        if not label:
            continue
        if label not in CLASSES:
            near = closest(label, CLASSES)
            raise UserError(
                f"Line {line} of '{shown}' has the label {label!r}{near}: give {', '.join(CLASSES)}, or nothing."
            )
        if not _is_beside(path, file):
            raise UserError(
                f"Line {line} of '{shown}' names {file!r}, and there is no such file in its folder: put the table "
                'beside its images, or leave the line out.'
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
    try:
        return files.read_regular(path, _MOST, shown).decode('utf-8-sig')
    except FileNotFoundError as error:
        raise UserError(f"There is no '{shown}': give the {FILE} of a folder that --mode=label made.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"'{shown}' is no text in UTF-8: save it as CSV in UTF-8.") from error


def _rows(text, shown):
    """Yields (number of the line, file, label) of every row."""
    first = text.partition('\n')[0]
    reader = csv.reader(io.StringIO(text, newline=''), delimiter=';' if ';' in first and ',' not in first else ',')
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in _COLUMNS if name not in header]
        if missing:
            raise UserError(
                f"The first line of '{shown}' names no column {missing[0]!r}: begin with a line file,label and give "
                'each image a line.'
            )
        places = [header.index(name) for name in _COLUMNS]
        for row in reader:
            if not any(field.strip() for field in row):
                continue
            file, label = (row[place].strip() if place < len(row) else '' for place in places)
            yield reader.line_num, file, label.lower()
    except csv.Error as error:
        raise UserError(f"Line {reader.line_num} of '{shown}' is no line of a CSV ({error}): mend it.") from error


def _is_beside(path, file):
    """Whether a name is that of a file in the folder of the table, or in a folder inside of it."""
    inside = Path(file)
    try:
        return not inside.is_absolute() and '..' not in inside.parts and (path.parent / inside).is_file()
    except (OSError, ValueError):
        return False
