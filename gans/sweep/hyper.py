"""Lists of values for fields, in the convention of Google's `hyper`: what `get_hyper(hyper)` of a sweep's file gets.

Every function returns a list of dicts {field: value}, one for each cell of the sweep, and takes such lists:

    hyper.product([hyper.sweep('generator.norm', ('pixelwise', 'batch')), hyper.sweep('batch', (16, 32))])

is four cells. Fields are dotted; 'config.batch' means 'batch'.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Cells = list[dict[str, Any]]


def sweep(field: str, values: Iterable[Any]) -> Cells:
    """One cell for each of the values: `sweep('batch', (8, 16))` -> [{'batch': 8}, {'batch': 16}]."""
    return [{_plain(field): value} for value in values]


def fixed(field: str, value: Any, length: int = 1) -> Cells:
    """The same value in so many cells: `fixed('batch', 8)` -> [{'batch': 8}]."""
    return [{_plain(field): value} for _ in range(length)]


def product(lists: Sequence[Sequence[Mapping[str, Any]]]) -> Cells:
    """Every combination of a cell of each list, the last list changing fastest.

    Raises:
      ValueError: two lists give one field.
    """
    return [_merged(cells) for cells in itertools.product(*lists)]


def zipit(lists: Sequence[Sequence[Mapping[str, Any]]]) -> Cells:
    """The first cells of all lists together, then the second ones, and so on.

    Raises:
      ValueError: the lists are not of one length, or two of them give one field.
    """
    lengths = sorted({len(cells) for cells in lists})
    if len(lengths) > 1:
        raise ValueError(f'zipit() takes lists of one length, and these have {" and ".join(map(str, lengths))} cells')
    return [_merged(cells) for cells in zip(*lists, strict=True)]


def chainit(lists: Iterable[Sequence[Mapping[str, Any]]]) -> Cells:
    """The cells of all lists one after the other."""
    return [_merged([cell]) for cells in lists for cell in cells]


def _merged(cells):
    found = {}
    for cell in cells:
        for field, value in cell.items():
            name = _plain(field)
            if name in found:
                raise ValueError(f'{name} is given twice for one cell')
            found[name] = value
    return found


def _plain(field):
    return field.removeprefix('config.')
