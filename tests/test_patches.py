"""Scores for places of an image (PatchGAN): what one sees, every form on their maps, the step, devices, arithmetic."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import ROOT, config, main
from generators import KEY, begun_game, one_step
from runs_on_disk import refused
from test_least import products
from turns import make_turn

from benchmarks.least import least_operations
from gans.config.load import load
from gans.core.build import build
from gans.core.state import state_shapes
from gans.errors import UserError
from gans.features.discriminator import _maps
from gans.losses.penalties import by_image, drift, gradient_penalty
from gans.networks.unet import Discriminator
from gans.objectives import standard
from gans.pretrained import lite0
from gans.run.parallel import lay_out


def patches(levels):
    return Discriminator(widths=(3,) * levels, hidden=3, patches=True, init_std=0.5)


@pytest.mark.parametrize(('levels', 'seen'), [(1, 21), (2, 45)])
def test_a_score_sees_a_square_of_the_image_and_nothing_else(levels, seen):
    network, image = patches(levels), np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    side = 64 // 2**levels

    @jax.jit
    def slope(key):
        variables = network.init(key, image)
        middle = side // 2
        return jax.grad(lambda x: network.apply(variables, x)[0, middle, middle])(image), network.apply(
            variables, image
        )

    slopes, scores = slope(KEY)
    assert scores.shape == (1, side, side) and scores.dtype == np.float32
    rows, columns = (np.flatnonzero(np.abs(slopes[0]).sum(axis=(axis, 2)) > 0) for axis in (1, 0))
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == seen


def test_maps_of_scores_have_no_features():
    network, image = patches(2), jnp.zeros((1, 16, 16, 3))
    variables = jax.eval_shape(partial(network.init, KEY), image)
    found = {}
    jax.eval_shape(lambda variables: found.update(_maps(network, variables, image)), variables)
    assert list(found) == ['down_0', 'down_1']


@pytest.mark.parametrize('form', sorted(standard.FORMS))
def test_every_form_takes_every_place_for_an_example(form):
    """The losses and metrics of maps [4, 3, 2] are those of their 24 scores."""
    rng = np.random.default_rng(0)
    real, fake = (rng.standard_normal((4, 3, 2)).astype(np.float32) for _ in range(2))
    label = {'label': 0.9} if standard.FORMS[form].aim == 'label' else {}
    penalty = {'penalty': True, 'drift': True} if form == 'wasserstein' else {}
    objective = standard.make(form, {}, **label, **penalty)

    @jax.jit
    def losses(real, fake):
        images = jnp.ones((len(real), 2, 2, 1))
        turn = make_turn(real=images, fake=images, real_out=real, fake_out=fake, rng=KEY, hyper={'adversarial': 1.0})
        turn = turn._replace(disc=lambda x: x[:, 0, 0, 0], hyper=dict.fromkeys(('adversarial', *objective.needs), 1.0))
        return objective.disc(turn)[:2], objective.gen(turn)[:2]

    ours, theirs = losses(real, fake), losses(real.reshape(-1), fake.reshape(-1))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5), ours, theirs)


def test_the_slope_of_maps_is_that_of_the_mean_score():
    """Four places with scores w_i x_i: the mean has the slope |w| / 4, which the penalty draws to 1."""
    weights = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    images = np.ones((3, 2, 2, 1), np.float32)
    penalty, slope = gradient_penalty(lambda x: x[..., 0] * weights, images)
    norm = np.sqrt(30) / 4
    assert float(slope) == pytest.approx(norm, rel=1e-5) and float(penalty) == pytest.approx((norm - 1) ** 2, rel=1e-4)
    scores = jnp.arange(3.0)
    assert by_image(scores) is scores  # as they are: not even a sum of one number
    assert float(drift(jnp.array([[[1.0, 3.0]]]))) == 5


def test_only_networks_that_have_places_take_the_field(tmp_path):
    found = load(f'{ROOT}/configs/dcgan.py:tiny').unlock()
    found.discriminator.patches = True
    with pytest.raises(UserError, match='config.discriminator.patches is not known'):
        build(found, 64)
    ended = main(config('colorize:patches+tiny'), f'--workdir={tmp_path}/run', '--config.size=14')
    refused(ended, 'multiples of 4')


# In the step

PLAIN = {'learning_rate_gen': 1e-3, 'learning_rate_disc': 1e-3, 'adversarial': 1.0, 'blur': 0.0, 'penalty': 1.0}
PLAIN |= {'l1': 1.0, 'paired_features': 10.0, 'chroma': 1.0, 'colourfulness': 0.5}


def test_devices_agree_about_scores_of_places_and_terms_on_pairs():
    """Plain gradient descent, a penalty on the slope too; each of eight devices has one image, under both kinds."""
    found = load(f'{ROOT}/configs/colorize.py:patches+tiny').unlock()
    found.size, found.generator.widths, found.discriminator.widths = 16, (4,), (4, 4)
    found.objective.penalty = True
    found.objective.terms.update(chroma={}, colourfulness={})
    found.optimizer.gen.name = found.optimizer.disc.name = 'sgd'
    found.schedules = found.schedules.to_dict() | PLAIN
    found.objective.terms.paired_features.layers = ('down_1',)
    game = build(found, 64)
    images, first = begun_game(game)

    def distance(a, b):
        return np.sqrt(sum(np.sum((x - y) ** 2) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)))

    one, alone = one_step(game, images, first, 'jit', 1)
    assert alone['disc/penalty'] > 0 and alone['gen/paired_features'] > 0
    for kind in ('jit', 'pmap'):
        state, shared = one_step(game, images, first, kind, 8)
        assert shared == pytest.approx(alone, rel=1e-4, abs=1e-6)
        for player in ('gen', 'disc'):
            ours, theirs, before = (getattr(state, player).params for state in (state, one, first))
            assert distance(ours, theirs) < 1e-3 * distance(theirs, before)


# Arithmetic


def lite0_operations(size, last):
    """Of one forward pass of EfficientNet-Lite0 to the layer `last`, on one image; products with pixels only."""
    weights, side = lite0.load(), -(-size // 2)
    total = products(size, 3, 2) ** 2 * np.prod(weights['stem'][0].shape[2:])
    for i, stride in enumerate(lite0._STRIDES):
        block = weights[f'block_{i}']
        kernel = block['depthwise'][0]
        total += side**2 * np.prod(block['expand'][0].shape) if 'expand' in block else 0
        total += products(side, len(kernel), stride) ** 2 * kernel.shape[2]
        side = -(-side // stride)
        total += side**2 * np.prod(block['project'][0].shape)
        if last == f'block_{i}':
            return 2.0 * total
    raise ValueError(last)


def test_a_step_does_little_more_than_the_least(forms_of_accelerators):
    """The network of others is passed three times: on both images, and back to the generated one.

    With the paper's generator: that of the default config leaves so few products that what is no product is a tenth.
    """
    found = load(f'{ROOT}/configs/colorize.py:patches').unlock()
    found.generator = load(f'{ROOT}/configs/colorize.py:paper').generator
    found.objective.terms.perceptual, found.schedules.perceptual = {}, 1.0
    game = build(found, 1000)
    images = jax.ShapeDtypeStruct(game.batch_shape, np.uint8)
    layout = lay_out('jit', game, found.batch, devices=1)
    compiled = layout.lower(jax.random.key(0), state_shapes(game, found), images).compile()
    least = least_operations(game, found) + 3 * found.batch * lite0_operations(found.size, 'block_10')
    assert 1 < compiled.cost_analysis()['flops'] / least < 1.05
