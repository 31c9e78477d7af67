"""Which curves stand together, and what is said of them where they cannot be seen."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gans.data.files import printable
from gans.metrics.curves import is_tall
from gans.report.curves import Summary
from gans.report.record import Record, constant
from gans.training.history import CONVERGENCE, LOSSES, grouped
from gans.web.elements import Html, element, folded, joined, table

_SPEED, _TERMS, _SCHEDULES = 'Speed and memory', 'Terms, and what is watched', 'Schedules'
_TITLES = {'losses': 'Losses', 'schedule': _SCHEDULES}  # of groups; all others are terms
_NAMES = {
    'images_per_second': 'images per second',
    'data_wait_fraction': 'part of the time spent waiting for data',
    'memory_gib': 'memory in GiB, at most',
}


class Line(NamedTuple):
    """One curve of a chart."""

    run: int  # which record
    file: str  # 'metrics' or 'timing'
    name: str  # of the metric
    label: str  # in the legend


class Chart(NamedTuple):
    """Some curves over common steps."""

    title: str
    lines: Sequence[Line]
    wide: bool = False


def charts_of(records: Sequence[Record]) -> dict[str, list[Chart]]:
    """{heading: charts}: of one run both losses in one, of several a chart for each metric with a curve for each run.

    What is constant and the same in all runs is no chart: `constants` has it.
    """
    names = {name for record in records for name in record.metrics.values} - set(constants(records))
    found = {}
    if CONVERGENCE in names:
        found['Convergence measure of BEGAN'] = [_chart(records, 'metrics', [CONVERGENCE], CONVERGENCE, wide=True)]
    for group, members in grouped(names - {CONVERGENCE}).items():
        if group == 'losses' and len(records) == 1:
            made = [_chart(records, 'metrics', [name for name in LOSSES if name in members], 'Both players', wide=True)]
        else:
            made = [_chart(records, 'metrics', [name], name, wide=group == 'losses') for name in members]
        found.setdefault(_TITLES.get(group, _TERMS), []).extend(made)
    if _SCHEDULES in found:  # after all terms
        found[_SCHEDULES] = found.pop(_SCHEDULES)
    speed = dict.fromkeys(name for record in records for name in record.timing.values)
    if speed:
        found[_SPEED] = [_chart(records, 'timing', [name], _NAMES.get(name, name)) for name in speed]
    return found


def constants(records: Sequence[Record]) -> dict[str, float]:
    """{metric: its value} of those that have the same one in all lines of all runs."""
    found = {}
    for name in sorted({name for record in records for name in record.metrics.values}):
        own = [record.metrics.summaries.get(name) for record in records]
        if all(one is not None and constant(one) for one in own) and len({one.lowest for one in own}) == 1:
            if name not in (*LOSSES, CONVERGENCE):
                found[name] = own[0].lowest
    return found


def _chart(records, file, names, title, wide=False):
    lines = []
    for run, record in enumerate(records):
        for name in names:
            if name in getattr(record, file).values:
                label = record.title if len(records) > 1 else name
                lines.append(Line(run, file, name, printable(label)))
    return Chart(printable(title), lines, wide)


def as_data(charts: dict[str, list[Chart]], records: Sequence[Record]) -> dict:
    """What the script draws from: {'charts': [...], 'runs': [...]}."""
    runs = [
        {
            file: {'steps': curves.steps, 'values': curves.values}
            for file, curves in (('metrics', record.metrics), ('timing', record.timing))
        }
        | {'marks': [one.step for one in record.facts.sittings if one.step]}
        for record in records
    ]
    listed = [
        {
            'title': chart.title,
            'lines': [line._asdict() for line in chart.lines],
            'wide': chart.wide,
            'log': _is_tall(chart, records),
            'positive': _is_positive(chart, records),
        }
        for group in charts.values()
        for chart in group
    ]
    return {'charts': listed, 'runs': runs}


def show(charts: dict[str, list[Chart]], records: Sequence[Record], above: Html) -> Html:
    """The places where the script draws, each with its numbers as a table; `above` is put above the first chart."""
    parts, number = [], 0
    for heading, group in charts.items():
        made = []
        for chart in group:
            made.append(_figure(chart, number, records))
            number += 1
        parts += [element('h3', heading), above if number == len(group) else '']
        parts.append(element('div', *made, class_='charts'))
    return joined(parts)


def _figure(chart, number, records):
    summaries = [getattr(records[line.run], line.file).summaries[line.name] for line in chart.lines]
    rows = [[line.label, *_numbers(found)] for line, found in zip(chart.lines, summaries, strict=True)]
    columns = ['curve', 'first', 'last', 'lowest (step)', 'highest (step)']
    return element(
        'figure',
        element('figcaption', chart.title),
        element('div', class_='plot', data_chart=number),
        folded('Numbers', table(columns, rows, f'Numbers of {chart.title}')),
        class_='chart wide' if chart.wide else 'chart',
    )


def _numbers(found: Summary):
    if found.lowest is None:
        return ['not finite'] * 4
    strange = f' ({found.strange} not finite)' if found.strange else ''
    return [
        number(found.first),
        f'{number(found.last)}{strange}',
        f'{number(found.lowest)} ({found.lowest_at})',
        f'{number(found.highest)} ({found.highest_at})',
    ]


def number(value: float) -> str:
    """A number for people, of four significant digits."""
    return f'{value:.4g}'


def _values(chart, records):
    for line in chart.lines:
        found = [v for v in getattr(records[line.run], line.file).values[line.name] if v is not None]
        if found:
            yield np.array(found)


def _is_positive(chart, records):
    return all(values.min() > 0 for values in _values(chart, records))


def _is_tall(chart, records):
    return chart.lines[0].file != 'timing' and is_tall(list(_values(chart, records)))
