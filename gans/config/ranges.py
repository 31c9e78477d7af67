"""The range of every number in a config, as a table, and the one check that holds a config against it.

`check` is a pure function of the config: it opens nothing, compiles nothing and takes some milliseconds, so it comes
first wherever a config is used (training, a dry run, a run that is read back, a config from a stranger).

What a number means is documented where it is used; here stands what it may be. The bounds refuse what could only be a
mistake or would end in a traceback; they say nothing about what trains well.
"""

import math
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from gans.config import common
from gans.config.load import flatten
from gans.config.texts import short
from gans.errors import UserError


class Range(NamedTuple):
    """What a number may be.

    Attributes:
      least, most: the bounds, both allowed.
      whole: only whole numbers.
      above, below: `least` (`most`) itself is not allowed.
      several: False for one number, True for a sequence of them, None for either.
      fewest: how many numbers such a sequence has at least.
      none: None is allowed too, and leaves the choice to whoever reads the field.
    """

    least: float
    most: float
    whole: bool = False
    above: bool = False
    below: bool = False
    several: bool | None = False
    fewest: int = 0
    none: bool = False

    def has(self, number: Any) -> bool:
        """Whether one number lies in the range: False for nan, for whatever is no number, and for a bool."""
        if isinstance(number, bool) or not isinstance(number, int if self.whole else (int, float)):
            return False
        over = number > self.least if self.above else number >= self.least
        return over and (number < self.most if self.below else number <= self.most)

    def __str__(self) -> str:
        kind = 'whole number' if self.whole else 'number'
        ends = [f'{end:g}' if abs(end) < 1e6 and not self.whole else f'{end:.15g}' for end in (self.least, self.most)]
        low = f'{"above" if self.above else "from"} {ends[0]}'
        high = f'{"below" if self.below else "to"} {ends[1]}'
        if self.several:
            return f'a tuple of {f"at least {self.fewest} " if self.fewest else ""}{kind}s {low} {high}'
        return f'a {kind} {low} {high}' + (', or a tuple of such' if self.several is None else '')


def _count(least: int, most: int, several: bool | None = False, fewest: int = 0) -> Range:
    return Range(least, most, whole=True, several=several, fewest=fewest)


_SHARE = Range(0, 1)
_DECAY = Range(0, 1, below=True)  # of averages over steps: with 1 nothing would ever enter
_STEPS = 10**8  # of training: the step is an int32, and the optimizer's counter too
_SIDE = 16384  # pixels, and features of a layer

# Dotted name (fnmatch pattern) -> range; the first that matches counts. `schedules` have a table of their own.
RANGES = {
    'seed': _count(0, 2**32 - 1),  # from 2**32 on jax.random.key begins again
    'size': _count(1, _SIDE, several=None),
    'batch': _count(1, 2**20),
    'steps': _count(1, _STEPS),
    'steps_per_call': _count(1, 10_000),
    'devices': _count(0, 2**20),
    'ema': _DECAY,
    'ema_half_life': Range(0, 1e15),
    'ema_ramp': Range(0, 1e6),
    'turns.*': _count(1, 1000),
    'log.every': _count(1, _STEPS),
    'log.grids': _count(0, 100_000),
    'log.grid_images': _count(1, 10_000),
    'checkpoint.every': _count(1, _STEPS),
    'checkpoint.keep': _count(1, 100_000),
    'checkpoint.keep_every': _count(0, _STEPS),
    'data.held_out': Range(0, 1, above=True, below=True),
    'data.threads': _count(0, 1024),
    'data.*max_bytes': _count(1, 2**40),
    'data.*max_pixels': _count(1, 2**40),
    'data.embedded.count': _count(2, 10**7),
    'task.latent': _count(0, _SIDE),
    'task.boxes': _count(0, 64),  # each is a part of the compiled program
    'task.min_side': Range(0, 1, above=True),
    'task.max_side': Range(0, 1, above=True),
    'task.hue': Range(0, 0.5),
    'task.saturation': _SHARE,
    'task.value': _SHARE,
    'optimizer.*.b1': _DECAY,
    'optimizer.*.b2': _DECAY,
    'optimizer.*.eps*': _SHARE,
    'objective.label': Range(0.5, 1, above=True),
    'objective.threshold': Range(0, 1e9, above=True),
    'objective.lazy': _count(1, 10_000),
    'objective.z_dim': _count(1, _SIDE),
    'objective.gamma': _SHARE,
    'objective.gain': _SHARE,
    'objective.warm_up': _count(0, 2**31 - 1),
    'objective.memory': _count(0, 2**31 - 1),
    'objective.*terms.*.bandwidths': Range(0, 1e9, above=True, several=True),
    'objective.*terms.*.gray': _SHARE,
    'objective.*terms.*weights': Range(-1e9, 1e9, several=True),
    'objective.*terms.*.hole': Range(0, 1e9),
    'objective.*terms.*.rest': Range(0, 1e9),
}

