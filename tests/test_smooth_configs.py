"""The variants that leave no dots, and those with fewer operations: by their printed commands, through main.py."""

import json

import pytest
from command_line import config, main
from PIL import Image

from gans.config.load import load

IN_OUT = ('outer', 'inner')
TINY = ['--config.size=16', '--config.batch=8', '--config.data.embedded.count=64', '--config.devices=1']
TINY += ['--config.steps=2', '--config.log.every=1', '--config.log.grids=1', '--config.log.grid_images=4']


@pytest.mark.parametrize('name', ['birds', 'places'])
def test_smooth_changes_nothing_but_the_ways(name):
    smooth, bare = (load(f'configs/{name}.py{variant}') for variant in (':smooth', ''))
    assert (bare.generator.get('up', 'transposed'), bare.discriminator.get('down', 'stride')) == (
        'transposed',
        'stride',
    )
    bare.unlock()
    bare.generator.up, bare.discriminator.down = 'linear', 'blur'
    assert smooth.to_dict() == bare.to_dict()


@pytest.mark.parametrize(
    'name, flags',
    [
        (
            'birds:smooth',
            [f'--config.{player}.{own}=(4,)' for player in ('generator', 'discriminator') for own in IN_OUT],
        ),
        ('progressive:skips', [f'--config.{player}.widths=(4,4)' for player in ('generator', 'discriminator')]),
    ],
)
def test_a_variant_is_trained_and_evaluated_as_its_document_says(name, flags, tmp_path):
    run = tmp_path / 'run'
    ended = main(config(name), *TINY, *flags, f'--workdir={run}')
    assert ended.code == 0, ended.err
    with Image.open(run / 'samples' / 'step_000002.png') as grid:
        assert grid.size == (34, 52)
    ended = main('--mode=evaluate', f'--workdir={run}')
    assert ended.code == 0 and 'checkerboard' in ended.out, ended.err
    rows = json.loads((run / 'evaluation.json').read_text())['rows']
    assert all(0 < row['checkerboard']['low'] <= row['checkerboard']['high'] for row in rows.values())


def test_a_network_without_the_field_refuses_it():
    ended = main(config('colorize:tiny'), '--config.generator.up=linear', '--workdir=nowhere')
    assert ended.code == 2 and 'config.generator.up is not a field' in ended.err
