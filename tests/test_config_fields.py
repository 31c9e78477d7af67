"""docs/configs.md against the fields that configs have: every field once, with its type, default and takers."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
import optax
import pytest
from command_line import ROOT
from variants import everything, fields

from gans.config import compare, ranges
from gans.config.common import with_defaults
from gans.config.load import flatten, load
from gans.core.build import build
from gans.core.schedules import UNLESS_GIVEN
from gans.core.state import init
from gans.data.opening import fields_of
from gans.losses import terms
from gans.objectives import standard
from gans.types import Term

TEXT = (ROOT / 'docs' / 'configs.md').read_text()
SHARED = flatten(with_defaults().to_dict())
FROM_THE_REST = (
    'shape',
    'dtype',
    'distribution',
    'stage',
    'parent',
    'name',
)  # of networks: no fields of their sections
BY_CONFIG = {'size': 'int or pair', 'generator.name': 'str', 'discriminator.name': 'str'}


class Field(NamedTuple):
    """What the table says of a field: its type, its default, and who takes it."""

    type: str
    default: str
    takers: tuple[str, ...] = ()


def modules(package):
    """(name, module) of the package's own files; tests add folders to it."""
    for module in pkgutil.iter_modules([str(ROOT / package.replace('.', '/'))]):
        yield module.name, importlib.import_module(f'{package}.{module.name}')


def in_words(annotation):
    """'int or None', 'tuple of str' and so on."""
    if isinstance(annotation, types.UnionType):
        return ' or '.join(in_words(one) for one in typing.get_args(annotation))
    if typing.get_origin(annotation) in (tuple, Sequence):
        return f'tuple of {typing.get_args(annotation)[0].__name__}'
    if typing.get_origin(annotation) is Mapping:
        return 'names or section'
    return 'None' if annotation is type(None) else annotation.__name__


def merged(found):
    """[(taker, annotation, default)] of one field as a row of the table."""
    kinds = list(dict.fromkeys(in_words(annotation).removesuffix(' or None') for _, annotation, _ in found))
    kinds += ['None'] * any(in_words(annotation).endswith(' or None') for _, annotation, _ in found)
    defaults = list(dict.fromkeys('needed' if one is inspect.Parameter.empty else repr(one) for _, _, one in found))
    return Field(' or '.join(kinds), defaults[0] if len(defaults) == 1 else 'by network', tuple(t for t, _, _ in found))


def parameters(function, skipped=()):
    signature = inspect.signature(function).parameters
    return {name: (one.annotation, one.default) for name, one in signature.items() if name not in skipped}


def collected(section, functions):
    """The fields of a section that one of several functions takes: {dotted name: row}."""
    found = {}
    for taker, known in functions:
        for name, (annotation, default) in known.items():
            found.setdefault(f'{section}.{name}', []).append((taker, annotation, default))
    return {name: merged(all_of) for name, all_of in found.items()}


def made_by(module, kind):
    """The functions of a module that return a `kind`, by name."""
    public = {name: one for name, one in vars(module).items() if inspect.isfunction(one) and not name.startswith('_')}
    return {name: one for name, one in public.items() if inspect.signature(one).return_annotation is kind}


