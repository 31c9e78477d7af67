"""A set of images of any origin: one size by a named filter, names that pair, keys of the content."""

import shutil
import zipfile

import numpy as np
import pytest
from generators import generator_config
from PIL import Image
from prepared_sets import prepare
from saved_run import make_config, save_images, save_run, smooth_images

from gans.data.batches import read_all
from gans.data.fitting import RESAMPLES
from gans.errors import UserError
from gans.image import ops
from gans.run.experiment import digest
from gans.run.generate import Sampler
from gans.run.trained import load_run
from gans.sets.opening import open_set


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """Images of 64 px; a colorizer and an inpainter that were trained on them, and a generator from noise."""
    place = tmp_path_factory.mktemp('sets')
    images = save_images(place / 'images', smooth_images(20))
    save_run(place / 'colors', make_config('colorize', images, latent=0))
    save_run(place / 'boxes', make_config('inpaint', images, latent=4), step=1)
    save_run(place / 'noise', generator_config())
    return place


def all_of(images):
    return np.concatenate(list(read_all(images, np.arange(len(images)), chunk=5)))


def keys(images):
    return [images.key(i) for i in range(len(images))]


def test_a_folder_and_a_zip_of_it_are_one_set_whatever_the_files_are_called(place, tmp_path):
    shutil.copytree(place / 'images', tmp_path / 'renamed/deep')
    for i, path in enumerate(sorted((tmp_path / 'renamed/deep').iterdir())):
        path.rename(path.with_name(f'x{37 * i % 20}.png'))
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        for path in (place / 'images').iterdir():
            archive.write(path, f'in/{path.name}')
    sets = [open_set(str(where)) for where in (place / 'images', tmp_path / 'renamed', tmp_path / 'a.zip')]
    assert len({images.digest for images in sets}) == 1
    assert {tuple(keys(images)) for images in sets} == {tuple(keys(sets[0]))}
    for images in sets:
        np.testing.assert_array_equal(all_of(images), all_of(sets[0]))
        assert (len(images), images.size, images.original_sizes, images.resample) == (20, (64, 64), {'64x64': 20}, '')
    at = keys(sets[0]).index(sets[0].key(3))
    stored = np.asarray(Image.open(place / 'images' / f'{sets[0].names[at]}.png'))
    np.testing.assert_array_equal(sets[0][at], stored)
    assert sets[2].names == [f'in/{name}' for name in sets[0].names]
    assert open_set(str(place / 'images'), count=7).names == sets[0].names[:7]


@pytest.mark.parametrize('resample', RESAMPLES)
def test_images_are_stretched_by_the_filter_that_is_named(tmp_path, resample):
    random = np.random.default_rng(0)
    wide, tall = random.integers(0, 256, (50, 90, 3), np.uint8), random.integers(0, 256, (300, 200, 3), np.uint8)
    Image.fromarray(wide).save(tmp_path / 'wide.png')
    Image.fromarray(tall).save(tmp_path / 'tall.jpg', quality=95)
    images = open_set(str(tmp_path), (16, 24), resample)
    assert images.original_sizes == {'90x50': 1, '200x300': 1} and images.resample == resample
    for name, file in (('wide', 'wide.png'), ('tall', 'tall.jpg')):
        with Image.open(tmp_path / file) as stored:
            wanted = stored.convert('RGB').resize((24, 16), Image.Resampling[resample.upper()])
        np.testing.assert_array_equal(images[images.names.index(name)], np.asarray(wanted))
    other = open_set(str(tmp_path), (16, 24), RESAMPLES[RESAMPLES.index(resample) - 1])
    assert other.digest != images.digest and keys(other) == keys(images)


