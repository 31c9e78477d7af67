"""Configs, variants, differences, and the objects that are built from names."""

from pathlib import Path

import pytest

from gans.config import compare
from gans.config import load as config_files
from gans.config.shapes import shape_of
from gans.core.build import build
from gans.data import files
from gans.errors import UserError

CONFIG_FILES = sorted(str(path) for path in Path('configs').glob('*.py'))


@pytest.mark.parametrize('config_file', CONFIG_FILES)
@pytest.mark.parametrize('variant', ['', ':paper', ':tiny'])
def test_every_config_has_its_variants_and_can_be_built(config_file, variant):
    config = config_files.load(config_file + variant)
    assert build(config, 100).gen is not None
    assert compare.differences(config, config_files.from_json(config_files.to_json(config))) == []


@pytest.mark.parametrize('config_file', CONFIG_FILES)
def test_every_config_states_the_limits_on_files(config_file):
    data = config_files.load(config_file).data
    assert (data.max_bytes, data.max_pixels) == (files.MAX_BYTES, files.MAX_PIXELS)


@pytest.mark.parametrize('config_file', CONFIG_FILES)
def test_every_config_is_documented(config_file):
    text = Path(config_file).read_text()
    assert '"""' in text and f'python main.py --config={config_file}' in text


def test_paper_variants_hold_table_2():
    for config_file, steps in (('configs/colorize.py', 50_000), ('configs/inpaint.py', 75_000)):
        c = config_files.load(f'{config_file}:paper')
        assert (c.size, c.batch, c.steps) == (256, 36, steps)
        for player in (c.optimizer.gen, c.optimizer.disc):
            assert player.to_dict() == {'name': 'adam', 'b1': 0.0, 'b2': 0.99}
        assert c.generator.z_dim == 128 and c.data.held_out == 0.1
        assert c.data.source == 'tfds' and c.data.tfds.dataset == 'oxford_flowers102'
        schedules = build(c, 10_000).schedules
        values = {n: [float(s(round(f * steps))) for f in (0, 0.15, 0.3, 0.55, 0.8, 1)] for n, s in schedules.items()}
        assert values['l1'] == pytest.approx([100, 100, 100, 92.5, 85, 85])
        assert values['adversarial'] == pytest.approx([0, 0, 0, 0.075, 0.15, 0.15])
        assert values['learning_rate_gen'] == values['learning_rate_disc'] == pytest.approx([1e-4] * 6)
        assert values['blur'] == pytest.approx([25.6, 0, 0, 0, 0, 0], abs=1e-4)


@pytest.mark.parametrize('config_file', ['configs/colorize.py', 'configs/inpaint.py'])
def test_figure_6_variants_are_one_loss_term_each(config_file):
    only_l1, only_cgan = (build(config_files.load(f'{config_file}:{name}'), 100).schedules for name in ('l1', 'cgan'))
    assert float(only_l1['adversarial'](999)) == 0 and float(only_l1['l1'](0)) == 100
    assert float(only_cgan['l1'](0)) == 0 and float(only_cgan['adversarial'](10**6)) > 0


@pytest.mark.parametrize(
    'config_file, words',
    [
        ('configs/colourize.py', "did you mean 'configs/colorize.py'"),
        ('configs/colorize.py:papre', "did you mean 'paper'"),
        ('main.py', 'get_config'),
    ],
)
def test_unknown_configs_and_variants(config_file, words):
    with pytest.raises(UserError) as error:
        config_files.load(config_file)
    assert words in str(error.value)


CHANGES = [
    ({'networks': 'u_net'}, "did you mean 'unet'"),
    ({'generator.widths': (3, 5)}, None),
    ({'dtype': 'float16'}, 'config.dtype'),
    ({'objective.form': 'hinged'}, 'hinged'),
    ({'objective.terms': ('l2',)}, 'gans/losses/terms.py'),
    ({'objective.name': 'standart'}, "did you mean 'standard'"),
    ({'task.name': 'colourize'}, "gans/tasks (did you mean 'colorize'"),
    ({'optimizer.disc.name': 'adamw'}, 'config.optimizer.disc.name'),
    ({'turns.gen': 0}, 'at least one turn'),
]


@pytest.mark.parametrize('changes, words', [c for c in CHANGES if c[1]])
def test_wrong_values_are_named(changes, words, tiny):
    config = tiny('configs/colorize.py', **changes)
    with pytest.raises(UserError) as error:
        build(config, 10)
    assert words in str(error.value)


def test_unknown_arguments_and_schedules_are_named(tiny):
    config = tiny('configs/colorize.py')
    config.generator.withs = (1,)
    with pytest.raises(UserError, match="config.generator.withs is not known .did you mean 'widths'"):
        build(config, 10)
    config = tiny('configs/colorize.py')
    config.schedules.blurr = 1.0
    with pytest.raises(UserError, match='config.schedules.blurr is read by nothing'):
        build(config, 10)
    config = tiny('configs/colorize.py')
    del config.schedules['l1']
    with pytest.raises(UserError, match='config.schedules.l1 is missing'):
        build(config, 10)


def test_sizes_are_numbers_or_pairs(tiny):
    config = tiny('configs/colorize.py')
    assert shape_of(config) == (32, 32)
    config = config.to_dict() | {'size': (64, 128)}
    assert shape_of(config_files.ConfigDict(config)) == (64, 128)


def test_differences_leave_out_what_may_change(tiny):
    a, b = tiny('configs/colorize.py'), tiny('configs/colorize.py')
    b.steps, b.log.every, b.data.threads, b.batch, b.seed = 99, 7, 1, 2, 5
    assert compare.differences(a, b) == ['config.batch: 8 -> 2', 'config.seed: 0 -> 5']
