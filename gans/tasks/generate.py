"""Generating: a random latent in, an image out.

Source: the post on DCGANs, WGANs and BEGANs, "Face and flower image generation".
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gans.errors import UserError, closest
from gans.image import ops
from gans.metrics.diversity import deviation
from gans.nn.noise import DISTRIBUTIONS, latent_input
from gans.types import Array, Inputs, Latents, SampleEvaluation, Task, Watch


def make(latent: int, distribution: str, flip: bool, rotate: bool, hue: float, saturation: float, value: float) -> Task:
    """A random latent in, an image out; the real image is only what the discriminator compares with.

    As in the source, latents are uniform per component and training images are varied by mirroring, 90 degree
    rotations and HSV modulation. It gives no amounts.

    Args:
      latent: the length of the latent.
      distribution: 'uniform' in [-1, 1] per component, or 'normal'.
      flip: mirror half of the training images.
      rotate: turn them by 0, 90, 180 or 270 degrees, equally often; square images only.
      hue: the hue moves by at most this part of its circle, up to 0.5, either way.
      saturation: the saturation is multiplied by 1 - this to 1 + this, and clipped; up to 1.
      value: the same for the value (brightness).

    Raises:
      UserError: a distribution or an amount that does not exist; and, when it is used, `rotate` of oblong images.
    """
    if distribution not in DISTRIBUTIONS:
        raise UserError(
            f'config.task.distribution is {distribution!r}: choose one of {sorted(DISTRIBUTIONS)}'
            f'{closest(str(distribution), DISTRIBUTIONS)}.'
        )
    if latent < 1:
        raise UserError(f'config.task.latent is {latent}: a generator without an image needs at least one number.')
    for name, amount, most in (('hue', hue, 0.5), ('saturation', saturation, 1.0), ('value', value, 1.0)):
        if not 0 <= amount <= most:
            raise UserError(f'config.task.{name} is {amount}: give 0 (unchanged) to {most}.')
    return Task(
        draw=partial(_draw, latent, distribution),
        vary=partial(_vary, flip, rotate, (hue, saturation, value)),
        latents=Latents(latent, distribution),
        from_noise=True,
        watch=Watch(
            'diversity',
            deviation,
            1 / 255,
            'all alike',
            'samples differ {} times as much as real images do',
            'have collapsed',
        ),
        evaluation=SampleEvaluation(partial(_ways, flip, rotate)),
    )


def _draw(latent: int, distribution: str, key: Array, image: Array) -> Inputs:
    return Inputs(gen=latent_input(key, latent, distribution), real=image)


def _vary(flip, rotate, modulation, key, image):
    """Mirrored, turned, recoloured; what is not asked for is no part of the program."""
    chance = jax.random.uniform(key, (6,))
    if flip:
        image = jnp.where(chance[0] < 0.5, image[:, ::-1], image)
    if rotate:
        height, width, _ = image.shape
        if height != width:
            raise UserError(
                f'config.task.rotate needs square images, these have {height}x{width}: give one number as '
                'config.size, or --config.task.rotate=False.'
            )
        image = jnp.where(chance[1] < 0.5, jnp.rot90(image, 2), image)
        image = jnp.where(chance[2] < 0.5, jnp.rot90(image), image)
    if any(modulation):
        hue, saturation, value = jnp.array(modulation) * (2 * chance[3:] - 1)
        image = ops.modulate_hsv(image, hue, 1 + saturation, 1 + value)
    return image


def _ways(flip: bool, rotate: bool, images: np.ndarray) -> list[np.ndarray]:
    ways = [np.rot90(images, turns, (1, 2)) for turns in range(4 if rotate else 1)]
    return ways + [way[:, :, ::-1] for way in ways if flip]
