"""Averages of a network's variables over the steps of training: what is shown is steadier than what is trained.

The mean over all steps serves another purpose: historical averaging holds a player near its own past.

Why not `optax.incremental_update`: it computes s * new + (1 - s) * old, which moves what stays the same. Of 100,000
normal numbers that never change it altered up to 14 % in the last bit in one step of `exponential`, and of 200,000 up
to 35 % in one of `running_mean`; old + s * (new - old) alters none (optax 0.2.8, jax 0.10.2 on the CPU, 2026-11-26).
It also returns float32 for variables of another type.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gans.errors import UserError
from gans.types import Array, Average, Tree


def make(decay: float, half_life: float = 0.0, ramp: float = 0.0, batch: int = 1) -> Average:
    """The average that a config asks for by `ema` or by `ema_half_life` and `ema_ramp`: none where both are 0.

    Args:
      decay: as in `exponential`.
      half_life, ramp, batch: as in `halving`.

    Raises:
      UserError: numbers out of range, or both kinds of average at once.
    """
    if not 0 <= decay < 1:
        raise UserError(f'config.ema is {decay}: give the decay of an average, for example 0.999, or 0 for none.')
    if half_life < 0 or ramp < 0:
        name, value = ('ema_half_life', half_life) if half_life < 0 else ('ema_ramp', ramp)
        raise UserError(f'config.{name} is {value}: give a number from 0.')
    if decay and half_life:
        raise UserError(
            f'config.ema is {decay} and config.ema_half_life is {half_life}, which are two ways to say how long an '
            'average remembers: give 0 for one of them.'
        )
    if half_life:
        return halving(half_life, ramp, batch)
    return exponential(decay) if decay else none()


def none() -> Average:
    """No average: it is the empty tree, and what is shown is what is trained."""
    return Average(init=lambda variables: (), update=lambda average, variables, step: ())


def running_mean() -> Average:
    """The mean of all values since the first step, every one with the same weight (Salimans et al. 2016, section 3.3).

    After step t (from 0), which makes the value number t + 2: mean <- mean + (variables - mean) / (t + 2).
    """

    def update(average: Tree, variables: Tree, step: Array) -> Tree:
        return jax.tree.map(lambda a, x: a + (x - a) / (step + 2), average, variables)

    return Average(init=lambda variables: variables, update=update)


def exponential(decay: float) -> Average:
    """An exponential moving average of all variables, running statistics included, whose window grows with training.

    After step t (from 0): average <- average + (1 - d) (variables - average), d = min(decay, (1 + t) / (10 + t)). What
    never changes stays as it is to the last bit, and the untrained start is soon forgotten: with d = decay alone, a
    tenth of it would be left after 2300 steps of 0.999. Source: TensorFlow's ExponentialMovingAverage with
    `num_updates`; averaging a generator: Karras et al. 2018 (PGGAN), section A.1 (decay 0.999). The running statistics
    are averaged too, so that they belong to the averaged weights.
    """

    return _moving(lambda step: jnp.minimum(decay, (1.0 + step) / (10.0 + step)))


def halving(half_life: float, ramp: float, batch: int) -> Average:
    """The same average, which forgets half of what it knows while `half_life` images are trained on.

    After step t (from 0), before which `batch` t images were seen: average <- average + (1 - d) (variables - average),
    d = 2^(-batch / h), h = min(half_life, ramp batch t); h = half_life where `ramp` is 0. So it means the same at every
    batch size. With a ramp the untrained start is gone after the first step. Source: the code of Karras et al. 2020,
    "Training Generative Adversarial Networks with Limited Data" (`ema_kimg`, 10,000 images unless it is told otherwise,
    and `ema_rampup`, 0.05).
    """

    def decay(step: Array) -> Array:
        half = jnp.minimum(half_life, ramp * batch * step) if ramp else half_life
        return jnp.exp2(-batch / jnp.float32(half))

    return _moving(decay)


def _moving(decay: Callable[[Array], Array]) -> Average:
    """average <- average + (1 - decay(step)) (variables - average)."""

    def update(average: Tree, variables: Tree, step: Array) -> Tree:
        now = decay(step)
        return jax.tree.map(lambda a, x: (a + (1 - now) * (x - a)).astype(x.dtype), average, variables)

    return Average(init=lambda variables: variables, update=update)