# Of the fields of both players' networks, those of one's own included. What one network alone must refuse, it refuses.
_NETWORKS = {
    'width': _count(1, _SIDE),
    'hidden': _count(1, _SIDE, several=None),
    'noise_maps': _count(0, _SIDE, several=True),
    'widths': _count(1, _SIDE, several=True, fewest=1),
    'outer': _count(1, _SIDE, several=True, fewest=1),
    'inner': _count(1, _SIDE, several=True, fewest=1),
    'dilations': _count(1, 1024, several=True),
    'z_dim': _count(1, _SIDE),
    'levels': _count(0, 64),
    'depth': _count(1, 1024),
    'channels': _count(1, _SIDE),
    'kernel': _count(1, 63),
    'stride': _count(1, 63),
    'kernels': _count(1, _SIDE),
    'dims': _count(1, _SIDE),
    'minibatch': _count(0, _SIDE),
    'reference': _count(1, 2**16),
    'slope': Range(-1, 1),
    '*noise': Range(0, 1000),
    'dropout': _DECAY,
    'init_std': Range(0, 1000, none=True),
}
RANGES |= {f'generator.{field}': found for field, found in _NETWORKS.items()}
RANGES |= {f'discriminator.{field}': found for field, found in _NETWORKS.items()}

# The values of a schedule, by its name; `at` is counted in the schedule's unit.
SCHEDULES = {
    'learning_rate_*': Range(0, 3e38),  # float32
    'blur': Range(0, _SIDE),
    'growth': Range(0, 20),
    'residual': _SHARE,
    'augment': _SHARE,
    'colourfulness': Range(0, 0.5),  # beyond, anything is coloured
    '*': Range(-1e9, 1e9),  # weights
}
_AT = {'fraction': _SHARE, None: Range(0, 1e15)}

# What the project reads of every config, whatever its task and networks, and what kind of value that is.
_NEEDED = {
    str: ('name', 'data.source', 'data.placement', 'task.name', 'networks', 'dtype', 'objective.name', 'parallel')
    + ('optimizer.gen.name', 'optimizer.disc.name'),
    float: ('seed', 'size', 'batch', 'steps', 'devices', 'data.held_out', 'data.threads', 'turns.gen', 'turns.disc')
    + ('ema', 'steps_per_call')
    + ('log.every', 'log.grids', 'log.grid_images', 'checkpoint.every', 'checkpoint.keep'),
    Mapping: ('data', 'task', 'generator', 'discriminator', 'objective', 'turns', 'optimizer', 'optimizer.gen')
    + ('optimizer.disc', 'schedules', 'log', 'checkpoint'),
}
_KINDS = {str: 'a name', float: 'a number', Mapping: 'a section of fields'}
_NAME = r'\w[\w.+=-]*( [\w.+=-]+)*'
_LONGEST = 100  # bytes of a name: it is a part of file names, which end at 255


