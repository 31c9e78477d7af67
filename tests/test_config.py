"""Pages, readings, differences, and the objects that are built from names."""

from pathlib import Path

import pytest

from gans.config import compare
from gans.config import load as pages
from gans.config.shapes import shape_of
from gans.core.build import build
from gans.data import files
from gans.errors import UserError

PAGES = sorted(str(path) for path in Path('configs').glob('*.py'))


@pytest.mark.parametrize('page', PAGES)
@pytest.mark.parametrize('reading', ['', ':paper', ':tiny'])
def test_every_page_has_its_readings_and_can_be_built(page, reading):
    config = pages.load(page + reading)
    assert build(config, 100).gen is not None
    assert compare.differences(config, pages.from_json(pages.to_json(config))) == []


@pytest.mark.parametrize('page', PAGES)
def test_every_page_states_the_limits_on_files(page):
    data = pages.load(page).data
    assert (data.max_bytes, data.max_pixels) == (files.MAX_BYTES, files.MAX_PIXELS)


@pytest.mark.parametrize('page', PAGES)
def test_every_page_is_documented(page):
    text = Path(page).read_text()
    assert '"""' in text and f'python main.py --config={page}' in text


def test_paper_readings_hold_table_2():
    for page, steps in (('configs/colorize.py', 50_000), ('configs/inpaint.py', 75_000)):
        c = pages.load(f'{page}:paper')
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


@pytest.mark.parametrize('page', ['configs/colorize.py', 'configs/inpaint.py'])
def test_figure_6_readings_are_one_loss_term_each(page):
    only_l1, only_cgan = (build(pages.load(f'{page}:{name}'), 100).schedules for name in ('l1', 'cgan'))
    assert float(only_l1['adversarial'](999)) == 0 and float(only_l1['l1'](0)) == 100
    assert float(only_cgan['l1'](0)) == 0 and float(only_cgan['adversarial'](10**6)) > 0


@pytest.mark.parametrize(
    'page, words',
    [
        ('configs/colourize.py', "did you mean 'configs/colorize.py'"),
        ('configs/colorize.py:papre', "did you mean 'paper'"),
        ('main.py', 'get_config'),
    ],
)
def test_unknown_pages_and_readings(page, words):
    with pytest.raises(UserError) as error:
        pages.load(page)
    assert words in str(error.value)


CHANGES = [
    ({'networks': 'u_net'}, "did you mean 'unet'"),
    ({'generator.widths': (3, 5)}, None),
    ({'dtype': 'float16'}, 'config.dtype'),
    ({'objective.form': 'hinged'}, 'hinged'),
    ({'objective.terms': ('l2',)}, 'gans/losses/terms.py'),
    ({'objective.name': 'standart'}, "did you mean 'standard'"),
    ({'task.name': 'colourize'}, 'gans/core/tasks.py'),
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
    assert shape_of(pages.ConfigDict(config)) == (64, 128)


def test_differences_leave_out_what_may_change(tiny):
    a, b = tiny('configs/colorize.py'), tiny('configs/colorize.py')
    b.steps, b.log.every, b.data.threads, b.batch, b.seed = 99, 7, 1, 2, 5
    assert compare.differences(a, b) == ['config.batch: 8 -> 2', 'config.seed: 0 -> 5']
