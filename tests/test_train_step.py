"""Laws of the step, for every config that tests/variants.py names."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from generators import generator_game
from variants import CONFIG_FILES

from gans.config.load import load
from gans.core import schedules
from gans.core.build import build
from gans.core.inputs import draw, training_inputs
from gans.core.sampling import paint, sample
from gans.core.state import init
from gans.core.step import train_step
from gans.types import Pair

KEY = jax.random.key(0)


def make_game(config_file, schedules=None, **changes):
    """The tiny game of a config on two images; `schedules` are constants that take the place of the config's."""
    config = load(f'{config_file}:tiny').unlock()
    config.batch = 2
    config.update_from_flattened_dict(changes)
    config.schedules = config.schedules.to_dict() | (schedules or {})
    game = build(config, 64)
    return game, np.random.default_rng(0).integers(0, 256, game.batch_shape, np.uint8)


def start(game, images):
    return jax.jit(partial(init, game))(KEY, images[0])


def compiled(game):
    """The step of a game, (state, images) -> (state, metrics), traced and compiled once."""
    return jax.jit(partial(train_step, game, KEY))


def assert_same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def differs(a, b):
    return any(
        (np.asarray(x) != np.asarray(y)).any() for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


@pytest.mark.parametrize('config_file', CONFIG_FILES)
def test_a_turn_changes_only_the_mover_and_a_step_is_a_pure_function(config_file):
    """One program for all of it: the generator's learning rate is 0 at step 0, the discriminator's at step 1."""
    game, images = make_game(config_file)
    rates = {f'learning_rate_{name}': lambda step, at=at: 1e-3 * (step != at) for at, name in enumerate(Pair._fields)}
    game = game._replace(schedules=game.schedules | rates)
    state, play = start(game, images), compiled(game)
    for at, (still, mover) in enumerate([('gen', 'disc'), ('disc', 'gen')]):
        before = state.replace(step=jnp.int32(at))
        after, metrics = play(before, images)
        assert_same(getattr(before, still).params, getattr(after, still).params)
        assert differs(getattr(before, mover).params, getattr(after, mover).params)
        assert after.step == at + 1
    assert_same(play(before, images), (after, metrics))


def test_randomness_follows_the_step_number():
    game, images = make_game('configs/inpaint.py', {'blur': 0.0})  # or the schedule would make the difference
    state = start(game, images)
    play = compiled(game)
    _, first = play(state, images)
    _, second = play(state.replace(step=jnp.int32(1)), images)
    assert first['gen/l1'] != second['gen/l1']


def test_gradients_are_those_of_the_whole_loss():
    """With SGD the generator moves by the gradient of its loss through the updated discriminator, taken in one go."""
    constants = {'learning_rate_gen': 1.0, 'learning_rate_disc': 0.05, 'adversarial': 0.5}
    plain = {f'optimizer.{player}.name': 'sgd' for player in ('gen', 'disc')}
    game, images = make_game('configs/colorize.py', constants, **plain)
    state = start(game, images)
    after, metrics = compiled(game)(state, images)

    hyper = schedules.read(game.schedules, state.step)
    keys = jax.random.split(jax.random.split(jax.random.fold_in(KEY, 0), 1)[0], 3)
    inputs = training_inputs(game, keys[0], state.carry, images[0], hyper)

    def whole_loss(params):
        output = game.gen.apply({'params': params}, **inputs.gen, train=True)
        logits = game.disc.apply({'params': after.disc.params}, game.view(output, hyper), inputs.cond, train=True)
        return 100 * jnp.abs(output - inputs.real).mean() + 0.5 * jax.nn.softplus(-logits).mean()

    value, expected = jax.jit(jax.value_and_grad(whole_loss))(state.gen.params)
    moved = jax.tree.map(lambda a, b: a - b, state.gen.params, after.gen.params)
    assert metrics['gen/loss'] == pytest.approx(float(value), rel=1e-5)
    for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * float(jnp.abs(b).max()) + 1e-6)


