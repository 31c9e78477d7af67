"""Networks that grow: levels that are not reached do nothing, those that are faded in are mixed, nothing is lost."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import main
from saved_run import assert_same_outcome, break_after, outcome

from gans.config.load import load
from gans.core import schedules
from gans.core.build import build
from gans.core.state import state_shapes
from gans.errors import UserError
from gans.networks.progressive import Discriminator, Generator
from gans.nn.conv import repeat
from gans.run.checkpoint import Checkpoints
from gans.run.experiment import open_experiment, start
from gans.run.parallel import lay_out
from gans.training.loop import train

CONFIG_FILE = 'configs/progressive.py'
KEY = jax.random.key(0)
WIDTHS = (6, 5, 4, 3)  # level 3 is 32 px of 4 x 4
SIDE = 32
GROWTHS = [0.0, 0.4, 1.0, 1.7, 2.0, 2.5, 3.0]

gen = Generator(WIDTHS, z_dim=7, shape=(SIDE, SIDE))
disc = Discriminator(WIDTHS)
latents = jax.random.normal(jax.random.key(1), (3, 7))
images = jax.random.uniform(jax.random.key(2), (3, SIDE, SIDE, 3), minval=-1.0)
known = {'gen': gen.init(KEY, latents), 'disc': disc.init(KEY, images)}


def made(growth, network=gen):
    return np.asarray(network.apply(at(growth, known['gen']), latents, train=True))


def judged(growth, x=images, network=disc):
    return np.asarray(network.apply(at(growth, known['disc']), x))


def at(growth, variables):
    return variables | ({} if growth is None else {'hyper': {'growth': jnp.float32(growth)}})


def averaged(x, side):
    n, height, width, channels = x.shape
    return x.reshape(n, height // side, side, width // side, side, channels).mean((2, 4))


@pytest.mark.parametrize('growth', GROWTHS)
def test_what_is_beyond_the_stage_need_not_be_computed(growth):
    stage = int(np.ceil(growth))
    side = 2 ** (3 - stage)
    np.testing.assert_allclose(repeat(made(growth, gen.clone(stage=stage)), side), made(growth), atol=1e-5)
    scores = judged(growth, averaged(images, side), disc.clone(stage=stage))
    np.testing.assert_allclose(scores, judged(growth), atol=1e-5)


@pytest.mark.parametrize('level', range(4))
def test_a_level_has_squares_of_one_colour_and_sees_nothing_inside_them(level):
    side = 2 ** (3 - level)
    image = made(float(level))
    np.testing.assert_allclose(image, repeat(averaged(image, side), side), atol=1e-5)
    assert level == 0 or np.abs(image - repeat(averaged(image, 2 * side), 2 * side)).max() > 1e-3
    inside = images - repeat(averaged(images, side), side)
    np.testing.assert_allclose(judged(float(level), images + 3 * inside), judged(float(level)), atol=1e-5)
    if level:
        inside = images - repeat(averaged(images, 2 * side), 2 * side)
        assert np.abs(judged(float(level), images + 3 * inside) - judged(float(level))).max() > 1e-3


@pytest.mark.parametrize('level', range(3))
def test_a_image_is_faded_along_a_straight_line(level):
    before, half, after = made(level), made(level + 0.25), made(level + 1)
    np.testing.assert_allclose(half, 0.75 * before + 0.25 * after, atol=1e-6)
    assert np.abs(after - before).max() > 1e-3


def test_networks_without_the_schedule_are_grown_up():
    np.testing.assert_allclose(made(None), made(3.0), atol=1e-6)
    np.testing.assert_allclose(judged(None), judged(3.0), atol=1e-6)


@pytest.mark.parametrize('growth', GROWTHS)
def test_real_images_lose_the_detail_that_is_not_reached(growth):
    seen = np.asarray(gen.target(images, {'growth': jnp.float32(growth)}))
    low, high = (repeat(averaged(images, 2 ** (3 - int(k))), 2 ** (3 - int(k))) for k in (growth, np.ceil(growth)))
    np.testing.assert_allclose(seen, low + (growth - int(growth)) * (high - low), atol=1e-6)
    stage = int(np.ceil(growth))
    small = gen.clone(stage=stage).target(images, {'growth': jnp.float32(growth)})
    np.testing.assert_allclose(small, averaged(seen, 2 ** (3 - stage)), atol=1e-6)


def test_a_generator_shows_colours_between_black_and_white_but_in_training():
    variables = jax.tree.map(lambda x: 30 * x, known['gen'])
    trained, shown = (np.asarray(gen.apply(variables, latents, train=train)) for train in (True, False))
    assert np.abs(trained).max() > 1
    np.testing.assert_array_equal(shown, trained.clip(-1, 1))


def without(variables, names):
    """Variables with zeros for the layers of these names."""
    params = {
        name: jax.tree.map(jnp.zeros_like, own) if name in names else own for name, own in variables['params'].items()
    }
    return {'params': params}


def test_with_skips_an_image_is_the_sum_of_all_levels_and_a_level_is_enlarged_bilinearly():
    skipping, levels = gen.clone(skips=True), [f'rgb_{level}' for level in range(4)]
    alone = [without(known['gen'], {*levels} - {level}) for level in levels]
    parts = [np.asarray(skipping.apply(variables, latents, train=True)) for variables in alone]
    whole = skipping.apply(known['gen'], latents, train=True)
    np.testing.assert_allclose(whole, sum(parts), atol=1e-5)
    np.testing.assert_allclose(parts[3], gen.apply(known['gen'], latents, train=True), atol=1e-5)
    small = made(0.0, gen.clone(stage=0))
    for side in (8, 16, 32):
        small = jax.image.resize(small, (3, side, side, 3), 'bilinear')
    np.testing.assert_allclose(parts[0], small, atol=1e-5)
    assert all(np.abs(part).max() > 1e-2 for part in parts)


def test_with_skips_a_score_depends_on_every_size_of_the_image():
    skipping, levels = disc.clone(skips=True), [f'rgb_{level}' for level in range(3)]
    fixed = skipping.apply(without(known['disc'], levels), images)
    np.testing.assert_allclose(fixed, judged(None), atol=1e-5)
    for level in levels:
        others = skipping.apply(without(known['disc'], {level}), images)
        assert np.abs(others - skipping.apply(known['disc'], images)).max() > 1e-3


def test_with_skips_nothing_grows_and_the_schedule_is_refused(tiny):
    config = tiny(CONFIG_FILE)
    config.generator.skips = config.discriminator.skips = True
    with pytest.raises(UserError, match='config.schedules.growth is read by nothing'):
        build(config, 64)
    del config.schedules['growth']
    game = build(config, 64)
    assert game.stage(0) is None
    small = images[:, :16, :16]
    np.testing.assert_array_equal(game.target(small, {}), small)


def test_a_filtered_generator_has_the_same_parameters_and_unknown_ways_are_refused():
    image = gen.clone(up='linear').apply(known['gen'], latents, train=True)
    assert image.shape == made(3.0).shape and np.abs(image - made(3.0)).max() > 1e-3
    with pytest.raises(UserError, match="up='transposed' is not known: choose one of nearest, linear"):
        gen.clone(up='transposed').init(KEY, latents)


@pytest.mark.parametrize('shape', [(32, 64), (48, 16)])
def test_oblong_images(shape):
    image = jax.eval_shape(gen.clone(shape=shape).init_with_output, KEY, latents)[0]
    assert image.shape == (3, *shape, 3)
    scores = jax.eval_shape(disc.init_with_output, KEY, image)[0]
    assert (scores.shape, scores.dtype) == ((3,), jnp.float32)


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(UserError, match='multiples of 8, not 36 x 32'):
        gen.clone(shape=(36, 32)).init(KEY, latents)
    with pytest.raises(UserError, match='multiples of 8, not 36 x 32'):
        disc.init(KEY, jnp.zeros((1, 36, 32, 3)))


def test_both_have_the_papers_counts():
    def count(module, *shape):
        variables = jax.eval_shape(module.init, KEY, jax.ShapeDtypeStruct(shape, jnp.float32))
        return sum(leaf.size for leaf in jax.tree.leaves(variables['params']))

    widths = Generator().widths
    further = [3 * width + 3 for width in widths[:-1]], [4 * width for width in widths[:-1]]  # the paper has the last
    counts = count(Generator(), 1, 512), count(Discriminator(), 1, 1024, 1024, 3)
    assert counts == (23_086_795, 23_082_641)
    for both, own in zip(counts, further, strict=True):
        assert round((both - sum(own)) / 1e6, 1) == 23.1


def test_the_papers_variant_holds_its_numbers():
    config = load(f'{CONFIG_FILE}:paper')
    assert (config.size, config.batch, config.task.latent, config.ema) == (1024, 16, 512, 0.999)
    assert config.generator.widths == config.discriminator.widths == Generator().widths == Discriminator().widths
    for player in (config.optimizer.gen, config.optimizer.disc):
        assert player.to_dict() == {'name': 'adam', 'b1': 0.0, 'b2': 0.99, 'eps': 1e-8}
    scheduled = schedules.make(config.schedules.to_dict(), schedules.Clock(config.steps, 16, 30_000, 1024))
    read = {name: float(scheduled[name](0)) for name in scheduled if name != 'growth'}
    assert read == pytest.approx(
        dict(learning_rate_gen=1e-3, learning_rate_disc=1e-3, adversarial=1, penalty=10, drift=1e-3, blur=0)
    )
    images = 800_000 * np.array([0, 1, 1.5, 2, 3, 15, 16, 17])  # the ends of phases, and the middle of the first fading
    np.testing.assert_allclose([scheduled['growth'](n // 16) for n in images], [0, 0, 0.5, 1, 1, 7, 8, 8], atol=1e-5)
    assert config.steps == 17 * 800_000 / 16


@pytest.fixture
def tiny_growing(tiny):
    """Five steps: one at level 0, one from there to level 1, one at it, one to level 2, and one at that."""
    config = tiny(CONFIG_FILE)
    config.schedules.growth = dict(at=(1, 2, 3, 4), value=(0.0, 1.0, 1.0, 2.0), unit='step')
    return config


def test_a_stage_is_the_level_that_growth_has_begun_with(tiny_growing):
    game = build(tiny_growing, 64)
    assert [float(game.schedules['growth'](step)) for step in range(6)] == [0, 0, 1, 1, 2, 2]
    tiny_growing.schedules.growth = dict(at=(0, 5), value=(0.0, 2.0), unit='step')
    assert [build(tiny_growing, 64).stage(step) for step in range(6)] == [0, 1, 1, 2, 2, 2]


@pytest.mark.parametrize('blur', ['1.0', "{'at': (0.0, 0.5), 'value': (0.1, 0.0), 'of': 'size'}"])
@pytest.mark.parametrize('words', [(), ('--dry_run',)])
def test_blur_and_growth_exclude_each_other(blur, words, tmp_path, monkeypatch):
    """A sample grid would show in full size what the discriminator sees blurred in the size of the stage."""
    monkeypatch.chdir(tmp_path)
    done = main(f'--config={CONFIG_FILE}:tiny', f'--config.schedules.blur={blur}', *words)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, '', 1)
    assert done.err.startswith('config.schedules.blur has ') and 'but the networks grow' in done.err
    assert not list(tmp_path.iterdir())


def test_without_growth_there_may_be_blur(tiny):
    skips = tiny(CONFIG_FILE)
    skips.generator.skips = skips.discriminator.skips = True
    del skips.schedules['growth']
    skips.schedules.blur = 1.0
    assert float(build(skips, 64).schedules['blur'](0)) == 1
    none = tiny(CONFIG_FILE)
    none.schedules = none.schedules.to_dict() | {'blur': dict(at=(0.0, 0.5), value=(0.0, 0.0), of='size')}
    assert float(build(none, 64).schedules['blur'](0)) == 0


def test_only_networks_that_grow_have_stages(tiny):
    game = build(tiny('configs/dcgan.py'), 64)
    assert game.stage(0) is None and game.at(game.stage(0)) is game


@pytest.mark.parametrize('kind', ['jit', 'pmap'])
@pytest.mark.parametrize('penalty', [True, False])
def test_a_step_of_a_stage_moves_no_idle_level(kind, penalty, tiny_growing):
    """And where no slope by pixels is asked for, it is that of the whole networks."""
    if not penalty:
        tiny_growing.objective = dict(name='standard', form='non_saturating', terms=())
        del tiny_growing.schedules['penalty'], tiny_growing.schedules['drift']
    experiment = open_experiment(tiny_growing)
    layout = lay_out(kind, experiment.game, tiny_growing.batch, 1)
    first = jax.device_get(start(experiment))
    fed = np.random.default_rng(0).integers(0, 256, (1, tiny_growing.batch, 16, 16, 3), np.uint8)
    states, metrics = zip(*(play(layout, first, fed, number) for number in (0, None)), strict=True)
    assert penalty or metrics[0] == pytest.approx(metrics[1], abs=1e-5)
    own = {'gen': {'project', 'conv_0', 'rgb_0'}, 'disc': {'rgb_0', 'conv_0', 'project', 'out'}}
    for name, expected in own.items():
        before, *after = (jax.tree.leaves_with_path(getattr(state, name).params) for state in (first, *states))
        for leaves in after:
            pairs = zip(before, leaves, strict=True)
            assert {path[0].key for (path, a), (_, b) in pairs if not np.array_equal(a, b)} == expected
        for (_, staged), (_, whole) in zip(*after, strict=True):
            assert penalty or np.abs(staged - whole).max() < 1e-4


def play(layout, first, fed, number):
    state, metrics = layout.step(KEY, layout.place(first), layout.feed(fed), number=number)
    return jax.device_get(layout.fetch(state)), {name: float(value[0]) for name, value in metrics.items()}


def test_a_run_that_is_interrupted_between_stages_comes_to_the_same_end(tiny_growing, tmp_path, monkeypatch, capsys):
    """There is a checkpoint before every stage, since its program takes long to compile; here are no others."""
    played = []
    tiny_growing.checkpoint.update(every=100, keep=9)
    with break_after(3):
        train(open_experiment(tiny_growing), tmp_path / 'run')
    assert train(open_experiment(tiny_growing), tmp_path / 'run')
    assert 'Going on from step 2.' in capsys.readouterr().out
    monkeypatch.setattr('gans.training.loop.lay_out', lambda *given: watch(lay_out(*given), given[1].stage, played))
    assert train(open_experiment(tiny_growing), tmp_path / 'whole')
    assert_same_outcome(outcome(tmp_path / 'run'), outcome(tmp_path / 'whole'))
    assert played == [0, 0, 1, 1, 2]
    with Checkpoints(tmp_path / 'whole', read_only=True) as checkpoints:
        assert checkpoints.steps() == [2, 4, 5]


def watch(layout, stage, played):
    def step(*fed, number):
        played.append(stage(number))
        return layout.step(*fed, number=number)

    return layout._replace(step=step)


def test_the_deviation_of_a_batch_is_refused_beside_the_penalty(tiny_growing):
    tiny_growing.discriminator.deviation = True
    experiment = open_experiment(tiny_growing)
    with pytest.raises(UserError, match='penalty wants every image judged by itself.*minibatch deviation'):
        state_shapes(experiment.game, experiment.config)
