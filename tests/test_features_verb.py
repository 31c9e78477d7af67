"""The verb `features` through main.py: its files, against activations found by brute force; and what it refuses."""

import json
import shutil
import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import main
from PIL import Image
from saved_run import make_config, save_images, save_run, smooth_images
from test_deconvnet import Images, Plain, images, subject_of

from gans.classifier import trained as classifiers
from gans.classifier.network import Network, widths_for
from gans.config.load import load
from gans.data.source import split
from gans.data.sources import folder as folders
from gans.errors import Failure
from gans.image import ops
from gans.run.trained import load_run
from gans.visualization import activations, montage
from gans.visualization.activations import find_strongest
from gans.visualization.subject import choose_layers, distinct

SIDE = 64  # of the run's images


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A colorizing run with weights at random, on 36 images, of which two fifths are held out."""
    place = tmp_path_factory.mktemp('features')
    save_images(place / 'images', smooth_images(36, SIDE))
    config = make_config('colorize', place / 'images')
    config.discriminator.widths = (3, 4, 5)
    with config.ignore_type():
        config.schedules.blur = 0.0
    return save_run(place / 'run', config)


@pytest.fixture(scope='module')
def drawn(run):
    """(what was printed, the JSON, the folder) of the verb on that run."""
    ended = main('--mode=features', f'--workdir={run}', '--channels=2,0')
    assert ended.code == 0, ended.err
    return ended.out, json.loads((run / 'features/features.json').read_text()), run / 'features'


def held_out(run):
    """{key in hexadecimal digits: uint8 image} of the held-out images of a run."""
    source = folders.open_source((SIDE, SIDE), 0, str(run.parent / 'images'))
    return {source.key(int(i)).hex(): source[int(i)] for i in split(source, 0.4)[1]}


def strongest(run, layer):
    """{key: float [h, w, C]} of a layer of a run's discriminator, without anything of gans.visualization."""
    trained, made = load_run(run), {}
    apply = jax.jit(
        lambda image, gray: trained.game.disc.apply(
            trained.state.disc.variables,
            image,
            gray,
            capture_intermediates=lambda module, _: module.name == layer,
            mutable='intermediates',
        )[1]['intermediates'][layer]['__call__'][0][0]
    )
    for key, image in held_out(run).items():
        x = ops.to_float(image)[None]
        made[key] = np.asarray(apply(x, ops.luma(x)))
    return made


def test_the_strongest_activations_are_those_of_a_search_through_all(run, drawn):
    out, report, folder = drawn
    assert [layer['layer'] for layer in report['layers']] == ['down_0', 'down_1', 'down_2']
    assert report['images'] == len(held_out(run)) >= 9 and report['size'] == [SIDE, SIDE] and report['step'] == 3
    layer = report['layers'][1]
    assert (layer['map'], layer['channels_in_all'], layer['receptive_field']) == ([16, 16], 4, [13, 13])
    made = strongest(run, 'down_1')
    for channel in layer['channels']:
        maps = {key: x[..., channel['channel']] for key, x in made.items()}
        best = sorted(maps, key=lambda key: -maps[key].max())[:9]
        assert [found['image'] for found in channel['activations']] == best
        for found in channel['activations']:
            x = maps[found['image']]
            assert found['place'] == list(np.unravel_index(x.argmax(), x.shape))
            assert found['value'] == pytest.approx(x.max(), rel=1e-4)
            for (first, last), unit in zip((found['rows'], found['columns']), found['place'], strict=True):
                # 5x5 of stride 2 on 5x5 of stride 2, with one pixel of padding before either
                assert (first, last) == (max(4 * unit - 3, 0), min(4 * unit + 10, SIDE))
        assert channel['spread'] == pytest.approx(np.std([x.max() for x in maps.values()]), rel=1e-3)
    assert [channel['channel'] for channel in layer['channels']] == [2, 0]
    assert 'down_1.png: channels 2, 0 of 4; a unit sees 13 x 13 of 64 x 64 pixels.' in out


