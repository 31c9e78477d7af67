"""The parts of a report of one run as HTML: what it is, images over time, numbers, config, events, the model card."""

import math
from collections.abc import Sequence
from pathlib import Path

from gans.config.load import flatten
from gans.config.shipped import changes
from gans.data.files import printable
from gans.evaluation.tables import cell, spread
from gans.model_card import Code, Items, Table, Text, card, what
from gans.report.record import Record
from gans.run.facts import data_in_words, parameters, terms_of_data
from gans.types import PairedEvaluation
from gans.web.elements import Html, element, folded, joined, scrolling, table

_MOST_LOG = 200  # lines of log.txt
_WIDEST, _BROAD = 720, 1060  # pixels that an image, and one much broader than high, is magnified to by a whole factor
_BETTER = {'lower': 'lower is better', 'higher': 'higher is better', '': ''}
_MONTAGES = {
    'montage_best': 'The best held-out images: input, output, original',
    'montage_typical': 'The middle of the held-out images: input, output, original',
    'montage_worst': 'The worst held-out images: input, output, original',
    'montage_samples': 'Samples',
    'montage_nearest': 'Samples, each with the nearest training image',
}
_CARD = {
    Text: lambda block: element('p', block.text),
    Items: lambda block: element('ul', *(element('li', item) for item in block.items)),
    Table: lambda block: table(block.columns, block.rows, 'Numbers of the model card'),
    Code: lambda block: command(block.text),
}


def section(title: str, *inside: Html, name: str = '') -> Html:
    """A part with its heading; `name` is the anchor."""
    name = name or title.lower().replace(' ', '-')
    return element(
        'section', element('h2', title, id=f'{name}-title'), *inside, id=name, aria_labelledby=f'{name}-title'
    )


def command(text: str) -> Html:
    """A command to copy."""
    return scrolling(element('code', printable(text), class_='command'), 'A command')


def summary(record: Record) -> Html:
    """What was trained on what, how far, and the command that makes it again."""
    facts = record.facts
    told = facts.command
    note = '' if any(one.config for one in facts.sittings) else ' It was worked out from the config, not recorded.'
    again = [
        element('p', 'The command that makes it again:' if told else '', note if told else ''),
        command(told) if told else element('p', 'The command was not recorded; below is the config with all fields.'),
    ]
    return joined(
        [
            element('p', what(facts), class_='lead'),
            element('p', f'Terms of the images: {terms_of_data(facts.config)}.', class_='faint'),
            element('dl', *(_fact(name, value) for name, value in facts_of(record).items()), class_='facts'),
            *again,
            element('ul', *(element('li', problem) for problem in record.problems)) if record.problems else '',
        ]
    )


def facts_of(record: Record) -> dict[str, str]:
    """{name: value} of what is known in few words."""
    facts, config = record.facts, record.facts.config
    height, width = facts.size
    done = max(facts.step or 0, record.logged)
    found = {'Steps': f'{done:,} of {config.steps:,}', 'Size': f'{height} x {width} px', 'Batch': f'{config.batch}'}
    if facts.train_images:
        found['Training images'] = f'{facts.train_images:,}'
    held_out = facts.sitting.held_out_images or (record.evaluation.images if record.evaluation else 0)
    if held_out:
        found['Held out'] = f'{held_out:,}'
    for name, player in (('Generator', 'gen'), ('Discriminator', 'disc')):
        if arrays := parameters(facts, player):
            found[name] = f'{_count(arrays):,} parameters'
    if record.seconds:
        found['Time in the loop'] = duration(record.seconds)
    if devices := facts.sitting.machine.get('devices'):
        found['Devices'] = devices
    return {name: printable(value) for name, value in found.items()}


