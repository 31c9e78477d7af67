"""Terms over layers and over parameters in the real step: their values, what they pull at, resume and devices."""

import shutil
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from generators import KEY, begun, generator_config, one_step
from saved_run import logged
from turns import make_turn

from gans.config.load import load
from gans.core.build import build
from gans.core.state import init
from gans.core.step import train_step
from gans.errors import UserError
from gans.losses import matching, terms
from gans.run.experiment import open_experiment
from gans.run.trained import load_run
from gans.training.loop import train

LAYERS = ('down_0', 'down_1')  # of dcgan's discriminator, and of the unet's
ALL = {
    'moments': {'layers': LAYERS, 'root': True},
    'style': {'layers': ('down_0',), 'weights': (0.5,)},
    'features': {'layers': ('down_1/conv',)},
    'historical': {},
}
WEIGHTS = dict(moments=0.2, style=0.1, features=0.1, historical=0.3)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


REAL = {'wide': noise(4, 6, 6, 2), 'deep': noise(4, 3, 3, 5, seed=1), 'flat': noise(4, 7, seed=2)}
FAKE = {name: 0.7 * noise(*x.shape, seed=3) + 0.2 for name, x in REAL.items()}


# Values


@pytest.mark.parametrize(
    ('make', 'compare'),
    [
        (terms.moments, matching.mmd),
        (terms.style, matching.style),
        (terms.features, matching.feature_matching),
        (
            partial(terms.moments, bandwidths=(2.0, 7.0), bandwidth_weights=(0.5, 3.0), by_mean=False),
            partial(matching.mmd, bandwidths=(2.0, 7.0), weights=(0.5, 3.0), by_mean=False),
        ),
        (partial(terms.moments, kernel='linear', unbiased=True), partial(matching.mmd, kernel='linear', unbiased=True)),
        (partial(terms.moments, root=True), partial(matching.mmd, root=True)),
        (partial(terms.style, form='positions'), partial(matching.style, form='positions')),
    ],
)
def test_a_term_is_the_mean_over_its_layers_of_their_weighted_parts(make, compare):
    @jax.jit
    def compute(real, fake):
        turn = make_turn(real_layers=real, fake_layers=fake)
        parts = [compare(real[name], fake[name]) for name in ('deep', 'flat')]
        return parts, plain.value(turn), weighted.value(turn)

    plain, weighted = make(('deep', 'flat')), make(['deep', 'flat'], [4.0, 0.5])
    assert plain.layers == weighted.layers == ('deep', 'flat') and not plain.historical
    (deep, flat), mean, weighed = compute(REAL, FAKE)
    assert mean == pytest.approx(float(deep + flat) / 2, rel=1e-6)
    assert weighed == pytest.approx(float(4 * deep + 0.5 * flat) / 2, rel=1e-6)


@pytest.mark.parametrize(
    ('make', 'sentence'),
    [
        (partial(terms.moments, ()), r"'moments' looks at the layers \(\): name one or more"),
        (partial(terms.style, []), "'style' looks at the layers"),
        (
            partial(terms.features, 'down_0'),
            r"the layers 'down_0': name one or more .* in a tuple, for example layers=\('down_0',",
        ),
        (partial(terms.style, LAYERS, (1.0,)), "'style' has the weights .* for 2 layers: give one for each"),
        (partial(terms.features, LAYERS, 2.0), "'features' has the weights 2.0 for 2 layers"),
        (partial(terms.moments, LAYERS, kernel='cubic'), "'cubic' is not a kernel"),
        (partial(terms.moments, LAYERS, bandwidths=(0,)), 'above 0'),
        (partial(terms.moments, LAYERS, bandwidth_weights=(1, 2)), 'need as many numbers'),
        (partial(terms.moments, LAYERS, root=True, unbiased=True), 'choose unbiased or root'),
        (partial(terms.style, LAYERS, form='gramm'), "did you mean 'gram'"),
    ],
)
def test_terms_without_sense_are_refused_before_anything_is_compiled(make, sentence):
    with pytest.raises(UserError, match=sentence):
        make()


# In the step


def describe(gen_terms, disc_terms=(), networks='tiny', **changes):
    """A config of plain gradient descent with terms whose weights are `WEIGHTS`."""
    config = generator_config()
    objective = dict(name='standard', form='hinge', gen_form='non_saturating', terms=gen_terms, disc_terms=disc_terms)
    parts = dict(
        networks=networks,
        objective=objective,
        optimizer=dict(gen=dict(name='sgd'), disc=dict(name='sgd')),
        schedules=config.schedules.to_dict() | {name: WEIGHTS[name] for name in sorted({*gen_terms, *disc_terms})},
    )
    if networks == 'dcgan':
        parts['generator'] = dict(widths=(4, 4), z_dim=5, init_std=0.2)
        parts['discriminator'] = dict(widths=(4, 4), init_std=0.2)
    config = type(config)(config.to_dict() | parts)
    config.update_from_flattened_dict(changes)
    return config