def check(config: Mapping) -> None:
    """Refuses a config with a number outside its range, or without a field that the project reads.

    Numbers that have no range in the table, in a config or networks of one's own, must be finite.

    Args:
      config: a config, or the same as nested dicts.

    Raises:
      UserError: the first such field, with its value and its range.
    """
    config = config.to_dict() if hasattr(config, 'to_dict') else dict(config)
    for kind, names in _NEEDED.items():
        for name in names:
            _check_needed(config, name, kind)
    common.check_known(config)
    for player in ('generator', 'discriminator'):
        if not isinstance(config[player].get('name', ''), str | None):
            raise UserError(f'config.{player}.name is {config[player]["name"]!r}: give a name.')
    _check_name(config['name'])
    for name, value in _fields({key: value for key, value in config.items() if key != 'schedules'}):
        _check_number(f'config.{name}', value, range_of(name))
    for name, schedule in config['schedules'].items():
        _check_schedule(f'config.schedules.{name}', schedule, _first(SCHEDULES, name))
    low, high = (config['task'].get(name) for name in ('min_side', 'max_side'))
    if None not in (low, high) and low > high:
        raise UserError(f'config.task.min_side is {low}, more than config.task.max_side ({high}): give less.')


def range_of(name: str) -> Range | None:
    """The range of a field outside of `schedules`, by its dotted name; None if the table has none."""
    return _first(RANGES, name)


def numbers(config: Mapping) -> Iterator[str]:
    """The dotted names of all numbers of a config that are no part of a schedule."""
    for name, value in flatten({key: value for key, value in config.items() if key != 'schedules'}).items():
        if _is_number(value) or (isinstance(value, (list, tuple)) and any(map(_is_number, value))):
            yield name


def _fields(section, prefix=''):
    """(dotted name, value) of everything in a section, sections included."""
    for key, value in section.items():
        yield f'{prefix}{key}', value
        if isinstance(value, Mapping):
            yield from _fields(value, f'{prefix}{key}.')


def _first(table, name):
    return next((found for pattern, found in table.items() if fnmatchcase(name, pattern)), None)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_needed(config, name, kind):
    found = config
    for part in name.split('.'):
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        raise UserError(f'config.{name} is missing: every config needs it, see docs/configs.md.')
    if kind is not float and not isinstance(found, kind):
        raise UserError(f'config.{name} is {found!r}: give {_KINDS[kind]}, see docs/configs.md.')


def _check_name(name):
    if not re.fullmatch(_NAME, name) or len(name.encode(errors='surrogateescape')) > _LONGEST:
        shown = name if len(name) <= _LONGEST else f'{name[:20]}...'
        raise UserError(
            f'config.name is {shown!r}: it names the run folder, so give letters, digits, spaces and _ . + = -, '
            f'at most {_LONGEST} bytes.'
        )


def _check_number(where, value, allowed: Range | None):
    """One field: a number (or several) in its range; without a range, whatever is a number must be finite."""
    many = isinstance(value, (list, tuple))
    if allowed is None:
        for number in value if many else [value]:
            if _is_number(number) and not math.isfinite(number):
                raise UserError(f'{where} is {short(value)}: give numbers that are finite.')
        return
    if (isinstance(value, bool) and where.endswith('.noise')) or (value is None and allowed.none):
        return  # noise is a choice in some networks, an amount in others
    shape = allowed.several is None or allowed.several == many
    if many:
        shape &= len(value) >= allowed.fewest and (where != 'config.size' or len(value) == 2)
    if not shape or not all(map(allowed.has, value if many else [value])):
        raise UserError(f'{where} is {short(value)}: give {allowed}.')


def _check_schedule(where, schedule, allowed: Range):
    if not isinstance(schedule, Mapping):
        return _check_number(where, schedule, allowed)
    unit = schedule.get('unit', 'fraction')
    for key in ('unit', 'of'):
        if key in schedule and not isinstance(schedule[key], str):
            raise UserError(f'{where}.{key} is {short(schedule[key])}: give a name.')
    if schedule.get('of') == 'size' and allowed.least == 0:
        allowed = Range(0, 10)
    _check_number(f'{where}.at', schedule.get('at', ()), _AT.get(unit, _AT[None])._replace(several=True))
    _check_number(f'{where}.value', schedule.get('value', ()), allowed._replace(several=True))
    return None
