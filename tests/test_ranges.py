"""Every number of every config has a stated range, and what lies outside of it is one sentence, at once."""

import copy
import importlib
import inspect
import math
import pkgutil
import types
import typing
from collections.abc import Sequence

import pytest
from command_line import ROOT, config, main
from variants import everything, path_of

from gans.config import ranges
from gans.config.load import flatten, from_json, load, to_json
from gans.core.overrides import override
from gans.errors import UserError
from gans.losses import terms

VARIANTS = [path_of(full) for full in everything()]
BAD = ['nan', 'inf', '-inf', '-1', '0', str(2**63), str(10**20 - 1), '1.5', '(1,2)', '(nan,nan)', '()', 'many', '']


def is_number(value):
    values = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def is_in_range(name, value):
    """By the table alone: what a person reads in the sentence is what decides."""
    allowed = ranges.range_of(name)
    values = value if isinstance(value, (list, tuple)) else [value]
    return allowed is None or all(
        math.isfinite(v) and allowed.least <= v <= allowed.most for v in values if not isinstance(v, (bool, str))
    )


def test_every_variant_of_every_config_lies_within_the_ranges():
    assert len(VARIANTS) > 35
    for config_file in VARIANTS:
        ranges.check(load(config_file))
        ranges.check(from_json(to_json(load(config_file))))


def test_every_number_of_every_config_has_a_range():
    """A new field of a config must state its range in gans/config/ranges.py."""
    missing = {
        name
        for config_file in VARIANTS
        for name in ranges.numbers(load(config_file).to_dict())
        if not ranges.range_of(name)
    }
    assert missing == set()


def test_a_planted_field_without_a_range_is_found():
    planted = load(VARIANTS[0]).to_dict() | {'planted': 3, 'words': ('a',), 'choice': True}
    assert 'planted' in set(ranges.numbers(planted)) and ranges.range_of('planted') is None
    assert not {'words', 'choice'} & set(ranges.numbers(planted))


def arguments():
    """(dotted name in a config, annotation) of everything that a config can give to a function by name."""
    for package, section, names in (
        ('networks', 'generator', ('Generator',)),
        ('networks', 'discriminator', ('Discriminator',)),
        ('objectives', 'objective', ('make',)),
        ('tasks', 'task', ('make',)),
        ('data.sources', 'data.{}', ('open_source',)),
    ):
        found = importlib.import_module(f'gans.{package}')
        for module in pkgutil.iter_modules(found.__path__):
            held = importlib.import_module(f'gans.{package}.{module.name}')
            for name in names:
                if hasattr(held, name):
                    yield from parameters(section.format(module.name), getattr(held, name))
    for name in ('moments', 'style', 'features'):
        yield from parameters(f'objective.terms.{name}', getattr(terms, name))


def parameters(section, function):
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in ('shape', 'seed', 'dtype', 'stage', 'parent', 'name'):
            yield f'{section}.{name}', parameter.annotation


def takes_numbers(annotation):
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) in (tuple, Sequence):
        return any(takes_numbers(part) for part in typing.get_args(annotation))
    return annotation in (int, float)


def test_every_number_that_a_config_could_give_has_a_range():
    named = list(arguments())
    assert len(named) > 100
    assert {name for name, annotation in named if takes_numbers(annotation) and not ranges.range_of(name)} == set()


def test_every_number_given_on_the_command_line_is_legal_or_one_sentence_with_its_name():
    """Before data, networks or compilers: some ms for each."""
    seen = set()
    for config_file in VARIANTS:
        given = load(config_file)
        for name, value in flatten(given.to_dict()).items():
            kind = (name, type(value))
            if kind in seen or not is_number(value):
                continue
            seen.add(kind)
            for text in BAD:
                try:
                    found = override(given, {name: text}, config_file)
                    ranges.check(found)
                except UserError as error:
                    sentence = str(error)
                    assert f'config.{name}' in sentence and '\n' not in sentence, (name, text, sentence)
                else:
                    assert is_in_range(name, flatten(found.to_dict())[name]), (name, text)
    assert len(seen) > 80


