"""BEGAN: Table 2 by count and shape, vanishing residuals, the control by pencil, statistics against numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.errors import UserError
from gans.networks.began import Discriminator, Generator
from gans.nn.layers import Conv
from gans.objectives import began
from gans.types import Term, Turn

KEY = jax.random.key(0)


def array(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def count(module, *inputs):
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(module.init, KEY, *inputs)))


def test_both_have_the_posts_count():
    gen, disc = count(Generator(), array(1, 64)), count(Discriminator(), array(1, 64, 64, 3))
    assert (gen, disc, gen + disc) == (2_749_315, 14_438_083, 17_187_398)


@pytest.mark.parametrize(
    ('gen', 'disc', 'size'),
    [
        (Generator(), Discriminator(), (64, 64)),
        (Generator(levels=4, shape=(128, 128)), Discriminator(widths=(128, 256, 384, 512, 640)), (128, 128)),
        (Generator(shape=(32, 48)), Discriminator(), (32, 48)),
    ],
)
def test_shapes_at_64_and_128_pixels(gen, disc, size):
    image = jax.eval_shape(gen.init_with_output, KEY, array(2, 64))[0]
    out = jax.eval_shape(disc.init_with_output, KEY, image)[0]
    assert image == out['image'] == array(2, *size, 3) and out['code'] == array(2, 64)


def tiny(module, *inputs):
    """A tiny module with weights large enough to matter: (module, variables)."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(module.init, KEY, *inputs)
    return jax.tree.map(lambda leaf: jnp.asarray(0.5 * rng.normal(size=leaf.shape), jnp.float32), shapes)


def test_the_decoder_is_the_tables():
    """One level by hand: three convolutions, then map and projection side by side, enlarged, and three more."""
    gen, latent = Generator(width=2, levels=1, z_dim=3, shape=(4, 4)), jax.random.normal(KEY, (2, 3))
    variables = tiny(gen, latent)
    params = variables['params']['decoder']

    def conv(name, x, features=2):
        return jax.nn.elu(Conv(features, 3).apply({'params': params[name]['conv']}, x))

    first = (latent @ params['project']['kernel'] + params['project']['bias']).reshape(2, 2, 2, 2)
    x = conv('conv_0_2', conv('conv_0_1', conv('conv_0_0', first)))
    x = jnp.concatenate([x, first], axis=-1).repeat(2, axis=1).repeat(2, axis=2)
    x = conv('conv_1_2', conv('conv_1_1', conv('conv_1_0', x)))
    wanted = conv('out', x, 3)
    np.testing.assert_allclose(gen.apply(variables, latent, train=True), wanted, rtol=1e-4, atol=1e-5)
    assert wanted.max() > 1.1, 'the test is about clipping too'
    np.testing.assert_allclose(gen.apply(variables, latent), np.clip(wanted, -1, 1), rtol=1e-4, atol=1e-5)


def test_the_second_upsampling_gets_the_projection_too():
    gen, latent = Generator(width=2, levels=2, z_dim=3, shape=(4, 4)), jax.random.normal(KEY, (1, 3))
    variables = tiny(gen, latent)
    kernel = variables['params']['decoder']['conv_2_0']['conv']['kernel']
    assert kernel.shape == (3, 3, 4, 2)
    variables['params']['decoder']['conv_2_0']['conv']['kernel'] = kernel.at[:, :, :2].set(0)  # only the projection
    a, b = (gen.apply(variables, scale * latent, train=True) for scale in (1, 2))
    assert np.abs(a - b).max() > 1e-2


def with_residual(module, variables, x, residual):
    return module.apply(variables | {'hyper': {'residual': jnp.float32(residual)}}, x, train=True)


def test_residuals_vanish():
    """At 1 the layers between maps of one shape are passed by; at 0 there is no shortcut; between, a blend."""
    disc, image = Discriminator(widths=(2, 3), z_dim=3), jax.random.normal(KEY, (1, 4, 4, 3))
    variables = tiny(disc, image)

    def outputs(params, residual):
        return sum(
            jnp.sum(jnp.square(leaf)) for leaf in with_residual(disc, {'params': params}, image, residual).values()
        )

    slopes = jax.grad(outputs)(variables['params'], 1.0)
    for part, passed in (
        ('encoder', {'conv_0_1', 'conv_0_2', 'conv_1_1'}),
        ('decoder', {'conv_0_0', 'conv_0_1', 'conv_0_2', 'conv_1_1', 'conv_1_2'}),
    ):
        for name in slopes[part]:
            moved = any(np.any(leaf) for leaf in jax.tree.leaves(slopes[part][name]))
            assert moved != (name in passed), name
    plain = disc.apply(variables, image)
    for name, leaf in with_residual(disc, variables, image, 0).items():
        np.testing.assert_allclose(leaf, plain[name], rtol=1e-5)
    assert np.abs(with_residual(disc, variables, image, 0.5)['code'] - plain['code']).max() > 1e-3


