"""What a task sets into generated images, in the step as in use: known pixels around holes, the luma of gray images."""

import json
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import config, main
from PIL import Image
from saved_run import CONFIGS, fake_run, make_config, save_images, smooth_images
from turns import make_turn

from gans.app.limits import Limits, Turns
from gans.app.photos import PhotoTool
from gans.app.storage import temporary
from gans.config.load import load
from gans.core.build import build
from gans.core.state import init, state_shapes
from gans.core.step import train_step
from gans.errors import UserError
from gans.image import compose, grids, holes, ops
from gans.image.large_image import LargeImage
from gans.inference import translate as translating
from gans.inference.translate import Network
from gans.losses import adversarial, reconstruction, terms
from gans.losses import holes as losses
from gans.objectives import standard
from gans.run.trained import load_run
from gans.tasks import colorize, inpaint
from gans.visualization import montage

KEY = jax.random.key(0)
KEYS = jax.random.split(KEY, 24)
IMAGES = jax.random.uniform(jax.random.key(1), (24, 32, 48, 3), minval=-1, maxval=1)
BOXING = dict(boxes=3, min_side=0.2, max_side=0.5)


# Holes


@pytest.mark.parametrize('max_side', [0.2, 0.5])
def test_a_stroke_stays_in_a_box_and_has_one_colour(max_side):
    hide = partial(holes.cover, shape='strokes', count=1, min_side=0.2, max_side=max_side)
    covered, masks = map(np.asarray, jax.jit(jax.vmap(hide))(KEYS, IMAGES))
    for image, mask, before in zip(covered, masks[..., 0] > 0, np.asarray(IMAGES), strict=True):
        rows, columns = np.nonzero(mask)
        assert 0 < np.ptp(rows) + 1 <= round(max_side * 32) and 0 < np.ptp(columns) + 1 <= round(max_side * 48)
        assert len(np.unique(image[mask], axis=0)) == 1
        assert len(compose.connected(mask)[1]) == 1
        np.testing.assert_array_equal(image[~mask], before[~mask])
    assert len({mask.tobytes() for mask in masks}) == len(masks)
    boxes = jax.jit(jax.vmap(partial(hide, shape='boxes')))(KEYS, IMAGES)[1]
    assert (masks <= boxes).all() and masks.sum() < 0.9 * boxes.sum(), 'in the box of the same key, and smaller'


def test_the_smallest_strokes_of_the_smallest_images_hide_something():
    hide = partial(holes.cover, shape='strokes', count=1, min_side=0.05, max_side=0.2)
    masks = jax.jit(jax.vmap(hide))(KEYS, IMAGES[:, :8, :8])[1]
    assert (masks.sum((1, 2, 3)) > 0).all()


def test_another_shape_is_refused_with_the_nearest():
    with pytest.raises(
        UserError, match=r"config.task.holes is 'stroke' .did you mean 'strokes'..: choose one of boxes"
    ):
        inpaint.make(latent=0, flip=False, **BOXING, holes='stroke')


# Functions


def test_known_pixels_are_kept_to_the_bit_and_holes_are_the_output():
    task = inpaint.make(latent=0, flip=False, **BOXING, show_mask=True)
    inputs = jax.vmap(task.draw)(KEYS, IMAGES)
    shown, mask = np.asarray(inputs.gen['image']), np.asarray(inputs.mask)
    assert shown.shape == (24, 32, 48, 4)
    np.testing.assert_array_equal(inputs.cond, shown)
    np.testing.assert_array_equal(shown[..., 3:], 2 * mask - 1)
    np.testing.assert_array_equal(shown[..., :3], np.where(mask, 0, IMAGES))
    output = np.flip(IMAGES, 0)
    np.testing.assert_array_equal(task.finish(inputs.gen, output), np.where(mask, output, IMAGES))
    plain = jax.vmap(inpaint.make(latent=0, flip=False, **BOXING).draw)(KEYS, IMAGES)
    np.testing.assert_array_equal(plain.mask, mask)  # so that runs of both kinds can be compared


def test_the_right_output_makes_a_blurred_image_right_too():
    """Colours that are one and the same in a hole, whose blur follows from that of the mask."""
    mask = jax.vmap(partial(holes.cover, shape='strokes', count=2, min_side=0.3, max_side=0.6))(KEYS, IMAGES)[1]
    colour = jnp.array([0.3, -0.8, 0.9])
    real = jnp.where(mask > 0, colour, IMAGES)
    blurred = ops.gaussian_blur(inpaint.masked(real, mask), 2.0)
    finished = inpaint.keep_known({'image': blurred}, jnp.broadcast_to(colour, real.shape))
    np.testing.assert_allclose(finished, ops.gaussian_blur(real, 2.0), atol=1e-5)


