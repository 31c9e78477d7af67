"""Augmentation of what the discriminator sees: each on its own, in the step, on several devices, and by main.py."""

import itertools
import json
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import config, main
from generators import KEY, generator_game
from turns import make_turn

from benchmarks.least import least_operations
from gans.config.load import load
from gans.core import schedules
from gans.core.build import build
from gans.core.inputs import as_shown, draw, seen_by_discriminator, training_inputs
from gans.core.sampling import sample
from gans.core.state import init
from gans.core.step import train_step
from gans.errors import UserError
from gans.image import augment
from gans.model_card import model_card
from gans.nn import noise
from gans.types import Inputs

ALL = ('colour', 'translation', 'cutout')
KEYS = jax.random.split(KEY, 1000)


def images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def drawn(name, image, keys=KEYS):
    """What the augmentation makes of an image with each key."""
    return np.asarray(jax.jit(jax.vmap(lambda key: augment.AUGMENTATIONS[name](key, jnp.bool_(True), image)))(keys))


# Each augmentation


def test_colour_is_brightness_saturation_and_contrast_in_their_ranges():
    """Of an image: b moves the mean, c spreads the gray around it, and c s the channels around the gray."""
    image = images(6, 5, 3)
    found = drawn('colour', image).astype(np.float64)
    gray, grays = image.mean(-1), found.mean(-1)
    brightness = found.mean((1, 2, 3)) - image.mean()
    contrast = (grays - grays.mean((1, 2), keepdims=True)).std((1, 2)) / (gray - gray.mean()).std()
    chroma = found - grays[..., None]
    saturation = chroma[:, 0, 0, 0] / (image - gray[..., None])[0, 0, 0] / contrast
    for amounts, low, high in ((brightness, -0.5, 0.5), (saturation, 0, 2), (contrast, 0.5, 1.5)):
        share = (amounts - low) / (high - low)
        assert share.min() > -1e-4 and share.max() < 1 + 1e-4
        np.testing.assert_allclose(
            np.quantile(share, [0.01, 0.25, 0.5, 0.75, 0.99]), [0.01, 0.25, 0.5, 0.75, 0.99], atol=0.05
        )
    assert np.abs(np.corrcoef([brightness, saturation, contrast]) - np.eye(3)).max() < 0.1
    b, s, c = (x[:, None, None, None] for x in (brightness, saturation, contrast))
    lit = image + b
    coloured = lit.mean(-1, keepdims=True) + s * (lit - lit.mean(-1, keepdims=True))
    mean = coloured.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(found, mean + c * (coloured - mean), atol=1e-5)


@pytest.mark.parametrize('shape, most', [((16, 24, 3), (2, 3)), ((9, 4, 1), (1, 1))])
def test_a_translation_is_every_shift_up_to_an_eighth_with_zeros(shape, most):
    image = images(*shape)
    shifts = {}
    for down, right in itertools.product(*(range(-m, m + 1) for m in most)):
        moved = np.zeros_like(image)
        rows, columns = (np.arange(side) for side in shape[:2])
        rows, columns = (x[(x + by >= 0) & (x + by < len(x))] for x, by in ((rows, down), (columns, right)))
        moved[np.ix_(rows + down, columns + right)] = image[np.ix_(rows, columns)]
        shifts[moved.tobytes()] = 0
    for found in drawn('translation', image):
        shifts[found.tobytes()] += 1  # a KeyError if it is none of them
    counts = np.array(list(shifts.values()))
    assert len(counts) == np.prod(2 * np.array(most) + 1) and counts.min() > 0.4 * counts.mean()