def test_what_does_not_fit_is_explained():
    with pytest.raises(UserError, match='began networks need .* multiples of 8, not 64 x 60'):
        jax.eval_shape(Discriminator().init, KEY, array(1, 64, 60, 3))
    with pytest.raises(UserError, match='takes no condition'):
        jax.eval_shape(Discriminator().init, KEY, array(1, 64, 64, 3), array(1, 64, 64, 1))
    with pytest.raises(UserError, match=r'latent of shape \(N, 64\), not \(1, 128\)'):
        jax.eval_shape(Generator().init, KEY, array(1, 128))


def make_turn(real_error, fake_error, k, codes=None, z_dim=2):
    """Images whose reconstruction errors are those numbers."""
    real, fake = jnp.zeros((2, 4, 4, 3)), jnp.ones((2, 4, 4, 3))
    codes = jnp.zeros((2, z_dim)) if codes is None else codes
    start = began.make({}, z_dim=2).init()
    return Turn(**dict.fromkeys(Turn._fields))._replace(
        real_seen=real,
        fake_seen=fake,
        real_out={'image': real + real_error, 'code': codes},
        fake_out={'image': fake - fake_error, 'code': codes},
        carry=start._replace(k=jnp.float32(k)),
        hyper={},
    )


@pytest.mark.parametrize(
    ('real', 'fake', 'k', 'loss', 'convergence', 'after'),
    [
        # gamma 0.5, gain 0.1
        (0.4, 0.1, 0.2, 0.4 - 0.2 * 0.1, 0.4 + 0.1, 0.2 + 0.1 * 0.1),
        (0.4, 0.6, 0.5, 0.4 - 0.5 * 0.6, 0.4 + 0.4, 0.5 - 0.1 * 0.4),
        (0.4, 0.6, 0.02, 0.4 - 0.02 * 0.6, 0.8, 0.0),
        (0.4, 0.1, 0.995, 0.4 - 0.995 * 0.1, 0.5, 1.0),
    ],
)
def test_control_and_convergence_by_pencil(real, fake, k, loss, convergence, after):
    value, metrics, carry = began.make({}, z_dim=2, gamma=0.5, gain=0.1).disc(make_turn(real, fake, k))
    assert value == pytest.approx(loss, rel=1e-5) and carry.k == pytest.approx(after, abs=1e-6)
    assert metrics['convergence'] == pytest.approx(convergence, rel=1e-5) and metrics['k'] == pytest.approx(k)
    assert metrics['real_loss'] == pytest.approx(real) and metrics['fake_loss'] == pytest.approx(fake, rel=1e-5)


def test_the_generator_wants_to_be_reconstructed_and_leaves_the_memory_alone():
    objective = began.make({'half': Term(lambda turn: jnp.float32(0.5))}, z_dim=2)
    turn = make_turn(0.4, 0.1, 0.2)._replace(hyper={'half': 3.0})
    value, metrics, carry = objective.gen(turn)
    assert value == pytest.approx(0.1 + 1.5, rel=1e-5) and carry is turn.carry
    assert metrics['reconstruction'] == pytest.approx(0.1, rel=1e-5) and objective.needs == ('half',)


def test_an_equilibrium_stays():
    """L(G(z)) = gamma L(x): k does not move and the convergence measure is L(x)."""
    _, metrics, carry = began.make({}, z_dim=2, gamma=0.25).disc(make_turn(0.5, 0.125, 0.3))
    assert carry.k == pytest.approx(0.3, abs=1e-6) and metrics['convergence'] == pytest.approx(0.5, abs=1e-5)


