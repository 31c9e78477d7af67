"""What the document face_gans is drawn by: its kinds, on runs that were never trained, and its configs."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from command_line import ROOT, main
from PIL import Image
from reproduced import *  # noqa: F403  fixtures and laws of a document that is made
from saved_run import CONFIGS, save_run

from gans.config.load import load, to_json
from gans.core.build import build
from gans.core.state import state_shapes
from gans.image import files, grids
from gans.latent import measured, space
from gans.latent.drawings import Painter
from gans.objectives.began import Codes, Memory
from gans.reproduce.documents.face_gans import DOCUMENT
from gans.reproduce.kinds import convergence, explore, found_edits, samples, training_images
from gans.reproduce.types import Place
from gans.run.experiment import open_experiment
from gans.run.trained import load_run

MADE = 'face_gans'

SIDE, FACTOR = 16, 8  # pixels of an image, and how often a montage has each in a row


def began_config(**fields):
    config = load(f'{CONFIGS}/began.py:tiny+augmented').unlock()
    config.data.embedded.count, config.devices = 12, 1
    config.update_from_flattened_dict(fields)
    return config


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A BEGAN whose codes are known to have a mean and a covariance."""
    rng = np.random.default_rng(0)
    root = rng.standard_normal((8, 8))
    codes = Codes(np.int32(5000), np.float32(rng.standard_normal(8)), np.float32(root @ root.T / 4))
    return save_run(tmp_path_factory.mktemp('began') / 'run', began_config(), carry=Memory(np.float32(0.5), codes))


@pytest.fixture(scope='module')
def edits(run, tmp_path_factory):
    """(what was drawn of the edits by themselves, of two sums, of morphs); they are looked for once."""
    options = ({'count': 2}, {'sums': 2, 'count': 2}, {'frames': 4, 'count': 2})
    shared, looked = tmp_path_factory.mktemp('shared'), []
    with pytest.MonkeyPatch.context() as patch:
        find = found_edits.find_edits
        patch.setattr(found_edits, 'find_edits', lambda *given: looked.append(1) or find(*given))
        places = [place(tmp_path_factory.mktemp('edits'), run)._replace(shared=shared) for _ in options]
        drawn = [found_edits.draw(where, **some) for where, some in zip(places, options, strict=True)]
    assert len(looked) == 1
    return drawn


