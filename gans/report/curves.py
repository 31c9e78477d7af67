"""The numbers of a run over its steps, few enough to draw: of a long record the lowest and highest of equal parts.

Memory holds one line and what is kept, however long the record is.
"""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gans.data.files import open_regular, printable
from gans.errors import UserError
from gans.training.metrics_files import whole_lines

_DIGITS = 6  # significant ones: more than a curve shows, and less than a float has
_MOST_BYTES = 2**40  # of a record
_MOST_NAMES = 200  # of metrics: a record that has more is no run's


class Summary(NamedTuple):
    """A metric in numbers; all of values that are finite, None where there are none."""

    first: float | None
    last: float | None
    lowest: float | None
    lowest_at: int | None  # the step
    highest: float | None
    highest_at: int | None
    count: int
    strange: int  # how many values are not finite
    strange_at: int | None  # the step of the first of those


class Curves(NamedTuple):
    """All metrics of a record over common steps.

    Attributes:
      steps: of the points that are drawn.
      values: {metric: a value for each of the steps, None where there is no finite one}.
      summaries: {metric: its numbers}, of all lines.
      lines: how many lines the record has.
      problem: a sentence on why it cannot be read; '' where it can, or is not there.
    """

    steps: list[int]
    values: dict[str, list[float | None]]
    summaries: dict[str, Summary]
    lines: int
    problem: str = ''


def read_curves(path: Path, points: int) -> Curves:
    """Reads a record of JSON lines; a missing one is empty, and so is one that cannot be read, which has a problem.

    Args:
      path: metrics.jsonl or timing.jsonl.
      points: the most that a curve gets. Records of more lines are parted into groups of as many lines each, and a
        group becomes two points: its lowest and its highest value, in their order. Where a value is not finite, the
        curve has a gap.
    """
    if not path.exists():
        return Curves([], {}, {}, 0)
    try:
        count = _count_lines(path)
        size = -(-2 * count // points) if count > points else 1
        return _thinned((numbers for _, numbers in whole_lines(path)), size)
    except (OSError, UserError) as error:
        reason = f'{getattr(error, "strerror", None) or error}'.rstrip('.')
        return Curves([], {}, {}, 0, printable(f'{path.name} cannot be read ({reason}).'))


def _count_lines(path):
    with open_regular(path, _MOST_BYTES) as file:
        return sum(chunk.count(b'\n') for chunk in iter(lambda: file.read(2**20), b''))


def _thinned(lines: Iterator[dict], size: int) -> Curves:
    steps, values, summaries, count = [], {}, {}, 0
    for group in _batched(lines, size):
        count += len(group)
        own = _points_of(group)
        places = [group[0]['step']] if size == 1 else [group[0]['step'], group[-1]['step']]
        for name, pair in own.items():
            if name in values or len(values) < _MOST_NAMES:
                values.setdefault(name, [None] * len(steps)).extend(pair[: len(places)])
                _count(summaries, name, group)
        steps += places
        for name in values.keys() - own.keys():
            values[name] += [None] * len(places)
    made = {name: Summary(*found) for name, found in summaries.items()}
    return Curves(steps, values, made, count)


def _batched(lines, size):
    while group := tuple(itertools.islice(lines, size)):
        yield group


def _points_of(group):
    """{metric: its lowest and highest value of the group, in the order in which they came}."""
    names = dict.fromkeys(name for line in group for name in line if name != 'step')
    found = {}
    for name in names:
        finite = [(line[name], i) for i, line in enumerate(group) if name in line and math.isfinite(line[name])]
        some = sorted({min(finite), max(finite)}, key=lambda one: one[1]) if finite else []
        pair = [_rounded(value) for value, _ in some] or [None]
        found[name] = pair if len(pair) == 2 else pair * 2
        if len(group) > 1 and len(finite) < sum(name in line for line in group):
            found[name][1] = None  # the gap is seen
    return found


def _count(summaries, name, group):
    """Adds the values of a group to the numbers of a metric."""
    found = summaries.setdefault(name, [None, None, None, None, None, None, 0, 0, None])
    for line in group:
        if name not in line:
            continue
        value, step = line[name], line['step']
        found[6] += 1
        if not math.isfinite(value):
            found[7] += 1
            found[8] = step if found[8] is None else found[8]
            continue
        found[0] = value if found[0] is None else found[0]
        found[1] = value
        if found[2] is None or value < found[2]:
            found[2], found[3] = value, step
        if found[4] is None or value > found[4]:
            found[4], found[5] = value, step


def _rounded(value):
    return float(f'{value:.{_DIGITS}g}')