def test_more_turns_use_more_images_and_move_more():
    game, images = make_game('configs/inpaint.py', **{'turns.disc': 3, 'turns.gen': 2})
    assert len(images) == 4
    state = start(game, images)
    play = compiled(game)
    after, _ = play(state, images)
    assert (after.disc.opt_state.count, after.gen.opt_state.count) == (3, 2)
    for changed in range(4):
        other = images.copy()
        other[changed] = 255 - other[changed]
        assert differs(after, play(state, other)[0]), f'batch {changed} was not used'


def test_everything_that_enters_a_network_is_blurred_and_the_output_is_not():
    game, images = make_game('configs/inpaint.py')
    seen = {}

    def spy(images, hyper):
        seen[images.shape] = seen.get(images.shape, 0) + 1
        return images * 0

    blind = game._replace(view=spy)
    state = start(game, images)
    _, metrics = compiled(blind)(state, images)
    # Condition, generator's input and real image are all zero: L1 is that of the bare output against zero.
    output = sample(game, state, {'image': jnp.zeros((2, *images.shape[2:]))})
    assert metrics['gen/l1'] == pytest.approx(float(jnp.abs(output).mean()), rel=1e-4)
    # image, real, cond; the output once for both players.
    assert sum(seen.values()) == 4


def test_draw_is_without_augmentation_and_the_same_on_every_call():
    game, images = make_game('configs/colorize.py')
    a, b = (draw(game, KEY, images[0]) for _ in range(2))
    assert_same(a, b)
    np.testing.assert_allclose(a.real, images[0] / 127.5 - 1, atol=1e-6)


# Generation from noise


def test_rules_that_change_latents_are_obeyed_in_training_and_in_samples():
    """The network would see `latent`; with rules that add their memory to it, it sees latent + carry."""
    game, images = generator_game()
    moved = game.objective._replace(init=lambda: jnp.full(5, 0.5), map_latent=lambda carry, latent: latent + carry)
    rules = game._replace(objective=moved)
    shifted = game._replace(gen=Shifted(game.gen))
    state = start(rules, images)
    assert_same(state.carry, np.full(5, 0.5, np.float32))
    bare = state.replace(carry=())
    for ours, theirs in zip(compiled(rules)(state, images), compiled(shifted)(bare, images), strict=True):
        ours = ours.replace(carry=()) if hasattr(ours, 'carry') else ours
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), ours, theirs)
    latent = {'latent': jax.random.normal(KEY, (3, 5))}
    np.testing.assert_allclose(sample(rules, state, latent), sample(shifted, bare, latent), atol=1e-6)
    np.testing.assert_allclose(paint(rules, state, latent), sample(game, bare, latent), atol=1e-6)
    assert differs(paint(rules, state, latent), sample(rules, state, latent))


class Shifted:
    """A generator that adds one half to its latent."""

    def __init__(self, gen):
        self.gen = gen

    def apply(self, variables, latent, **rest):
        return self.gen.apply(variables, latent=latent + 0.5, **rest)


@pytest.mark.parametrize('turns', [1, 2])
def test_latents_follow_the_memory_as_it_is_at_every_turn(turns):
    """Rules that count their turns and give the generator the count: a turn draws with what the turn before left."""
    game, images = generator_game(**{'turns.disc': turns})

    def disc(turn):
        loss, metrics, _ = game.objective.disc(turn)
        return loss, metrics | {'output': turn.output.mean()}, turn.carry + 1.0

    counting = game.objective._replace(
        init=lambda: jnp.float32(0), disc=disc, map_latent=lambda carry, latent: 0 * latent + carry
    )
    state = start(game._replace(objective=counting), images)
    after, metrics = compiled(game._replace(objective=counting))(state, images)
    output = paint(game, state, {'latent': jnp.full((1, 5), turns - 1.0)})
    assert after.carry == turns
    assert metrics['disc/output'] == pytest.approx(float(output.mean()), rel=1e-4, abs=1e-6)