def duration(seconds: float) -> str:
    """12 min 40 s for example."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes} min' if hours else f'{minutes} min {rest} s' if minutes else f'{rest} s'


def slider(record: Record, number: int, heading: bool) -> Html:
    """The sample grids over time; the script moves through them, and without it the last one is shown."""
    if not record.grids:
        return element('p', f'{record.title} has no sample grids: train with --config.log.grids above 0.')
    step = max(record.grids)
    image = record.grids[step]
    widest = _BROAD if image.width > 2 * image.height else _WIDEST
    left_out = record.grids_drawn - len(record.grids)
    packed = any(one.packed for one in record.grids.values())
    notes = [f'{left_out} of {record.grids_drawn} sample grids are left out.'] if left_out > 0 else []
    notes += ['Images are packed to fit into one file; samples/ has the originals.'] if packed else []
    return element(
        'div',
        element('h3', record.title) if heading else '',
        element('figure', _image(image, grid_alt(record, step), widest, class_='grid')),
        element(
            'div',
            element('p', layout_of(record)),
            element('output', f'step {step:,}', for_=f'slider-{number}', class_='step'),
            _controls(record, number),
            element('p', ' '.join(notes), class_='faint') if notes else '',
            class_='moves',
        ),
        class_='grids',
        data_grids=number,
    )


def _controls(record, number):
    """A slider over the sample grids, and buttons beside it."""
    last, few = len(record.grids) - 1, len(record.grids) < 2
    moves = [('Earlier', {'data_move': '-1'}), ('Later', {'data_move': '1'}), ('Play', {'data_play': True})]
    return element(
        'div',
        element(
            'input',
            type='range',
            id=f'slider-{number}',
            min='0',
            max=last,
            value=last,
            step='1',
            aria_label=f'Step of the sample grid of {record.title}',
            aria_valuetext=f'step {max(record.grids)}',
            disabled=few,
        ),
        *(element('button', text, type='button', disabled=few, **what) for text, what in moves),
        class_='controls',
    )


def layout_of(record: Record) -> str:
    """What a sample grid of this run shows."""
    if record.facts.task.from_noise:
        return (
            'Samples of the same latents at every step; the last row are real images as the discriminator sees them at '
            'that step.'
        )
    return (
        'The same held-out images at every step, one in each column. Rows: what the generator sees, what it makes, '
        'what it should make.'
    )


def grid_alt(record: Record, step: int) -> str:
    """The text in place of a sample grid."""
    what = 'samples above real images' if record.facts.task.from_noise else 'inputs, outputs and originals'
    return f'Sample grid of step {step}: {what}'


def insets(record: Record, number: int, named: bool) -> Html:
    """Samples at steps of a curve; a click shows the step in the curves and the sample grid."""
    items = [
        element(
            'li',
            element('button', _image(image, '', widest=96), f'step {step:,}', type='button', data_step=step),
        )
        for step, image in record.insets.items()
    ]
    if not items:
        return Html()
    name = element('p', record.title, class_='faint') if named else ''
    return joined([name, element('ul', *items, class_='insets', data_run=number)])


def evaluation(record: Record) -> Html:
    """The numbers with their floors and intervals, and the montages."""
    stored = record.evaluation
    if stored is None:
        place = f'{record.facts.folder}'
        return joined([element('p', 'This run was not evaluated yet. Numbers come from'), command(evaluate(place))])
    tables = element('div', numbers([record]), _ratios(stored), class_='beside')
    how = folded('How it was measured', *(element('p', note) for note in stored.notes)) if stored.notes else ''
    return joined([*evaluation_notes(record), tables, how, montages(record)])


def evaluate(place: str) -> str:
    """The command that evaluates a run."""
    import shlex

    return shlex.join(['python', 'main.py', '--mode=evaluate', f'--workdir={place}'])


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
                'figure', element('figcaption', title), _image(image, f'{title} ({record.title})'), class_='montage'
            )
        )
    return element('div', *made, class_='montages') if made else Html()


def parameter_tables(record: Record) -> Html:
    """The trained arrays of both networks."""
    made = []
    for name, player in (('Generator', 'gen'), ('Discriminator', 'disc')):
        arrays = parameters(record.facts, player)
        if not arrays:
            continue
        rows = [[printable(key), ' x '.join(map(str, shape)), f'{math.prod(shape):,}'] for key, shape in arrays.items()]
        title = f'{name}: {_count(arrays):,} parameters in {len(arrays)} arrays'
        made.append(folded(title, table(['array', 'shape', 'parameters'], rows, title)))
    return joined(made or [element('p', 'There is no checkpoint yet that has them.')])


def config(record: Record) -> Html:
    """What differs from the config of that name that comes with the code, then all fields."""
    own = record.facts.config
    if record.base is None:
        first = element('p', f'No config called {printable(own.name)} comes with the code.')
    else:
        path, base = record.base
        changed = changes(base, own)
        rows = [[name, element('code', _value(a)), element('code', _value(b))] for name, (a, b) in changed.items()]
        first = (
            table(['field', path, 'this run'], rows, 'Differences of the config')
            if rows
            else element('p', f'It is {path} as it comes with the code.')
        )
    rows = [[name, element('code', _value(value))] for name, value in sorted(flatten(own.to_dict()).items())]
    return joined([first, folded(f'All {len(rows)} fields', table(['field', 'value'], rows, 'The config'))])


def _value(value):
    return printable(f'{value}')


def events(record: Record) -> Html:
    """When training began, went on and stopped; where; what it warned of."""
    sittings = record.facts.sittings
    parts = []
    if sittings:
        rows = [
            [one.begun, f'{one.step:,}', one.ended or 'not told', _how(one, i == len(sittings) - 1)]
            for i, one in enumerate(sittings)
        ]
        columns = ['began or went on', 'from step', 'ended', 'how']
        parts.append(table(columns, [[printable(text) for text in row] for row in rows], 'Sittings'))
        last = sittings[-1]
        parts.append(element('p', f'Trained on: {printable(last.data)}.') if last.data else '')
        about = {**last.machine, **last.versions}
        rows = [[printable(name), printable(text)] for name, text in about.items()]
        parts.append(folded('Machine and versions', table(['what', 'which'], rows, 'Machine and versions')))
    else:
        parts.append(element('p', 'This run was made by a version that did not write down its sittings.'))
        parts.append(element('p', f'Trained on {data_in_words(record.facts)}.'))
    if record.evaluation:
        rows = [[printable(name), printable(text)] for name, text in record.evaluation.versions.items()]
        parts.append(folded('Versions at the evaluation', table(['what', 'which'], rows, 'Versions at the evaluation')))
    log = record.log[-_MOST_LOG:]
    if log:
        parts += [element('h3', f'Warnings and messages ({len(record.log)})')]
        parts.append(element('ul', *(element('li', line) for line in log), class_='log'))
    else:
        parts.append(element('p', 'No warning in log.txt.'))
    return joined(parts)


def _how(one, newest):
    if one.by:
        return f'stopped: {one.by}'
    if one.ended:
        return 'end of training'
    return 'goes on, or was killed' if newest else 'killed, or its machine stopped'


def model_card(record: Record) -> Html:
    """The model card, as `gans.model_card` has it."""
    parts = card(record.facts, record.evaluation)
    return joined(
        element('div', element('h3', part.title), *(_CARD[type(block)](block) for block in part.blocks))
        for part in parts
    )


def _fact(name, value):
    return element('div', element('dt', name), element('dd', value))


def _image(image, alt, widest=_WIDEST, **attributes):
    """An image at a whole multiple of its size, if it is small."""
    factor = max(1, widest // image.width)
    return element(
        'img', src=image.uri, alt=alt, width=image.width * factor, height=image.height * factor, **attributes
    )


def _count(arrays):
    return sum(math.prod(shape) for shape in arrays.values())


def shown_name(folder: Path) -> str:
    """What a run's folder is called."""
    return printable(folder.resolve().name)
