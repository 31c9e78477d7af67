"""Losses and penalties against closed forms and slow sums; the Dirac-GAN's gradients by pencil."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from turns import make_turn

from gans.errors import UserError
from gans.losses import adversarial, penalties, reconstruction, terms
from gans.objectives import standard

LOGITS = jnp.array([-3.0, -0.5, 0.0, 0.25, 4.0])


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


def test_logistic_loss_is_the_cross_entropy():
    real, fake = adversarial.logistic_disc(LOGITS, LOGITS[::-1] + 1)
    assert real == pytest.approx(-np.log(sigmoid(LOGITS)).mean(), rel=1e-6)
    assert fake == pytest.approx(-np.log(1 - sigmoid(LOGITS + 1)).mean(), rel=1e-6)


def test_an_undecided_discriminator_costs_log_two_each():
    real, fake = adversarial.logistic_disc(jnp.zeros(3), jnp.zeros(3))
    assert real == pytest.approx(np.log(2)) and fake == pytest.approx(np.log(2))


def test_generator_forms_are_their_formulas():
    assert adversarial.non_saturating_gen(LOGITS) == pytest.approx(-np.log(sigmoid(LOGITS)).mean(), rel=1e-6)
    assert adversarial.minimax_gen(LOGITS) == pytest.approx(np.log(1 - sigmoid(LOGITS)).mean(), rel=1e-6)


def test_forms_agree_in_direction_and_differ_where_the_discriminator_is_sure():
    """d/dx of both is negative; minimax vanishes for x -> -inf, non-saturating tends to -1 (Goodfellow 2014, 3)."""
    ns, mm = (jax.grad(f)(jnp.array([-20.0])) for f in (adversarial.non_saturating_gen, adversarial.minimax_gen))
    assert ns[0] == pytest.approx(-1, abs=1e-6) and -1e-6 < mm[0] <= 0


def test_hinge_counts_only_what_is_within_the_margin():
    scores, fakes = np.asarray(LOGITS), np.asarray(LOGITS[::-1] + 1)
    real, fake = adversarial.hinge_disc(jnp.asarray(scores), jnp.asarray(fakes))
    assert real == pytest.approx(np.maximum(0, 1 - scores).mean(), rel=1e-6)
    assert fake == pytest.approx(np.maximum(0, 1 + fakes).mean(), rel=1e-6)
    slope = jax.grad(lambda fakes: adversarial.hinge_disc(jnp.zeros(1), fakes)[1])(jnp.array([-1.5, -0.5]))
    np.testing.assert_array_equal(slope, [0, 0.5])


@pytest.mark.parametrize('label', [0.7, 0.9, 1.0])
@pytest.mark.parametrize(('real', 'fake'), [(1.0, 1.0), (3.0, 1.0), (0.2, 1.0)])
def test_smoothed_labels_make_the_best_discriminator_their_share_of_the_densities(label, real, fake):
    """At a point of densities p and q the loss p real + q fake is least where D = label p / (p + q)."""

    def loss(logit):
        parts = adversarial.logistic_disc(logit[None], logit[None], label)
        return real * parts[0] + fake * parts[1]

    best = label * real / (real + fake)
    logit = jnp.log(best / (1 - best))
    assert jax.grad(loss)(logit) == pytest.approx(0, abs=1e-6)
    assert loss(logit) < min(loss(logit - 0.1), loss(logit + 0.1))


def test_smoothed_cross_entropy_is_its_formula_on_real_images_alone():
    real, fake = adversarial.logistic_disc(LOGITS, LOGITS[::-1] + 1, 0.9)
    p = sigmoid(LOGITS)
    assert real == pytest.approx((-0.9 * np.log(p) - 0.1 * np.log(1 - p)).mean(), rel=1e-6)
    assert fake == adversarial.logistic_disc(LOGITS, LOGITS[::-1] + 1)[1]


@pytest.mark.parametrize('threshold', [0.5, 1.0, 2.0])
def test_a_hinge_has_no_gradient_beyond_its_threshold_and_a_constant_one_before(threshold):
    scores = threshold + jnp.array([-10.0, -0.01, 0.01, 10.0])
    real, fake = adversarial.hinge_disc(scores, -scores, threshold)
    assert real == fake == pytest.approx(10.01 / 4, rel=1e-5)
    slopes = jax.grad(lambda real, fake: sum(adversarial.hinge_disc(real, fake, threshold)), (0, 1))(scores, -scores)
    np.testing.assert_array_equal(slopes, [[-0.25, -0.25, 0, 0], [0.25, 0.25, 0, 0]])


def test_wasserstein_parts_are_mean_scores():
    real, fake = adversarial.wasserstein_disc(LOGITS, LOGITS + 2)
    assert real == pytest.approx(-0.15) and fake == pytest.approx(2.15)
    assert adversarial.score_gen(LOGITS + 2) == pytest.approx(-2.15)


def test_least_squares_wants_one_and_zero():
    real, fake = adversarial.least_squares_disc(LOGITS, LOGITS + 2)
    assert real == pytest.approx(((np.asarray(LOGITS) - 1) ** 2).mean() / 2, rel=1e-6)
    assert fake == pytest.approx(((np.asarray(LOGITS) + 2) ** 2).mean() / 2, rel=1e-6)
    assert adversarial.least_squares_gen(LOGITS) == pytest.approx(real)


@pytest.mark.parametrize('loss', [adversarial.non_saturating_gen, adversarial.minimax_gen])
def test_extreme_logits_stay_finite(loss):
    value, grad = jax.value_and_grad(loss)(jnp.array([-1e4, 1e4]))
    assert np.isfinite(value) and np.isfinite(grad).all()


WEIGHTS = jnp.array([0.5, -2.0, 1.0, 0.25])


def linear(weights, images):
    return images.reshape(len(images), -1) @ weights


def test_gradient_penalty_of_a_linear_critic_is_its_norm():
    """D(x) = w x has slope |w| everywhere: penalty (|w| - 1)^2, whose gradient is 2 (|w| - 1) w / |w|."""
    images, norm = jax.random.normal(jax.random.key(0), (3, 2, 2, 1)), np.linalg.norm(WEIGHTS)

    def penalty(weights):
        return penalties.gradient_penalty(lambda x: linear(weights, x), images)

    (value, slope), grad = penalty(WEIGHTS), jax.grad(lambda w: penalty(w)[0])(WEIGHTS)
    assert value == pytest.approx((norm - 1) ** 2, rel=1e-5) and slope == pytest.approx(norm, rel=1e-6)
    np.testing.assert_allclose(grad, 2 * (norm - 1) / norm * WEIGHTS, rtol=1e-5)
    below = 0.2 * WEIGHTS / norm  # two-sided: a slope below 1 costs too
    assert penalty(below)[0] == pytest.approx(0.64, rel=1e-5)


def test_gradient_penalty_takes_the_norm_of_each_example():
    """D(x) = |x|^2 / 2 has slope |x|: the mean over examples of (|x| - 1)^2."""
    images = jax.random.normal(jax.random.key(0), (3, 2, 2, 1)) * jnp.array([0.1, 1, 10])[:, None, None, None]
    value, slope = penalties.gradient_penalty(lambda x: jnp.square(x).sum((1, 2, 3)) / 2, images)
    norms = np.linalg.norm(np.asarray(images).reshape(3, -1), axis=1)
    assert value == pytest.approx(((norms - 1) ** 2).mean(), rel=1e-5) and slope == pytest.approx(
        norms.mean(), rel=1e-5
    )


def test_gradient_penalty_of_a_flat_critic_has_a_gradient():
    images = jnp.ones((2, 2, 2, 1))
    value, grad = jax.value_and_grad(lambda w: penalties.gradient_penalty(lambda x: linear(w, x), images)[0])(
        jnp.zeros(4)
    )
    assert value == pytest.approx(1, abs=1e-5) and np.isfinite(grad).all()


def test_points_between_lie_on_the_line_of_their_pair():
    real, fake = (jax.random.normal(jax.random.key(i), (64, 2, 2, 3)) for i in (0, 1))
    share = jax.random.uniform(jax.random.key(2), (64,))
    found = np.asarray((penalties.between(share, real, fake) - fake) / (real - fake)).reshape(64, -1)
    np.testing.assert_allclose(found, np.broadcast_to(share[:, None], found.shape), atol=1e-3)


def test_zero_centred_penalty_is_half_the_mean_square_of_the_slopes():
    gradients = jax.random.normal(jax.random.key(0), (3, 2, 4, 5))
    squares = (np.asarray(gradients, np.float64) ** 2).sum((1, 2, 3))
    assert penalties.zero_centred(gradients) == pytest.approx(squares.mean() / 2, rel=1e-6)


def test_relativistic_losses_are_the_cross_entropy_of_paired_differences():
    real, fake = LOGITS, LOGITS[::-1] + 1
    (disc,), gen = adversarial.relativistic_disc(real, fake), adversarial.relativistic_gen(real, fake)
    assert disc == pytest.approx(-np.log(sigmoid(real - fake)).mean(), rel=1e-6)
    assert gen == pytest.approx(-np.log(sigmoid(fake - real)).mean(), rel=1e-6)
    assert disc - gen == pytest.approx(float((fake - real).mean()), rel=1e-5)  # softplus(x) - softplus(-x) = x
    assert adversarial.relativistic_disc(real + 7, fake + 7)[0] == pytest.approx(float(disc), rel=1e-5)
    assert adversarial.relativistic_disc(real, fake[::-1])[0] != pytest.approx(float(disc), rel=1e-2)  # pair by pair
    assert adversarial.relativistic_gen(real, real) == pytest.approx(np.log(2))


def test_drift_is_the_mean_square_of_the_scores():
    assert penalties.drift(LOGITS) == pytest.approx((np.asarray(LOGITS) ** 2).mean())


def test_l1_is_the_mean_absolute_difference():
    a, b = jnp.array([[-1.0, 0.5], [1.0, 0.0]]), jnp.array([[1.0, 0.5], [0.0, 0.25]])
    assert reconstruction.l1(a, b) == pytest.approx((2 + 0 + 1 + 0.25) / 4)


def test_generator_loss_is_the_weighted_sum_of_its_terms():
    objective = standard.make('non_saturating', {'l1': terms.l1()})
    output, real = jnp.full((2, 2, 2, 3), 0.5), jnp.zeros((2, 2, 2, 3))
    turn = make_turn(fake_out=LOGITS, output=output, real=real, hyper={'adversarial': 0.15, 'l1': 85.0})
    value, metrics, carry = objective.gen(turn)
    assert metrics['l1'] == pytest.approx(0.5) and carry == ()
    assert value == pytest.approx(0.15 * -np.log(sigmoid(LOGITS)).mean() + 85 * 0.5, rel=1e-6)
    assert objective.needs == ('adversarial', 'l1')


def test_discriminator_loss_has_no_weight():
    objective = standard.make('minimax', {})
    turn = make_turn(real_out=LOGITS, fake_out=LOGITS, hyper={'adversarial': 0.0})
    value, metrics, _ = objective.disc(turn)
    assert value == pytest.approx(float(metrics['real_loss'] + metrics['fake_loss']))
    assert metrics['real_probability'] == pytest.approx(sigmoid(LOGITS).mean(), rel=1e-6)


def test_penalty_and_drift_are_weighted_by_their_schedules():
    objective = standard.make('wasserstein', {}, penalty=True, drift=True)
    real, fake = jnp.zeros((3, 2, 2, 1)), jnp.ones((3, 2, 2, 1))
    turn = make_turn(
        real=real,
        fake=fake,
        real_out=LOGITS,
        fake_out=LOGITS + 2,
        disc=lambda x: linear(WEIGHTS, x),
        hyper={'adversarial': 1.0, 'penalty': 10.0, 'drift': 0.001},
        rng=jax.random.key(0),
    )
    value, metrics, _ = objective.disc(turn)
    penalty, drift = (np.linalg.norm(WEIGHTS) - 1) ** 2, (np.asarray(LOGITS) ** 2).mean()
    assert value == pytest.approx(2.0 + 10 * penalty + 0.001 * drift, rel=1e-5)
    assert metrics['real_score'] == pytest.approx(0.15) and metrics['slope'] == pytest.approx(np.linalg.norm(WEIGHTS))
    assert objective.needs == ('adversarial', 'penalty', 'drift')
    assert objective.per_image and not standard.make('hinge', {}).per_image


def test_the_slope_is_taken_between_real_and_fake():
    """D(x) = |x|^2 / 2 between 1 and 2 (one pixel): slopes between 1 and 2, another one for another key."""
    objective = standard.make('hinge', {}, penalty=True)

    def slope(seed):
        turn = make_turn(
            real=jnp.full((1, 1, 1, 1), 2.0),
            fake=jnp.ones((1, 1, 1, 1)),
            real_out=LOGITS,
            fake_out=LOGITS,
            disc=lambda x: jnp.square(x).sum((1, 2, 3)) / 2,
            hyper={'penalty': 1.0},
            rng=jax.random.key(seed),
        )
        return objective.disc(turn)[1]['slope']

    slopes = {float(slope(seed)) for seed in range(5)}
    assert len(slopes) == 5 and 1 <= min(slopes) and max(slopes) <= 2


def test_aims_reach_the_discriminators_loss():
    turn = make_turn(real_out=LOGITS, fake_out=LOGITS[::-1] + 1)
    hinge = standard.make('hinge', {}, threshold=2.0).disc(turn)[0]
    assert hinge == pytest.approx(float(sum(adversarial.hinge_disc(LOGITS, LOGITS[::-1] + 1, 2.0))), rel=1e-6)
    smooth = standard.make('minimax', {}, label=0.8).disc(turn)[0]
    assert smooth == pytest.approx(float(sum(adversarial.logistic_disc(LOGITS, LOGITS[::-1] + 1, 0.8))), rel=1e-6)


def test_a_generator_may_play_another_form_than_its_discriminator():
    objective = standard.make('hinge', {}, gen_form='non_saturating')
    turn = make_turn(real_out=LOGITS, fake_out=LOGITS, hyper={'adversarial': 1.0})
    assert objective.gen(turn)[0] == pytest.approx(float(adversarial.non_saturating_gen(LOGITS)))
    assert objective.disc(turn)[0] == pytest.approx(float(sum(adversarial.hinge_disc(LOGITS, LOGITS))))
    assert objective.disc(turn)[1].keys() == {'real_loss', 'fake_loss', 'real_score', 'fake_score'}


def test_terms_are_added_to_the_discriminators_loss_by_their_weights():
    shapes = dict(real_layers={'a': jnp.ones((2, 3))}, fake_layers={'a': jnp.full((2, 3), 3.0)})
    added = {'features': terms.features(('a',)), 'historical': terms.historical()}
    objective = standard.make('hinge', {'l1': terms.l1()}, added)
    assert objective.needs == ('adversarial', 'l1', 'features', 'historical')
    assert objective.layers == ('a',) and objective.historical == (False, True)
    assert standard.make('hinge', {'features': terms.features(('b',))}, added).layers == ('a', 'b')
    own = dict(params={'w': jnp.array([1.0, 2.0])}, mean_params={'w': jnp.array([0.0, 4.0])})
    hyper = {'adversarial': 1.0, 'features': 0.5, 'historical': 10.0}
    value, metrics, _ = objective.disc(make_turn(real_out=LOGITS, fake_out=LOGITS, hyper=hyper, **shapes, **own))
    assert (metrics['features'], metrics['historical']) == (12, 5)
    assert value == pytest.approx(float(metrics['real_loss'] + metrics['fake_loss']) + 0.5 * 12 + 10 * 5, rel=1e-6)


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (dict(form='hingy'), "form is 'hingy' .did you mean 'hinge'.*: choose one of hinge, least_squares"),
        (dict(form='wasserstein'), 'nothing would bound the critic.*penalty=True'),
        (dict(form='hinge', drift=True), "Wasserstein critic.*the form 'hinge'"),
        (dict(form='hinge', gen_form='minmax'), "gen_form is 'minmax' .did you mean 'minimax'"),
        (dict(form='minimax', label=0.5), 'label is 0.5: give more than 0.5'),
        (dict(form='minimax', label=1.1), 'label is 1.1'),
        (dict(form='hinge', threshold=0.0), 'threshold is 0.0: give a score above 0'),
        (dict(form='hinge', label=0.9), "label is 0.9, which the form 'hinge' does not use: minimax, non_saturating"),
        (dict(form='least_squares', threshold=2.0), "the form 'least_squares' does not use: hinge would"),
        (dict(form='hinge', lazy=4), 'lazy is 4, which is how often r1 and r2 are taken: set one of them'),
        (dict(form='relativistic', label=0.9), "label is 0.9, which the form 'relativistic' does not use"),
        (dict(form='relativistic', gen_form='minimax'), "gen_form is 'minimax'.*only their differences: leave"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, sentence):
    with pytest.raises(UserError, match=sentence):
        standard.make(**arguments, terms={})


def test_a_discriminator_without_scores_is_refused():
    turn = make_turn(real_out={'image': jnp.zeros(1), 'code': jnp.zeros(1)}, fake_out=None)
    with pytest.raises(UserError, match='needs scores, but this discriminator gives image, code'):
        standard.make('hinge', {}).disc(turn)


def dirac_gradients(form, theta, psi, penalty=None, r1=0.0, r2=0.0):
    """The Dirac-GAN (Mescheder 2018): real at 0, fake at theta, D(x) = psi x. Returns (dL_gen, dL_disc)."""
    objective = standard.make(form, {}, penalty=penalty is not None, r1=bool(r1), r2=bool(r2))
    hyper = {'adversarial': 1.0, 'penalty': penalty, 'r1': r1, 'r2': r2}

    def gen(theta):
        scores = dict(real_out=jnp.zeros(1), fake_out=jnp.array([psi * theta]))
        return objective.gen(make_turn(**scores, hyper=hyper))[0]

    def disc(psi):
        turn = make_turn(
            real=jnp.zeros((1, 1)),
            fake=jnp.full((1, 1), theta),
            real_out=jnp.array([0.0 * psi]),
            fake_out=jnp.array([psi * theta]),
            real_gradient=jnp.full((1, 1), psi) if r1 else None,
            fake_gradient=jnp.full((1, 1), psi) if r2 else None,
            disc=lambda x: psi * x[:, 0],
            hyper=hyper,
            rng=jax.random.key(0),
        )
        return objective.disc(turn)[0]

    return jax.grad(gen)(theta), jax.grad(disc)(psi)


@pytest.mark.parametrize(
    ('form', 'penalty', 'by_theta', 'by_psi'),
    [
        ('non_saturating', None, lambda t, p: -p * sigmoid(-p * t), lambda t, p: t * sigmoid(p * t)),
        ('minimax', None, lambda t, p: -p * sigmoid(p * t), lambda t, p: t * sigmoid(p * t)),
        ('hinge', None, lambda t, p: -p, lambda t, p: t * (p * t > -1)),
        ('least_squares', None, lambda t, p: p * (p * t - 1), lambda t, p: p * t * t),
        ('relativistic', None, lambda t, p: -p * sigmoid(-p * t), lambda t, p: t * sigmoid(p * t)),
        ('wasserstein', 10.0, lambda t, p: -p, lambda t, p: t + 20 * (abs(p) - 1) * np.sign(p)),
        ('wasserstein', 0.0, lambda t, p: -p, lambda t, p: t),
        ('hinge', 10.0, lambda t, p: -p, lambda t, p: t * (p * t > -1) + 20 * (abs(p) - 1) * np.sign(p)),
    ],
)
@pytest.mark.parametrize(('theta', 'psi'), [(0.7, -1.3), (2.0, -0.8), (-0.4, 0.6)])
def test_dirac_gan_gradients_by_pencil(form, penalty, by_theta, by_psi, theta, psi):
    gen, disc = dirac_gradients(form, theta, psi, penalty)
    assert gen == pytest.approx(by_theta(theta, psi), rel=1e-5)
    assert disc == pytest.approx(by_psi(theta, psi), rel=1e-5, abs=1e-6)
    # A slope of psi at both images: each zero-centred penalty adds gamma psi, for every form.
    gen, disc = dirac_gradients(form, theta, psi, penalty, r1=0.5, r2=2.0)
    assert gen == pytest.approx(by_theta(theta, psi), rel=1e-5)
    assert disc == pytest.approx(by_psi(theta, psi) + 2.5 * psi, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize('form, slope', [('non_saturating', 0.5), ('relativistic', 0.5), ('wasserstein', 1.0)])
@pytest.mark.parametrize('r1, r2', [(0.3, 0.0), (0.2, 0.1), (3.0, 3.0)])
def test_zero_centred_penalties_make_the_dirac_gan_converge(form, slope, r1, r2):
    """The eigenvalues at the equilibrium, -gamma / 2 +- sqrt(gamma^2 / 4 - f'(0)^2) (Mescheder 2018, section 4.1).

    Without a penalty they are +-i f'(0), and the players go round in circles.
    """

    def field(point):
        gen, disc = dirac_gradients(form, point[0], point[1], r1=r1, r2=r2)
        return -jnp.array([gen, disc])

    found = np.linalg.eigvals(jax.jacfwd(field)(jnp.zeros(2)))
    gamma = r1 + r2
    root = np.sqrt(complex(gamma**2 / 4 - slope**2))
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex([-gamma / 2 - root, -gamma / 2 + root]), 1e-4)
    assert max(found.real) < 0
