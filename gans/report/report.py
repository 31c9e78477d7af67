"""The verb `report`: one HTML file that shows a run, or several side by side, and needs nothing else."""

import json
from collections.abc import Sequence
from pathlib import Path

from gans.config.compare import ABSENT, changes, differences
from gans.data.files import check_replaceable, open_regular, printable
from gans.errors import UserError
from gans.evaluation.titles import titles_of
from gans.image.files import write_whole
from gans.report import charts, numbers, samples, sections
from gans.report.parts import section, short_value
from gans.report.record import Record, read_record
from gans.run.folder import repeated
from gans.run.trained import run_folder
from gans.web.documents import document
from gans.web.elements import Html, element, folded, joined, table

FILE = 'report.html'
MOST_RUNS = 12
_MARK = b'<meta name="generator" content="gans report">'  # in the template: what says that a file is a report


def report(folders: Sequence[str | Path], output: str | Path | None = None) -> Path:
    """Writes the report of runs.

    Args:
      folders: of the runs.
      output: the file; `report.html` in the folder of the run by default, of several runs it is needed.

    Returns:
      the file.

    Raises:
      UserError: one is no run, one is given twice, there are too many; or the file cannot be written, or is another's.
    """
    found = [run_folder(folder) for folder in folders]
    if len(found) > MOST_RUNS:
        raise UserError(f'{len(found)} runs are too many for one report: give up to {MOST_RUNS}.')
    if repeated(found) is not None:
        raise UserError('--workdir names one run twice: give each once.')
    if output is None and len(found) > 1:
        raise UserError('The report of several runs has no place of its own: give a file as --output.')
    target = found[0] / FILE if output is None else Path(output).expanduser()
    check_replaceable(target, 'report', _is_report)
    titles = [printable(title) for title in titles_of(found)]
    text = _document([read_record(f, title, len(found)) for f, title in zip(found, titles, strict=True)])
    write_whole(target, lambda file: file.write(text.encode(errors='xmlcharrefreplace')))
    return target


def _is_report(path):
    with open_regular(path) as file:
        return _MARK in file.read(2000)


def _document(records: Sequence[Record]) -> str:
    parts = _of_one(records[0]) if len(records) == 1 else _of_several(records)
    drawn = charts.charts_of(records)
    data = charts.as_data(drawn, records) | {'grids': [_grids(record) for record in records]}
    title = f'Report of {records[0].title}' if len(records) == 1 else f'{len(records)} runs side by side'
    about = ', '.join(record.title for record in records) if len(records) > 1 else records[0].facts.config.name
    return document(
        'report',
        ['vendor/uplot', 'curves', 'report'],
        {'title': title, 'about': printable(about), 'links': _links(parts), 'body': joined(parts.values())},
        data,
        styles=['sections', 'vendor/uplot', 'curves'],
    )


def _links(parts):
    items = [element('li', element('a', name, href=f'#{name.lower().replace(" ", "-")}')) for name in parts]
    return element('ul', *items)


def _of_one(record: Record) -> dict[str, Html]:
    inside = {
        'Summary': sections.summary(record),
        'Samples': element('div', samples.slider(record, 0, False), class_='alone'),
        'Curves': _curves([record]),
        'Evaluation': numbers.evaluation(record),
        'Networks': sections.parameter_tables(record),
        'Config': sections.config(record),
        'Events': sections.events(record),
        'Model card': sections.model_card(record),
    }
    return {name: section(name, made) for name, made in inside.items()}


def _of_several(records: Sequence[Record]) -> dict[str, Html]:
    evaluated = [record for record in records if record.evaluation]
    missing = [record.title for record in records if not record.evaluation]
    tables = [numbers.numbers(evaluated)] if evaluated else []
    tables += [element('p', f'Not evaluated yet: {", ".join(missing)}.')] if missing else []
    tables += [
        folded(f'Montages of {record.title}', numbers.montages(record)) for record in evaluated if record.montages
    ]
    sliders = [samples.slider(record, i, True) for i, record in enumerate(records)]
    inside = {
        'Differences': _differences(records),
        'Summary': _overview(records),
        'Samples': element('div', *sliders, class_='side-by-side'),
        'Curves': _curves(records),
        'Evaluation': joined(tables),
        'Runs': joined(_folded_run(record) for record in records),
        'Model cards': joined(folded(record.title, sections.model_card(record)) for record in records),
    }
    return {name: section(name, made) for name, made in inside.items()}


