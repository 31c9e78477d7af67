"""Numbers for people and for JSON: means with their intervals, side by side."""

import math
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

from gans.data.files import printable
from gans.metrics.bootstrap import Interval

_ARROWS = {'lower': '\N{DOWNWARDS ARROW}', 'higher': '\N{UPWARDS ARROW}', '': ''}
LONGEST = 44  # columns of a row's name in a table; longer ones lose their middle


def table(rows: Mapping[str, Mapping], measures: Mapping[str, Mapping]) -> str:
    """Lays numbers out: a line per row with a mean per measure, below it the intervals; '-' where there is none.

    Args:
      rows: {row: {measure: {'mean', 'low', 'high'}}}.
      measures: {measure: {'better', 'digits'}}; the order of the columns.
    """
    digits = {name: measure['digits'] for name, measure in measures.items()}
    lines = [['', *(f'{name} {_ARROWS[measure["better"]]}'.rstrip() for name, measure in measures.items())]]
    for row, found in rows.items():
        lines.append([shorten(printable(row)), *(cell(found.get(name), d) for name, d in digits.items())])
        lines.append(['', *(spread(found.get(name), d) for name, d in digits.items())])
    first, *others = (max(map(columns, texts)) for texts in zip(*lines, strict=True))
    widths = [first, *(max(width + 2, 20) for width in others)]
    return '\n'.join(
        ''.join(
            f'{text}{free}' if i == 0 else f'{free}{text}'
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
            for free in [' ' * (width - columns(text))]
        ).rstrip()
        for line in lines
    )


def listing(rows: Mapping[str, Mapping], measures: Mapping[str, Mapping]) -> str:
    """As `table`, the other way round, for many measures of a few rows: a line per measure, the interval behind it."""
    lines = [['', *rows]]
    for name, measure in measures.items():
        digits = measure['digits']
        numbers = (found.get(name) for found in rows.values())
        cells = [f'{cell(number, digits)} {spread(number, digits)}'.rstrip() for number in numbers]
        lines.append([f'{name} {_ARROWS[measure["better"]]}'.rstrip(), *cells])
    widths = [max(map(columns, texts)) + 3 for texts in zip(*lines, strict=True)]
    return '\n'.join(
        ''.join(f'{text}{" " * (width - columns(text))}' for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def notes(rows: Mapping[str, Mapping]) -> list[str]:
    """What is to be said of values that are in no mean: a sentence for each row and measure that has some."""
    found = []
    for row, by_measure in rows.items():
        for name, number in by_measure.items():
            for reason, why in (('equal', 'equal, so that it is infinite'), ('empty', 'without anything to measure')):
                if number.get(reason):
                    left, total = number[reason], number['count'] + number.get('equal', 0) + number.get('empty', 0)
                    rest = 'the mean is that of the others' if number['count'] else 'there is no mean'
                    found.append(f'{printable(row)}, {name}: {left} of {total} images are {why}; {rest}.')
    return found


def cell(number: Mapping | None, digits: int) -> str:
    """A mean for people, '-' where there is none, 'all equal' where that is why."""
    if number is None or number['mean'] is None:
        return 'all equal' if number and number.get('equal') and not number.get('empty') else '-'
    return f'{number["mean"]:.{digits}f}'


def spread(number: Mapping | None, digits: int) -> str:
    """An interval for people, '' where there is none."""
    if number is None or number['low'] is None or number['high'] is None:
        return ''
    return f'[{number["low"]:.{digits}f}, {number["high"]:.{digits}f}]'


def as_json(interval: Interval) -> dict:
    """An interval for JSON, which has no infinity and no NaN: those become null.

    'count' says how many values the mean is of. Where others were left out, 'equal' says how many because they are
    infinite (images that are equal to the original, in PSNR), and 'empty' how many because there was nothing to
    measure (an empty mask).
    """
    found = {name: _finite(value) for name, value in zip(('mean', 'low', 'high'), interval[:3], strict=True)}
    left_out = {'equal': interval.infinite, 'empty': interval.missing}
    return found | {'count': interval.count} | {reason: count for reason, count in left_out.items() if count}


def ratio_as_json(ratio: Interval) -> dict:
    """A ratio for JSON; where there is none, 'none' says why."""
    found = as_json(ratio)
    if found['mean'] is None:
        found['none'] = 'the denominator is 0' if ratio.count else 'nothing to compare'
    return found


def over_sets(values: Sequence[float]) -> dict:
    """A number of each of some sets, for JSON: the mean, the lowest and the highest, which say how far chance goes."""
    numbers = {'mean': np.mean(values), 'low': np.min(values), 'high': np.max(values)}
    return {name: _finite(float(value)) for name, value in numbers.items()} | {'count': len(values)}


def ratio_line(name: str, ratio: Mapping) -> str:
    """A ratio for people: with its interval, or why there is none."""
    return f'{name:<44} {ratio.get("none") or f"{cell(ratio, 3)} {spread(ratio, 3)}"}'.rstrip()


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: East Asian wide characters two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text)


def shorten(text: str, longest: int = LONGEST) -> str:
    """The text, without its middle where it takes more than `longest` columns."""
    if columns(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f'{_beginning(text, longest - 1 - half)}\N{HORIZONTAL ELLIPSIS}{_beginning(text[::-1], half)[::-1]}'


def _beginning(text, most):
    taken = ''
    for character in text:
        if columns(taken + character) > most:
            break
        taken += character
    return taken


def _finite(value):
    return value if math.isfinite(value) else None
