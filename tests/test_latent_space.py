"""The geometry of latent spaces by its laws and in closed form; the file of edits; sums as they are written."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.errors import UserError
from gans.latent import space
from gans.latent.edits import choose_edits, read_edits
from gans.latent.space import Term, principal
from gans.nn import noise
from gans.objectives import began

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(5, 5))
COV = MIX @ MIX.T
SPACE = principal(RNG.normal(size=5), COV)
POINTS = RNG.normal(size=(6, 5))


def memory(mean, cov, seen=100):
    codes = began.Codes(jnp.int32(seen), jnp.asarray(mean, jnp.float32), jnp.asarray(cov, jnp.float32))
    return began.Memory(jnp.float32(0), codes)


@pytest.mark.parametrize('distribution', noise.DISTRIBUTIONS)
def test_the_variances_are_those_of_the_distributions(distribution):
    drawn = np.asarray(noise.DISTRIBUTIONS[distribution](KEY, (100_000,)), np.float64)
    assert drawn.mean() == pytest.approx(0, abs=0.02)
    assert drawn.var() == pytest.approx(noise.VARIANCES[distribution], rel=0.02)


@pytest.mark.parametrize('variance', [1.0, 1 / 3])
def test_moments_of_a_begans_latents_are_its_codes(variance):
    """Also where the mean is 1000 times the deviation, of which a difference of latents would keep little."""
    mean, objective = 1000 + np.arange(5.0), began.make({}, z_dim=5, warm_up=10)
    found_mean, found = space.moments(lambda x: objective.map_latent(memory(mean, COV), x), 5, variance)
    floor = 1e-4 * np.trace(COV) / 5
    np.testing.assert_allclose(found_mean, mean, rtol=1e-6)
    np.testing.assert_allclose(found, variance * (COV + floor * np.eye(5)), rtol=1e-5, atol=1e-5)


def test_moments_before_the_warm_up_are_the_tasks():
    objective = began.make({}, z_dim=5, warm_up=1000)
    mean, cov = space.moments(lambda x: objective.map_latent(memory(np.ones(5), COV), x), 5, 1.0)
    np.testing.assert_array_equal(mean, np.zeros(5))
    np.testing.assert_array_equal(cov, np.eye(5))


def test_directions_are_those_of_the_covariance_largest_first():
    values, columns = np.linalg.eig(COV)
    order = values.argsort()[::-1]
    np.testing.assert_allclose(SPACE.eigenvalues, values[order], rtol=1e-9)
    np.testing.assert_allclose(np.abs(SPACE.directions), np.abs(columns.T[order]), atol=1e-9)
    np.testing.assert_allclose(SPACE.directions.T * SPACE.eigenvalues @ SPACE.directions, COV, atol=1e-9)
    largest = np.abs(SPACE.directions).argmax(axis=1)
    assert (SPACE.directions[np.arange(5), largest] > 0).all() and not SPACE.alike


@pytest.mark.parametrize('size', [5, 64, 128])
def test_where_all_are_alike_the_directions_are_the_components_in_order(size):
    space = principal(np.zeros(size), np.eye(size) / 3)
    assert space.alike
    np.testing.assert_array_equal(space.directions, np.eye(size))


def test_a_covariance_without_full_rank_has_no_negative_variances():
    one = RNG.normal(size=(5, 1))
    assert (principal(np.zeros(5), one @ one.T).eigenvalues >= 0).all()


def test_a_straight_walk():
    walk = space.lerp(POINTS[0], POINTS[1], 5)
    np.testing.assert_allclose(walk[[0, 2, 4]], [POINTS[0], (POINTS[0] + POINTS[1]) / 2, POINTS[1]], atol=1e-12)


def test_an_arc_keeps_its_distance_and_its_pace():
    centre, unit = POINTS[2], POINTS[:2] / np.linalg.norm(POINTS[:2], axis=1, keepdims=True)
    ends = centre + 3 * unit
    walk = space.slerp(*ends, 7, centre)
    np.testing.assert_allclose(walk[[0, -1]], ends, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(walk - centre, axis=1), 3, rtol=1e-12)
    steps = np.sum((walk[1:] - centre) * (walk[:-1] - centre), axis=1) / 9
    np.testing.assert_allclose(np.arccos(steps), np.arccos(unit[0] @ unit[1]) / 6, rtol=1e-9)


def test_ends_of_an_arc_may_be_far_and_near():
    walk = space.slerp(POINTS[0], 4 * POINTS[1], 5)
    np.testing.assert_allclose(walk[[0, -1]], [POINTS[0], 4 * POINTS[1]], atol=1e-12)
    np.testing.assert_allclose(space.slerp([1.0, 0], [0, 2.0], 3)[1], np.array([1, 2]) / np.sqrt(2))


@pytest.mark.parametrize('factor', [1.0, 2.0, 0.0, -1.0])
def test_where_there_is_no_circle_the_walk_is_straight(factor):
    walk = space.slerp(POINTS[0], factor * POINTS[0], 3)
    np.testing.assert_allclose(walk, np.outer([1, (1 + factor) / 2, factor], POINTS[0]), atol=1e-12)


def test_along_a_direction_distances_are_root_eigenvalues():
    walk = space.along(SPACE, 2, np.array([-3.0, 0, 1]))
    np.testing.assert_allclose(walk[1], SPACE.mean)
    steps = np.outer([-3, 1], np.sqrt(SPACE.eigenvalues[2]) * SPACE.directions[2])
    np.testing.assert_allclose(walk[[0, 2]] - SPACE.mean, steps, atol=1e-12)


def in_directions(points):
    return (points - SPACE.mean) @ SPACE.directions.T


def test_flattened_latents_have_nothing_along_the_directions_and_the_rest_as_it_was():
    flat = in_directions(space.flatten(SPACE, POINTS, [3, 0]))
    np.testing.assert_allclose(flat[:, [0, 3]], 0, atol=1e-12)
    np.testing.assert_allclose(flat[:, [1, 2, 4]], in_directions(POINTS)[:, [1, 2, 4]], atol=1e-12)


def test_a_morph_goes_from_flat_to_edited():
    edit = {3: 2.0, 1: -1.0}
    walk = in_directions(space.morph(SPACE, POINTS, edit, 3))
    assert walk.shape == (6, 3, 5)
    amounts = walk / np.sqrt(SPACE.eigenvalues)
    np.testing.assert_allclose(amounts[..., 3], np.broadcast_to([0, 1, 2], (6, 3)), atol=1e-12)
    np.testing.assert_allclose(amounts[..., 1], np.broadcast_to([0, -0.5, -1], (6, 3)), atol=1e-12)
    np.testing.assert_allclose(walk[..., [0, 2, 4]], in_directions(POINTS)[:, None, [0, 2, 4]].repeat(3, 1), atol=1e-12)


def test_edits_add():
    grin, lips = {3: 2.0, 1: -1.0}, {1: 0.5, 0: 1.0}
    both = space.combine([grin, lips])
    assert both == {0: 1.0, 1: -0.5, 3: 2.0}
    moved = space.offset(SPACE, grin) + space.offset(SPACE, lips)
    np.testing.assert_allclose(space.offset(SPACE, both), moved, atol=1e-12)
    assert np.linalg.norm(moved) > 0.1


def test_sums_are_read_and_added_up():
    terms = space.read_terms('0, 1,2-3 + 4294967295,5-6')
    assert terms == [Term(1, (0, 1, 2)), Term(-1, (3,)), Term(1, (2**32 - 1, 5)), Term(-1, (6,))]
    assert space.read_terms('-3+1') == [Term(-1, (3,)), Term(1, (1,))]
    np.testing.assert_allclose(space.add_up(terms, POINTS[:4]), POINTS[0] - POINTS[1] + POINTS[2] - POINTS[3])


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('1-', 'sign without seeds'),
        ('1--2', 'sign without seeds'),
        (' ', 'sign without seeds'),
        ('1,,2', "--arithmetic has '': give whole numbers from 0 to 4294967295"),
        ('1+a', "--arithmetic has 'a'"),
        ('4294967296', "--arithmetic has '4294967296'"),
    ],
)
def test_sums_that_are_none_are_explained(text, expected):
    with pytest.raises(UserError, match=expected):
        space.read_terms(text)


def write(tmp_path, text):
    path = tmp_path / 'edits.yaml'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    'text',
    [
        'grin: {3: +2, 4: -1}\nred lips: {0: 1.5e0}',
        '{"grin": {"3": 2, "4": -1}, "red lips": {"0": 1.5}}',
    ],
    ids=['YAML', 'JSON'],
)
def test_edits_are_read(text, tmp_path):
    assert read_edits(write(tmp_path, text), 5) == {'grin': {3: 2.0, 4: -1.0}, 'red lips': {0: 1.5}}


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('grin: {3: 2', r"edits.yaml', line 1 is neither YAML nor JSON: write edits as grin: \{3"),
        (b'\xff\xfe\x00', 'edits.yaml. is no text'),
        ('', 'names no edits'),
        ('- grin', 'names no edits'),
        ('grin', 'names no edits'),
        ('3: {1: 2}', 'calls an edit 3: name it with letters'),
        ('a/b: {1: 2}', "calls an edit 'a/b'"),
        ('a+b: {1: 2}', "calls an edit 'a\\+b'"),
        ('grin: 3', 'gives grin no directions'),
        ('grin: {}', 'gives grin no directions'),
        ('grin: {5: 1}', 'the direction 5 in grin: give whole numbers from 0 to 4'),
        ('grin: {-1: 1}', 'the direction -1 in grin'),
        ('grin: {1.5: 1}', 'the direction 1.5 in grin'),
        ('grin: {1: wide}', "goes 'wide' along direction 1 in grin: give a number"),
        ('grin: {1: true}', 'goes True along direction 1'),
        ('grin: {1: .nan}', 'goes nan along direction 1'),
        ('grin: {1: [2]}', r'goes \[2\] along direction 1'),
    ],
)
def test_files_that_name_no_edits_are_explained(text, expected, tmp_path):
    with pytest.raises(UserError, match=expected):
        read_edits(write(tmp_path, text), 5)


def test_a_missing_file_of_edits_is_explained(tmp_path):
    with pytest.raises(UserError, match="Cannot read the edits '.*none.yaml' .*: give a file as --edits"):
        read_edits(tmp_path / 'none.yaml', 5)


def test_edits_are_chosen():
    edits = {'grin': {3: 2.0, 4: -1.0}, 'lips': {4: 0.5}}
    assert choose_edits(edits, []) == edits
    assert choose_edits(edits, ['lips', 'grin + lips']) == {'lips': edits['lips'], 'grin+lips': {3: 2.0, 4: -0.5}}
    assert list(choose_edits(edits, ['lips', 'grin'])) == ['lips', 'grin']
    with pytest.raises(
        UserError, match=r"--apply names 'grim', which is no edit \(did you mean 'grin'\?\): choose from"
    ):
        choose_edits(edits, ['lips+grim'])
