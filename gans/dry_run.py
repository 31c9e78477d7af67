"""What a config means, printed before anything is trained or written."""

import jax
from clu import parameter_overview

from gans.config import to_json
from gans.runs import Experiment, state_shapes

_FRACTIONS = (0.0, 0.15, 0.30, 0.55, 0.80, 1.0)


def describe(experiment: Experiment, folder: str) -> str:
    """The resolved config, both networks' parameters, the schedules over training, the data; nothing is written."""
    config, game = experiment.config, experiment.game
    state = state_shapes(game, config)
    return '\n\n'.join(
        [
            f'Config\n{to_json(config)}',
            _parameters('Generator', state.gen.params),
            _parameters('Discriminator', state.disc.params),
            _schedules(game.schedules, config.steps),
            f'Data: {experiment.source.where}\n'
            f'{len(experiment.train)} pictures to train on, {len(experiment.test)} held out.',
            f'Devices: {len(jax.devices())} x {jax.devices()[0].device_kind}\nRun folder: {folder}',
        ]
    )


def _parameters(title, params):
    table = parameter_overview.get_parameter_overview(params, include_stats=False)
    total = parameter_overview.count_parameters(params)
    return f'{title}\n{table}\n{title}: {total:,} parameters'


def _schedules(schedules, steps):
    heading = 'schedule'.ljust(20) + ''.join(f'{fraction:>12.0%}' for fraction in _FRACTIONS)
    lines = [
        name.ljust(20) + ''.join(f'{float(schedule(round(f * steps))):>12.6g}' for f in _FRACTIONS)
        for name, schedule in schedules.items()
    ]
    return '\n'.join([heading, *lines])