def test_names_of_networks_fields_say_nothing_about_sources_and_leave_networks_of_ones_own_free():
    for section in ('data.reader', 'data.folder', 'task', 'log'):
        for field in ('channels', 'levels', 'depth', 'stride', 'hidden', 'minibatch'):
            assert ranges.range_of(f'{section}.{field}') is None
    for field, value in (('channels', 64), ('depth', 50), ('stride', 4), ('levels', 16), ('minibatch', 256)):
        assert all(is_in_range(f'{player}.{field}', value) for player in ('generator', 'discriminator'))


@pytest.mark.parametrize('field', ['seed', 'batch', 'devices', 'data.held_out', 'generator.widths', 'ema', 'turns.gen'])
def test_the_same_by_main_in_training_and_in_a_dry_run(field, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in ([], ['--dry_run']):
        done = main(config('colorize:tiny'), f'--config.{field}=-1', *words)
        assert done.code == 2 and done.out == '' and done.err.startswith(f'config.{field} is ')
        assert len(done.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    'schedule',
    ["{'at': (0, 3e9), 'value': (0, 1), 'unit': 'step'}", "{'at': (0, 1e13), 'value': (0, 1), 'unit': 'image'}"],
)
def test_corners_of_a_schedule_beyond_int32(schedule, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = main(config('inpaint:tiny'), f'--config.schedules.l1={schedule}', '--dry_run')
    assert done.code == 0, done


SENTENCES = {
    'seed': (-1, 'config.seed is -1: give a whole number from 0 to 4294967295.'),
    'batch': (True, 'config.batch is True: give a whole number from 1 to 1048576.'),
    'steps': (2.0, 'config.steps is 2.0: give a whole number from 1 to 100000000.'),
    'ema': (1, 'config.ema is 1: give a number from 0 below 1.'),
    'data.held_out': (0, 'config.data.held_out is 0: give a number above 0 below 1.'),
    'size': ((8, 8, 8), 'config.size is (8, 8, 8): give a whole number from 1 to 16384, or a tuple of such.'),
    'generator.widths': (
        (),
        'config.generator.widths is (): give a tuple of at least 1 whole numbers from 1 to 16384.',
    ),
    'task.max_side': (0.1, 'config.task.min_side is 0.2, more than config.task.max_side (0.1): give less.'),
    'schedules.l1': (math.nan, 'config.schedules.l1 is nan: give a number from -1000000000 to 1000000000.'),
    'schedules.learning_rate_gen': (-1.0, 'config.schedules.learning_rate_gen is -1.0: give a number from 0 to 3e+38.'),
    'schedules.blur.at': ((0.0, 1.5), 'config.schedules.blur.at is (0.0, 1.5): give a tuple of numbers from 0 to 1.'),
}


def test_the_sentence_tells_field_value_and_range():
    base = load(f'{ROOT}/configs/inpaint.py:tiny').to_dict()
    for name, (value, sentence) in SENTENCES.items():
        with pytest.raises(UserError) as error:
            ranges.check(changed(base, name, value))
        assert str(error.value) == sentence


def test_what_every_config_needs_is_named_if_it_is_missing_or_of_another_kind():
    """As in a config of one's own, or in the checkpoint of a stranger."""
    base = load(f'{ROOT}/configs/colorize.py:tiny').to_dict()
    for kind, names in ranges._NEEDED.items():
        for name in names:
            for value in [None, '', 3, -1, [], ['a'], {}, {'a': 1}, math.nan]:
                fits = isinstance(value, kind) or (kind is float and is_number(value))
                with pytest.raises(UserError, match=f'config.{name}') if not fits else UnlessUserError():
                    ranges.check(changed(base, name, value))
    own = changed(base, 'generator.my_own', math.inf)
    with pytest.raises(UserError, match='config.generator.my_own is inf: give numbers that are finite'):
        ranges.check(own)


class UnlessUserError:
    """Whatever happens, it is no other exception than a UserError."""

    def __enter__(self):
        pass

    def __exit__(self, kind, *unused):
        return kind is not None and issubclass(kind, UserError)


def changed(config, name, value):
    config = copy.deepcopy(config)
    *parents, last = name.split('.')
    section = config
    for parent in parents:
        section = section[parent]
    section[last] = value
    return config
