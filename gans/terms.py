"""Terms that any objective can add to the generator's loss: `Turn` to scalar.

A term is named in `config.objective.terms`; the schedule of the same name is its weight. A new one is a new
function here; nothing else changes.
"""

import jax

from gans import losses
from gans.game import Turn


def l1(turn: Turn) -> jax.Array:
    """Mean absolute difference of the generator's output and the real picture, both in [-1, 1].

    The real picture is taken as the networks see it: while the inputs are blurred, so is the target, and the
    generator learns gross shapes and colours first. The output itself is not blurred before it is compared, or
    its high frequencies would be free. Source: Isola et al. 2017, equation 3.
    """
    return losses.l1(turn.output, turn.real)
