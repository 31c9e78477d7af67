"""The labels of images as a table that people can write: a CSV with the columns `file` and `label`."""

from pathlib import Path, PurePosixPath

from gans.classifier.trained import ACCEPTABLE, UNACCEPTABLE
from gans.data import files
from gans.data.csv_table import quoted, read_text, rows
from gans.errors import UserError, closest

FILE = 'labels.csv'
CLASSES = (ACCEPTABLE, UNACCEPTABLE)
_COLUMNS = ('file', 'label')
_ADVICE = 'begin with a line file,label and give each image a line'


def read_labels(path: str | Path) -> dict[str, str]:
    """Reads which label each file has.

    The table is as `gans.data.csv_table.rows` has it. Rows without a label are passed over. A name with backslashes is
    also looked for with slashes.

    Args:
      path: of the CSV, UTF-8. The files that it names are in the same folder.

    Returns:
      {file: 'acceptable' or 'unacceptable'} in the order of the rows.

    Raises:
      UserError: no such table, an unknown label, a file that is not there, or two labels for one file.
    """
    path = Path(path).expanduser()
    shown = files.printable(str(path))
    if path.is_dir():
        raise UserError(f"'{shown}' is a folder: give the table in it, as in --labels={shown}/{FILE}.")
    text = read_text(path, f'the {FILE} of a folder that --mode=label made')
    found: dict[str, tuple[str, int]] = {}
    for line, (named, given) in rows(text, shown, _COLUMNS, _ADVICE):
        label = given.lower()
        if not label:
            continue
        if label not in CLASSES:
            near = closest(label[:80], CLASSES)
            raise UserError(
                f"Line {line} of '{shown}' has the label {quoted(label)}{near}: give {', '.join(CLASSES)}, or nothing."
            )
        file = _beside(path, named)
        if file is None:
            raise UserError(
                f"Line {line} of '{shown}' names {quoted(named)}, and there is no such file in its folder: put the "
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
