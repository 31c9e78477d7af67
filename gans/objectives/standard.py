"""The standard two-player game, in several forms, with weighted extra terms for the generator.

L_gen = w_adversarial * L_adversarial + sum over terms of w_term * term, every weight a schedule of that name.
L_disc = L_real + L_fake (+ w_penalty * gradient penalty) (+ w_drift * drift). The adversarial part has no weight: where
`adversarial` is 0, the discriminator still learns to tell real from fake.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax

from gans import losses
from gans.errors import UserError, closest
from gans.game import Objective, Turn


class Form(NamedTuple):
    """What the two players minimise: (real scores, fake scores) -> two parts; fake scores -> loss.

    `logits` says whether a sigmoid makes a score a probability.
    """

    disc: Callable
    gen: Callable
    logits: bool = False


FORMS = {
    'non_saturating': Form(losses.logistic_disc, losses.non_saturating_gen, logits=True),
    'minimax': Form(losses.logistic_disc, losses.minimax_gen, logits=True),
    'hinge': Form(losses.hinge_disc, losses.score_gen),
    'wasserstein': Form(losses.wasserstein_disc, losses.score_gen),
    'least_squares': Form(losses.least_squares_disc, losses.least_squares_gen),
}


def make(
    form: str, terms: dict[str, Callable[[Turn], jax.Array]], penalty: bool = False, drift: bool = False
) -> Objective:
    """Builds the rules.

    Args:
      form: a key of `FORMS`.
      terms: further terms of the generator's loss by name.
      penalty: holds the discriminator's slope near 1 between real and fake pictures, weighted by the schedule
        `penalty` (10 in Gulrajani et al. 2017).
      drift: holds a Wasserstein critic's real scores near 0, weighted by the schedule `drift`.

    Raises:
      UserError: an unknown form, or a combination without sense.
    """
    if form not in FORMS:
        raise UserError(
            f'config.objective.form is {form!r}{closest(form, FORMS)}: choose one of {", ".join(sorted(FORMS))}.'
        )
    if form == 'wasserstein' and not penalty:
        raise UserError(
            "config.objective.form is 'wasserstein' without a penalty: nothing would bound the critic, whose loss "
            'falls as its weights grow. Set config.objective.penalty=True and give config.schedules.penalty.'
        )
    if drift and form != 'wasserstein':
        raise UserError(
            f'config.objective.drift is for a Wasserstein critic, whose offset is free; the form {form!r} has none.'
        )
    extra = (*(('penalty',) if penalty else ()), *(('drift',) if drift else ()))
    return Objective(
        gen=partial(_gen, FORMS[form].gen, terms),
        disc=partial(_disc, FORMS[form], extra),
        init=lambda: (),
        needs=('adversarial', *extra, *terms),
        picture_by_picture=penalty,
    )


def _disc(form, extra, turn: Turn):
    if isinstance(turn.real_out, dict):
        raise UserError(
            "config.objective.name is 'standard', which needs one score for each picture, but this discriminator "
            f'gives {", ".join(turn.real_out)}: choose other networks, or the objective that was made for these.'
        )
    real, fake = form.disc(turn.real_out, turn.fake_out)
    metrics = {'real_loss': real, 'fake_loss': fake}
    scores = {'real': turn.real_out, 'fake': turn.fake_out}
    for name, score in scores.items():
        if form.logits:
            metrics[f'{name}_probability'] = jax.nn.sigmoid(score).mean()
        else:
            metrics[f'{name}_score'] = score.mean()
    if 'penalty' in extra:
        points = losses.between(turn.rng, turn.real, turn.fake)
        metrics['penalty'], metrics['slope'] = losses.gradient_penalty(turn.disc, points)
    if 'drift' in extra:
        metrics['drift'] = losses.drift(turn.real_out)
    loss = real + fake
    for name in extra:
        loss += turn.hyper[name] * metrics[name]
    return loss, metrics, turn.carry


def _gen(adversarial, terms, turn: Turn):
    parts = {'adversarial': adversarial(turn.fake_out)}
    parts.update({name: term(turn) for name, term in terms.items()})
    return sum(turn.hyper[name] * part for name, part in parts.items()), parts, turn.carry
