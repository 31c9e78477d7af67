"""Losses against closed forms and slow sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans import losses, terms
from gans.game import Turn
from gans.objectives import standard

LOGITS = jnp.array([-3.0, -0.5, 0.0, 0.25, 4.0])


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


def test_logistic_loss_is_the_cross_entropy():
    real, fake = losses.logistic_disc(LOGITS, LOGITS[::-1] + 1)
    assert real == pytest.approx(-np.log(sigmoid(LOGITS)).mean(), rel=1e-6)
    assert fake == pytest.approx(-np.log(1 - sigmoid(LOGITS + 1)).mean(), rel=1e-6)


def test_an_undecided_discriminator_costs_log_two_each():
    real, fake = losses.logistic_disc(jnp.zeros(3), jnp.zeros(3))
    assert real == pytest.approx(np.log(2)) and fake == pytest.approx(np.log(2))


def test_generator_forms_are_their_formulas():
    assert losses.non_saturating_gen(LOGITS) == pytest.approx(-np.log(sigmoid(LOGITS)).mean(), rel=1e-6)
    assert losses.minimax_gen(LOGITS) == pytest.approx(np.log(1 - sigmoid(LOGITS)).mean(), rel=1e-6)


def test_forms_agree_in_direction_and_differ_where_the_discriminator_is_sure():
    """d/dx of both is negative; minimax vanishes for x -> -inf, non-saturating tends to -1 (Goodfellow 2014, 3)."""
    ns, mm = (jax.grad(f)(jnp.array([-20.0])) for f in (losses.non_saturating_gen, losses.minimax_gen))
    assert ns[0] == pytest.approx(-1, abs=1e-6) and -1e-6 < mm[0] <= 0


@pytest.mark.parametrize('loss', [losses.non_saturating_gen, losses.minimax_gen])
def test_extreme_logits_stay_finite(loss):
    value, grad = jax.value_and_grad(loss)(jnp.array([-1e4, 1e4]))
    assert np.isfinite(value) and np.isfinite(grad).all()


def test_l1_is_the_mean_absolute_difference():
    a, b = jnp.array([[-1.0, 0.5], [1.0, 0.0]]), jnp.array([[1.0, 0.5], [0.0, 0.25]])
    assert losses.l1(a, b) == pytest.approx((2 + 0 + 1 + 0.25) / 4)


def make_turn(**values):
    rest = dict.fromkeys(Turn._fields) | {'carry': (), 'hyper': {}}
    return Turn(**(rest | values))


def test_generator_loss_is_the_weighted_sum_of_its_terms():
    objective = standard.make('non_saturating', {'l1': terms.l1})
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


def dirac_gradients(form, theta, psi):
    """The Dirac-GAN (Mescheder 2018): real at 0, fake at theta, D(x) = psi x. Returns (dL_gen, dL_disc)."""
    objective = standard.make(form, {})

    def gen(theta):
        return objective.gen(make_turn(fake_out=jnp.array([psi * theta]), hyper={'adversarial': 1.0}))[0]

    def disc(psi):
        return objective.disc(make_turn(real_out=jnp.array([0.0 * psi]), fake_out=jnp.array([psi * theta])))[0]

    return jax.grad(gen)(theta), jax.grad(disc)(psi)


def test_dirac_gan_gradients_by_pencil():
    theta, psi = 0.7, -1.3
    gen, disc = dirac_gradients('non_saturating', theta, psi)
    assert gen == pytest.approx(-psi * sigmoid(-psi * theta), rel=1e-6)
    assert disc == pytest.approx(theta * sigmoid(psi * theta), rel=1e-6)
    gen, _ = dirac_gradients('minimax', theta, psi)
    assert gen == pytest.approx(-psi * sigmoid(psi * theta), rel=1e-6)
