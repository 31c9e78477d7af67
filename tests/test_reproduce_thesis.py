"""The thesis's document: its equations by two ways, its own kinds on runs that nobody trained, its configs."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import main
from PIL import Image
from reproduced import *  # noqa: F403  fixtures and laws of a document that is made
from saved_run import make_config, save_images, save_run, smooth_images

from gans.config.load import load
from gans.core.build import build
from gans.core.overrides import override
from gans.reproduce.documents.thesis import DOCUMENT
from gans.reproduce.kinds import activations, colourfulness, equations, hinge, luminance, styled
from gans.reproduce.types import Place
from gans.run.trained import load_run

MADE = 'thesis'

LISTED = (*range(84, 100), 103)


def place_of(folder, *runs):
    folder.mkdir(parents=True, exist_ok=True)
    return Place(folder, runs, [], 'tiny')


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp('thesis') / 'images', smooth_images(12, 16))


@pytest.mark.parametrize('number', LISTED)
def test_an_equation_has_one_value_by_the_code_and_by_numpy(number):
    equation = equations.EQUATIONS[number]
    ours, plain = float(equation.ours()), float(equation.plain())
    assert abs(plain) > 0.1  # a value from which one sees something
    np.testing.assert_allclose(ours, plain, rtol=1e-5)
    module, _, name = equation.function.partition('.Objective')
    module, *names = (module, 'Objective', name[1:]) if name else module.rpartition('.')[::2]
    found = importlib.import_module(module)
    for name in names:
        found = getattr(found, name)
    assert callable(found)


def test_the_tables_of_equations_have_all_that_are_listed(tmp_path):
    which = [figure.options['which'] for figure in DOCUMENT.figures if figure.kind == 'equations']
    assert sum(which, ()) == LISTED
    drawn = equations.draw(place_of(tmp_path), which[-1])
    (row,) = drawn.table.rows
    assert row[0] == '103' and row[2] == 'gans.losses.adversarial.hinge_disc' and row[4] == row[5] == '1.8597'
    assert drawn.numbers['eq103'] == pytest.approx(1.8597, rel=1e-5) and drawn.numbers['difference'] < 1e-5


def test_the_activations_are_those_of_the_equations(tmp_path):
    drawn = activations.draw(place_of(tmp_path))
    ((path, _),) = drawn.images
    assert pixels(path).shape == (700, 900, 3)
    assert [row[0] for row in drawn.table.rows] == ['sigmoid', 'ReLU', 'ELU', 'leaky ReLU']
    assert drawn.table.rows[2][2:] == ['-0.8647', '2', '0.01832', '1']  # e^-2 - 1; e^-4
    assert list(drawn.numbers.values()) == pytest.approx([0.25, 1, 1, 1])


def test_the_hinge_stops_where_the_thesis_says(tmp_path):
    drawn = hinge.draw(place_of(tmp_path))
    assert drawn.numbers['probability'] == pytest.approx(0.7311, abs=1e-4)
    assert [row[1:] for row in drawn.table.rows[:2]] == [
        ['3.0000', '1.0000', '0.0000', '0.0000'],
        ['-1.0000', '-1.0000', '0.0000', '0.0000'],
    ]
    assert drawn.table.rows[2][2] == '0.6931'  # log 2
    assert pixels(drawn.images[0][0]).shape == (500, 800, 3)


def test_luminance_and_differentials_are_gray_images_of_the_held_out_ones(tmp_path, images):
    config = make_config('dcgan', images)
    config.size = 16
    drawn = luminance.draw(place_of(tmp_path / 'figure', save_run(tmp_path / 'RUN', config)))
    made = pixels(drawn.images[0][0])
    assert made.shape[1] == 4 * 132 - 4
    for top in range(made.shape[0] - 128, 128, -132):  # images of 128 pixels with gaps of 4, below their titles
        image, *planes = (made[top : top + 128, left : left + 128] for left in range(0, 4 * 132, 132))
        red, green, blue = np.moveaxis(image / 255, -1, 0)
        y = 0.299 * red + 0.587 * green + 0.114 * blue
        for plane, expected in zip(planes, (y, ((blue - y) / 0.886 + 1) / 2, ((red - y) / 0.701 + 1) / 2), strict=True):
            np.testing.assert_allclose(plane, np.repeat(255 * expected[..., None], 3, axis=-1), atol=0.51)
    assert [row[0] for row in drawn.table.rows] == ['Y', 'U', 'V']
    assert sum(float(row[-1]) for row in drawn.table.rows) == pytest.approx(1, abs=2e-3)
    assert drawn.numbers['luminance'] == f'has {float(drawn.table.rows[0][-1]):.0%} of the edges'
    assert drawn.numbers['error'] < 1e-3


def test_an_output_without_colour_counts_as_washed_out(tmp_path, images, monkeypatch):
    config = load('configs/dilated_colorize.py:tiny').unlock()
    config.devices = 1
    config.data.update(source='folder', held_out=0.4, threads=1)
    config.data.folder.path = str(images)
    run = save_run(tmp_path / 'RUN', config)

    def without_weights(folder):
        trained = load_run(folder)
        return trained._replace(state=jax.tree.map(jnp.zeros_like, trained.state))

    drawn = colourfulness.draw(place_of(tmp_path / 'random', run))
    assert drawn.numbers['washed out'].endswith(' of 6') and drawn.numbers['median'] > 0
    monkeypatch.setattr(colourfulness, 'load_run', without_weights)
    drawn = colourfulness.draw(place_of(tmp_path / 'gray', run))
    assert drawn.numbers['washed out'] == '6 of 6' and [row[-1] for row in drawn.table.rows] == ['100.0%', '0.0%']
    assert drawn.numbers['median'] == pytest.approx(0, abs=0.5)  # one level of rounding
    assert [path.name for path, _ in drawn.images] == ['colourfulness.png', 'least_colourful.png']
    examples = pixels(drawn.images[1][0])
    width = (examples.shape[1] + 4) // 3
    assert np.ptp(examples[:, : 2 * width], axis=-1).max() <= 1 < np.ptp(examples[:, 2 * width :], axis=-1).max()


def test_a_drawn_image_gets_drawn_styles_and_its_command_makes_it_again(tmp_path, images):
    config = make_config('dcgan', images)
    config.size = 16
    config.discriminator.norm = 'pixelwise'  # without running statistics, which would be at random
    drawn = styled.draw(place_of(tmp_path / 'figure', save_run(tmp_path / 'RUN', config)))
    (row,) = drawn.table.rows
    assert row[0] == 'swirls, discriminator' and float(row[2]) < float(row[1])
    assert [path.name for path, _ in drawn.images] == ['styled.png']
    first = drawn.commands[0]
    output = next(word for word in first if word.startswith('--output=')).partition('=')[2]
    again = [word for word in first if not word.startswith('--output=')] + [f'--output={tmp_path}/again.png']
    assert main(*again).code == 0
    assert (tmp_path / 'again.png').read_bytes() == open(output, 'rb').read()


def test_styles_are_drawn_alike_at_every_time():
    drawn = {name: [paint(24, np.random.default_rng(0)) for _ in range(2)] for name, paint in styled.STYLES.items()}
    assert list(drawn) == ['swirls', 'mosaic', 'dots']
    for one, other in drawn.values():
        assert one.shape == (24, 24, 3) and one.dtype == np.uint8 and (one == other).all()
        assert np.ptp(one, axis=(0, 1)).min() > 100  # of several colours


@pytest.mark.parametrize('scale', ['', 'tiny', 'paper'])
@pytest.mark.parametrize('name', DOCUMENT.runs)
def test_every_run_of_the_document_can_be_built(name, scale):
    run = DOCUMENT.runs[name]
    text = f'{run.config}:{"+".join(part for part in (scale, run.variant) if part)}'
    config = override(load(text), run.tiny if scale == 'tiny' else run.fields, text)
    game = build(config, 10_000)
    if name == 'earlier':
        assert set(game.schedules) == {'adversarial', 'blur', 'learning_rate_gen', 'learning_rate_disc'}
        assert (config.objective.form, config.objective.label) == ('non_saturating', 0.9)
        assert (config.generator.norm, config.discriminator.minibatch) == ('virtual', 2)
    if name == 'manifold':
        assert game.task.latents.size == 2


def test_every_figure_of_the_thesis_that_is_listed_is_there():
    names = [figure.name for figure in DOCUMENT.figures]
    assert {'fig6', 'fig8', *(f'fig{i}' for i in range(10, 18))} <= set(names) and len(set(names)) == len(names)
    for figure in DOCUMENT.figures:
        assert set(figure.runs) <= set(DOCUMENT.runs)
    assert {run for figure in DOCUMENT.figures for run in figure.runs} == set(DOCUMENT.runs)


from reproduced import test_the_page_in_a_browser  # noqa: E402, F401  behind all others: see tests/browser.py