def test_a_montage_shows_the_patches_beside_their_projections(run, drawn):
    """Rows: projection onto the image, the image, projection onto the gray image, the gray image."""
    _, report, folder = drawn
    side, factor, gap = 13, 4, 2  # a receptive field, and how much it is magnified
    layer, tile = report['layers'][1], side * factor
    block = 3 * tile + 2 * gap
    shown = np.asarray(Image.open(folder / layer['montage']))
    assert shown.shape[1] == 2 * block + 12
    whole, title = held_out(run), shown.shape[0] - 4 * block - 3 * 12
    for column, channel in enumerate(layer['channels']):
        for number, found in enumerate(channel['activations']):
            tiles = []
            for row in range(4):
                top = title + row * (block + 12) + number // 3 * (tile + gap)
                left = column * (block + 12) + number % 3 * (tile + gap)
                tiles.append(shown[top : top + tile, left : left + tile][::factor, ::factor])
            rows, columns = (slice(*found[name]) for name in ('rows', 'columns'))
            if rows.stop - rows.start < side or columns.stop - columns.start < side:
                continue
            image = whole[found['image']][rows, columns]
            np.testing.assert_allclose(tiles[1].astype(int), image, atol=1)
            gray = np.asarray(ops.luma(ops.to_float(image)) + 1) * 127.5
            np.testing.assert_allclose(tiles[3].astype(float), np.repeat(gray, 3, axis=-1), atol=1)
            # One scale for both: somewhere black or white is reached, and not in the corners alone.
            reached = [np.abs(tiles[row].astype(int) - 127).max() for row in (0, 2)]
            assert max(reached) >= 127 and np.ptp(tiles[2], axis=-1).max() == 0


def test_the_files_depend_on_the_images_and_not_on_their_names(run, drawn, tmp_path):
    _, report, folder = drawn
    for path in (run.parent / 'images').iterdir():
        (tmp_path / 'moved').mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / 'moved' / f'{99 - int(path.stem)}.png')
    flags = ['--mode=features', f'--workdir={run}', f'--input={tmp_path}/moved', f'--output={tmp_path}/out']
    assert main(*flags, '--layers=down_1', '--channels=2,0').code == 0
    found = json.loads((tmp_path / 'out/features.json').read_text())
    assert found['layers'] == [report['layers'][1]] and found['projection'] == 'deconvnet'
    assert (tmp_path / 'out/down_1.png').read_bytes() == (folder / 'down_1.png').read_bytes()
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['down_1.png', 'features.json']
    assert main(*flags, '--layers=down_1', '--channels=2,0', '--guided').code == 0
    assert json.loads((tmp_path / 'out/features.json').read_text()) == found | {'projection': 'guided'}
    assert (tmp_path / 'out/down_1.png').read_bytes() != (folder / 'down_1.png').read_bytes()


def test_a_classifier_is_looked_into_with_images_of_ones_own(tmp_path):
    network = Network(2, widths_for((16, 16)))
    params = network.init(jax.random.key(1), jnp.zeros((1, 16, 16, 3)))['params']
    classifiers.save(tmp_path / 'judge', classifiers.Trained(('good', 'bad'), (16, 16), jax.device_get(params)))
    save_images(tmp_path / 'photos', smooth_images(3, 24))
    flags = ['--mode=features', f'--workdir={tmp_path}/judge', f'--output={tmp_path}/out']
    refused = main(*flags)
    assert refused.code == 2 and 'is a classifier, which has no images' in refused.err
    ended = main(*flags, f'--input={tmp_path}/photos')
    assert ended.code == 0, ended.err
    assert 'Only 3 for each channel, one for each image, in place of 9.' in ended.out
    report = json.loads((tmp_path / 'out/features.json').read_text())
    assert report['classes'] == ['good', 'bad'] and report['images'] == 3
    layer = report['layers'][0]
    assert layer['layer'] == 'down_0' and layer['receptive_field'] == [5, 5] and len(layer['channels']) == 8
    spreads = [channel['spread'] for channel in layer['channels']]
    assert spreads == sorted(spreads, reverse=True) and spreads[-1] > 0
    assert all(len(channel['activations']) == 3 for channel in layer['channels'])
    assert Image.open(tmp_path / 'out/down_0.png').mode == 'RGB'