def test_luma_is_the_inputs_and_chroma_the_outputs():
    gray, output = ops.luma(IMAGES), jnp.flip(IMAGES, 0)
    finished = colorize.make(latent=0, flip=False, keep_luma=True).finish({'image': gray}, output)
    np.testing.assert_allclose(ops.luma(finished), gray, atol=1e-6)
    np.testing.assert_allclose(finished - gray, output - ops.luma(output), atol=1e-6)
    assert jnp.abs(finished).max() > 1.1, 'it is clipped where it is stored'
    # What people get of it has the same luma.
    shown = ops.to_float(compose.quantise(compose.keep_luma(np.asarray(gray), np.asarray(finished))))
    np.testing.assert_allclose(compose.luma(shown), gray, atol=1 / 127.5)


# Losses


def test_l1_counts_hole_and_rest_by_their_weights():
    apart = np.abs(np.asarray(IMAGES) - np.flip(IMAGES, 0))
    mask = np.asarray(jax.random.bernoulli(KEY, 0.3, (24, 32, 48, 1)), np.float32)
    expected = (apart * np.where(mask, 6, 0.5)).mean()
    turn = make_turn(output=IMAGES, real=jnp.flip(IMAGES, 0), mask=mask)
    term = terms.l1(hole=6.0, rest=0.5)
    assert term.masked and term.paired
    assert term.value(turn) == pytest.approx(expected, rel=1e-5)
    assert not terms.l1().masked and terms.l1().value(turn) == reconstruction.l1(turn.output, turn.real)


@pytest.mark.parametrize('form', ['non_saturating', 'hinge', 'least_squares', 'wasserstein'])
def test_only_places_that_see_the_hole_are_fake(form):
    loss = standard.FORMS[form].disc
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(2, 3, 4, 5)).astype(np.float32)
    mask = np.zeros((3, 16, 18, 1), np.float32)  # parts of 4 x 4 pixels, the last ones of 4 x 2
    mask[0, 5, 7], mask[1, :, 17], mask[2] = 1, 1, 1
    sees = np.zeros((3, 4, 5), bool)
    sees[0, 1, 1] = sees[1, :, 4] = sees[2] = True
    np.testing.assert_array_equal(losses.at_scores(jnp.asarray(mask), (4, 5)) > 0, sees)
    parts = losses.disc(loss, jnp.asarray(real), jnp.asarray(fake), jnp.asarray(mask))
    # By pencil: each score's own loss, as real outside and as fake inside.
    by_score = [float(loss(x, x)[is_fake]) for x, is_fake in zip(fake.ravel(), sees.ravel().astype(int), strict=True)]
    np.testing.assert_allclose(parts, (loss(real, fake)[0], np.mean(by_score)), rtol=1e-5)
    whole = losses.disc(loss, jnp.asarray(real), jnp.asarray(fake), jnp.ones_like(mask))
    np.testing.assert_allclose(whole, loss(real, fake), rtol=1e-5)


def test_the_objective_takes_the_hole_and_one_score_for_all_is_refused():
    objective = standard.make('non_saturating', {}, fake_in_hole=True)
    scores = jax.random.normal(KEY, (2, 3, 4, 4))
    mask = jnp.zeros((3, 8, 8, 1)).at[:, 2:5, 2:5].set(1)
    turn = make_turn(real_out=scores[0], fake_out=scores[1], mask=mask)
    loss, metrics, _ = objective.disc(turn)
    assert loss == pytest.approx(float(sum(losses.disc(adversarial.logistic_disc, *scores, mask))), rel=1e-6)
    assert metrics['fake_loss'] != adversarial.logistic_disc(*scores)[1]
    with pytest.raises(UserError, match='fake_in_hole=True needs a score for each place'):
        objective.disc(turn._replace(fake_out=scores[1, :, 0, 0]))
    with pytest.raises(UserError, match='needs a form that judges every score by itself'):
        standard.make('relativistic', {}, fake_in_hole=True)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'terms': {'l1': {'hole': 6.0}}}, "weights for hole and rest in the term 'l1', but the task 'colorize' hides"),
        ({'fake_in_hole': True}, "fake_in_hole=True, but the task 'colorize' hides no part"),
    ],
)
def test_a_loss_that_looks_at_a_hole_needs_one(change, words):
    described = load(f'{CONFIGS}/colorize.py:tiny').unlock()
    described.objective = type(described)(described.objective.to_dict() | change)
    with pytest.raises(UserError, match=words):
        build(described, 64)


