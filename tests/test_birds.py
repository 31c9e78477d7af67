"""The birds' networks: Table 1 by count and shape, receptive fields by the support of gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.errors import UserError
from gans.networks.birds import Discriminator, Generator
from gans.nn.layers import ACTIVATIONS, NORMS

KEY = jax.random.key(0)


def array(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def count(module, *inputs):
    variables = jax.eval_shape(module.init, KEY, *inputs)
    return sum(leaf.size for leaf in jax.tree.leaves(variables['params']))


def test_both_have_the_posts_counts():
    assert count(Discriminator(), array(1, 192, 192, 3)) == 7_043_393
    assert count(Generator(), array(1, 128)) == 4_848_835


def test_other_norms_add_their_gains_and_shifts():
    layers = 512 + 256 + 256 + 128 + 128 + 64 + 32
    assert count(Generator(norm='layer'), array(1, 128)) == 4_848_835 + 2 * layers
    idle = 18_432 + layers - 512  # the biases that batch norm would take away
    assert count(Generator(norm='batch'), array(1, 128)) == 4_848_835 + 2 * layers - idle


@pytest.mark.parametrize('shape', [(192, 192), (64, 64), (64, 96)])
def test_the_image_has_the_shape_that_is_asked_for(shape):
    image = jax.eval_shape(Generator(shape=shape).init_with_output, KEY, array(2, 128))[0]
    logits = jax.eval_shape(Discriminator().init_with_output, KEY, image)[0]
    assert (image.shape, image.dtype) == ((2, *shape, 3), jnp.float32)
    assert (logits.shape, logits.dtype) == ((2,), jnp.float32)


def positive(variables, rng):
    """Weights above zero: no path through the network cancels another."""
    return jax.tree.map(lambda leaf: rng.uniform(0.5, 1, leaf.shape).astype(np.float32), variables)


def extent(support):
    """(rows, columns) of the box around what is not zero."""
    rows, columns = np.nonzero(support)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def test_a_place_of_the_discriminators_last_map_sees_125_pixels():
    """By the gradient of one place's channels; 192 px, where the middle's field is clear of the border."""
    disc, rng = (
        Discriminator(outer=(1, 1, 1), inner=(1, 1), hidden=1, activation='tanh', norm='none'),
        np.random.default_rng(0),
    )
    image = jnp.zeros((1, 192, 192, 3))
    variables = positive(jax.eval_shape(disc.init, KEY, image), rng)
    one_place = np.zeros((6, 6, 1), np.float32)
    one_place[3, 3] = 1
    variables['params']['project']['kernel'] = one_place.reshape(36, 1)
    variables = jax.tree.map(lambda leaf: 0.01 * leaf, variables)  # tanh in its straight part
    slope = jax.jit(jax.grad(lambda image: disc.apply(variables, image)[0]))(image)
    assert extent(np.abs(slope[0]).sum(-1) > 0) == (125, 125)


def test_a_place_of_the_generators_first_map_reaches_173_pixels():
    """The post says 125 for both, but by its table the generator is not the discriminator reversed."""
    gen = Generator(outer=(1, 1, 1), inner=(1, 1), z_dim=1, shape=(256, 256), activation='tanh', norm='none')
    variables = positive(jax.eval_shape(gen.init, KEY, jnp.zeros((1, 1))), np.random.default_rng(0))
    variables = jax.tree.map(lambda leaf: 0.01 * leaf, variables)
    one_place = np.zeros((8, 8, 1), np.float32)
    one_place[4, 4] = 1

    def paint(size):
        variables['params']['expand']['project']['kernel'] = size * one_place.reshape(1, 64)
        return gen.apply(variables, jnp.ones((1, 1)))

    _, moved = jax.jvp(paint, (jnp.float32(0),), (jnp.float32(1),))
    assert extent(np.abs(moved[0]).sum(-1) > 0) == (173, 173)


@pytest.mark.parametrize('norm', NORMS)
@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_every_norm_and_activation_makes_a_image(norm, activation):
    gen = Generator(outer=(2,), inner=(3,), z_dim=4, shape=(8, 8), norm=norm, activation=activation)
    disc = Discriminator(outer=(2,), inner=(3,), hidden=2, norm=norm, activation=activation)
    image = jax.eval_shape(gen.init_with_output, KEY, array(2, 4))[0]
    assert image.shape == (2, 8, 8, 3)
    assert jax.eval_shape(disc.init_with_output, KEY, image)[0].shape == (2,)


def test_the_norms_are_those_asked_for():
    """Pixelwise is blind to a scaled latent once the bias is zero; without norm and bias the image grows."""
    for norm, same in (('pixelwise', True), ('none', False)):
        gen = Generator(outer=(2,), inner=(3,), z_dim=4, shape=(4, 4), norm=norm, init_std=0.5)
        latent = jax.random.normal(KEY, (1, 4))
        variables = gen.init(KEY, latent)
        a, b = (gen.apply(variables, scale * latent) for scale in (1, 3))
        assert np.allclose(a, b, atol=1e-4) == same


def test_what_does_not_fit_is_explained():
    with pytest.raises(UserError, match='birds networks need .* multiples of 32, not 192 x 180'):
        jax.eval_shape(Discriminator().init, KEY, array(1, 192, 180, 3))
    with pytest.raises(UserError, match=r'birds generator needs a latent of shape \(N, 128\), not \(1, 64\)'):
        jax.eval_shape(Generator().init, KEY, array(1, 64))
    with pytest.raises(UserError, match="'pixelwize' is not a norm .*'pixelwise'"):
        jax.eval_shape(Generator(norm='pixelwize').init, KEY, array(1, 128))
