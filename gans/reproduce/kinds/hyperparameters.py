"""Hyperparameters: what the document says, what its own config has, and what was trained here."""

from collections.abc import Sequence

from gans.config.load import flatten
from gans.config.shapes import shape_of
from gans.errors import UserError
from gans.reproduce.types import Drawn, Place, Table
from gans.run.experiment import open_experiment

TRAINED = False
IMAGES = 'training images'  # in the place of a field: how many there were


def draw(place: Place, rows: Sequence[tuple[str, str, str]]) -> Drawn:
    """Lays values beside each other.

    Args:
      place: one run or more; where their values differ, each is told behind its config's name.
      rows: (description, the document's value, field of the config), the field as 'optimizer.gen.b1'; of schedules
        'schedules.blur', or the value that one begins or ends with: 'schedules.blur:first', 'schedules.blur:last';
        `IMAGES`; '' where no field says it.
    """
    here, own = zip(*place.loaded, strict=True)
    counts = [_train_images(config) if IMAGES in [row[-1] for row in rows] else '-' for config in here]
    lines, numbers = [], {}
    for description, said, field in rows:
        values = [_told(own, field, ['-'] * len(own)), _told(here, field, counts)]
        lines.append([description, said, *values])
        numbers[description] = values[0]
    columns = ['hyperparameter', 'the document', 'its config here', f'as trained (scale {place.scale})']
    return Drawn(
        table=Table(columns, lines),
        numbers=numbers,
        commands=[
            [f'--config={text}', *(f'--config.{name}={value}' for name, value in fields.items()), '--dry_run']
            for (text, _), fields in zip(place.configs, place.fields, strict=True)
        ],
        notes=[f'Its config here: {", ".join(dict.fromkeys(own for _, own in place.configs))}.'],
    )


def _told(configs, field, counts):
    """A value for people; of several configs one, or each behind the other with its config's name."""
    texts = [count if field == IMAGES else _value(config, field) for config, count in zip(configs, counts, strict=True)]
    if len(set(texts)) == 1:
        return texts[0]
    return '; '.join(f'{text} [{config.name}]' for text, config in zip(texts, configs, strict=True))


def _value(config, field):
    if not field:
        return '-'
    name, _, end = field.partition(':')
    section, _, schedule = name.partition('.')
    if section == 'schedules':
        return _schedule(config, schedule, end) if schedule in config.schedules else '-'
    value = flatten(config.to_dict()).get(name, '-')
    if isinstance(value, (list, tuple)):
        return ', '.join(map(_number, value)) or 'none'
    return _number(value)


def _schedule(config, name, end):
    """A schedule for people: '25.6 at 0 % to 0 at 15 %', or its value at one end."""
    found = config.schedules.to_dict()[name]
    if not isinstance(found, dict):
        return _number(found)
    scale = min(shape_of(config)) if found.get('of') == 'size' else 1
    values = [_number(scale * value) for value in found['value']]
    if end:
        return values[0 if end == 'first' else -1]
    if len(set(values)) == 1:
        return values[0]
    unit = found.get('unit', 'fraction')
    at = [f'{100 * at:g} %' if unit == 'fraction' else f'{unit} {at:g}' for at in found['at']]
    return ' to '.join(f'{value} at {time}' for value, time in zip(values, at, strict=True))


def _train_images(config):
    """How many images a config trains on; '-' where they are not at hand."""
    try:
        return f'{len(open_experiment(config).train):,}'
    except UserError:
        return '-'


def _number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f'{value}'
    return f'{value:,}' if isinstance(value, int) else f'{value:g}'