def compile_step(game, images):
    """state, and this step's numbers where they are not the schedules' -> (state, metrics)."""

    @jax.jit
    def play(state, hyper):
        constant = {name: lambda step, value=value: value for name, value in hyper.items()}
        return train_step(game._replace(schedules=constant), KEY, state, images)

    def step(state, **hyper):
        scheduled = {name: np.float32(schedule(state.step)) for name, schedule in game.schedules.items()}
        return jax.device_get(play(state, scheduled | {name: np.float32(value) for name, value in hyper.items()}))

    return step


def distance(a, b):
    return np.sqrt(sum(np.sum((x - y) ** 2) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)))


@pytest.fixture(scope='module', params=['generator', 'config with a condition'])
def played(request):
    """Five steps of a tiny DCGAN with every term for both players, or of colorize with all for the generator."""
    if request.param == 'generator':
        config = describe(ALL, ALL, networks='dcgan')
    else:
        config = load('configs/colorize.py:tiny').unlock()
        config.size, config.generator.widths, config.discriminator.widths = 16, (4,), (4, 4)
        config.objective = dict(config.objective, terms={'l1': {}} | ALL, disc_terms=('historical',))
        config.schedules = config.schedules.to_dict() | WEIGHTS | {'adversarial': 0.15}
    game, images, first = begun(config)
    step, states, metrics = compile_step(game, images), [jax.device_get(first)], None
    for _ in range(5):
        state, metrics = step(states[-1])
        states.append(state)
    return states, metrics


def test_all_terms_at_once_train_both_players(played):
    states, metrics = played
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((states, metrics)))
    for player in ('gen', 'disc'):
        assert distance(getattr(states[-1], player).params, getattr(states[0], player).params) > 0
    of_config = 'gen/l1' in metrics
    weighted = {'gen': ['adversarial', *ALL], 'disc': ['historical'] if of_config else [*ALL]}
    weighted['gen'] += ['l1'] if of_config else []
    for player, names in weighted.items():
        assert all(metrics[f'{player}/{name}'] > 0 for name in names)
        expected = sum(float(metrics[f'schedule/{name}'] * metrics[f'{player}/{name}']) for name in names)
        expected += float(metrics['disc/real_loss'] + metrics['disc/fake_loss']) if player == 'disc' else 0
        assert metrics[f'{player}/loss'] == pytest.approx(expected, rel=1e-5)


def test_the_state_holds_the_mean_of_the_parameters_of_all_steps(played):
    states, _ = played
    for player in ('gen', 'disc'):
        history = [getattr(state, player).params for state in states]
        for end in (1, 3, 6):
            mean = jax.tree.map(lambda *x: np.mean(np.stack(x), axis=0, dtype=np.float64), *history[:end])
            found = getattr(states[end - 1], player).mean
            jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7), found, mean)
        assert distance(history[-1], mean) > 1e-4


@pytest.fixture(scope='module')
def small():
    """(a step of the smallest players, with terms for both, which also tells the mean images; the first state)."""
    names = {'moments': {'layers': ('Dense_0',), 'root': True}, 'features': {'layers': ('Dense_0',)}, 'historical': {}}
    game, images, first = begun(describe(names, ('historical',)))

    def gen(turn):
        loss, metrics, carry = game.objective.gen(turn)
        return loss, metrics | {'real': turn.real.mean(0), 'fake': turn.fake.mean(0)}, carry

    watched = game._replace(objective=game.objective._replace(gen=gen))
    return compile_step(watched, np.maximum(images, 200)), jax.device_get(first)


def test_a_generator_follows_moments_alone(small):
    """Towards bright images, with nothing else in its loss and a discriminator that stands still."""
    step, state = small
    still = dict(adversarial=0.0, features=0.0, historical=0.0, learning_rate_disc=0.0, learning_rate_gen=10.0)
    before, values = state.disc.params, []
    for _ in range(30):
        state, metrics = step(state, **still)
        values.append(metrics['gen/moments'])
    assert distance(state.disc.params, before) == 0
    assert np.mean(values[-5:]) < 0.5 * np.mean(values[:5])


def test_what_a_term_sees_is_the_layer_on_the_real_and_on_the_generated_images(small):
    step, first = small
    _, metrics = step(first, learning_rate_disc=0.0)
    weights = first.disc.params['Dense_0']

    def layer(image):
        return np.asarray(image, np.float64).reshape(4, 4, 4, 4, 3).mean((1, 3)).reshape(-1) @ weights['kernel']

    expected = np.sum((layer(metrics['gen/real']) - layer(metrics['gen/fake'])) ** 2)  # linear: the bias is gone
    assert metrics['gen/features'] == pytest.approx(expected, rel=1e-4) and expected > 0.01