# In the step


class OneColour(nn.Module):
    """One colour all over."""

    @nn.compact
    def __call__(self, image, latent=None, train=False):
        colour = self.param('colour', lambda key: jnp.array([0.5, -0.25, 0.75]))
        return jnp.broadcast_to(colour, (*image.shape[:3], 3))


class Mean(nn.Module):
    """A score that is the mean, and the condition's."""

    @nn.compact
    def __call__(self, image, cond=None, train=False):
        return self.param('weight', lambda key: jnp.ones(())) * (image.mean((1, 2, 3)) + cond.mean((1, 2, 3)))


def watch(game, told):
    """The game with these players, whose generator's turn tells more: {name: Turn -> array}."""

    def gen(turn):
        loss, metrics, carry = game.objective.gen(turn)
        return loss, metrics | {name: see(turn) for name, see in told.items()}, carry

    blur = {'blur': lambda step: jnp.where(step == 0, 3.0, 0.0)}
    return game._replace(
        gen=OneColour(),
        disc=Mean(),
        schedules=game.schedules | blur,
        objective=game.objective._replace(gen=gen),
    )


def play(game, images):
    """The metrics of a blurred step and of one without blur."""
    state = jax.jit(partial(init, game))(KEY, images[0])
    step = jax.jit(partial(train_step, game, KEY))
    first, blurred = step(state, images)
    return blurred, step(first.replace(gen=state.gen, disc=state.disc), images)[1]


def test_in_the_step_known_pixels_are_those_of_the_real_image_blurred_once():
    described = load(f'{CONFIGS}/inpaint.py:tiny').unlock()
    described.task.show_mask, described.task.holes = True, 'strokes'
    game = build(described, 64)
    seen = {name: lambda turn, name=name: getattr(turn, name) for name in ('real', 'fake', 'output', 'cond', 'mask')}
    images = np.full(game.batch_shape, 153, np.uint8)  # of one colour, 0.2
    for metrics, radius in zip(play(watch(game, seen), images), (3.0, 0.0), strict=True):
        real, fake, output, cond, mask = (np.asarray(metrics[f'gen/{name}']) for name in seen)
        soft = np.asarray(ops.gaussian_blur(mask, radius))
        assert cond.shape[-1] == 4 and 0 < mask.mean() < 0.5
        np.testing.assert_allclose(cond[..., 3:], 2 * soft - 1, atol=1e-6)
        np.testing.assert_allclose(real, 0.2, atol=1e-6)
        expected = 0.2 + (np.array([0.5, -0.25, 0.75]) - 0.2) * soft
        np.testing.assert_allclose(fake, expected, atol=1e-5)
        np.testing.assert_allclose(output, expected, atol=1e-5)
    np.testing.assert_array_equal(np.where(mask, 0, fake), np.where(mask, 0, real))


def test_in_the_step_luma_is_that_of_the_real_image_blurred_once():
    described = load(f'{CONFIGS}/colorize.py:tiny').unlock()
    described.task.keep_luma = True
    game = build(described, 64)
    apart = {'luma': lambda turn: jnp.abs(ops.luma(turn.fake) - ops.luma(turn.real)).max()}
    images = np.random.default_rng(0).integers(0, 256, game.batch_shape, np.uint8)
    for metrics in play(watch(game, apart), images):
        assert metrics['gen/luma'] < 1e-5 < metrics['gen/l1']


@pytest.mark.parametrize('patches', [True, False])
def test_an_inpainters_patches_are_fake_in_the_hole(patches):
    described = load(f'{CONFIGS}/inpaint.py:masked').unlock()
    described.size, described.objective.fake_in_hole = 64, True
    described.discriminator = dict(widths=(4, 4), hidden=4, patches=patches)
    game = build(described, 64)
    images = jax.ShapeDtypeStruct(game.batch_shape, np.uint8)
    state = state_shapes(game, described)
    if patches:
        assert jax.eval_shape(partial(train_step, game, KEY), state, images)[1]['disc/fake_loss'].shape == ()
    else:
        with pytest.raises(UserError, match='fake_in_hole=True needs a score for each place'):
            jax.eval_shape(partial(train_step, game, KEY), state, images)


