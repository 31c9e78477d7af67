"""What trained networks give: images of the generator, outputs of the discriminator."""

from functools import partial

import jax

from gans.core import schedules
from gans.types import Game, TrainState, Tree


def sample(game: Game, state: TrainState, gen_inputs: dict) -> jax.Array:
    """The images [N, H, W, 3] in [-1, 1] of the finished generator, the averaged one if there is one.

    `gen_inputs` are a task's `Inputs.gen`.
    """
    return paint(game, state, map_latents(game, state.carry, gen_inputs))


def map_latents(game: Game, carry: Tree, gen_inputs: dict) -> dict:
    """`Inputs.gen` with the latents mapped by the objective, whose memory is `carry`."""
    map_latent = partial(game.objective.map_latent, carry)
    return {name: map_latent(x) if name == 'latent' else x for name, x in gen_inputs.items()}


def paint(game: Game, state: TrainState, gen_inputs: dict) -> jax.Array:
    """`sample` for latents that are what the generator gets, for example found by a search: nothing maps them."""
    variables = {**(state.gen.ema or state.gen.variables), 'hyper': schedules.read(game.schedules, state.step)}
    return game.task.finish(gen_inputs, game.gen.apply(variables, **gen_inputs, train=False))


def judge(game: Game, state: TrainState, images: jax.Array):
    """The finished discriminator's output on images [N, H, W, 3] in [-1, 1] without a condition, as it sees them."""
    hyper = schedules.read(game.schedules, state.step)
    variables = {**state.disc.variables, 'hyper': hyper}
    return game.disc.apply(variables, game.view(images, hyper), None, train=False)