@pytest.fixture(scope='module')
def connected(tmp_path_factory):
    """A run whose discriminator has no convolutions, with images that are few."""
    place = tmp_path_factory.mktemp('connected')
    save_images(place / 'images', smooth_images(6, 16))
    config = load('configs/mnist.py:tiny').unlock()
    mlp = load('configs/mnist.py:mlp')
    config.networks, config.discriminator = 'perceptron', mlp.discriminator
    config.discriminator.widths, config.discriminator.minibatch = (6, 5), 1
    config.objective.terms.moments.layers = config.objective.terms.style.layers = ('head/hidden_0',)
    config.data.source, config.data.held_out = 'folder', 0.4
    config.data.folder = dict(path=str(place / 'images'))
    return save_run(place / 'run', config)


def test_a_layer_without_places_sees_the_whole_image(connected, tmp_path):
    ended = main(
        '--mode=features', f'--workdir={connected}', '--layers=head/hidden_1,head/hidden_0', f'--output={tmp_path}'
    )
    assert ended.code == 0, ended.err
    report = json.loads((tmp_path / 'features.json').read_text())
    assert [layer['montage'] for layer in report['layers']] == ['head.hidden_1.png', 'head.hidden_0.png']
    (activation, *_) = report['layers'][0]['channels'][0]['activations']
    assert activation['place'] == [0, 0] and activation['rows'] == activation['columns'] == [0, 16]
    shown = np.asarray(Image.open(tmp_path / 'head.hidden_0.png'))
    block, title = 3 * 3 * 16 + 4, len(shown) // 2 - 2 * (3 * 3 * 16 + 4) - 12  # of two rows of channels
    first = shown[title : title + block]
    assert np.ptp(first, axis=-1).max() == 0  # it sees gray images: projections are gray too
    assert len(np.unique(first)) > 20 and np.ptp(shown[title + block :][:block], axis=-1).max() > 0


MISTAKES = {
    '--layers=down_9': "'down_9', which the discriminator of",
    '--layers=down_1,down_1/conw': "(did you mean 'down_1/conv'?): it has down_0, down_0/conv",
    '--channels=3,4': 'has 3, but the layer down_0 of',
    '--channels=1.5': "--channels has '1.5': give whole numbers from 0",
    '--output={run}/config.json': 'is a file, no folder: give a folder as --output',
    '--output={run}/config.json/new': 'Cannot write',
    '--input={run}/nothing': 'nothing',
}


@pytest.mark.parametrize('flag', MISTAKES)
def test_a_mistake_is_told_before_anything_is_looked_at(flag, run, monkeypatch):
    monkeypatch.setattr('gans.visualization.features.find_strongest', lambda *_: pytest.fail('images were looked at'))
    (run / 'config.json').write_text('{}')
    ended = main('--mode=features', f'--workdir={run}', flag.format(run=run))
    assert ended.code == 2 and MISTAKES[flag] in ended.err and 'Traceback' not in ended.err, ended


def test_montages_do_not_become_images(run, tmp_path):
    ended = main('--mode=features', f'--workdir={run}', f'--input={tmp_path}', f'--output={tmp_path}/new')
    assert ended.code == 2 and 'inside of --input' in ended.err and not list(tmp_path.iterdir()), ended


def test_a_network_without_convolutions_is_told_what_it_has(connected):
    ended = main('--mode=features', f'--workdir={connected}')
    assert ended.code == 2
    assert 'has no convolutions to show: name other --layers; it has head/hidden_0, head/hidden_0/project' in ended.err


