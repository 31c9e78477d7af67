"""The evaluations of runs: tables with floors and intervals, and the montages."""

from collections.abc import Sequence

from gans.data.files import printable
from gans.evaluation.tables import cell, spread
from gans.model_card import evaluate_command
from gans.report.parts import command, image_element
from gans.report.record import Record
from gans.types import PairedEvaluation
from gans.web.elements import Html, element, folded, joined, scrolling, table

_BETTER = {'lower': 'lower is better', 'higher': 'higher is better', '': ''}

_MONTAGES = {
    'montage_best': 'The best held-out images: input, output, original',
    'montage_typical': 'The middle of the held-out images: input, output, original',
    'montage_worst': 'The worst held-out images: input, output, original',
    'montage_samples': 'Samples',
    'montage_nearest': 'Samples, each with the nearest training image',
}


def evaluation(record: Record) -> Html:
    """The numbers with their floors and intervals, and the montages."""
    stored = record.evaluation
    if stored is None:
        told = evaluate_command(record.facts.folder)
        return joined([element('p', 'This run was not evaluated yet. Numbers come from'), command(told)])
    tables = element('div', numbers([record]), _ratios(stored), class_='beside')
    how = folded('How it was measured', *(element('p', note) for note in stored.notes)) if stored.notes else ''
    return joined([*evaluation_notes(record), tables, how, montages(record)])


def evaluation_notes(record: Record) -> list[Html]:
    """What the table of numbers shows, in words."""
    stored, facts = record.evaluation, record.facts
    said = f'Measured at step {stored.step:,} with {stored.images:,} held-out images'
    said += f', and over the features {stored.features}.' if stored.features else '.'
    if isinstance(facts.task.evaluation, PairedEvaluation):
        floor = 'The columns beside the output are baselines, which need no network.'
    else:
        floor = 'Real images stand beside the samples: what a perfect generator would get.'
    brackets = 'Brackets: 95 % bootstrap interval of means over images; of distances between sets the extremes of some.'
    notes = [element('p', f'{said} {floor} {brackets}')]
    newest = max(facts.step or 0, record.logged)
    if stored.step != newest:
        notes.append(element('p', f'The run is at step {newest:,} by now: evaluate it again.', class_='warning'))
    return notes


def numbers(records: Sequence[Record]) -> Html:
    """The evaluations of runs side by side: a row for each measure, for each run a column for each of its rows."""
    measures = {}
    for record in records:
        measures |= {name: one for name, one in record.evaluation.measures.items() if name not in measures}
    several = len(records) > 1
    groups = element(
        'tr',
        element('td'),
        *(element('th', one.title, scope='colgroup', colspan=len(one.evaluation.rows)) for one in records),
    )
    names = [row for record in records for row in record.evaluation.rows]
    head = element('tr', element('th', 'measure', scope='col'), *(element('th', row, scope='col') for row in names))
    body = []
    for name, measure in measures.items():
        better = _BETTER[measure['better']]
        label = element('th', name, element('small', better) if better else '', scope='row')
        found = [
            own.get(name) if name in record.evaluation.measures else None
            for record in records
            for own in record.evaluation.rows.values()
        ]
        cells = [
            element('td', cell(one, measure['digits']), element('small', spread(one, measure['digits'])))
            for one in found
        ]
        body.append(element('tr', label, *cells))
    made = element(
        'table', element('thead', groups if several else '', head), element('tbody', *body), class_='numbers'
    )
    return scrolling(made, 'Numbers of the evaluation')


def _ratios(stored):
    rows = [[name, cell(one, 3), spread(one, 3)] for name, one in stored.ratios.items()]
    return table(['ratio', 'mean', 'interval'], rows, 'Ratios') if rows else Html()


def montages(record: Record) -> Html:
    """The images of the evaluation."""
    made = []
    for name, image in record.montages.items():
        title = _MONTAGES.get(name, printable(name))
        made.append(
            element(
                'figure',
                element('figcaption', title),
                image_element(image, f'{title} ({record.title})'),
                class_='montage',
            )
        )
    return element('div', *made, class_='montages') if made else Html()
