"""The networks of digits and facades: sizes, counts by hand, gray images, noise, references, layers to look at."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from gans.errors import UserError
from gans.networks import convnet, perceptron, wide

KEY = jax.random.key(0)
NOISE = {'noise': jax.random.key(1)}


def array(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def shapes(module, *inputs):
    """The variables' shapes, without computing any."""
    return jax.eval_shape(module.init, KEY, *inputs)


def count(module, *inputs):
    return sum(leaf.size for leaf in jax.tree.leaves(shapes(module, *inputs)['params']))


def head(widths, inputs, norm=0, minibatch=2, kernels=32, dims=8):
    """Weights and biases of the fully connected end; `norm` more numbers for every unit."""
    total = 0
    for i, width in enumerate(widths):
        total += inputs * width + width + norm * width
        inputs = width
        if i >= len(widths) - minibatch:
            total += inputs * kernels * dims
            inputs += kernels
    return total + inputs + 1


def test_the_generator_of_digits_has_the_appendixs_count():
    """`mnist_generator_ln`: gf_dim 32, gray."""
    wanted = 100 * 4096 + 4096 + 36 * (256 * 128 + 128 * 64 + 64) + 128 + 64 + 1 + 2 * (256 + 128 + 64)
    assert count(convnet.Generator(channels=1), array(1, 100)) == wanted
    # Without the biases before a norm that takes them away.
    for norm in ('batch', 'virtual'):
        assert count(convnet.Generator(channels=1, norm=norm), array(1, 100)) == wanted - (4096 + 128 + 64)


def test_the_discriminator_of_digits_has_the_appendixs_count():
    """`mnist_discriminator_ln_noise`: df_dim 8, 500 and 250 units, two minibatch layers; 28, 14, 7, 4, 2 pixels."""
    convolutions = 9 * (8 + 8 * 16 + 16 * 32 + 32 * 64) + 2 * (8 + 16 + 32 + 64)
    assert count(convnet.Discriminator(channels=1), array(1, 28, 28, 3)) == convolutions + head((500, 250), 2 * 2 * 64)


def test_the_perceptron_has_the_appendixs_count():
    widths = (1000, 500, 500, 250, 250)
    found = count(perceptron.Discriminator(channels=1), array(1, 28, 28, 3))
    assert found == head(widths, 28 * 28, norm=2)
    assert len(shapes(perceptron.Discriminator(), array(1, 28, 28, 3))['params']['head']) == 5 + 2 + 1


def test_facades_by_the_appendix():
    """`b64_g_p` and `mnist_discriminator_ln_noise` with df_dim 64, 1000 and 500 units."""
    gen = convnet.Generator(widths=(64, 128, 256, 512), shape=(64, 64))
    up = 101 * 8192 + 36 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 256 + 128 + 64 + 3 + 2 * (512 + 256 + 128 + 64)
    assert count(gen, array(1, 100)) == up
    disc = convnet.Discriminator(widths=(64, 128, 256, 512), hidden=(1000, 500))
    down = 9 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 2 * (64 + 128 + 256 + 512)
    assert count(disc, array(1, 64, 64, 3)) == down + head((1000, 500), 4 * 4 * 512)


def test_wide_networks_by_hand():
    gen = wide.Generator(widths=(2, 3), z_dim=5, channels=1, noise_maps=(4, 6), shape=(7, 8))
    block = (9 * 2 + 2) + (9 * 2 + 36 * 9 * 2) + (2 * 2 + 36 * 2 * 2 + 2)  # shortcut 1x1, norms, convolutions
    assert shapes(gen, array(1, 5))['params']['project']['kernel'].shape == (5, 2 * 2 * 3)
    assert count(gen, array(1, 5)) == 5 * 12 + 12 + block - 2 + 36 * (2 + 4) + 1
    disc = wide.Discriminator(widths=(2, 3), dilations=(2, 4), hidden=(7,))
    down = 9 * 3 * 2 + (2 * 2 + 2 * 3 + 9 * 2 * 3) + (2 * 3 + 9 * 3 * 3) + 2 * 3
    assert count(disc, array(1, 8, 6, 3)) == down + 2 * (9 * 3 * 3 + 2 * 3) + head((7,), 4 * 3 * 3, minibatch=1)


PAIRS = {
    'convnet': (convnet.Generator(widths=(3, 4), z_dim=5, shape=(14, 11)), convnet.Discriminator(widths=(3, 4))),
    'gray': (
        convnet.Generator(widths=(3, 4), z_dim=5, shape=(14, 11), channels=1),
        convnet.Discriminator(widths=(3, 4), channels=1),
    ),
    'virtual': (
        convnet.Generator(widths=(3, 4), z_dim=5, shape=(14, 11), norm='virtual', reference=4, noise_maps=(2, 0)),
        convnet.Discriminator(widths=(3, 4), norm='batch', minibatch=1, dropout=0.5),
    ),
    'perceptron': (
        perceptron.Generator(widths=(3, 4), z_dim=5, shape=(14, 11), activation='elu'),
        perceptron.Discriminator(widths=(8, 7, 6), channels=1),
    ),
    'wide': (
        wide.Generator(widths=(3, 4), z_dim=5, shape=(14, 11), noise_maps=(2, 3)),
        wide.Discriminator(widths=(3, 4), dilations=(2,)),
    ),
}


