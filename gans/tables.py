"""Numbers for people and for JSON: means with their intervals, side by side."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from gans.metrics.bootstrap import Interval


def table(rows: Mapping[str, Mapping], measures: Mapping[str, Mapping]) -> str:
    """Lays numbers out: a line per row with a mean per measure, below it the intervals; '-' where there is none.

    Args:
      rows: {row: {measure: {'mean', 'low', 'high'}}}.
      measures: {measure: {'better', 'digits'}}; the order of the columns.
    """
    arrows = {'lower': '\N{DOWNWARDS ARROW}', 'higher': '\N{UPWARDS ARROW}', '': ''}
    titles = [f'{name} {arrows[measure["better"]]}'.rstrip() for name, measure in measures.items()]
    width = max(map(len, rows)) + 2
    lines = [' ' * width + ''.join(f'{title:>20}' for title in titles)]
    for row, found in rows.items():
        digits = {name: measure['digits'] for name, measure in measures.items()}
        lines.append(f'{row:<{width}}' + ''.join(f'{cell(found.get(n), d):>20}' for n, d in digits.items()))
        lines.append(' ' * width + ''.join(f'{spread(found.get(n), d):>20}' for n, d in digits.items()))
    return '\n'.join(lines)


def cell(number: Mapping | None, digits: int) -> str:
    """A mean for people, '-' where there is none."""
    return '-' if number is None or number['mean'] is None else f'{number["mean"]:.{digits}f}'


def spread(number: Mapping | None, digits: int) -> str:
    """An interval for people, '' where there is none."""
    if number is None or number['low'] is None or number['high'] is None:
        return ''
    return f'[{number["low"]:.{digits}f}, {number["high"]:.{digits}f}]'


def as_json(interval: Interval) -> dict:
    """An interval for JSON, which has no infinity and no NaN: those become null."""
    numbers = dict(mean=interval.value, low=interval.low, high=interval.high)
    return {k: v if math.isfinite(v) else None for k, v in numbers.items()} | {'count': interval.count}


def over_sets(values: Sequence[float]) -> dict:
    """A number of each of some sets, for JSON: the mean, the lowest and the highest, which say how far chance goes."""
    numbers = {'mean': np.mean(values), 'low': np.min(values), 'high': np.max(values)}
    return {name: float(value) for name, value in numbers.items()} | {'count': len(values)}