def test_names_lose_their_suffix_where_they_stay_apart(tmp_path):
    for name in ('a/b.png', 'a/c.png', 'a/c.bmp', 'd.e.png', '.hidden.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(smooth_images(1, 8, seed=hash(name) % 1000)[0]).save(tmp_path / name)
    assert sorted(open_set(str(tmp_path)).names) == ['a/b', 'a/c.bmp', 'a/c.png', 'd.e']


def test_a_run_is_its_held_out_images_or_its_outputs_which_pair_by_name(place):
    real, fake = open_set(str(place / 'colors')), open_set(str(place / 'colors'), role='fake')
    assert real.names == fake.names and 2 <= len(real) < 20
    run = load_run(place / 'colors')
    np.testing.assert_array_equal(all_of(fake), np.concatenate(list(Sampler(run)(np.arange(len(real))))))
    of_folder = open_set(str(place / 'images'))
    for i in range(len(real)):
        np.testing.assert_array_equal(real[i], of_folder[keys(of_folder).index(real.key(i))])
        assert real.names[i] == real.key(i).hex()
    with pytest.raises(UserError, match=f'has {len(real)} held-out images'):
        open_set(str(place / 'colors'), role='fake', count=len(real) + 1)
    rounds = open_set(str(place / 'boxes'), role='fake', count=len(real) + 2)
    assert rounds.names == [*real.names, f'{real.names[0]}~1', f'{real.names[1]}~1']
    assert (rounds[0] != rounds[len(real)]).any()


def test_samples_are_drawn_at_any_size_and_have_keys_of_their_own(place):
    fake = open_set(str(place / 'noise'), role='fake', count=21, seed=5)
    assert fake.names is None and fake.size == (16, 16) and len(set(keys(fake))) == 21
    drawn = np.concatenate(list(Sampler(load_run(place / 'noise'), 5)(np.arange(21))))
    np.testing.assert_array_equal(all_of(fake), drawn)
    np.testing.assert_array_equal(fake[20], drawn[20])
    small = open_set(str(place / 'noise'), (8, 8), 'box', 3, seed=5, role='fake')
    means = drawn[:3].reshape(3, 8, 2, 8, 2, 3).mean((2, 4))
    assert np.abs(all_of(small) - means).max() <= 1  # Pillow rounds after each of its two passes
    assert small.original_sizes == {'16x16': 3} and small.digest != fake.digest
    assert len({fake.digest, open_set(str(place / 'noise'), role='fake', count=21).digest}) == 2
    assert len(open_set(str(place / 'noise'), role='fake')) == 2000


def test_a_run_at_an_older_step(place, tmp_path):
    run = tmp_path / 'two'
    shutil.copytree(place / 'noise', run)
    shutil.copytree(run / 'checkpoints/3', run / 'checkpoints/1')
    assert 'step 1' in open_set(f'{run}@1', role='fake').where
    assert 'step 3' in open_set(f'{run}', role='fake').where
    with pytest.raises(UserError, match='no checkpoint of step 2: it has 1, 3'):
        open_set(f'{run}@2', role='fake')


def test_a_data_set_of_tfds_with_a_split(tmp_path, monkeypatch):
    prepare('mnist', tmp_path)
    monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path))
    whole = open_set('tfds:mnist')
    some = open_set('tfds:mnist:test[:3]', (8, 8), 'box')
    assert len(some) == 3 < len(whole) and whole.size == (28, 28) and some[0].shape == (8, 8, 3)
    assert len(open_set('tfds:mnist:3.0.1:train')) + len(open_set('tfds:mnist:test')) == len(whole)
    with pytest.raises(UserError, match='no split'):
        open_set('tfds:mnist:tests')
    with pytest.raises(UserError, match='names no data set'):
        open_set('tfds:')


def test_what_is_no_set_gets_a_sentence(place, tmp_path):
    (tmp_path / 'mixed').mkdir()
    for name, size in (('a', 8), ('b', 8), ('c', 9)):
        Image.new('RGB', (size, 8)).save(tmp_path / f'mixed/{name}.png')
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run/run.lock').touch()
    images = str(place / 'images')
    for arguments, said in (
        ((str(tmp_path / 'mixed'),), r'images of 2 sizes: 8x8 \(2\), 9x8 \(1\)\. Give the one .* as --size'),
        ((str(tmp_path / 'none'),), 'there is no'),
        ((str(tmp_path / 'run'),), 'run is not a run folder|holds no checkpoint'),
        ((images, None, 'lanczo'), "no filter 'lanczo' .did you mean 'lanczos'"),
        ((images, (0, 4)), 'no size of an image'),
        ((images, None, 'box', 21), 'there are 20 images to take, not 21'),
        ((images, None, 'box', 0), 'leaves no image'),
        ((f'{images}@3',), 'is not a run folder'),
        ((images, None, 'box', 2, -1), '--seed=-1 is out of range'),
    ):
        with pytest.raises(UserError, match=said):
            open_set(*arguments)


def test_truncation_reaches_the_samples(place):
    wide, narrow = (open_set(str(place / 'noise'), role='fake', count=8, truncation=t) for t in (1.0, 0.1))
    assert 'truncation 0.1' in narrow.where
    assert ops.to_float(all_of(narrow)).std(0).mean() < 0.5 * ops.to_float(all_of(wide)).std(0).mean()
    assert digest([narrow.key(0)]) != digest([wide.key(0)])
