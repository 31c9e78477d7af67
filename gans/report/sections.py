"""The parts of a report that are words and tables: what a run is, its networks, config, events and model card."""

import math

from gans.config.compare import changes
from gans.config.load import flatten
from gans.data.files import printable
from gans.model_card import Code, Items, Table, Text, card, what
from gans.report.parts import command, short_value
from gans.report.record import Record
from gans.run.facts import data_in_words, parameter_count, parameters, terms_of_data
from gans.web.elements import Html, element, folded, joined, table

_MOST_LOG = 200  # lines of log.txt

_CARD = {
    Text: lambda block: element('p', block.text),
    Items: lambda block: element('ul', *(element('li', item) for item in block.items)),
    Table: lambda block: table(block.columns, block.rows, 'Numbers of the model card'),
    Code: lambda block: command(block.text),
}


def summary(record: Record) -> Html:
    """What was trained on what, how far, and the command that makes it again."""
    facts = record.facts
    told = facts.command
    note = '' if any(one.config for one in facts.sittings) else ' (worked out from the config, not recorded)'
    again = [
        element('p', f'The command that makes it again{note}:') if told else '',
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
            found[name] = f'{parameter_count(arrays):,} parameters'
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


def parameter_tables(record: Record) -> Html:
    """The trained arrays of both networks."""
    made = []
    for name, player in (('Generator', 'gen'), ('Discriminator', 'disc')):
        arrays = parameters(record.facts, player)
        if not arrays:
            continue
        rows = [[printable(key), ' x '.join(map(str, shape)), f'{math.prod(shape):,}'] for key, shape in arrays.items()]
        title = f'{name}: {parameter_count(arrays):,} parameters in {len(arrays)} arrays'
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
        rows = [
            [name, element('code', short_value(a)), element('code', short_value(b))] for name, (a, b) in changed.items()
        ]
        first = (
            table(['field', path, 'this run'], rows, 'Differences of the config')
            if rows
            else element('p', f'It is {path} as it comes with the code.')
        )
    rows = [[name, element('code', printable(f'{value}'))] for name, value in sorted(flatten(own.to_dict()).items())]
    return joined([first, folded(f'All {len(rows)} fields', table(['field', 'value'], rows, 'The config'))])


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
        parts.append(element('p', 'This run has no sittings.jsonl, which says when and where it was trained.'))
        parts.append(element('p', f'Trained on {data_in_words(record.facts)}.'))
    if record.evaluation:
        rows = [[printable(name), printable(text)] for name, text in record.evaluation.versions.items()]
        parts.append(folded('Versions at the evaluation', table(['what', 'which'], rows, 'Versions at the evaluation')))
    log = (record.log or [])[-_MOST_LOG:]
    if record.log is None:
        parts.append(element('p', 'Its log.txt cannot be read.'))
    elif log:
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