def stream(seed, sizes, z_dim=3):
    """Batches of correlated codes whose mean is 1000 times their deviation: a sum of squares would keep nothing."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(z_dim, z_dim))
    return [(1000 + rng.normal(size=(n, z_dim)) @ mix + 0.5 * i).astype(np.float32) for i, n in enumerate(sizes)]


def test_statistics_are_those_of_the_whole_stream():
    batches = stream(0, [8] * 30 + [1, 5, 16])
    codes, track = began.make({}, z_dim=3).init().codes, jax.jit(began.track)
    for batch in batches:
        codes = track(codes, batch)
    whole = np.concatenate(batches).astype(np.float64)
    assert codes.seen == len(whole)
    np.testing.assert_allclose(codes.mean, whole.mean(0), rtol=1e-6)
    np.testing.assert_allclose(codes.cov, np.cov(whole.T, bias=True), rtol=1e-3, atol=1e-3)


def test_with_memory_the_past_fades():
    """Against weights written out: each batch takes its share of what was there, and the past counts at most 32."""
    batches, codes, weights = stream(1, [8] * 20), began.make({}, z_dim=3).init().codes, np.zeros(0)
    for i, batch in enumerate(batches):
        codes = began.track(codes, batch, memory=32)
        share = 8 / (min(8 * i, 32) + 8)
        weights = np.concatenate([weights * (1 - share), np.full(8, share / 8)])
    whole = np.concatenate(batches).astype(np.float64)
    mean = weights @ whole
    assert weights.sum() == pytest.approx(1) and weights[0] < 0.05 * weights[-1]
    np.testing.assert_allclose(codes.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(codes.cov, (whole - mean).T @ ((whole - mean) * weights[:, None]), rtol=1e-3, atol=1e-3)


def test_the_discriminators_turn_tracks_the_codes_of_real_images():
    real = jnp.array([[1.0, 2.0], [3.0, 6.0]])
    turn = make_turn(0.4, 0.1, 0.2)
    turn.real_out['code'] = real
    _, _, carry = began.make({}, z_dim=2).disc(turn)
    assert carry.codes.seen == 2
    np.testing.assert_allclose(carry.codes.mean, [2, 4])
    np.testing.assert_allclose(carry.codes.cov, [[1, 2], [2, 4]], rtol=1e-6)


def memory_of(seen, mean, cov):
    codes = began.Codes(jnp.int32(seen), jnp.asarray(mean, jnp.float32), jnp.asarray(cov, jnp.float32))
    return began.Memory(jnp.float32(0), codes)


def test_latents_have_the_tracked_mean_and_covariance():
    """Unit vectors as latents give the covariance's root, row by row."""
    mean, cov = np.array([3.0, -1.0]), np.array([[4.0, 1.2], [1.2, 0.5]])
    to_latent = began.make({}, z_dim=2, warm_up=10).map_latent
    drawn = np.asarray(to_latent(memory_of(10, mean, cov), jnp.concatenate([jnp.eye(2), jnp.zeros((1, 2))])))
    np.testing.assert_allclose(drawn[2], mean, atol=1e-6)
    root = drawn[:2] - mean
    np.testing.assert_allclose(root.T @ root, cov + 1e-4 * 2.25 * np.eye(2), rtol=1e-5, atol=1e-5)


def test_latents_are_standard_normal_before_the_warm_up():
    latent = jax.random.normal(KEY, (5, 2))
    to_latent = began.make({}, z_dim=2, warm_up=10).map_latent
    np.testing.assert_array_equal(to_latent(memory_of(9, [3.0, 3.0], np.eye(2)), latent), latent)


@pytest.mark.parametrize('cov', [np.zeros((2, 2)), np.ones((2, 2)), [[1e6, 1e6], [1e6, 1e6 - 0.01]]])
def test_a_covariance_without_full_rank_gives_finite_latents(cov):
    to_latent = began.make({}, z_dim=2, warm_up=0).map_latent
    assert np.isfinite(to_latent(memory_of(0, [0.0, 0.0], cov), jax.random.normal(KEY, (5, 2)))).all()


def test_rules_that_make_no_sense_are_refused():
    with pytest.raises(UserError, match='gamma is 1.5'):
        began.make({}, gamma=1.5)
    with pytest.raises(UserError, match='memory is 10, less than warm_up'):
        began.make({}, memory=10, warm_up=100)
    with pytest.raises(UserError, match="is an autoencoder: set config.networks to 'began'"):
        began.make({}, z_dim=2).disc(make_turn(0, 0, 0)._replace(real_out=jnp.zeros(2)))
    with pytest.raises(UserError, match='z_dim is 2, but the discriminator gives codes of 5 numbers'):
        began.make({}, z_dim=2).disc(make_turn(0, 0, 0, z_dim=5))
