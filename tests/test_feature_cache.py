"""Features on disk: found again, shared, and never wrong whatever happens to the files."""

import os

import numpy as np
import pytest

from gans.evaluation import feature_cache
from gans.evaluation.feature_cache import CachedFeatures, keys_of


class Network:
    """Three numbers of an image, and how many images it was shown."""

    def __init__(self):
        self.shown = 0

    def __call__(self, images):
        self.shown += len(images)
        return np.stack([images.mean((1, 2, 3)), images[:, 0, 0, 0], images[:, -1, -1, 2]], axis=1).astype(np.float32)


def pixels(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 5, 3), np.uint8)


def opened(folder, digest='d' * 64):
    network = Network()
    return network, CachedFeatures(network, 3, digest, folder)


def looked(folder, images, **changes):
    network, cached = opened(folder, **changes)
    found = cached(images, keys_of(images))
    cached.save()
    np.testing.assert_array_equal(found, Network()(images))
    return network.shown


def test_what_was_seen_is_not_computed_again_in_any_order_and_with_others(tmp_path):
    images = pixels(9)
    assert looked(tmp_path, images[:6]) == 6
    assert looked(tmp_path, images[::-1]) == 3
    assert looked(tmp_path, np.concatenate([images, images])) == 0
    assert looked(tmp_path, images, digest='e' * 64) == 9, 'another network'
    assert looked(tmp_path, np.ascontiguousarray(images.reshape(9, 5, 4, 3))) == 9, 'another shape'


def test_files_are_written_as_the_work_goes_on_and_copies_are_computed_once(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, 'IN_FILE', 4)
    network, cached = opened(tmp_path)
    for image in pixels(10):
        cached(image[None], keys_of(image[None]))
    assert looked(tmp_path, pixels(10)) == 2, 'a kill loses what is in no file yet'
    assert cached(pixels(10), keys_of(pixels(10))).shape == (10, 3)
    assert network.shown == 10


@pytest.mark.parametrize('damage', ['cut', 'changed', 'empty', 'folder', 'fifo'])
def test_a_damaged_file_is_passed_over(damage, tmp_path):
    looked(tmp_path, pixels(5))
    (path,) = tmp_path.glob('*/*.features')
    body = path.read_bytes()
    if damage in ('folder', 'fifo'):
        path.unlink()
        os.mkdir(path) if damage == 'folder' else os.mkfifo(path)
    else:
        path.write_bytes({'cut': body[:-7], 'changed': body[:-1] + b'\x77', 'empty': b''}[damage])
    network, cached = opened(tmp_path)
    np.testing.assert_array_equal(cached(pixels(5), keys_of(pixels(5))), Network()(pixels(5)))
    assert network.shown == 5


def test_where_nothing_can_be_written_the_work_goes_on(tmp_path, caplog):
    (tmp_path / 'file').write_text('')
    assert looked(tmp_path / 'file', pixels(5)) == 5
    assert 'are not kept, but computed again' in caplog.text and len(caplog.records) == 1
    assert looked(None, pixels(5)) == 5


def test_after_a_write_that_failed_it_still_looks_and_saves(tmp_path, caplog):
    (tmp_path / 'file').write_text('')
    network, cached = opened(tmp_path / 'file')
    for _ in range(2):
        np.testing.assert_array_equal(cached(pixels(5), keys_of(pixels(5))), Network()(pixels(5)))
        cached.save()
    assert network.shown == 10 and len(caplog.records) == 1


def test_two_at_once_write_beside_each_other(tmp_path):
    (_, one), (_, other) = opened(tmp_path), opened(tmp_path)
    for cached, images in ((one, pixels(4)), (other, pixels(6))):
        cached(images, keys_of(images))
    one.save(), other.save()
    assert looked(tmp_path, pixels(6)) == 0
    assert not [name for name in os.listdir(tmp_path / ('d' * 32)) if name.startswith('.')]


def test_the_ones_not_used_for_longest_make_room(tmp_path, monkeypatch):
    for seed in range(3):
        looked(tmp_path, pixels(5, seed))
        for path in tmp_path.glob('*/*.features'):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 100))
    looked(tmp_path, pixels(5, 0))  # used
    size = path.stat().st_size
    monkeypatch.setattr(feature_cache, '_DISK', 3 * size)
    looked(tmp_path, pixels(5, 3))
    assert [looked(None, pixels(1)), *(looked(tmp_path, pixels(5, seed)) for seed in (3, 0, 2))] == [1, 0, 0, 0]
    assert looked(tmp_path, pixels(5, 1)) == 5