def _folded_run(record):
    return folded(
        record.title,
        sections.summary(record),
        element('h3', 'Networks'),
        sections.parameter_tables(record),
        element('h3', 'Config'),
        sections.config(record),
        element('h3', 'Events'),
        sections.events(record),
    )


def _differences(records):
    """The fields of the configs that are not the same in all runs, those that decide what a step does first."""
    first = records[0].facts.config
    names = sorted({name for record in records[1:] for name in changes(first, record.facts.config)})
    if not names:
        return element('p', 'The configs of these runs are equal.')
    deciding = {
        line.removeprefix('config.').partition(':')[0]
        for record in records[1:]
        for line in differences(first, record.facts.config)
    }
    rows = []
    for name in sorted(names, key=lambda name: (name not in deciding, name)):
        values = []
        for record in records:
            changed = changes(first, record.facts.config)
            values.append(changed[name][1] if name in changed else _field(first, name))
        rows.append([name, *(element('code', short_value(value)) for value in values)])
    return table(['field', *(record.title for record in records)], rows, 'Differences of the configs')


def _field(config, name):
    """The value of a dotted field, in the form that `changes` has it."""
    found = json.loads(json.dumps(config.to_dict()))
    for part in name.split('.'):
        if not isinstance(found, dict) or part not in found:
            return ABSENT
        found = found[part]
    return found


def _overview(records):
    known = [sections.facts_of(record) for record in records]
    names = dict.fromkeys(name for facts in known for name in facts)
    rows = [[name, *(facts.get(name, '-') for facts in known)] for name in names]
    problems = [f'{record.title}: {problem}' for record in records for problem in record.problems]
    return joined(
        [
            table(['', *(record.title for record in records)], rows, 'The runs'),
            element('ul', *(element('li', problem) for problem in problems)) if problems else '',
        ]
    )


def _curves(records):
    drawn = charts.charts_of(records)
    if not drawn:
        unread = any(record.metrics.problem for record in records)
        return element('p', 'What was logged cannot be read.' if unread else 'Nothing was logged yet.')
    same = charts.constants(records)
    rows = [[printable(name), charts.number(value)] for name, value in same.items()]
    lines = sum(record.metrics.lines for record in records)
    thinned = any(record.metrics.lines > len(record.metrics.steps) for record in records)
    note = ' Of every part of a long record the lowest and the highest value are drawn.' if thinned else ''
    several = len(records) > 1
    insets = joined(samples.insets(record, i, several) for i, record in enumerate(records))
    buttons = [('-1', 'Earlier'), ('in', 'Zoom in'), ('out', 'Zoom out'), ('1', 'Later'), ('all', 'All steps')]
    return joined(
        [
            element('p', f'{lines:,} log line{"s" * (lines != 1)}.{note}', class_='faint'),
            element(
                'div',
                *(element('button', text, type='button', data_zoom=what) for what, text in buttons),
                element('output', '', id='shown'),
                class_='controls zoom',
                role='group',
                aria_label='Which steps the curves show',
            ),
            charts.show(drawn, records, insets),
            folded('Constant throughout', table(['metric', 'value'], rows, 'Constant metrics')) if rows else '',
        ]
    )


def _grids(record):
    """For the script: the sample grids; of the last one, which the document holds already, without its bytes."""
    last = max(record.grids, default=None)
    return [
        {'step': step, 'alt': samples.grid_alt(record, step), 'uri': '' if step == last else image.uri}
        for step, image in record.grids.items()
    ]
