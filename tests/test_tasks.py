"""Tasks: what the players get, example by example."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.errors import UserError
from gans.image import ops
from gans.image.holes import cover
from gans.tasks import colorize, inpaint
from gans.tasks import generate as generating

KEYS = jax.random.split(jax.random.key(0), 64)
IMAGES = jax.random.uniform(jax.random.key(1), (64, 48, 32, 3), minval=-0.9, maxval=0.9)


def test_gray_is_bt601_luma_and_both_players_see_it():
    inputs = jax.vmap(colorize.make(latent=5, flip=False).draw)(KEYS, IMAGES)
    expected = np.asarray(IMAGES) @ np.array([[0.299], [0.587], [0.114]])
    np.testing.assert_allclose(inputs.gen['image'], expected, atol=1e-6)
    np.testing.assert_array_equal(inputs.cond, inputs.gen['image'])
    np.testing.assert_array_equal(inputs.real, IMAGES)
    assert inputs.gen['latent'].shape == (64, 5)


def test_noise_is_standard_normal_and_differs_between_examples():
    latent = jax.vmap(colorize.make(latent=400, flip=False).draw)(KEYS, IMAGES).gen['latent']
    assert abs(float(latent.mean())) < 0.03 and float(latent.std()) == pytest.approx(1, abs=0.03)
    assert len(np.unique(np.asarray(latent[:, 0]))) == 64


def test_no_noise_where_none_is_asked_for():
    assert 'latent' not in colorize.make(latent=0, flip=False).draw(KEYS[0], IMAGES[0]).gen


BOXING = dict(boxes=3, min_side=0.1, max_side=0.4)


def test_boxes_hide_under_the_mask_and_nothing_else():
    inputs = jax.vmap(inpaint.make(latent=0, flip=False, **BOXING).draw)(KEYS, IMAGES)
    hidden = np.broadcast_to(np.asarray(inputs.mask), IMAGES.shape) == 1
    boxed, real = np.asarray(inputs.gen['image']), np.asarray(IMAGES)
    np.testing.assert_array_equal(boxed[~hidden], real[~hidden])
    assert (boxed[hidden] != real[hidden]).mean() > 0.99
    np.testing.assert_array_equal(inputs.cond, inputs.gen['image'])


def test_one_box_is_a_rectangle_of_one_colour_with_sides_in_range():
    for key in KEYS[:16]:
        boxed, mask = cover(key, IMAGES[0], 'boxes', 1, 0.1, 0.4)
        rows, columns = np.nonzero(np.asarray(mask[..., 0]))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert height * width == mask.sum()
        assert round(0.1 * 48) <= height <= round(0.4 * 48) and round(0.1 * 32) <= width <= round(0.4 * 32)
        assert len(np.unique(np.asarray(boxed)[rows, columns], axis=0)) == 1


def test_boxes_differ_in_place_size_and_colour_and_reach_every_corner():
    _, masks = jax.vmap(lambda key: cover(key, IMAGES[0], 'boxes', 1, 0.1, 0.4))(
        jax.random.split(jax.random.key(3), 2000)
    )
    assert len(np.unique(np.asarray(masks.sum((1, 2, 3))))) > 20
    covered = np.asarray(masks.mean(0)[..., 0])
    edges = covered[0], covered[-1], covered[:, 0], covered[:, -1]
    assert all(0 < edge.max() < covered[24, 16] / 4 for edge in edges)


@pytest.mark.parametrize('flip', [True, False])
def test_flips_mirror_about_half_of_the_images(flip):
    out = np.asarray(jax.vmap(colorize.make(latent=0, flip=flip).vary)(KEYS, IMAGES))
    same = np.array([np.array_equal(a, b) for a, b in zip(out, IMAGES, strict=True)])
    mirrored = np.array([np.array_equal(a, b[:, ::-1]) for a, b in zip(out, IMAGES, strict=True)])
    assert (same ^ mirrored).all()
    assert (20 < mirrored.sum() < 44) if flip else not mirrored.any()


def test_an_example_does_not_depend_on_its_neighbours():
    draw = inpaint.make(latent=4, flip=True, **BOXING).draw
    many = jax.vmap(draw)(KEYS, IMAGES)
    few = jax.vmap(draw)(KEYS[10:12], IMAGES[10:12])
    for a, b in zip(jax.tree.leaves(many), jax.tree.leaves(few), strict=True):
        np.testing.assert_array_equal(jnp.asarray(a)[10:12], b)


# Generation from noise

GENERATE = dict(latent=3, distribution='uniform', flip=False, rotate=False, hue=0.0, saturation=0.0, value=0.0)
SQUARES = IMAGES[:, :32]


def generate(**changes):
    return generating.make(**{**GENERATE, **changes})


@pytest.mark.parametrize(
    'distribution, deviation, most', [('uniform', 1 / np.sqrt(3), 1.0), ('normal', 1.0, 6.0)], ids=['uniform', 'normal']
)
def test_latents_have_the_distribution_that_they_are_asked_for(distribution, deviation, most):
    inputs = jax.vmap(generate(latent=500, distribution=distribution).draw)(KEYS, IMAGES)
    latent = np.asarray(inputs.gen['latent'])
    assert list(inputs.gen) == ['latent'] and latent.shape == (64, 500)
    assert inputs.cond is None and inputs.mask is None
    np.testing.assert_array_equal(inputs.real, IMAGES)
    assert abs(latent.mean()) < 0.02 and latent.std() == pytest.approx(deviation, rel=0.02)
    assert 0.98 * np.sqrt(3) * deviation < np.abs(latent).max() <= most and latent.min() < -0.9
    assert len(np.unique(latent[:, 0])) == 64


def test_images_stay_as_they_are_where_nothing_is_asked_for():
    np.testing.assert_array_equal(jax.vmap(generate().vary)(KEYS, IMAGES), IMAGES)


def symmetries(image):
    """The eight ways in which a square can lie on itself: four turns, then their mirror images."""
    turns = [np.rot90(image, k) for k in range(4)]
    return turns + [turn[:, ::-1] for turn in turns]


@pytest.mark.parametrize(
    'flip, rotate, ways', [(True, False, (0, 4)), (False, True, (0, 1, 2, 3)), (True, True, range(8))]
)
def test_flips_and_turns_are_equally_often_each_symmetry_of_the_square(flip, rotate, ways):
    keys = jax.random.split(jax.random.key(5), 800)
    image = np.asarray(SQUARES[0, :4, :4])
    out = np.asarray(jax.vmap(generate(flip=flip, rotate=rotate).vary, (0, None))(keys, image))
    counts = [(out == way).all((1, 2, 3)).sum() for way in symmetries(image)]
    assert sum(counts) == 800
    assert [i for i, count in enumerate(counts) if count] == list(ways)
    assert np.ptp([counts[i] for i in ways]) < 0.35 * 800 / len(ways) + 30


def test_turning_oblong_images_is_refused():
    with pytest.raises(UserError, match='needs square images, these have 48x32'):
        generate(rotate=True).vary(KEYS[0], IMAGES[0])


def test_modulation_stays_within_its_amounts_and_reaches_them():
    def ratios(**amounts):
        gentle = 0.8 * SQUARES[:, :2, :2]
        out = jax.vmap(generate(**amounts).vary)(KEYS, gentle)
        before, after = (np.asarray(ops.rgb_to_hsv(x)) for x in (gentle, out))
        hue = (after - before)[..., 0] - np.round((after - before)[..., 0])
        return hue, *(after / before)[..., 1:].transpose(3, 0, 1, 2)

    hue, saturation, value = ratios(hue=0.2)
    assert 0.18 < hue.max() < 0.2001 and -0.18 > hue.min() > -0.2001
    np.testing.assert_allclose(saturation, 1, atol=1e-3)
    np.testing.assert_allclose(value, 1, atol=1e-4)
    hue, saturation, value = ratios(saturation=0.3)
    np.testing.assert_allclose(hue, 0, atol=1e-3)
    assert 0.7 - 1e-3 < saturation.min() < 0.73 and 1.2 < saturation.max() < 1.3 + 1e-3
    hue, saturation, value = ratios(value=0.1)
    assert 0.9 - 1e-3 < value.min() < 0.91 and 1.09 < value.max() < 1.1 + 1e-3
    np.testing.assert_allclose(saturation, 1, atol=1e-3)
    assert len(np.unique(value.round(4), axis=0)) > 60, 'one amount for an image, another for the next'
    np.testing.assert_allclose(value, np.broadcast_to(value[:, :1, :1], value.shape), rtol=1e-4)


@pytest.mark.parametrize(
    'changes, words',
    [
        ({'distribution': 'unifrom'}, "did you mean 'uniform'"),
        ({'latent': 0}, 'config.task.latent is 0'),
        ({'hue': 0.6}, r'config.task.hue is 0.6: give 0 \(unchanged\) to 0.5'),
        ({'saturation': -0.1}, 'config.task.saturation is -0.1'),
        ({'value': 2.0}, 'config.task.value is 2.0'),
    ],
)
def test_what_cannot_be_generated_is_refused(changes, words):
    with pytest.raises(UserError, match=words):
        generate(**changes)
