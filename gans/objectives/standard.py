"""The standard two-player game, in several forms, with weighted extra terms for both players.

L_gen = w_adversarial * L_adversarial + sum over terms of w_term * term, every weight a schedule of that name.
L_disc = L_real + L_fake (+ w_penalty * gradient penalty) (+ w_drift * drift) (+ w_r1 * R1) (+ w_r2 * R2)
         + sum over terms of w_term * term.

The adversarial part L_real + L_fake has no weight: where `adversarial` is 0, the discriminator still learns to tell
real from fake. In the relativistic form it is one loss of pairs.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gans.errors import UserError, closest
from gans.losses import adversarial, holes, penalties
from gans.nn import noise
from gans.types import Objective, Pair, Term, Turn


class Form(NamedTuple):
    """What the two players minimise.

    Attributes:
      disc: (real scores, fake scores) -> the parts of the discriminator's loss.
      gen: fake scores -> the generator's loss; (real scores, fake scores) -> it, if `paired`.
      logits: a sigmoid makes a score a probability.
      aim: the argument of `disc` that says when a score is good enough, '' if there is none.
      parts: what the parts are called in the log.
      paired: both players compare scores in pairs, so that a number added to all of them changes nothing.
    """

    disc: Callable
    gen: Callable
    logits: bool = False
    aim: str = ''
    parts: tuple[str, ...] = ('real_loss', 'fake_loss')
    paired: bool = False


FORMS = {
    'non_saturating': Form(adversarial.logistic_disc, adversarial.non_saturating_gen, logits=True, aim='label'),
    'minimax': Form(adversarial.logistic_disc, adversarial.minimax_gen, logits=True, aim='label'),
    'hinge': Form(adversarial.hinge_disc, adversarial.score_gen, aim='threshold'),
    'wasserstein': Form(adversarial.wasserstein_disc, adversarial.score_gen),
    'least_squares': Form(adversarial.least_squares_disc, adversarial.least_squares_gen),
    'relativistic': Form(
        adversarial.relativistic_disc, adversarial.relativistic_gen, parts=('pair_loss',), paired=True
    ),
}

SLOPES = {'r1': 'real', 'r2': 'fake'}  # the images at which each is taken
# What the two losses log, with any arguments: no term may have such a name.
METRICS = (
    *('adversarial', 'penalty', 'slope', 'drift', *SLOPES),
    *{part: None for form in FORMS.values() for part in form.parts},
    *(f'{images}_{measure}' for images in SLOPES.values() for measure in ('probability', 'score')),
)


def make(
    form: str,
    terms: Mapping[str, Term],
    disc_terms: Mapping[str, Term] | None = None,
    gen_form: str = '',
    label: float = 1.0,
    threshold: float = 1.0,
    penalty: bool = False,
    drift: bool = False,
    r1: bool = False,
    r2: bool = False,
    lazy: int = 1,
    fake_in_hole: bool = False,
) -> Objective:
    """Makes the objective.

    Args:
      form: a key of `FORMS`.
      terms: further terms of the generator's loss by name.
      disc_terms: the same for the discriminator's.
      gen_form: the form whose generator's loss is played instead, '' for none: Curro 2016 plays 'non_saturating'
        against a 'hinge' discriminator.
      label: what a real image's probability is to be, in (0.5, 1]: less than 1 is one-sided label smoothing; for the
        forms with probabilities.
      threshold: the score beyond which a hinge discriminator is content (alpha of Curro 2016, equation 103).
      penalty: holds the discriminator's slope near 1 between real and fake images, weighted by the schedule
        `penalty` (10 in Gulrajani et al. 2017).
      drift: holds a Wasserstein critic's or a relativistic discriminator's real scores near 0, weighted by the schedule
        `drift`.
      r1: half the squared slope of the discriminator at real images, weighted by the schedule `r1` (gamma of Mescheder
        et al. 2018, equation 9).
      r2: the same at generated images, weighted by the schedule `r2` (equation 10).
      lazy: steps, from one with `r1` and `r2` to the next, the first step of all included; they count so many times
        there and are not computed in between (Karras et al. 2020, section 3.1).
      fake_in_hole: for the discriminator a generated image is fake only where the task hid the real one
        (`gans.losses.holes.disc`); for discriminators with a score for each place.

    Raises:
      UserError: an unknown form, or a combination without sense.
    """
    gen_form, disc_terms = gen_form or form, disc_terms or {}
    _check_forms(form, gen_form, label, threshold, fake_in_hole)
    _check_penalties(form, penalty, drift, r1 or r2, lazy)
    extra = tuple(name for name, on in dict(penalty=penalty, drift=drift, r1=r1, r2=r2).items() if on)
    aims = {'label': label, 'threshold': threshold}
    aim = {name: value for name, value in aims.items() if name == FORMS[form].aim}
    judged = FORMS[form]._replace(disc=partial(FORMS[form].disc, **aim))
    return Objective(
        gen=partial(_gen, FORMS[gen_form], terms),
        disc=partial(_disc_in_hole if fake_in_hole else _disc, judged, extra, disc_terms, lazy),
        init=lambda: (),
        needs=('adversarial', *extra, *terms, *disc_terms),
        terms=Pair(terms, disc_terms),
        per_image=penalty or r1 or r2,
        masked=fake_in_hole,
        gradients=tuple(images for name, images in SLOPES.items() if name in extra),
        every=lazy,
    )


def _check_forms(form, gen_form, label, threshold, fake_in_hole):
    for where, name in (('form', form), ('gen_form', gen_form)):
        if name not in FORMS:
            raise UserError(
                f'config.objective.{where} is {name!r}{closest(name, FORMS)}: choose one of {", ".join(sorted(FORMS))}.'
            )
    if FORMS[form].paired and gen_form not in (form, 'hinge', 'wasserstein'):
        raise UserError(
            f'config.objective.gen_form is {gen_form!r}, whose loss rests on the scores themselves, but the form '
            f'{form!r} fixes only their differences: leave gen_form out.'
        )
    if fake_in_hole and FORMS[form].paired:
        raise UserError(
            f'config.objective.fake_in_hole=True needs a form that judges every score by itself, and {form!r} compares '
            "them in pairs: leave it out, or choose config.objective.form='hinge' for example."
        )
    if not 0.5 < label <= 1:
        raise UserError(f'config.objective.label is {label}: give more than 0.5, and 1 for no smoothing.')
    if threshold <= 0:
        raise UserError(f'config.objective.threshold is {threshold}: give a score above 0.')
    for name, value in (('label', label), ('threshold', threshold)):
        if value != 1 and FORMS[form].aim != name:
            fit = ', '.join(sorted(key for key in FORMS if FORMS[key].aim == name))
            raise UserError(f'config.objective.{name} is {value}, which the form {form!r} does not use: {fit} would.')


def _check_penalties(form, penalty, drift, slopes, lazy):
    if form == 'wasserstein' and not (penalty or slopes):
        raise UserError(
            "config.objective.form is 'wasserstein' without a penalty: nothing would bound the critic, whose loss "
            'falls as its weights grow. Set config.objective.penalty=True and give config.schedules.penalty.'
        )
    if drift and not (form == 'wasserstein' or FORMS[form].paired):
        raise UserError(
            f'config.objective.drift is for a Wasserstein critic, whose offset is free; the form {form!r} has none.'
        )
    if lazy != 1 and not slopes:
        raise UserError(
            f'config.objective.lazy is {lazy}, which is how often r1 and r2 are taken: set one of them to True.'
        )


def _disc(form, extra, terms, lazy, turn: Turn):
    if isinstance(turn.real_out, dict):
        raise UserError(
            "config.objective.name is 'standard', which needs scores, but this discriminator gives "
            f'{", ".join(turn.real_out)}: choose other networks, or the objective that was made for these.'
        )
    parts = form.disc(turn.real_out, turn.fake_out)
    metrics = dict(zip(form.parts, parts, strict=True))
    scores = {'real': turn.real_out, 'fake': turn.fake_out}
    for name, score in scores.items():
        if form.logits:
            metrics[f'{name}_probability'] = jax.nn.sigmoid(score).mean()
        else:
            metrics[f'{name}_score'] = score.mean()
    if 'penalty' in extra:
        seen = turn.real_seen
        share = noise.by_place(partial(jax.random.uniform, turn.rng, dtype=seen.dtype), seen.shape[:1])
        points = penalties.between(share, seen, turn.fake_seen)
        metrics['penalty'], metrics['slope'] = penalties.gradient_penalty(turn.disc, points)
    if 'drift' in extra:
        metrics['drift'] = penalties.drift(turn.real_out)
    for name, gradient in (('r1', turn.real_gradient), ('r2', turn.fake_gradient)):
        if name in extra:  # 0 in the steps between, so that the mean over steps is that of the penalty
            metrics[name] = jnp.float32(0) if gradient is None else lazy * penalties.zero_centred(gradient)
    added = {name: metrics[name] for name in extra} | {name: term.value(turn) for name, term in terms.items()}
    return adversarial.add_weighted(sum(parts[1:], parts[0]), added, turn.hyper), metrics | added, turn.carry


def _disc_in_hole(form, extra, terms, lazy, turn: Turn):
    if getattr(turn.fake_out, 'ndim', 3) != 3:
        raise UserError(
            'config.objective.fake_in_hole=True needs a score for each place of an image, but this discriminator gives '
            'one for the whole: leave it out, or set config.discriminator.patches=True (networks unet).'
        )
    inside = form._replace(disc=partial(holes.disc, form.disc, mask=turn.mask_seen))
    return _disc(inside, extra, terms, lazy, turn)


def _gen(form, terms, turn: Turn):
    scores = (turn.real_out, turn.fake_out) if form.paired else (turn.fake_out,)
    parts = {'adversarial': form.gen(*scores)} | {name: term.value(turn) for name, term in terms.items()}
    return adversarial.add_weighted(0.0, parts, turn.hyper), parts, turn.carry