@pytest.mark.parametrize('name', PAIRS)
@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
def test_pairs_fit_any_size_and_give_float32(name, dtype):
    gen, disc = (network.clone(dtype=dtype) for network in PAIRS[name])
    image, variables = jax.eval_shape(gen.init_with_output, KEY, array(2, 5))
    assert (image.shape, image.dtype) == ((2, 14, 11, 3), jnp.float32)
    logits, judge = jax.eval_shape(disc.init_with_output, KEY, image, array(2, 14, 11, 1))
    assert (logits.shape, logits.dtype) == ((2,), jnp.float32)
    assert {leaf.dtype for leaf in jax.tree.leaves((variables, judge))} == {jnp.dtype('float32')}


@pytest.mark.parametrize('name', PAIRS)
def test_pairs_play_within_range_and_answer(name):
    gen, disc = PAIRS[name]
    latent = jax.random.normal(KEY, (3, 5))

    @jax.jit
    def play(latent):
        variables = gen.init(KEY, latent)
        kept = [kind for kind in variables if kind != 'params']
        images, _ = gen.apply(variables, latent, train=True, rngs=NOISE, mutable=kept)
        variables = disc.init(KEY, images)
        kept = [kind for kind in variables if kind != 'params']
        return images, disc.apply(variables, images, train=True, rngs=NOISE, mutable=kept)[0]

    images, logits = play(latent)
    assert np.abs(images).max() <= 1 and np.abs(images[0] - images[1]).max() > 1e-2
    assert np.abs(logits[0] - logits[1]) > 1e-3
    gray = gen.channels == 1
    assert np.array_equal(images[..., 0], images[..., 1]) == np.array_equal(images[..., 0], images[..., 2]) == gray


def test_a_gray_discriminator_sees_the_mean_of_the_channels():
    disc = convnet.Discriminator(widths=(3,), hidden=(4,), minibatch=0, channels=1)
    image = jax.random.uniform(KEY, (2, 6, 6, 3), minval=-1)
    judge = jax.jit(disc.apply)
    variables = jax.jit(disc.init)(KEY, image)
    assert variables['params']['down_0']['conv']['kernel'].shape == (3, 3, 1, 3)
    gray = jnp.repeat(image.mean(-1, keepdims=True), 3, -1)
    np.testing.assert_allclose(judge(variables, image), judge(variables, gray), atol=1e-5)
    assert np.abs(judge(variables, image) - judge(variables, image.at[..., 0].add(0.5))).max() > 1e-3


def test_images_of_a_virtual_norm_do_not_depend_on_each_other_nor_on_training():
    gen = convnet.Generator(widths=(3, 4), z_dim=5, shape=(14, 11), norm='virtual', reference=4)
    latent = jax.random.normal(KEY, (3, 5))
    variables = jax.jit(gen.init)(KEY, latent)
    assert set(variables) == {'params', 'reference'}
    draw = jax.jit(gen.apply, static_argnames='train')
    together = draw(variables, latent, train=False)
    np.testing.assert_allclose(draw(variables, latent.at[1:].mul(9), train=False)[0], together[0], atol=1e-5)
    assert np.abs(draw(variables, latent.at[0].mul(9), train=False)[0] - together[0]).max() > 1e-2
    np.testing.assert_array_equal(draw(variables, latent, train=True), together)
    other = {**variables, 'reference': jax.tree.map(lambda x: x[::-1] ** 2, variables['reference'])}
    assert np.abs(draw(other, latent, train=False) - together).max() > 1e-3


@pytest.mark.parametrize(
    'changes', [dict(noise=0.5), dict(noise=0.0, dropout=0.5)], ids=['noise after convolutions', 'dropout']
)
def test_noise_and_dropout_are_for_training(changes):
    disc = convnet.Discriminator(widths=(3,), hidden=(20,), minibatch=0, **changes)
    image = jax.random.uniform(KEY, (4, 6, 6, 3), minval=-1)
    variables, apply = jax.jit(disc.init)(KEY, image), jax.jit(disc.apply, static_argnames='train')

    def judge(seed=None):
        rngs = {} if seed is None else {'noise': jax.random.key(seed)}
        return apply(variables, image, train=seed is not None, rngs=rngs)

    np.testing.assert_array_equal(judge(), judge())
    assert np.abs(judge(1) - judge()).max() > 1e-3 < np.abs(judge(1) - judge(2)).max()
    np.testing.assert_array_equal(judge(1), judge(1))


