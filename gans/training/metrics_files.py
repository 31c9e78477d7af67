"""The two files of JSON lines in a run's folder, one line for each log line of training.

metrics.jsonl holds what training computed and nothing of the machine, so that a run that was stopped and resumed
writes the same bytes as one that was not. What depends on the machine (rates, memory) goes to timing.jsonl.
"""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from gans.data.files import open_regular
from gans.errors import UserError, naming
from gans.image import files

METRICS = 'metrics.jsonl'
TIMING = 'timing.jsonl'

_MOST_BYTES = 2**40  # of a file
_LONGEST = 2**20  # bytes of a line


def cut_after(path: Path, step: int) -> None:
    """Keeps the whole lines of a JSON-lines file whose `step` is at most `step`. OSErrors of it name the file."""
    if not path.exists():
        return
    with naming(path):
        kept = [line for line, numbers in whole_lines(path) if numbers['step'] <= step]
        with files.whole_file(path) as temporary:
            temporary.write_bytes(b''.join(kept))


def read_metrics(run: str | Path) -> list[dict[str, float]]:
    """What training wrote into a run's metrics.jsonl so far: {'step' and every name: number} of each whole line.

    Raises:
      UserError: there is no such file, it cannot be read, or it has no whole line yet.
    """
    path = Path(run) / METRICS
    try:
        found = [numbers for _, numbers in whole_lines(path)]
    except OSError as error:
        raise UserError(f'Cannot read {path} ({error.strerror}): give the --workdir of a run that logs.') from error
    if not found:
        raise UserError(f'{path} has no line yet: wait for the first, after config.log.every steps.')
    return found


def read_minutes(run: str | Path, batch: int) -> tuple[list[int], list[float]]:
    """(steps, minutes of training until then) of each whole line of a run's timing.jsonl, from (0, 0) on.

    Compiling, sample grids and checkpoints count; pauses between sittings do not. `batch` is that of the run.

    Raises:
      UserError: there is no such file, or it cannot be read.
    """
    path = Path(run) / TIMING
    steps, minutes = [0], [0.0]
    try:
        for _, numbers in whole_lines(path):
            images = (numbers['step'] - steps[-1]) * batch
            minutes.append(minutes[-1] + images * numbers['seconds_per_1000_images'] / 1000 / 60)
            steps.append(numbers['step'])
    except OSError as error:
        raise UserError(f'Cannot read {path} ({error.strerror}): give the --workdir of a run that logs.') from error
    return steps, minutes


def whole_lines(path: Path) -> Iterator[tuple[bytes, dict]]:
    """(line, its numbers), without the last if a kill, or a writer still at it, left it unfinished.

    A damaged line between others is passed over with a warning. One line is in memory at a time.

    Raises:
      OSError, UserError: the file cannot be read, or is no regular one.
    """
    with open_regular(path, _MOST_BYTES) as file:
        for place, line in enumerate(iter(lambda: file.readline(_LONGEST), b''), start=1):
            numbers = _numbers_of(line)
            if numbers is not None and line.endswith(b'\n'):
                yield line, numbers
            elif line.endswith(b'\n') or len(line) == _LONGEST:
                logging.warning('%s: line %d is damaged and was passed over; the others count.', path, place)


def _numbers_of(line: bytes) -> dict | None:
    """What a line says, None if that is not a step and numbers."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or type(found.get('step')) is not int:
        return None
    return found if all(_is_number(value) for value in found.values()) else None


def _is_number(value):
    """Whether it is a float, finite or not, or an integer that can become one."""
    return type(value) is float or (type(value) is int and abs(value) <= sys.float_info.max)
