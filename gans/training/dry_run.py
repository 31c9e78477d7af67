"""What a config means, printed before anything is trained or written."""

import jax
import numpy as np
from clu import parameter_overview

from gans.config.load import to_json
from gans.core.state import check_stages, state_shapes
from gans.errors import UserError
from gans.run.experiment import Experiment, stored_bytes
from gans.run.memory import free_memory
from gans.run.parallel import lay_out
from gans.types import TrainState

_FRACTIONS = (0.0, 0.15, 0.30, 0.55, 0.80, 1.0)


def describe(experiment: Experiment, folder: str) -> str:
    """The resolved config, both networks' parameters, the schedules over training, the data; nothing is written."""
    config, game = experiment.config, experiment.game
    state = state_shapes(game, config)
    check_stages(game, state, config.steps)
    needed, free = memory_needed(experiment, state), free_memory()
    if needed > free:
        raise UserError(
            f'A step needs {needed / 2**30:.2f} GiB on every device, which has {free / 2**30:.2f} GiB free: give a '
            'smaller --config.batch or --config.size, more devices, or --config.dtype=bfloat16.'
        )
    return '\n\n'.join(
        [
            f'Config\n{to_json(config)}',
            _parameters('Generator', state.gen.params),
            _parameters('Discriminator', state.disc.params),
            _schedules(game.schedules, config.steps),
            f'Data: {experiment.source.where}\n'
            f'{len(experiment.train)} images to train on, {len(experiment.test)} held out.',
            f'Devices: {len(jax.devices())} x {jax.devices()[0].device_kind}\n'
            f'Memory: {needed / 2**30:.2f} GiB needed on each by the compiled step, {free / 2**30:.2f} GiB free\n'
            f'Run folder: {folder}',
        ]
    )


def memory_needed(experiment: Experiment, state: TrainState) -> int:
    """Bytes that a step needs on every device, counted by XLA: `state` (its shapes), images and what lies between."""
    stored = stored_bytes(experiment)
    config, game = experiment.config, experiment.game
    layout = lay_out(config.parallel, game, config.batch, config.devices)
    images = jax.ShapeDtypeStruct(game.batch_shape, np.uint8)
    memory = layout.lower(jax.random.key(0), state, images).compile().memory_analysis()
    whole = memory.argument_size_in_bytes + memory.temp_size_in_bytes + memory.output_size_in_bytes
    return whole - memory.alias_size_in_bytes + stored


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