def test_dropout_takes_its_part_and_enlarges_the_rest():
    from gans.nn.heads import Hidden

    layer, x = Hidden(2000, activation='relu', dropout=0.25), jax.random.normal(KEY, (1, 10))
    y, variables = layer.init_with_output(KEY, x)
    dropped = layer.apply(variables, x, train=True, rngs=NOISE)
    kept = dropped != 0
    np.testing.assert_allclose(dropped[kept], y[kept] / 0.75, rtol=1e-5)
    assert float(kept.sum() / (y != 0).sum()) == pytest.approx(0.75, abs=0.05)


def test_noise_of_the_perceptron_on_the_image_and_inside():
    """With every weight a sum of the inputs, the deviations can be read off."""

    def deviation(input_noise, noise):
        disc = perceptron.Discriminator((1,), 0, norm='none', activation='elu', input_noise=input_noise, noise=noise)
        image = jnp.full((4000, 2, 2, 3), 1.0)
        variables = jax.tree.map(jnp.ones_like, disc.init(KEY, image))
        return float(disc.apply(variables, image, train=True, rngs=NOISE).std())

    assert deviation(0.6, 0.0) == pytest.approx(0.6 * 12**0.5, rel=0.05)
    assert deviation(0.0, 0.3) == pytest.approx(0.3, rel=0.05)


def test_maps_of_noise_widen_what_the_next_layer_sees():
    gen = convnet.Generator(widths=(3, 4), z_dim=5, shape=(8, 8), noise_maps=(2, 7))
    params = shapes(gen, array(1, 5))['params']
    assert params['up_1']['conv']['kernel'].shape == (6, 6, 4 + 7, 3)
    assert params['out']['kernel'].shape == (6, 6, 3 + 2, 3)
    latent = jax.random.normal(KEY, (2, 5))
    variables, draw = jax.jit(gen.init)(KEY, latent), jax.jit(gen.apply, static_argnames='train')
    noisy = [draw(variables, latent, train=True, rngs={'noise': jax.random.key(i)}) for i in (1, 2)]
    assert np.abs(noisy[0] - noisy[1]).max() > 1e-3


def outputs_of(disc, image, run):
    """What every submodule of a discriminator gives, by its path, as the objectives' terms look at it."""

    def look(image):
        variables = disc.init(KEY, image)
        watch = dict(capture_intermediates=True, mutable=['batch_stats', 'intermediates'])
        return disc.apply(variables, image, train=True, rngs=NOISE, **watch)[1]['intermediates']

    found = flatten_dict(run(look, image), sep='/')
    return {path.removesuffix('/__call__'): found[path][0] for path in found}


def test_the_layers_that_terms_look_at_are_activated():
    image = jax.random.uniform(KEY, (3, 14, 14, 3), minval=-1)
    layers = outputs_of(
        convnet.Discriminator(widths=(3, 4), hidden=(6, 5), activation='relu'), image, lambda look, x: jax.jit(look)(x)
    )
    assert layers['down_0'].shape == (3, 7, 7, 3) and layers['down_1'].shape == (3, 4, 4, 4)
    assert layers['head/hidden_0'].shape == (3, 6) and layers['head/minibatch_1'].shape == (3, 5 + 32)
    assert min(layers[name].min() for name in ('down_0', 'down_1', 'head/hidden_0', 'head/hidden_1')) == 0
    fully = outputs_of(perceptron.Discriminator(widths=(8, 7, 6), channels=1), image, jax.eval_shape)
    assert fully['head/hidden_2'].shape == (3, 6)
    assert [name for name in sorted(fully) if name.count('/') == 1] == [
        'head/hidden_0',
        'head/hidden_1',
        'head/hidden_2',
        'head/minibatch_1',
        'head/minibatch_2',
        'head/noise',
        'head/out',
    ]
    blocks = outputs_of(wide.Discriminator(widths=(3, 4), dilations=(2,)), image, jax.eval_shape)
    assert blocks['down_0'].shape == blocks['settle'].shape == blocks['dilated_0'].shape == (3, 7, 7, 4)


def test_what_does_not_fit_is_explained():
    with pytest.raises(UserError, match='2 channels'):
        shapes(convnet.Generator(channels=2), array(1, 100))
    with pytest.raises(UserError, match='2 channels'):
        shapes(convnet.Discriminator(channels=2), array(1, 8, 8, 3))
    with pytest.raises(UserError, match='3 widths and 2 noise_maps'):
        shapes(convnet.Generator(noise_maps=(1, 2)), array(1, 100))
    with pytest.raises(UserError, match='3 widths and 1 noise_maps'):
        shapes(wide.Generator(noise_maps=(1,)), array(1, 100))
    with pytest.raises(UserError, match='minibatch is 3: of 2 fully connected'):
        shapes(convnet.Discriminator(minibatch=3), array(1, 8, 8, 3))
    with pytest.raises(UserError, match="'virtaul' is not a norm .did you mean 'virtual'"):
        shapes(convnet.Generator(norm='virtaul'), array(1, 100))
    with pytest.raises(UserError, match=r'needs a latent of shape \(N, 100\), not \(1, 64\)'):
        shapes(convnet.Generator(), array(1, 64))