# On files


class Shown:
    """A generator that keeps what it was shown, and says one colour."""

    def __init__(self):
        self.images = []

    def __call__(self, image, latent):
        jax.debug.callback(lambda x: self.images.append(np.asarray(x)), image)
        return jnp.full((*image.shape[:3], 3), 0.25)


@pytest.fixture
def holes_run(tmp_path):
    described = make_config('inpaint', tmp_path).unlock()
    described.task.show_mask = True
    shown = Shown()
    return fake_run(tmp_path / 'run', described, shown), shown


def test_a_photo_of_the_networks_size_is_seen_with_its_mask_as_it_is(holes_run):
    trained, shown = holes_run
    (photo,), mask = smooth_images(1), np.zeros((64, 64), bool)
    mask[5:20, 30:50] = mask[40:44, 8:60] = mask[19:23, 50:52] = True
    use = trained.game.task.on_files
    (result,) = use.paint(Network(trained), LargeImage(Image.fromarray(photo)), mask)
    jax.effects_barrier()
    expected = inpaint.masked(ops.to_float(photo), mask[..., None].astype(np.float32))
    assert len(shown.images) == 2, 'parts that touch at a corner are one'
    for image in shown.images:
        np.testing.assert_array_equal(image[0], expected)
    np.testing.assert_array_equal(np.asarray(result.image)[~mask], photo[~mask])
    np.testing.assert_array_equal(np.asarray(result.image)[mask], np.rint(1.25 * 127.5))
    given = []
    use.traced(lambda x: given.append(x) or x[..., :3], ops.to_float(photo)[None], expected[None, ..., 3:] / 2 + 0.5)
    np.testing.assert_array_equal(given[0][0], expected)


def test_a_photo_of_another_size_is_seen_as_training_images_are(holes_run, tmp_path, monkeypatch):
    """Each pixel is known, or gray and in the hole; what is hidden in the photo shines through nowhere."""
    trained, shown = holes_run
    monkeypatch.setattr(translating, 'load_run', lambda folder: trained)
    photo = np.full((150, 331, 3), 200, np.uint8)
    mask = np.zeros((150, 331), np.uint8)
    mask[31:88, 17:55], mask[100:103, 120:300] = 255, 255
    photo[mask > 0] = 7
    source = save_images(tmp_path / 'in', [photo])
    Image.fromarray(mask).save(source / '00_mask.png')
    translating.translate('run', source, tmp_path / 'out')
    jax.effects_barrier()
    assert len(shown.images) == 2
    for image in shown.images:
        hidden = image[0, ..., 3] > 0
        np.testing.assert_array_equal(image[0, ..., 3], np.where(hidden, 1, -1))
        np.testing.assert_array_equal(image[0, hidden, :3], 0)
        np.testing.assert_allclose(image[0, ~hidden, :3], 200 / 127.5 - 1, atol=1e-6)
        assert 0.005 < hidden.mean() < 0.5
    result = np.asarray(Image.open(tmp_path / 'out' / '00.png'))
    np.testing.assert_array_equal(result[mask == 0], 200)
    inside = result[36:83, 22:50]  # away from the edge, where the small image is scaled up between both colours
    np.testing.assert_allclose(inside, 1.25 * 127.5, atol=2)


def test_what_is_shown_of_four_channels_are_the_colours():
    shown = np.asarray(inpaint.masked(IMAGES[0], jnp.ones((32, 48, 1)).at[4:].set(0)))
    np.testing.assert_array_equal(montage._colours(shown), shown[..., :3])
    np.testing.assert_array_equal(montage._colours(shown[..., 3:]), np.repeat(shown[..., 3:], 3, axis=-1))


# By the command line

SMALL = (
    '--config.size=32',
    '--config.batch=8',
    '--config.steps=2',
    '--config.data.embedded.count=64',
    '--config.generator.widths=4,4,4',
    '--config.discriminator.widths=4,4,4',
    '--config.log.every=1',
    '--config.log.grids=1',
    '--config.checkpoint.every=2',
    '--config.devices=1',
)


def trained(folder, name, *flags):
    done = main(config(name), *SMALL, f'--workdir={folder}', *flags)
    assert done.code == 0, done.err
    grid = np.asarray(Image.open(folder / 'samples' / 'step_000002.png'))
    done = main('--mode=evaluate', f'--workdir={folder}')
    assert done.code == 0, done.err
    return grids.tiles(grid, (32, 32)), json.loads((folder / 'evaluation.json').read_text())


