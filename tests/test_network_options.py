"""Options of networks, by main.py: a stopped run goes on as if it had not been, and eight devices are as one."""

import pytest
from three_ways import trained_in_three_ways


@pytest.mark.parametrize(
    'variant, fields',
    [
        ('dcgan:tiny', ['generator.up=linear', 'discriminator.down=blur', 'discriminator.norm=layer']),
        ('dcgan:tiny', ['generator.up=nearest', 'discriminator.down=pool', 'discriminator.norm=layer']),
        ('colorize:patches+tiny', ['generator.stride=2']),
        ('progressive:skips+tiny', ['generator.up=linear']),
    ],
    ids=['linear and blur', 'nearest and pool', 'stride and patches', 'skips'],
)
def test_a_stopped_run_goes_on_exactly_and_devices_agree(variant, fields, tmp_path):
    words = [f'--config.{field}' for field in fields]
    words += [f'--config.optimizer.{player}.name=sgd' for player in ('gen', 'disc')]
    words += ['--config.steps=3', '--config.log.every=1', '--config.log.grids=0', '--config.checkpoint.every=1']
    trained_in_three_ways(tmp_path, variant, words, 'jit')
