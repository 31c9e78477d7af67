"""Tasks: what the players get, example by example."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans import tasks

KEYS = jax.random.split(jax.random.key(0), 64)
PICTURES = jax.random.uniform(jax.random.key(1), (64, 48, 32, 3), minval=-0.9, maxval=0.9)


def test_gray_is_bt601_luma_and_both_players_see_it():
    inputs = jax.vmap(tasks.colorize(latent=5, flip=False).draw)(KEYS, PICTURES)
    expected = np.asarray(PICTURES) @ np.array([[0.299], [0.587], [0.114]])
    np.testing.assert_allclose(inputs.gen['image'], expected, atol=1e-6)
    np.testing.assert_array_equal(inputs.cond, inputs.gen['image'])
    np.testing.assert_array_equal(inputs.real, PICTURES)
    assert inputs.gen['latent'].shape == (64, 5)


def test_noise_is_standard_normal_and_differs_between_examples():
    latent = jax.vmap(tasks.colorize(latent=400, flip=False).draw)(KEYS, PICTURES).gen['latent']
    assert abs(float(latent.mean())) < 0.03 and float(latent.std()) == pytest.approx(1, abs=0.03)
    assert len(np.unique(np.asarray(latent[:, 0]))) == 64


def test_no_noise_where_none_is_asked_for():
    assert 'latent' not in tasks.colorize(latent=0, flip=False).draw(KEYS[0], PICTURES[0]).gen


BOXING = dict(boxes=3, min_side=0.1, max_side=0.4)


def test_boxes_hide_under_the_mask_and_nothing_else():
    inputs = jax.vmap(tasks.inpaint(latent=0, flip=False, **BOXING).draw)(KEYS, PICTURES)
    hidden = np.broadcast_to(np.asarray(inputs.mask), PICTURES.shape) == 1
    boxed, real = np.asarray(inputs.gen['image']), np.asarray(PICTURES)
    np.testing.assert_array_equal(boxed[~hidden], real[~hidden])
    assert (boxed[hidden] != real[hidden]).mean() > 0.99
    np.testing.assert_array_equal(inputs.cond, inputs.gen['image'])


def test_one_box_is_a_rectangle_of_one_colour_with_sides_in_range():
    for key in KEYS[:16]:
        boxed, mask = tasks.cover_with_boxes(key, PICTURES[0], 1, 0.1, 0.4)
        rows, columns = np.nonzero(np.asarray(mask[..., 0]))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert height * width == mask.sum()
        assert round(0.1 * 48) <= height <= round(0.4 * 48) and round(0.1 * 32) <= width <= round(0.4 * 32)
        assert len(np.unique(np.asarray(boxed)[rows, columns], axis=0)) == 1


def test_boxes_differ_in_place_size_and_colour_and_reach_every_corner():
    _, masks = jax.vmap(lambda key: tasks.cover_with_boxes(key, PICTURES[0], 1, 0.1, 0.4))(
        jax.random.split(jax.random.key(3), 2000)
    )
    assert len(np.unique(np.asarray(masks.sum((1, 2, 3))))) > 20
    covered = np.asarray(masks.mean(0)[..., 0])
    edges = covered[0], covered[-1], covered[:, 0], covered[:, -1]
    assert all(0 < edge.max() < covered[24, 16] / 4 for edge in edges)


@pytest.mark.parametrize('flip', [True, False])
def test_flips_mirror_about_half_of_the_pictures(flip):
    out = np.asarray(jax.vmap(tasks.colorize(latent=0, flip=flip).augment)(KEYS, PICTURES))
    same = np.array([np.array_equal(a, b) for a, b in zip(out, PICTURES, strict=True)])
    mirrored = np.array([np.array_equal(a, b[:, ::-1]) for a, b in zip(out, PICTURES, strict=True)])
    assert (same ^ mirrored).all()
    assert (20 < mirrored.sum() < 44) if flip else not mirrored.any()


def test_an_example_does_not_depend_on_its_neighbours():
    draw = tasks.inpaint(latent=4, flip=True, **BOXING).draw
    many = jax.vmap(draw)(KEYS, PICTURES)
    few = jax.vmap(draw)(KEYS[10:12], PICTURES[10:12])
    for a, b in zip(jax.tree.leaves(many), jax.tree.leaves(few), strict=True):
        np.testing.assert_array_equal(jnp.asarray(a)[10:12], b)