@pytest.mark.parametrize('batch', [3, 11])
def test_one_pass_finds_what_a_sort_of_everything_finds(batch):
    """In chunks of any size; of equal activations the first image's counts, and the first place's."""
    some = images(11)
    some[7] = some[2] // 2 * 2  # nearly the same; and two that are the same
    subject = subject_of(Plain(((4, 3, 2),)), source=Images(some))
    (found,) = find_strongest(subject, choose_layers(subject, []), batch)
    made = subject.network.apply(subject.variables, jnp.stack([subject.see(None, image)[0] for image in some]))
    rows = np.asarray(made).reshape(11, -1, 4)
    best = rows.max(axis=1).T
    order = np.argsort(-best, axis=1, kind='stable')[:, :9]
    np.testing.assert_allclose(found.values, np.take_along_axis(best, order, axis=1), rtol=1e-5)
    np.testing.assert_array_equal(found.images, order)
    np.testing.assert_array_equal(found.places, np.take_along_axis(rows.argmax(axis=1).T, order, axis=1))
    np.testing.assert_allclose(found.spread, best.std(axis=1), rtol=1e-4)


def test_numbers_that_are_not_finite_are_no_activations():
    subject = subject_of(Plain(((4, 3, 2),)))
    subject.variables['params']['conv_0']['conv']['bias'] = jnp.full(4, jnp.nan)
    with pytest.raises(Failure, match='not finite'):
        find_strongest(subject, choose_layers(subject, []), 4)


def test_a_copy_of_an_image_is_not_a_second_one():
    some = images(5)
    some[3] = some[1]
    ids = distinct(Images(some), np.arange(5))
    assert len(ids) == 4 and {0, 2, 4} < set(ids.tolist())
    renamed = distinct(Images(some[::-1]), np.arange(5))
    np.testing.assert_array_equal(some[::-1][renamed], some[ids])


def test_large_images_are_looked_at_few_at_a_time():
    assert [activations.at_once((side, side)) for side in (28, 64, 256, 1024)] == [32, 32, 2, 1]


def test_a_tile_is_whole_and_what_is_outside_the_image_is_white():
    """A unit in the corner sees a part of what one in the middle sees: its tile keeps the rest of the place white."""
    patch, projection = np.full((3, 5, 3), -1.0), np.zeros((3, 5, 3))
    projection[0, 0], projection[2, 4] = (0.2, -0.4, 0), (0.4, 0, 0)
    field = slice(0, 3), slice(11, 16)
    tiles = montage.panels(montage.Shown((patch,), (projection,)), (5, 5), field, (16, 16))
    assert tiles.shape == (2, 50, 50, 3)
    small = tiles[:, ::10, ::10]
    assert (small[:, :2] == 255).all() and not small[1, 2:].any()
    np.testing.assert_array_equal(small[0, 2, 0], [191, 0, 128])
    np.testing.assert_array_equal(small[0, 4, 4], [255, 128, 128])
    wide = montage.panels(montage.Shown((patch,), (projection * 0,)), (300, 150), field, (400, 400))
    assert wide.shape == (2, 128, 64, 3)


def test_a_tree_of_odd_files_takes_little_memory(tmp_path):
    """What is wrong with a file is kept, not its content: 40 files of 1 MB each."""
    network = Network(2, widths_for((16, 16)))
    params = network.init(jax.random.key(1), jnp.zeros((1, 16, 16, 3)))['params']
    classifiers.save(tmp_path / 'judge', classifiers.Trained(('good', 'bad'), (16, 16), jax.device_get(params)))
    (tmp_path / 'odd').mkdir()
    for i in range(40):
        (tmp_path / f'odd/{i}.bin').write_bytes(bytes(10**6))
    words = ['--mode=features', f'--workdir={tmp_path}/judge', f'--output={tmp_path}/out']
    tracemalloc.start()
    try:
        ended = main(*words, f'--input={tmp_path}/odd')
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ended.code == 2 and '(40 of the 40 files have problems.)' in ended.err, ended
    assert most < 25 * 10**6, most  # eight threads read
