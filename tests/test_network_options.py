"""Options of networks, by main.py: a stopped run goes on as if it had not been, and eight devices are as one."""

import json

import pytest
from command_line import config, main
from saved_run import assert_same_outcome, break_after, outcome


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
    """Plain descent, as Adam divides rounding by its own size (docs/devices.md)."""
    words = [f'--config.{field}' for field in fields]
    words += [f'--config.optimizer.{player}.name=sgd' for player in ('gen', 'disc')]
    words += ['--config.steps=3', '--config.log.every=1', '--config.log.grids=0', '--config.checkpoint.every=1']

    def train(name, *layout):
        ended = main(config(variant), f'--workdir={tmp_path / name}', *words, *layout)
        assert ended.code == 0, ended.err
        return [json.loads(line) for line in (tmp_path / name / 'metrics.jsonl').read_text().splitlines()]

    alone = train('whole', '--config.devices=1')
    with break_after(1):
        train('parts', '--config.devices=1')
    train('parts', '--config.devices=1')
    assert_same_outcome(outcome(tmp_path / 'parts'), outcome(tmp_path / 'whole'))
    for one, other in zip(alone, train('eight', '--config.devices=8'), strict=True):
        losses = {name: value for name, value in one.items() if name.startswith(('gen/', 'disc/'))}
        assert losses and {name: other[name] for name in losses} == pytest.approx(losses, rel=1e-4, abs=1e-6)
