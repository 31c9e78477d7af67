"""A small experiment that generates from noise, on players of the tests' own (tests/networks); one step of any."""

from functools import partial
from pathlib import Path

import jax
import numpy as np

import gans.networks
from gans.config.load import load
from gans.core.build import build
from gans.core.state import init
from gans.run.parallel import lay_out

HERE = Path(__file__).parent
KEY = jax.random.key(0)

# Networks are found by module: with this folder beside gans/networks, `config.networks = 'tiny'` is one.
if str(HERE / 'networks') not in gans.networks.__path__:
    gans.networks.__path__.append(str(HERE / 'networks'))


def generator_config(**changes):
    """The config: 16 px, batches of 8, embedded images; changes by flattened names."""
    config = load(f'{HERE.parent}/configs/inpaint.py:tiny').unlock()
    plain = config.to_dict() | dict(
        name='generator',
        size=16,
        ema=0.0,
        task=dict(
            name='generate',
            latent=5,
            distribution='uniform',
            flip=True,
            rotate=True,
            hue=0.1,
            saturation=0.2,
            value=0.2,
        ),
        networks='tiny',
        generator=dict(norm=False),
        discriminator=dict(norm=False),
        objective=dict(name='standard', form='non_saturating', terms=()),
        schedules=dict(learning_rate_gen=0.01, learning_rate_disc=0.01, adversarial=1.0, blur=0.0),
    )
    config = type(config)(plain)
    config.devices = 1
    config.update_from_flattened_dict(changes)
    return config


def generator_game(**changes):
    """(the game, uint8 images [turns, N, H, W, 3]) of `generator_config`."""
    config = generator_config(**changes)
    game = build(config, 64)
    return game, np.random.default_rng(0).integers(0, 256, game.batch_shape, np.uint8)


def begun(config):
    """(The game of a config, uint8 images for a step, the state before the first one)."""
    game = build(config, 64)
    return game, *begun_game(game)


def begun_game(game):
    """(Uint8 images for a step of a game, the state before the first one)."""
    images = np.random.default_rng(0).integers(0, 256, game.batch_shape, np.uint8)
    return images, jax.jit(partial(init, game))(KEY, images[0])


def one_step(game, images, first, kind, devices):
    """(The state after one step, its metrics by name), on the host."""
    layout = lay_out(kind, game, game.batch_shape[1], devices)
    state, metrics = layout.step(KEY, layout.place(first), layout.feed(images))
    return jax.device_get(layout.fetch(state)), {name: float(value[0]) for name, value in metrics.items()}
