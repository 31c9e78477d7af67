"""Terms that any objective can add to a player's loss: each function here makes one of its arguments.

A term is named in `config.objective.terms` (the generator's loss) or `config.objective.disc_terms` (the
discriminator's), with its arguments if it takes any; the schedule of the same name is its weight, and its value is a
metric of that name. A new one is a new function here; nothing else changes.
"""

import jax
import jax.numpy as jnp

from gans import losses
from gans.game import Term, Turn


def l1() -> Term:
    """Mean absolute difference of the generator's output and the real picture, both in [-1, 1].

    The real picture is taken as the networks see it: while the inputs are blurred, so is the target, and the
    generator learns gross shapes and colours first. The output itself is not blurred before it is compared, or
    its high frequencies would be free. Source: Isola et al. 2017, equation 3.
    """
    return Term(lambda turn: losses.l1(turn.output, turn.real), paired=True)


def historical() -> Term:
    """The squared distance of a player's parameters from their mean over all steps so far, the present ones included.

    The mean counts as constant. Source: Salimans et al. 2016, section 3.3; Curro 2016, equation 82.
    """
    return Term(_from_their_mean, historical=True)


def _from_their_mean(turn: Turn) -> jax.Array:
    parts = jax.tree.map(lambda now, mean: jnp.sum(jnp.square(now - mean)), turn.params, turn.mean_params)
    return sum(jax.tree.leaves(parts))
