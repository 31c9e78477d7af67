"""The DCGAN family: Table 1 by count and shape, what norms add, what a user can get wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.errors import UserError
from gans.networks.dcgan import Discriminator, Generator

KEY = jax.random.key(0)


def array(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def shapes(module, *inputs):
    """The variables' shapes, without computing any."""
    return jax.eval_shape(module.init, KEY, *inputs)


def count(module, *inputs):
    return sum(leaf.size for leaf in jax.tree.leaves(shapes(module, *inputs)['params']))


def from_table(bias_before_norm, z_dim=128):
    """Table 1 in closed form at 64 px: (generator, discriminator)."""
    weights = 25 * (3 * 128 + 128 * 256 + 256 * 512 + 512 * 1024)
    first = 4 * 4 * 1024
    bias = int(bias_before_norm)
    gen = z_dim * first + weights + 3 + 2 * (1024 + 512 + 256 + 128) + bias * (first + 512 + 256 + 128)
    disc = weights + 128 + first + 1 + 2 * (256 + 512 + 1024) + bias * (256 + 512 + 1024)
    return gen, disc


def test_the_pair_has_the_posts_count():
    pair = count(Generator(), array(1, 128)), count(Discriminator(), array(1, 64, 64, 3))
    assert pair == (19_331_075, 17_234_689) == from_table(True)
    assert sum(pair) == 36_565_764


def test_without_the_idle_biases_19072_are_fewer():
    gen, disc = Generator(bias_before_norm=False), Discriminator(bias_before_norm=False)
    pair = count(gen, array(1, 128)), count(disc, array(1, 64, 64, 3))
    assert pair == from_table(False) and sum(pair) == 36_565_764 - 19_072


def test_a_critic_with_layer_norm_has_as_many_and_no_statistics():
    critic = Discriminator(norm='layer')
    assert count(critic, array(1, 64, 64, 3)) == 17_234_689
    assert set(shapes(critic, array(1, 64, 64, 3))) == {'params'}
    assert set(shapes(Discriminator(), array(1, 64, 64, 3))) == {'params', 'batch_stats'}
    assert 'norm' not in shapes(critic, array(1, 64, 64, 3))['params']['down_0']


@pytest.mark.parametrize('shape', [(64, 64), (64, 96), (32, 32)])
def test_the_image_has_the_shape_that_is_asked_for(shape):
    image = jax.eval_shape(Generator(shape=shape).init_with_output, KEY, array(2, 128))[0]
    logits = jax.eval_shape(Discriminator().init_with_output, KEY, image)[0]
    assert (image.shape, image.dtype) == ((2, *shape, 3), jnp.float32)
    assert (logits.shape, logits.dtype) == ((2,), jnp.float32)


def test_tiny_pair_plays_within_range_and_answers_to_the_latent():
    gen, disc = (
        Generator(widths=(4, 6), z_dim=5, shape=(16, 16), init_std=0.5),
        Discriminator(widths=(4, 6), init_std=0.5),
    )
    latent = jax.random.normal(KEY, (3, 5))
    variables = gen.init(KEY, latent)
    images, _ = gen.apply(variables, latent, train=True, mutable=['batch_stats'])
    assert images.shape == (3, 16, 16, 3) and np.abs(images).max() <= 1
    assert np.abs(images[0] - images[1]).max() > 1e-2
    logits, after = disc.apply(disc.init(KEY, images), images, train=True, mutable=['batch_stats'])
    assert np.abs(logits[0] - logits[1]) > 1e-3
    assert after['batch_stats']['down_1']['norm']['mean'].shape == (6,)


def test_the_critic_sees_the_condition():
    disc = Discriminator(widths=(4, 6), norm='layer', init_std=0.5)
    image, cond = jnp.zeros((1, 8, 8, 3)), jax.random.normal(KEY, (1, 8, 8, 1))
    variables = disc.init(KEY, image, cond)
    assert disc.apply(variables, image, cond) != disc.apply(variables, image, -cond)


def test_bfloat16_keeps_float32_parameters_statistics_and_results():
    for module, given in (
        (Generator(dtype=jnp.bfloat16), array(2, 128)),
        (Discriminator(dtype=jnp.bfloat16), array(2, 64, 64, 3)),
    ):
        out, variables = jax.eval_shape(module.init_with_output, KEY, given)
        assert out.dtype == jnp.float32
        assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype('float32')}


def test_what_does_not_fit_is_explained():
    with pytest.raises(UserError, match='dcgan networks need .* multiples of 16, not 64 x 72'):
        shapes(Discriminator(), array(1, 64, 72, 3))
    with pytest.raises(UserError, match=r'dcgan generator needs a latent of shape \(N, 128\), not \(1, 64\)'):
        shapes(Generator(), array(1, 64))
