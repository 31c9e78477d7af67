"""Configs, variants, differences, and the objects that are built from names."""

from pathlib import Path

import pytest
from command_line import ROOT, main
from variants import CONFIG_FILES, CONFIGS, in_folder, path_of, variants

import gans.networks
from gans.config import compare, ranges
from gans.config import load as config_files
from gans.config.shapes import shape_of
from gans.core.build import build
from gans.core.overrides import override
from gans.data import files
from gans.errors import UserError
from gans.run.trained import load_run


@pytest.mark.parametrize('name', in_folder())
def test_every_config_in_the_folder_can_be_built_in_all_its_variants(name):
    """The only test that a further config in configs/ meets."""
    combined = [f'{name}:tiny+{variant}' for variant in variants(name) if variant != 'tiny']
    for full in (name, *(f'{name}:{variant}' for variant in variants(name)), *combined):
        config = config_files.load(path_of(full))
        ranges.check(config)
        assert build(config, 100).gen is not None
        assert compare.differences(config, config_files.from_json(config_files.to_json(config))) == []


def test_our_configs_have_a_paper_and_a_tiny_variant():
    for name in CONFIGS:
        assert {'paper', 'tiny'} <= set(variants(name)), name


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
        assert (c.generator.stride, c.generator.widths) == (1, (16, 24, 32, 40, 48, 56))  # Table 1a
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


@pytest.mark.parametrize(
    'config_file, said',
    [
        ('colorize.py:patches+luma', 'the variants :patches and :luma of this config do not go together'),
        (
            'colorize.py:tiny+patches+augmented+luma',
            'the variants :patches and :luma of this config do not go together',
        ),
        ('modern.py:wasserstein+r1', 'the variants :wasserstein and :r1 of this config do not go together'),
        ('colorize.py:luma+luma', 'the variant :luma is given 2 times in :luma+luma: give it once'),
        ('progressive.py:skips+tiny+skips', 'the variant :skips is given 2 times'),
    ],
)
def test_variants_that_do_not_go_together_are_named_and_no_file_is_to_be_corrected(config_file, said):
    done = main(f'--config={ROOT}/configs/{config_file}', '--dry_run')
    assert done.code == 2 and said in done.err and 'correct it' not in done.err, done


VARIANTS = f"""
from gans.config.load import choose_variant, load

def get_config(variant=''):
    config = load('{ROOT}/configs/dcgan.py:tiny').unlock()
    return choose_variant(config, variant, dict(one=lambda c: None, bad=lambda c: c['nothing']))
"""


def test_a_variant_that_fails_by_itself_is_a_mistake_in_the_file(tmp_path):
    (tmp_path / 'own.py').write_text(VARIANTS)
    assert main(f'--config={tmp_path}/own.py:one', '--dry_run').code == 0
    done = main(f'--config={tmp_path}/own.py:one+bad', '--dry_run')
    assert done.code == 2 and 'own.py, line 6 cannot be used' in done.err and 'correct it' in done.err, done


OTHER_KIND = f"""
from gans.config.load import load

def get_config():
    config = load('{ROOT}/configs/dcgan.py:tiny').unlock()
    config.schedules.blur = dict(at=(0.0, 0.5), value=(2.0, 0.0))
    return config
"""


def test_a_schedule_in_place_of_a_number_is_told_how(tmp_path):
    (tmp_path / 'own.py').write_text(OTHER_KIND)
    done = main(f'--config={tmp_path}/own.py', '--dry_run')
    assert done.code == 2 and "own.py, line 6 cannot be used (the field 'blur' keeps the kind of value" in done.err
    assert '`with config.ignore_type():`' in done.err
    as_told = OTHER_KIND.replace('    config.schedules', '    with config.ignore_type():\n        config.schedules')
    (tmp_path / 'own.py').write_text(as_told)
    done = main(f'--config={tmp_path}/own.py', '--dry_run')
    assert done.code == 0, done


def test_tiny_may_come_first():
    for variant in ('grown', 'skips'):
        first, last = (config_files.load(path_of(f'modern:{v}')) for v in (f'tiny+{variant}', f'{variant}+tiny'))
        assert first == last


CHANGES = [
    ({'networks': 'u_net'}, "config.networks is 'u_net', which is not in gans/networks (did you mean 'unet'"),
    (
        {'generator.name': 'u_net'},
        "config.generator.name is 'u_net', which is not in gans/networks (did you mean 'unet",
    ),
    ({'discriminator.name': 'dcgans'}, "config.discriminator.name is 'dcgans', which is not in gans/networks (did you"),
    ({'discriminator.name': 'dcgan'}, 'config.discriminator.hidden is not known'),
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
    b.data.folder.path, b.data.embedded.count, b.data.tfds.split = '/photos', 32, 'train'
    lines = ['config.batch: 8 -> 2', 'config.data.embedded.count: 64 -> 32', 'config.seed: 0 -> 5']
    assert compare.differences(a, b) == lines  # tfds: neither uses it
    b.data.source = 'tfds'
    assert 'config.data.tfds.split: all -> train' in compare.differences(a, b)


PAIR = """
from gans.config.load import load

def get_config():
    config = load('CONFIGS/dcgan.py:tiny').unlock()
    config.name, config.steps, config.devices = 'pair', 1, 1
    config.discriminator = dict(name='birds', outer=(4,), inner=(4,), hidden=6)
    return config
"""


def test_a_generator_and_a_discriminator_of_different_families_train(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('pair.py').write_text(PAIR.replace('CONFIGS', f'{ROOT}/configs'))
    done = main('--config=pair.py', '--workdir=run')
    assert done.code == 0, done.err
    trained = load_run('run')
    assert trained.step == 1
    families = [type(player).__module__ for player in (trained.game.gen, trained.game.disc)]
    assert families == ['gans.networks.dcgan', 'gans.networks.birds']


def test_a_player_of_another_family_can_be_chosen_by_flag():
    given = override(config_files.load(path_of('places:tiny')), {'generator.name': 'wide'}, 'places')
    game = build(given, 64)
    assert [type(player).__module__ for player in (game.gen, game.disc)] == [
        'gans.networks.wide',
        'gans.networks.convnet',
    ]
    assert game.gen.widths == given.generator.widths


def test_a_module_without_a_generator_is_no_choice(tiny, tmp_path, monkeypatch):
    (tmp_path / 'half.py').write_text('Discriminator = None')
    monkeypatch.setattr(gans.networks, '__path__', [*gans.networks.__path__, str(tmp_path)])
    with pytest.raises(UserError, match=r"config.generator.name is 'half', which defines no Generator"):
        build(tiny('configs/colorize.py', **{'generator.name': 'half'}), 64)