@pytest.mark.parametrize('shape, half', [((8, 12, 3), (4, 6)), ((7, 6, 1), (4, 3))])
def test_a_cutout_is_half_of_each_side_with_its_middle_anywhere_in_the_image(shape, half):
    ways = [
        {(max(m - h // 2, 0), min(m - h // 2 + h, side)) for m in range(side + 1 - h % 2)}
        for side, h in zip(shape, half, strict=False)
    ]
    seen = set()
    for found in drawn('cutout', np.ones(shape, np.float32)):
        rows, columns = (np.flatnonzero((found == 0).any(axis)) for axis in ((1, 2), (0, 2)))
        box = (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)
        seen.add(box)
        assert (found == 0).sum() == np.prod([b - a for a, b in box]) * shape[2] and set(np.unique(found)) <= {0, 1}
    assert seen == set(itertools.product(*ways))


def test_the_probability_is_that_of_each_augmentation_on_its_own():
    image, vary = images(8, 8, 3), augment.compose(ALL)
    for probability in (0.0, 0.3, 1.0):
        chosen = []
        for name in ALL:
            one = augment.compose((name,))
            found = np.asarray(jax.vmap(partial(one, probability=probability, image=image))(KEYS))
            chosen.append((found != image).any((1, 2, 3)))
            if name != 'translation':  # a shift by nothing is one of nine
                assert chosen[-1].mean() == pytest.approx(probability, abs=0.05)
        both = (chosen[0] & chosen[2]).mean()
        assert both == pytest.approx(probability**2, abs=0.04)
        # Together they are one after the other, in this order whatever the config's is, with the same draws.
        found = np.asarray(jax.vmap(partial(vary, probability=probability, image=image))(KEYS))
        assert ((found != image).any((1, 2, 3)) == np.any(chosen, 0)).all()
        other = augment.compose(ALL[::-1])
        np.testing.assert_array_equal(jax.vmap(partial(other, probability=probability, image=image))(KEYS), found)


@pytest.mark.parametrize('name', ALL)
def test_gradients_are_those_of_an_affine_map(name):
    """A(x) = L x + a: the pull-back of w by a difference in the image is w by the difference of what comes out."""
    x, y, w = (images(8, 6, 3, seed=seed) for seed in range(3))
    for key in KEYS[:5]:
        vary = partial(augment.AUGMENTATIONS[name], key, jnp.bool_(True))
        out, pull_back = jax.vjp(vary, x)
        (gradient,) = pull_back(w)
        assert np.sum(gradient * (y - x)) == pytest.approx(float(np.sum(w * (vary(y) - out))), abs=1e-4)
        assert np.abs(gradient).max() > 0


@pytest.mark.parametrize(
    'names, words',
    [
        (('color',), "'color', which is no augmentation.*did you mean 'colour'"),
        ('cutout', "give a tuple of names, \\('translation',\\)"),
        ((3,), 'give a tuple of names'),
        (None, 'give a tuple of names'),
    ],
)
def test_other_names_are_refused(names, words):
    with pytest.raises(UserError, match=f'config.augment .*{words}'):
        augment.compose(names)


# What belongs together


def game_with(names, config_file='configs/inpaint.py:tiny', **changes):
    made = load(config_file).unlock()
    made.augment = names
    made.update_from_flattened_dict(changes)
    return build(made, 64)


def shown(game, key, inputs, fake, probability=1.0):
    return jax.jit(partial(as_shown, game))(key, {'augment': probability}, inputs, fake)


def test_a_condition_and_both_images_of_an_example_are_changed_alike():
    game, real = game_with(('translation', 'cutout')), images(64, 16, 16, 3)
    inputs = Inputs(gen={'image': real}, real=real, cond=real[..., :1] + 2, mask=np.ones((64, 16, 16, 1), np.float32))
    seen, fake = shown(game, KEY, inputs, 3 * real)
    np.testing.assert_array_equal(fake, 3 * seen.real)
    kept = np.asarray(seen.mask)
    assert set(np.unique(kept)) == {0, 1}
    np.testing.assert_allclose(seen.cond, kept * (2 + seen.real[..., :1]), atol=1e-6)
    assert seen.gen['image'] is not None and len({row.tobytes() for row in kept}) > 30, 'each example has its own'
    other, _ = shown(game, jax.random.key(1), inputs, real)
    assert (np.asarray(other.real) != seen.real).any()


def test_without_a_condition_real_and_generated_images_are_changed_independently():
    game, real = generator_game(augment=ALL)[0], images(64, 16, 16, 3)
    seen, fake = shown(game, KEY, Inputs(gen={}, real=real), real)
    assert (np.asarray(seen.real) != fake).any((1, 2, 3)).all() and seen.cond is None and seen.mask is None


def test_devices_change_an_example_by_its_place_in_the_global_batch():
    game, real = game_with(('translation', 'cutout')), images(8, 16, 16, 3)

    def all_seen(axis, real, cond):
        with noise.shared_along(axis, len(real)):
            seen, fake = as_shown(game, KEY, {'augment': 0.7}, Inputs(gen={}, real=real, cond=cond), -real)
            return seen.real, seen.cond, fake

    whole = jax.jit(partial(all_seen, None))(real, real)
    parts = jax.pmap(partial(all_seen, 'data'), axis_name='data')(*[real.reshape(4, 2, 16, 16, 3)] * 2)
    for ours, theirs in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(ours.reshape(theirs.shape), theirs)


@pytest.mark.parametrize('config_file', ['configs/inpaint.py:tiny', 'configs/dilated_colorize.py:tiny'])
def test_colour_is_refused_where_an_image_is_given(config_file):
    with pytest.raises(UserError, match="config.augment has 'colour'.*Leave it out; translation and cutout are for"):
        game_with(ALL, config_file)


# In the step

SGD = {'optimizer.gen.name': 'sgd', 'optimizer.disc.name': 'sgd'}


def test_both_players_learn_from_what_the_discriminator_sees_and_terms_compare_what_it_does_not():
    """One step by hand: the gradients of both losses through the augmentations, each turn with draws of its own."""
    game, batches = generator_game(augment=ALL, **SGD)

    def disc(turn):
        loss, metrics, carry = game.objective.disc(turn)
        kept = {name: getattr(turn, name) for name in ('real', 'fake', 'real_seen', 'fake_seen')}
        return loss, metrics | kept, carry

    watching = game._replace(objective=game.objective._replace(disc=disc))
    state = jax.jit(partial(init, game))(KEY, batches[0])
    after, metrics = jax.jit(partial(train_step, watching, KEY))(state, batches)

    hyper = schedules.read(game.schedules, state.step)
    assert hyper['augment'] == 1
    keys = jax.random.split(jax.random.split(jax.random.fold_in(KEY, 0), 1)[0], 3)
    inputs = training_inputs(game, keys[0], state.carry, batches[0], hyper)

    def losses(gen, disc, key, player):
        fake = game.gen.apply({'params': gen}, **inputs.gen, train=True)
        seen, fake_seen = as_shown(game, key, hyper, inputs, fake)
        real_out, fake_out = (game.disc.apply({'params': disc}, x, None, train=True) for x in (seen.real, fake_seen))
        loss = jax.nn.softplus(-real_out).mean() + jax.nn.softplus(fake_out).mean()
        return (loss if player else jax.nn.softplus(-fake_out).mean()), (fake, seen.real, fake_seen)

    by = jax.jit(jax.grad(losses, argnums=(0, 1), has_aux=True), static_argnums=3)
    (_, expected), (fake, real_seen, fake_seen) = by(state.gen.params, state.disc.params, keys[1], 1)
    for name, theirs in (('real', inputs.real), ('fake', fake), ('real_seen', real_seen), ('fake_seen', fake_seen)):
        np.testing.assert_allclose(metrics[f'disc/{name}'], theirs, atol=1e-5, err_msg=name)
    assert np.abs(real_seen - inputs.real).max() > 0.1
    gen_expected = by(state.gen.params, after.disc.params, keys[2], 0)[0][0]
    for player, wanted in (('disc', expected), ('gen', gen_expected)):
        moved = jax.tree.map(lambda a, b: a - b, getattr(state, player).params, getattr(after, player).params)
        for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(a, 0.01 * b, rtol=1e-3, atol=1e-5 * float(jnp.abs(b).max()) + 1e-8)


class Watched:
    """A discriminator that keeps the types of what it is shown."""

    def __init__(self, disc):
        self.disc, self.shown = disc, []

    def apply(self, variables, images, cond, **rest):
        self.shown.append((images.dtype, cond.dtype))
        return self.disc.apply(variables, images, cond, **rest)


def test_the_discriminator_is_shown_the_condition_as_it_is_changed_in_both_turns():
    """The change is one of type, so that tracing shows it."""
    half, whole, turns = jnp.bfloat16, jnp.float32, []
    game = game_with(('translation',))
    batches = jax.ShapeDtypeStruct(game.batch_shape, np.uint8)
    state = jax.eval_shape(partial(init, game), KEY, np.zeros(batches.shape[1:], np.uint8))
    watched = Watched(game.disc)

    def gen(turn):
        turns.append({name: getattr(turn, name).dtype for name in ('real', 'output', 'cond', 'real_seen', 'mask_seen')})
        return game.objective.gen(turn)

    typed = game._replace(
        disc=watched, augment=lambda key, chance, x: x.astype(half), objective=game.objective._replace(gen=gen)
    )
    jax.eval_shape(partial(train_step, typed, KEY), state, batches)
    assert watched.shown == [(half, half)] * 4
    assert turns == [dict(real=whole, output=whole, cond=whole, real_seen=half, mask_seen=half)]


def test_a_gradient_penalty_is_taken_between_the_images_as_the_discriminator_sees_them():
    game, _ = generator_game(**{'objective.penalty': True, 'schedules.penalty': 1.0}, augment=('translation',))
    constants = dict(real=0.0, fake=0.0, real_seen=4.0, fake_seen=2.0)
    # The slope of half the sum of squares is the image itself.
    values = {name: jnp.full((8, 4, 4, 3), value) for name, value in constants.items()}
    turn = make_turn(**values)._replace(
        real_out=jnp.zeros(8),
        fake_out=jnp.zeros(8),
        disc=lambda x: (x**2).sum((1, 2, 3)) / 2,
        hyper={'penalty': 1.0},
        rng=KEY,
    )
    slope = game.objective.disc(turn)[1]['slope'] / np.sqrt(4 * 4 * 3)
    assert 2 < slope < 4


def test_nothing_but_training_knows_of_it():
    def never(*unused):
        raise AssertionError('augmented')

    game, batches = generator_game(augment=ALL)
    game = game._replace(augment=never)
    state = jax.eval_shape(partial(init, game), KEY, batches[0])
    inputs = jax.eval_shape(partial(draw, game), KEY, batches[0])
    jax.eval_shape(partial(sample, game), state, inputs.gen)
    jax.eval_shape(partial(seen_by_discriminator, game), inputs.real, state.step)
    with pytest.raises(AssertionError, match='augmented'):
        jax.eval_shape(partial(train_step, game, KEY), state, batches)


def test_without_names_it_is_no_part_of_the_program():
    game, _ = generator_game()
    assert game.augment is None and 'augment' not in game.schedules
    inputs, fake = Inputs(gen={}, real=images(2, 4, 4, 3)), images(2, 4, 4, 3)
    assert as_shown(game, KEY, {}, inputs, fake) == (inputs, fake)


def test_it_adds_less_than_a_hundredth_to_the_least_arithmetic():
    """Real and generated images in the discriminator's turn, generated ones and their pull-back in the generator's."""
    made = load('configs/birds.py:augmented')
    game = build(made, 1000)
    x = jax.ShapeDtypeStruct((made.batch, *game.size, 3), np.float32)

    def all_of_it(real, fake, cotangent):
        inputs, hyper = Inputs(gen={}, real=real), {'augment': 1.0}
        first = as_shown(game, KEY, hyper, inputs, fake)
        second, pull_back = jax.vjp(lambda fake: as_shown(game, jax.random.key(1), hyper, inputs, fake)[1], fake)
        return first, second, pull_back(cotangent)

    flops = jax.jit(all_of_it).lower(x, x, x).compile().cost_analysis()['flops']
    assert 0 < flops < 0.01 * least_operations(game, made)


# By main.py


def test_the_names_and_the_probability_are_flags_and_the_log_and_the_card_tell_them(tmp_path):
    run = tmp_path / 'run'
    words = ['--config.augment=colour,cutout', '--config.schedules.augment=0.25', '--config.steps=1']
    words += ['--config.ema=0', '--config.ema_half_life=100']
    done = main(config('birds:tiny'), '--config.devices=1', '--config.log.grids=0', *words, f'--workdir={run}')
    assert done.code == 0, done.err
    (line,) = map(json.loads, (run / 'metrics.jsonl').read_text().splitlines())
    assert line['schedule/augment'] == 0.25
    card = model_card(run)
    assert 'augmented: colour, cutout' in card and 'half-life 100 images' in card
    begun = json.loads((run / 'config.json').read_text())
    assert begun['augment'] == ['colour', 'cutout']
    words[0] = '--config.augment=cutout'
    changed = main(f'--workdir={run}', config('birds:tiny'), '--config.devices=1', *words)
    assert changed.code == 2 and "config.augment: ['colour', 'cutout'] -> ['cutout']" in changed.err


def test_a_probability_that_nothing_reads_and_one_that_is_none_are_refused():
    for words, sentence in (
        (['--config.schedules.augment=0.5'], 'config.schedules.augment is read by nothing'),
        (['--config.augment=cutout', '--config.schedules.augment=1.5'], 'config.schedules.augment is 1.5'),
        (['--config.augment=cutouts'], "did you mean 'cutout'"),
    ):
        done = main(config('birds:tiny'), '--dry_run', *words)
        assert done.code == 2 and sentence in done.err and len(done.err.splitlines()) == 1