@pytest.mark.parametrize(
    ('path', 'near'), [('down_0/cov', 'down_0/conv'), ('down_1/nrm', 'down_1/norm'), ('oute', 'out')]
)
def test_a_layer_that_does_not_exist_is_named_with_the_nearest(path, near):
    config = describe({'moments': {'layers': ('down_0', path)}}, networks='dcgan')
    game = build(config, 64)
    images = jnp.zeros(game.batch_shape, np.uint8)
    state = jax.eval_shape(partial(init, game), KEY, images[0])
    with pytest.raises(UserError, match=f"the layer '{path}', which the discriminator does not have .*'{near}'"):
        jax.eval_shape(partial(train_step, game), KEY, state, images)


def test_arguments_of_terms_are_checked_where_the_config_is_built():
    with pytest.raises(UserError, match='config.objective.terms.moments.layers is missing'):
        build(describe({'moments': {}}), 64)
    with pytest.raises(UserError, match="disc_terms.style.weight is not known .did you mean 'weights'"):
        build(describe({}, {'style': {'layers': ('Dense_0',), 'weight': (1,)}}), 64)
    config = describe({})
    config.objective.terms = {'momens': {}}
    with pytest.raises(UserError, match="config.objective.terms has 'momens', .*did you mean 'moments'"):
        build(config, 64)


# Historical averaging


@pytest.mark.parametrize('player', ['gen', 'disc'])
def test_historical_averaging_pulls_by_twice_the_distance_from_the_mean(player, small):
    """Two steps from one state, with and without the term: parameters differ by learning rate 2 w (theta - mean)."""
    step, first = small
    other = {'gen': 'disc', 'disc': 'gen'}[player]
    alone = {f'learning_rate_{player}': 0.1, f'learning_rate_{other}': 0.0}
    state = first
    for _ in range(3):
        state, _ = step(state, **alone)
    (ours, metrics), (theirs, _) = (step(state, **alone, historical=weight) for weight in (5.0, 0.0))
    now, mean = getattr(state, player).params, getattr(state, player).mean
    assert metrics[f'{player}/historical'] == pytest.approx(float(distance(now, mean) ** 2), rel=1e-5)
    pull = jax.tree.map(lambda a, b: a - b, getattr(theirs, player).params, getattr(ours, player).params)
    expected = jax.tree.map(lambda now, mean: 0.1 * 2 * 5.0 * (now - mean), now, mean)
    assert 1e-4 < distance(now, mean) and distance(pull, expected) < 1e-3 * distance(now, mean)
    # In the first step a player is where it has always been.
    assert step(first, **alone)[1][f'{player}/historical'] == 0


@pytest.mark.parametrize('player', ['gen', 'disc'])
def test_there_is_a_history_only_of_the_player_that_asks_for_it(player):
    config = describe(*{'gen': (('historical',), ()), 'disc': ((), ('historical',))}[player])
    game = build(config, 64)
    state = jax.eval_shape(partial(init, game), KEY, np.zeros(game.batch_shape[1:], np.uint8))
    kept = {name: bool(jax.tree.leaves(getattr(state, name).mean)) for name in ('gen', 'disc')}
    assert kept == {'gen': player == 'gen', 'disc': player == 'disc'}


def test_a_run_with_a_history_that_goes_on_ends_as_if_it_had_not_stopped(tmp_path):
    arguments = {'moments': {'layers': ('Dense_0',), 'bandwidths': (2.0, 8.0)}, 'historical': {}}
    changes = {'optimizer.gen.name': 'adam', 'log.grids': 1, 'checkpoint.every': 2, 'steps': 3}
    experiment = open_experiment(describe(arguments, ('historical',), **changes))
    train(experiment, tmp_path / 'whole')
    shutil.copytree(tmp_path / 'whole', tmp_path / 'parts')
    shutil.rmtree(tmp_path / 'parts/checkpoints/3')  # as if it had been ended after the second step
    train(experiment, tmp_path / 'parts')
    whole, parts = (load_run(tmp_path / name) for name in ('whole', 'parts'))
    assert parts.step == 3 and distance(whole.state.gen.mean, whole.state.gen.params) > 0
    jax.tree.map(np.testing.assert_array_equal, whole.state, parts.state)
    assert (tmp_path / 'whole/metrics.jsonl').read_bytes() == (tmp_path / 'parts/metrics.jsonl').read_bytes()
    assert [line['step'] for line in logged(tmp_path / 'parts') if line['gen/moments'] > 0] == [1, 2, 3]


# Devices


def test_one_device_equals_eight():
    """Plain gradient descent. Each of eight has one image: of these alone, moments would have another gradient."""
    names = {name: {'layers': ('Dense_0',)} for name in ('moments', 'style')}
    changes = {f'schedules.{name}': 1.0 for name in names}
    game, images, first = begun(describe(names, **changes, **{'schedules.adversarial': 0.0}))
    first = jax.device_get(first)

    (one, alone), (eight, shared) = (one_step(game, images, first, 'jit', devices) for devices in (1, 8))
    assert shared == pytest.approx(alone, rel=1e-4, abs=1e-7)
    for player in ('gen', 'disc'):
        ours, theirs, before = (getattr(state, player).params for state in (eight, one, first))
        assert distance(ours, theirs) < 1e-3 * distance(theirs, before)