def test_inpainting_with_masks_is_trained_measured_and_used(tmp_path):
    run = tmp_path / 'run'
    (seen, made, real), report = trained(run, 'inpaint:masked', '--config.task.holes=strokes')
    hidden = (seen != real).any(-1)
    np.testing.assert_array_equal(seen[hidden], 128)
    np.testing.assert_array_equal(made[~hidden], real[~hidden])
    assert (made[hidden] != real[hidden]).mean() > 0.9
    rows = report['rows']
    assert list(rows) == ['gray in boxes', 'border mean', 'output', 'output, pasted']
    assert rows['output'] == rows['output, pasted']
    assert (run / 'evaluation' / 'montage_worst.png').exists()

    (photo,), mask = smooth_images(1, 100), np.zeros((61, 100), np.uint8)
    mask[10:30, 20:70], mask[40:44, 30:90] = 255, 255
    source = save_images(tmp_path / 'in', [photo[:61]])
    Image.fromarray(mask).save(source / '00_mask.png')
    done = main('--mode=translate', f'--workdir={run}', f'--input={source}', f'--output={tmp_path / "out"}')
    assert done.code == 0, done.err
    result = np.asarray(Image.open(tmp_path / 'out' / '00.png'))
    np.testing.assert_array_equal(result[mask == 0], photo[:61][mask == 0])
    assert (result[mask > 0] != photo[:61][mask > 0]).mean() > 0.9
    with temporary() as kept:
        tool = PhotoTool(load_run(run), kept, Limits(), Turns(Limits().seconds))
        tool.warm_up()
        (written,) = tool.translate(source / '00.png', mask > 0, 1).results
        np.testing.assert_array_equal(np.asarray(Image.open(written)), result)

    done = main('--mode=export', f'--workdir={run}', f'--output={tmp_path / "export"}')
    assert done.code == 0 and 'model.stablehlo' in done.out, done
    model = jax.export.deserialize(bytearray((tmp_path / 'export' / 'model.stablehlo').read_bytes()))
    small, hole = smooth_images(1, 32)[0][None], np.zeros((1, 32, 32, 1), np.uint8)
    hole[0, 10:20, 5:17] = 255
    source = save_images(tmp_path / 'small', small)
    Image.fromarray(hole[0, ..., 0]).save(source / '00_mask.png')
    main('--mode=translate', f'--workdir={run}', f'--input={source}', f'--output={tmp_path / "small_out"}')
    result = np.asarray(Image.open(tmp_path / 'small_out' / '00.png')).astype(int)
    assert np.abs(np.asarray(model.call(small, hole))[0] - result).max() <= 1


def test_the_variant_that_keeps_luma_has_no_noise_and_takes_other_variants_beside_it():
    luma = load('configs/colorize.py:luma')
    assert (luma.task.keep_luma, luma.task.latent, luma.generator.noise) == (True, 0, False)
    assert load('configs/colorize.py:luma+no_noise') == luma
    assert load('configs/colorize.py:luma+tiny').steps == load('configs/colorize.py:tiny').steps


def test_colorizing_with_its_luma_is_trained_measured_and_used(tmp_path):
    run = tmp_path / 'run'
    (seen, made, real), report = trained(run, 'colorize:luma')
    inside = (made > 0).all(-1) & (made < 255).all(-1)
    assert inside.mean() > 0.8
    lumas = [np.asarray(compose.luma(x))[inside] for x in (made, seen, real)]
    np.testing.assert_allclose(lumas[0], lumas[1], atol=1.1)
    np.testing.assert_allclose(lumas[0], lumas[2], atol=1.1)
    apart = [report['rows'][row]['L1']['mean'] for row in ('output', 'output, own luma')]
    assert apart[0] == pytest.approx(apart[1], rel=0.02)

    source = save_images(tmp_path / 'in', smooth_images(1, 70))
    done = main('--mode=translate', f'--workdir={run}', f'--input={source}', f'--output={tmp_path / "out"}')
    assert done.code == 0, done.err
    before, after = (np.asarray(Image.open(folder / '00.png')) for folder in (source, tmp_path / 'out'))
    np.testing.assert_allclose(compose.luma(after), compose.luma(before), atol=0.51)
    assert (before != after).any()