def known_fields():
    """Every field that a config may have, from the code that reads it."""
    found = {}
    for player in ('Generator', 'Discriminator'):
        networks = []
        for name, module in modules('gans.networks'):
            if isinstance(getattr(module, player, None), type):
                kind = getattr(module, player)
                known = {one.name: (one.type, one.default) for one in dataclasses.fields(kind)}
                networks.append((name, {key: one for key, one in known.items() if key not in FROM_THE_REST}))
        found |= collected(player.lower(), networks)
    found |= collected('task', [(name, parameters(module.make)) for name, module in modules('gans.tasks')])
    found |= collected('objective', [(name, parameters(module.make)) for name, module in modules('gans.objectives')])
    for name, one in made_by(terms, Term).items():
        found |= collected(f'objective.terms.{name}', [('', parameters(one))])
        found[f'schedules.{name}'] = Field('schedule', 'needed')
    penalised = standard.make('relativistic', {}, penalty=True, drift=True, r1=True, r2=True)
    found |= {f'schedules.{name}': Field('schedule', 'needed') for name in penalised.needs}
    adam = parameters(optax.scale_by_adam)
    found |= collected('optimizer.PLAYER', [('', {name: (float, adam[name][1]) for name in ('b1', 'b2', 'eps')})])
    for name, module in modules('gans.data.sources'):
        if hasattr(module, 'open_source'):
            known = {key: (one.annotation, one.default) for key, one in fields_of(name, '').items()}
            found |= collected(f'data.{name}', [('', known)])
    for name, kind in types_in_configs().items():
        default = repr(SHARED[name]) if name in SHARED else 'needed'
        found.setdefault(name, Field('schedule' if name.startswith('schedules.') else kind, default))
    for name, value in UNLESS_GIVEN.items():
        found[f'schedules.{name}'] = Field('schedule', repr(value))
    for player in ('generator', 'discriminator'):
        found[f'{player}.name'] = Field('str', 'networks')
    return {name: row._replace(takers=row.takers if any(row.takers) else ()) for name, row in found.items()}


def types_in_configs():
    """{name: type in words} of all fields of all variants; the two players' optimizers count as one."""
    found = {}
    for full in everything():
        for name, value in fields(full).items():
            name = re.sub(r'^optimizer\.(gen|disc)\.', 'optimizer.PLAYER.', name)
            name = re.sub(r'^(schedules\.\w+)\..*', r'\1', name)
            found.setdefault(name, set()).add(type(value).__name__)
    return {name: BY_CONFIG.get(name, ' or '.join(sorted(kinds))) for name, kinds in found.items()}


def rows(text):
    """[(name, cells by column)] of all tables whose first column is called field."""
    found, columns = [], None
    for line in text.splitlines():
        if not line.startswith('|'):
            columns = None
            continue
        cells = [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]]
        if columns is None:
            columns = cells
        elif columns[0] == 'field' and not set(line) <= set('|-'):
            found.append((cells[0].strip('`'), dict(zip(columns, cells, strict=True))))
    return found


TABLE = rows(TEXT)
KNOWN = known_fields()


def test_every_field_stands_there_once():
    names = [name for name, _ in TABLE]
    assert len(names) == len(set(names)) > 100
    assert set(names) == KNOWN.keys()


def test_the_fields_that_configs_have_are_among_them():
    assert types_in_configs().keys() <= KNOWN.keys()


@pytest.mark.parametrize('name, cells', TABLE, ids=[name for name, _ in TABLE])
def test_type_default_and_takers_are_those_of_the_code(name, cells):
    row = KNOWN[name]
    takers = next((cells[column] for column in ('tasks', 'networks', 'objectives') if column in cells), '')
    told = (cells['type'], cells['default'].strip('`'), takers)
    assert told == (row.type, row.default, ', '.join(row.takers))
    assert cells['unit'] and cells['meaning'].endswith('.')


@pytest.mark.parametrize(
    'old, new',
    [('| `seed` | int |', '| `seed` | float |'), ('| `batch` |', '| `batches` |'), ('`178956970`', '`178956971`')],
)
def test_a_planted_mistake_is_found(old, new):
    planted = dict(rows(TEXT.replace(old, new)))
    assert planted != dict(TABLE) and len(planted) == len(TABLE)


def test_the_config_in_the_document_can_be_built(tmp_path):
    (code,) = re.findall('```python\n(.*?)```', TEXT, re.DOTALL)
    (tmp_path / 'mine.py').write_text(code)
    for variant in ('', ':tiny'):
        config = load(f'{tmp_path}/mine.py{variant}')
        ranges.check(config)
        game = build(config, 100)
        shapes = jax.eval_shape(partial(init, game), jax.random.key(0), np.zeros(game.batch_shape[1:], np.uint8))
        assert shapes.step.shape == ()


def test_the_fields_that_may_change_in_a_resumed_run_are_named():
    for name in compare.MAY_CHANGE:
        assert f'`{name}`' in TEXT