def place(folder, *runs):
    return Place(Path(folder), list(runs), [('', '')] * len(runs), 'tiny')


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def tiles(path, columns):
    """The images [N, columns, SIDE, SIDE, 3] of a montage, and whether every pixel of theirs is a square."""
    image = read(path)
    wide = FACTOR * SIDE + 4
    body = image[-((image.shape[0] + 4) // wide * wide - 4) :]
    found = grids.tiles(body, (FACTOR * SIDE,) * 2, gap=4)
    assert found.shape[1] == columns
    small = found[:, :, ::FACTOR, ::FACTOR]
    np.testing.assert_array_equal(small.repeat(FACTOR, 2).repeat(FACTOR, 3), found)
    return small


def by_command(words, folder):
    """The files that a figure's command writes, in `folder`."""
    ended = main(*(word for word in words if not word.startswith('--output=')), f'--output={folder}')
    assert ended.code == 0, ended
    return folder


def test_the_file_of_edits_is_one_and_its_images_are_those_of_explore(edits, tmp_path):
    drawn = edits[0]
    names = drawn.numbers['edits'].split(', ')
    assert set(names) <= set(measured.PROPERTIES) and len(names) > 2
    folder = by_command(drawn.commands[0], tmp_path)
    shown = tiles(drawn.images[0][0], 1 + len(names))
    for i, name in enumerate(names, 1):
        np.testing.assert_array_equal(shown[:, i], np.load(folder / f'edit_{name}.npz')['images'][:, -1])


def test_sums_stand_beside_their_parts(edits, tmp_path):
    drawn = edits[1]
    names = drawn.numbers['edits'].split(', ')
    folder = by_command(drawn.commands[0], tmp_path)
    assert len(drawn.images) == len(names) == 2
    for (path, _), name in zip(drawn.images, names, strict=True):
        assert path.stem == f'sum_{name.replace("+", "_and_")}'
        for i, part in enumerate((*name.split('+'), name), 1):
            np.testing.assert_array_equal(tiles(path, 4)[:, i], np.load(folder / f'edit_{part}.npz')['images'][:, -1])


def test_morphs_are_those_of_explore(edits, tmp_path):
    drawn = edits[2]
    folder = by_command(drawn.commands[0], tmp_path)
    for path, _ in drawn.images:
        name = path.stem.removeprefix('morph_')
        np.testing.assert_array_equal(tiles(path, 4), np.load(folder / f'edit_{name}.npz')['images'])
        assert 0 <= drawn.numbers[f'{name}: rising'] <= 1


def test_the_same_run_gives_the_same_edits(run, edits, tmp_path):
    again = found_edits.draw(place(tmp_path, run), count=2)
    assert _edits(again) == _edits(edits[0]) and again.numbers == edits[0].numbers


def test_an_edit_changes_what_it_is_named_after_and_the_number_says_how_much(run, edits):
    painter = Painter(load_run(run))
    latents = painter.latents(measured.OTHERS)
    (k, amount) = next(iter(_edits(edits[0])['lighter'].items()))
    neutral = space.flatten(painter.space, latents, [k])
    lights = [_light(painter.images(x)) for x in (latents, neutral, neutral + _move(painter.space, k, amount))]
    expected = (lights[2].mean() - lights[1].mean()) / lights[0].std()
    assert edits[0].numbers['lighter'] == pytest.approx(expected, abs=0.02)
    sides = measured.effects_of_directions(painter.space, measured.Measure(painter), painter.latents(measured.SEEDS))
    assert sides[k, int(amount > 0), 0] > 0


def _edits(drawn):
    import yaml

    (path,) = (word.removeprefix('--edits=') for word in drawn.commands[0] if word.startswith('--edits='))
    return yaml.safe_load(Path(path).read_text())


def _light(images):
    return (images @ [0.299, 0.587, 0.114]).mean((1, 2))


def _move(space_, k, amount):
    return amount * np.sqrt(space_.eigenvalues[k]) * space_.directions[k]


def test_the_largest_effect_is_taken_first_and_no_direction_serves_two():
    sides = np.zeros((3, 2, len(measured.PROPERTIES)))
    sides[0, 1, :2] = 5, 4  # the direction 0 raises both most
    sides[1, 0, 1] = 2
    sides[2, 0, 2] = -1  # lowers
    assert measured.choose_directions(sides) == {'lighter': {0: 3.0}, 'more_colourful': {1: -3.0}}


def test_properties_are_what_they_are_called():
    flat = np.full((1, 8, 8, 3), -0.2, np.float32)
    middle, half, red = flat.copy(), flat.copy(), flat.copy()
    middle[:, 2:6, 2:6], half[:, :, :4], red[..., 0] = 0.6, 0.8, 0.5
    one = {name: (lambda x, f=p.measure: float(f(jax.numpy.asarray(x))[0])) for name, p in measured.PROPERTIES.items()}
    assert one['lighter'](flat) == pytest.approx(0.8 * 127.5)
    assert one['lighter_middle'](middle) == pytest.approx(0.8 * 127.5, rel=1e-4)
    assert one['more_symmetric'](half) == pytest.approx(-1) and one['more_symmetric'](middle) == pytest.approx(1)
    assert one['redder'](red) > 10 and one['more_colourful'](red) > 20 > one['more_colourful'](flat)


def test_samples_are_those_of_the_verb_and_small_ones_are_magnified(run, tmp_path):
    other = save_run(tmp_path / 'other', began_config(**{'size': 32, 'generator.levels': 2}))
    drawn = samples.draw(place(tmp_path, run, other), count=4, columns=2, titles=('A', 'B'))
    made = [read(path) for path in sorted(by_command(drawn.commands[0], tmp_path / 'out').glob('*.png'))]
    block = 2 * (2 * 32 + 2)  # two images of 32 px in a row, magnified until 128 px are reached
    shown = grids.tiles(read(drawn.images[0][0])[-block:, :block][::2, ::2], (32, 32))
    made = np.stack(made)
    np.testing.assert_array_equal(shown.reshape(4, 32, 32, 3), made.repeat(2, axis=1).repeat(2, axis=2))
    levels = made.astype(float)
    detail = (np.abs(np.diff(levels, axis=1)).mean() + np.abs(np.diff(levels, axis=2)).mean()) / 2
    assert drawn.numbers['A: detail'] == pytest.approx(detail, abs=0.01)
    assert (drawn.numbers['A: side'], drawn.numbers['B: side']) == (16, 32) and 'differ in size' in drawn.notes[1]


def test_training_images_and_what_augmentation_makes_of_them(run, tmp_path):
    experiment = open_experiment(began_config())
    known = [experiment.source[int(i)] for i in experiment.train]
    plain = training_images.draw(place(tmp_path, run), count=4, columns=2)
    for tile in grids.tiles(read(plain.images[0][0]), (SIDE,) * 2).reshape(-1, SIDE, SIDE, 3):
        assert any(np.array_equal(tile, image) for image in known)
    assert plain.numbers == {'images': len(known), 'side': SIDE}
    varied = training_images.draw(place(tmp_path, run), count=2, varied=3)
    assert 'turned by 90 degrees' in varied.notes[1] and 'circle of hues' in varied.notes[1]
    for row in grids.tiles(read(varied.images[0][0]), (SIDE,) * 2):
        assert any(np.array_equal(row[0], image) for image in known)
        assert any(not np.array_equal(row[0], image) for image in row[1:])


def test_convergence_is_that_of_the_verb_history(tmp_path):
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / 'config.json').write_text(to_json(began_config()))
    rng = np.random.default_rng(0)
    values = 0.5 - 0.01 * np.arange(20) + rng.uniform(-0.004, 0.004, 20)
    values[11] = 0.9
    lines = [{'step': i + 1, 'disc/convergence': value} for i, value in enumerate(values)]
    (folder / 'metrics.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    for step in range(0, 21, 5):
        grid = grids.grid(rng.integers(0, 256, (12, SIDE, SIDE, 3), np.uint8), 3)
        files.save_png(folder / 'samples' / f'step_{step:06d}.png', grid)
    drawn = convergence.draw(place(tmp_path, folder))
    written = by_command(drawn.commands[0], tmp_path / 'out')
    np.testing.assert_array_equal(read(drawn.images[0][0]), read(written / 'convergence.png'))
    assert drawn.numbers['first'] == pytest.approx(np.mean(values[:2]), rel=1e-2) and drawn.numbers['jumps'] == 1
    assert drawn.numbers['ratio'] == pytest.approx(np.mean(values[-2:]) / np.mean(values[:2]), rel=1e-2)


def test_a_drawing_of_explore_is_that_of_the_verb(run, tmp_path):
    (tmp_path / 'stale.png').write_bytes(b'')
    drawn = explore.draw(place(tmp_path, run), 'walks', ('walk_linear',), seeds=('0', '1', '2'), frames=5)
    assert [path.name for path, _ in drawn.images] == ['walk_linear.png']
    assert drawn.images[0][1] == 'linear walks of 5 images from seed to seed, 0 to 2'
    folder = by_command(drawn.commands[0], tmp_path / 'out')
    np.testing.assert_array_equal(read(folder / 'walk_linear.png'), read(drawn.images[0][0]))
    images = np.load(folder / 'walk_linear.npz')['images'].astype(float)
    steps = np.abs(np.diff(images, axis=1)).mean((2, 3, 4))
    expected = (steps.max(axis=1) / steps.mean(axis=1)).max()
    assert drawn.numbers == {'walk_linear: largest step': pytest.approx(expected, abs=0.01)}
    both = explore.draw(place(tmp_path, run), 'mean')
    assert [path.name for path, _ in both.images] == ['mean.png'] and both.numbers == {}


@pytest.mark.parametrize('name', ['dcgan', 'wgan_gp', 'began'])
def test_augmented_flowers_go_with_any_size(name):
    config_file = f'{CONFIGS}/{name}.py'
    assert load(f'{config_file}:flowers').to_dict() == load(f'{config_file}:paper+augmented').to_dict()
    bare, small = load(config_file), load(f'{config_file}:augmented')
    assert small.task.rotate and small.task.hue and (small.size, small.batch) == (bare.size, bare.batch)


@pytest.mark.parametrize('variant', ['side_128', 'paper_128', 'paper+side_128'])
def test_began_grows_to_128_pixels_from_any_size(variant):
    config = load(f'{CONFIGS}/began.py:{variant}')
    assert config.size == 128 and config.generator.levels == len(config.discriminator.widths) - 1 == 4
    if 'paper' in variant:
        assert config.discriminator.widths == (128, 256, 384, 512, 640)
    state_shapes(build(config, 100), config)


def test_every_figure_and_table_of_the_document_is_there():
    names = {figure.name for figure in DOCUMENT.figures}
    assert names == {f'fig{i}' for i in range(1, 13)} | {
        'table1a',
        'table1b',
        'table1c',
        'table2a',
        'table2b',
        'table3',
    }
    assert all((ROOT / run.config).is_file() for run in DOCUMENT.runs.values())


def test_parameters_of_both_networks_stand_beside_those_of_the_document(made):
    said = {name: made.said(name)[0] for name in ('table1a', 'table1c', 'table2a', 'table2b')}
    assert [(one['document'], one['here']) for one in said.values()] == [
        ('36.6M', 36_565_764),
        ('36.6M', 36_565_764),
        ('17.2M', 17_187_398),
        ('17.2M', 17_187_398),
    ]


from reproduced import test_the_page_in_a_browser  # noqa: E402, F401  behind all others: see tests/browser.py
