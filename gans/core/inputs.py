"""What the two players get of a batch of uint8 images: augmented, degraded by the task, blurred by the schedule."""

from functools import partial

import jax
import jax.numpy as jnp

from gans.core import schedules
from gans.core.sampling import map_latents
from gans.image import ops
from gans.nn import noise
from gans.types import Game, Inputs, Tree


def draw(game: Game, key: jax.Array, images: jax.Array) -> Inputs:
    """What the task makes of uint8 images [N, H, W, 3], without augmentation and without a view."""
    return draw_each(game, _example_keys(key, len(images)), images)


def draw_each(game: Game, keys: jax.Array, images: jax.Array) -> Inputs:
    """The same with a key for each image, [N]."""
    return jax.vmap(game.task.draw)(keys, ops.to_float(images))


def draw_from_noise(game: Game, keys: jax.Array, shape: tuple[int, int]) -> dict:
    """`Inputs.gen` for each key [N], of a task that shows the generator no image; `shape` is its images' (H, W)."""
    nothing = jnp.zeros((*shape, 3))  # the task draws a latent, whatever the image
    return jax.vmap(game.task.draw, (0, None))(keys, nothing).gen


def seen_by_generator(game: Game, gen_inputs: dict, step: jax.Array) -> dict:
    """`Inputs.gen` as the generator sees it at a step: its image through the view."""
    return _view_image(game, gen_inputs, schedules.read(game.schedules, step))


def seen_by_discriminator(game: Game, images: jax.Array, step: jax.Array) -> jax.Array:
    """Real images [N, H, W, 3] in [-1, 1] as the discriminator sees them at a step: of their detail what is to be
    imitated by then, through the view."""
    hyper = schedules.read(game.schedules, step)
    return game.view(game.target(images, hyper), hyper)


def training_inputs(game: Game, key: jax.Array, carry: Tree, images: jax.Array, hyper: dict) -> Inputs:
    """Makes the inputs of both players in training, augmentation and blur included.

    Args:
      game: what is played.
      key: everything random about the inputs follows from it and from an example's place in the global batch.
      carry: the objective's memory, which may map the latents.
      images: uint8 [N, H, W, 3]; [N, parts, H, W, 3] for a task of several parts.
      hyper: this step's scheduled numbers.
    """
    flips, draws = (_example_keys(part, len(images)) for part in jax.random.split(key))

    def draw_from(image):
        varied = jax.vmap(game.task.vary)(flips, ops.to_float(image))
        return jax.vmap(game.task.draw)(draws, varied)

    inputs = draw_from(images if game.task.parts == 1 else images[:, 0])
    if game.task.parts > 1:
        inputs = inputs._replace(real=draw_from(images[:, -1]).real)
    gen = _view_image(game, map_latents(game, carry, inputs.gen), hyper)
    cond = None if inputs.cond is None else game.view(inputs.cond, hyper)
    real = game.view(game.target(inputs.real, hyper), hyper)
    return inputs._replace(gen=gen, real=real, cond=cond)


def as_shown(game: Game, key: jax.Array, hyper: dict, inputs: Inputs, fake: jax.Array) -> tuple[Inputs, jax.Array]:
    """What the discriminator is shown of both kinds of images in a turn: augmented, where the game has augmentations.

    Where the discriminator is shown a condition, an example's real image, its generated one, condition and mask are
    changed alike, so that they still belong together. Else real and generated images are changed independently.

    Args:
      game: what is played.
      key: that of the turn. The augmentations follow from it and from an example's place in the global batch.
      hyper: this step's scheduled numbers.
      inputs: what both players get, after the view.
      fake: the generated images [N, H, W, 3], after the view.

    Returns:
      (`inputs` with other `real`, `cond` and `mask`, other generated images).
    """
    if game.augment is None:
        return inputs, fake
    ours, theirs = jax.random.split(jax.random.fold_in(key, 2))  # the turn draws from `key` itself, noise from number 1
    own = _example_keys(ours, len(fake))
    augment = jax.vmap(game.augment, (0, None, 0))
    augmented = {
        name: augment(own, hyper['augment'], images)
        for name in ('real', 'cond', 'mask')
        if (images := getattr(inputs, name)) is not None
    }
    fake_keys = _example_keys(theirs, len(fake)) if inputs.cond is None else own
    return inputs._replace(**augmented), augment(fake_keys, hyper['augment'], fake)


def _view_image(game, gen_inputs, hyper):
    return {name: game.view(x, hyper) if name == 'image' else x for name, x in gen_inputs.items()}


def _example_keys(key, n):
    """A key for each example by its place in the global batch, whatever the number of devices."""
    return noise.by_place(partial(jax.random.split, key), (n,))
