"""The U-net family: Tables 1a and 1b by count and shape, the colorizing variant, what a user can get wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.errors import UserError
from gans.networks.unet import Discriminator, Generator
from gans.nn.layers import Conv

KEY = jax.random.key(0)


def array(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def count(module, *inputs):
    """The number of parameters, without computing any."""
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(module.init, KEY, *inputs)))


def from_table(height, width, channels, factor, z_dim=128, widths=(16, 24, 32, 40, 48, 56)):
    """Table 1a in closed form; `factor` 2 is the colorizing network: two z_dim vectors, doubled widths."""

    def conv(i, o):
        return 25 * i * o + o

    ins = (channels, *widths[:-1])
    total = sum(conv(i, o) for i, o in zip(ins, widths, strict=True)) + sum(conv(w, w) for w in widths[:-1])
    pixels, outs = height * width // 32**2, [factor * w for w in reversed(widths)]
    total += pixels * widths[-1] * z_dim + z_dim
    total += factor * z_dim * pixels * outs[0] + pixels * outs[0] + conv(outs[0], outs[0])
    for wide, narrow, skip in zip(outs[:-1], outs[1:], reversed(widths[:-1]), strict=True):
        total += conv(wide, wide) + conv(wide + skip, narrow)
    return total + conv(outs[-1], 3)


def test_inpainting_generator_has_the_papers_count():
    assert count(Generator(), array(1, 256, 256, 3)) == 1_858_811 == from_table(256, 256, 3, 1)


def test_colorizing_generator_doubles_all_after_the_bottleneck():
    colorizer = Generator(noise=True)
    assert count(colorizer, array(1, 256, 256, 1), array(1, 128)) == 4_794_667 == from_table(256, 256, 1, 2)
    assert count(colorizer, array(1, 64, 64, 1), array(1, 128)) == 2_637_547 == from_table(64, 64, 1, 2)
    params = jax.eval_shape(colorizer.init, KEY, array(1, 64, 64, 1), array(1, 128))['params']
    widths = [params[f'up_{i}']['conv']['kernel'].shape[-1] for i in range(5)]
    widths.append(params['merge_4']['conv']['kernel'].shape[-1])
    assert widths == [112, 96, 80, 64, 48, 32]
    assert params['merge_0']['conv']['kernel'].shape == (5, 5, 112 + 48, 96)
    assert params['expand']['kernel'].shape == (256, 4 * 112)


def test_with_a_stride_the_table_is_that_of_half_the_size_between_two_layers():
    fast = Generator(widths=(16, 24, 32), noise=True, stride=2)
    inner = from_table(32, 32, 16, 2, widths=(16, 24, 32))
    pixels, outs = (32 // 4) ** 2, 2 * 32  # two widths go down; from_table divides by those of five
    inner += (pixels - 1) * (32 * 128 + 2 * 128 * outs + outs)
    stem, restore, out = 25 * 1 * 16 + 16, 25 * 32 * 16 + 16, 25 * (16 + 1) * 3 + 3
    expected = inner - (25 * 32 * 3 + 3) + stem + restore + out
    assert count(fast, array(1, 64, 64, 1), array(1, 128)) == expected
    image = jax.eval_shape(fast.init_with_output, KEY, array(2, 64, 32, 1), array(2, 128))[0]
    assert image.shape == (2, 64, 32, 3)


def test_with_a_stride_the_last_layer_sees_every_pixel_of_the_image():
    fast = Generator(widths=(4, 4), stride=2, init_std=0.3)
    image = jax.random.uniform(KEY, (1, 8, 8, 1))
    variables = fast.init(KEY, image)
    variables['params']['restore']['conv'] = jax.tree.map(jnp.zeros_like, variables['params']['restore']['conv'])
    alone = {'params': variables['params']['out']}
    expected = jnp.tanh(Conv(3).apply(alone, jnp.zeros((1, 8, 8, 4)), image))
    np.testing.assert_allclose(fast.apply(variables, image), expected, atol=1e-6)


def test_discriminator_has_the_papers_count():
    assert count(Discriminator(), array(1, 256, 256, 3), array(1, 256, 256, 3)) == 3_778_641
    assert count(Discriminator(), array(1, 64, 64, 3), array(1, 64, 64, 1)) == 2_794_801


@pytest.mark.parametrize('size', [(64, 64), (64, 192), (128, 64)])
def test_output_shapes_at_any_multiple_of_64(size):
    image = jax.eval_shape(Generator().init_with_output, KEY, array(2, *size, 3))[0]
    logits = jax.eval_shape(Discriminator().init_with_output, KEY, array(2, *size, 3), array(2, *size, 1))[0]
    assert (image.shape, image.dtype) == ((2, *size, 3), jnp.float32)
    assert (logits.shape, logits.dtype) == ((2,), jnp.float32)


def test_bfloat16_keeps_float32_parameters_and_results():
    for module in (Generator(dtype=jnp.bfloat16), Discriminator(dtype=jnp.bfloat16)):
        out, variables = jax.eval_shape(module.init_with_output, KEY, array(1, 64, 64, 3))
        assert out.dtype == jnp.float32
        assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype('float32')}


def test_colorizer_answers_within_range_to_image_and_latent():
    module, rng = Generator(widths=(4, 4), z_dim=5, noise=True), np.random.default_rng(0)
    image, latent = (rng.normal(size=shape).astype(np.float32) for shape in [(2, 4, 8, 1), (2, 5)])
    shapes = jax.eval_shape(module.init, KEY, image, latent)
    variables = jax.tree.map(lambda leaf: 0.5 * rng.normal(size=leaf.shape).astype(np.float32), shapes)
    call = jax.jit(module.apply)
    out = np.asarray(call(variables, image, latent))
    assert out.shape == (2, 4, 8, 3) and np.abs(out).max() <= 1
    assert np.abs(out - call(variables, image, -latent)).max() > 1e-3
    assert np.abs(out - call(variables, -image, latent)).max() > 1e-3


@pytest.mark.parametrize('shape', [(1, 96, 64, 3), (1, 64, 100, 3), (1, 0, 64, 3)])
@pytest.mark.parametrize('module', [Generator(), Discriminator()])
def test_sizes_that_do_not_fit_are_explained(module, shape):
    with pytest.raises(UserError, match=f'multiples of 64, not {shape[1]} x {shape[2]}'):
        jax.eval_shape(module.init, KEY, array(*shape))


@pytest.mark.parametrize('stride', [3, 4])
def test_other_strides_are_refused(stride):
    with pytest.raises(UserError, match=f'config.generator.stride is {stride}: unet takes 1 or 2.'):
        jax.eval_shape(Generator(stride=stride).init, KEY, array(1, 64, 64, 1))


def test_a_latent_that_does_not_fit_is_explained():
    with pytest.raises(UserError, match='noise=True needs a latent'):
        jax.eval_shape(Generator(noise=True).init, KEY, array(1, 64, 64, 1))
    with pytest.raises(UserError, match=r'not \(1, 64\)'):
        jax.eval_shape(Generator(noise=True).init, KEY, array(1, 64, 64, 1), array(1, 64))
    with pytest.raises(UserError, match='has noise=False'):
        jax.eval_shape(Generator().init, KEY, array(1, 64, 64, 1), array(1, 128))
