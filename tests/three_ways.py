"""One training three times through main.py: whole, stopped and gone on with, and on eight devices."""

from pathlib import Path

import pytest
from command_line import config, main
from saved_run import assert_same_outcome, break_after, logged, outcome


def trained_in_three_ways(folder: Path, variant: str, words: list[str], parallel: str) -> list[dict]:
    """Holds that a run stopped after its first step ends as the whole one, and that eight devices log the same losses.

    Args:
      folder: gets the runs.
      variant: a config of this repository, as `dcgan:tiny`.
      words: flags of all three. With Adam devices do not agree, as it divides rounding by its own size
        (docs/devices.md): plain descent is to be among them; so is a checkpoint and a line of the log for every step.
      parallel: jit or pmap, for the eight devices.

    Returns:
      the whole run's log.
    """

    def train(name, *layout):
        ended = main(config(variant), f'--workdir={folder / name}', *words, *layout)
        assert ended.code == 0, ended.err
        return logged(folder / name)

    alone = train('whole', '--config.devices=1')
    with break_after(1):
        train('parts', '--config.devices=1')
    train('parts', '--config.devices=1')
    assert_same_outcome(outcome(folder / 'parts'), outcome(folder / 'whole'))
    shared = train('eight', '--config.devices=8', f'--config.parallel={parallel}')
    for one, other in zip(alone, shared, strict=True):
        losses = {name: value for name, value in one.items() if name.startswith(('gen/', 'disc/'))}
        assert losses and {name: other[name] for name in losses} == pytest.approx(losses, rel=1e-4, abs=1e-7)
    return alone
