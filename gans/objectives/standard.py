"""The standard two-player game with weighted extra terms for the generator.

L_gen = w_adversarial * L_adversarial + sum over terms of w_term * term, every weight a schedule of that name.
The discriminator's loss has no weight: where `adversarial` is 0 it still learns to tell real from fake.
"""

from collections.abc import Callable
from functools import partial

import jax

from gans import losses
from gans.game import Objective, Turn

GENERATOR_FORMS = {'non_saturating': losses.non_saturating_gen, 'minimax': losses.minimax_gen}


def make(form: str, terms: dict[str, Callable[[Turn], jax.Array]]) -> Objective:
    """Builds the rules.

    Args:
      form: the generator's adversarial loss: a key of `GENERATOR_FORMS`.
      terms: further terms of the generator's loss by name.

    Raises:
      KeyError: an unknown form.
    """
    return Objective(
        gen=partial(_gen, GENERATOR_FORMS[form], terms),
        disc=_disc,
        init=lambda: (),
        needs=('adversarial', *terms),
    )


def _disc(turn: Turn):
    real, fake = losses.logistic_disc(turn.real_out, turn.fake_out)
    metrics = {
        'real_loss': real,
        'fake_loss': fake,
        'real_probability': jax.nn.sigmoid(turn.real_out).mean(),
        'fake_probability': jax.nn.sigmoid(turn.fake_out).mean(),
    }
    return real + fake, metrics, turn.carry


def _gen(adversarial, terms, turn: Turn):
    parts = {'adversarial': adversarial(turn.fake_out)}
    parts.update({name: term(turn) for name, term in terms.items()})
    return sum(turn.hyper[name] * part for name, part in parts.items()), parts, turn.carry
