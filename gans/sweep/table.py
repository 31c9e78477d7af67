"""The results of a sweep as text: Markdown for a file, and what a terminal shows."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gans.data.files import printable
from gans.evaluation import tables
from gans.evaluation.tables import cell, spread

_ARROWS = {'lower': ' ↓', 'higher': ' ↑'}


def columns(results: Mapping[str, Any]) -> list[str]:
    """The headings of the numbers: 'samples.swd ↓', where lower is better."""
    return [f'{name}{_ARROWS.get(about["better"], "")}' for name, about in results['measures'].items()]


def means(results: Mapping[str, Any]) -> list[list[str]]:
    """[cell, steps, minutes, a number for each measure] of every cell, as texts."""
    return [
        [one['label'], f'{one["steps"]:,}', _minutes(one), *_texts(one['numbers'], results)] for one in results['cells']
    ]


def differences(results: Mapping[str, Any]) -> list[list[str]]:
    """[cell, its difference to the first cell in each measure] of all cells but the first, as texts."""
    return [[one['label'], *_texts(one['differences'], results, '+')] for one in results['cells'][1:]]


def claims(results: Mapping[str, Any]) -> list[list[str]]:
    """[claim, what is compared, the difference, the verdict] of every claim, as texts."""
    rows = []
    for one in results['claims']:
        digits = results['measures'][one['measure']]['digits']
        than = one['than'] if isinstance(one['than'], str) else f'{one["than"]:g}'
        what = f'{one["measure"]} of {one["cell"]} − {than}, {one["better"]} is better'
        rows.append([one['claim'], what, _number(one['difference'], digits, '+'), one['verdict']])
    return rows


def notes(results: Mapping[str, Any]) -> list[str]:
    """Sentences about what the numbers are of."""
    seeds, minutes = results['seeds'], results['minutes']
    what = f'{minutes:g} minutes of training for each run' if minutes else 'the steps of their configs for all runs'
    said = [f'Seeds {", ".join(map(str, seeds))}; {what}.']
    if len(seeds) > 1:
        said.append(
            "In brackets Student's t interval of the mean over seeds, 95 %. Differences are paired by seed. A claim is "
            'confirmed, or contradicted, where the whole interval of its difference is on that side of zero.'
        )
    else:
        said.append(f'One seed has no interval{": every claim stays undecided" if results["claims"] else ""}.')
    for one in results['cells']:
        for run in one['runs']:
            if run['diverged']:
                said.append(f'{one["label"]}, seed {run["seed"]} diverged: {run["diverged"]}')
    return said


def markdown(results: Mapping[str, Any], title: str, about: str, command: str) -> str:
    """The whole table as Markdown."""
    first = results['cells'][0]['label']
    parts = [f'# {title}', about, f'    {command}']
    parts.append(_rows(['cell', 'steps', 'minutes', *columns(results)], means(results)))
    if len(results['cells']) > 1:
        parts.append(_rows([f'difference to {first}', *columns(results)], differences(results)))
    if results['claims']:
        parts.append(_rows(['claim', 'what is compared', 'difference', 'verdict'], claims(results)))
    parts.append('\n'.join(f'- {printable(note)}' for note in notes(results)))
    return '\n\n'.join(filter(None, parts)) + '\n'


def for_terminal(results: Mapping[str, Any]) -> str:
    """The means and the verdicts for a terminal."""
    rows = {one['label']: one['numbers'] for one in results['cells']}
    lay_out = tables.table if len(results['measures']) <= len(rows) + 2 else tables.listing
    lines = [lay_out(rows, results['measures']), '', *notes(results)]
    lines += [f'{verdict}: {claim} ({what}: {number})' for claim, what, number, verdict in claims(results)]
    return printable_lines('\n'.join(lines))


def printable_lines(text: str) -> str:
    """A text of several lines without characters that a terminal obeys."""
    return '\n'.join(printable(line) for line in text.split('\n'))


def _minutes(one):
    seconds = [run['seconds'] for run in one['runs'] if run['seconds'] is not None]
    return f'{sum(seconds) / len(seconds) / 60:.3g}' if seconds else '-'


def _texts(numbers, results, sign=''):
    return [_number(numbers.get(name), about['digits'], sign) for name, about in results['measures'].items()]


def _number(number, digits, sign=''):
    mean = f'{number["mean"]:{sign}.{digits}f}' if number and number['mean'] is not None else cell(number, digits)
    return f'{mean} {spread(number, digits)}'.strip()


def _rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ['---'] + ['---:'] * (len(heads) - 1), *rows]
    return '\n'.join(f'| {" | ".join(_escaped(text) for text in line)} |' for line in lines)


def _escaped(text):
    return re.sub(r'[|<]', r'\\\g<0>', printable(text))
