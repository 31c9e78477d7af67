"""MNIST as it lies on disks: .npz and idx, packed or not, whole or damaged; its two parts and the project's split."""

import gzip
import struct

import numpy as np
import pytest
from generators import generator_config
from PIL import Image

from gans.config.compare import differences
from gans.data.opening import move_data, open_labels
from gans.data.source import split
from gans.data.sources import mnist
from gans.errors import UserError

RNG = np.random.default_rng(0)
X, X_TEST = RNG.integers(0, 256, (40, 8, 6), np.uint8), RNG.integers(0, 256, (7, 8, 6), np.uint8)
Y, Y_TEST = RNG.integers(0, 10, 40, np.uint8), RNG.integers(0, 10, 7, np.uint8)
SHAPE = (8, 6)
KERAS = dict(x_train=X, y_train=Y, x_test=X_TEST, y_test=Y_TEST)
IDX = {
    'train-images-idx3-ubyte': X,
    'train-labels-idx1-ubyte': Y,
    't10k-images-idx3-ubyte': X_TEST,
    't10k-labels-idx1-ubyte': Y_TEST,
}


def idx_bytes(array):
    """The format as its authors describe it: 0, 0, type, dimensions; sizes, big-endian; numbers."""
    return bytes([0, 0, 8, array.ndim]) + b''.join(struct.pack('>I', size) for size in array.shape) + array.tobytes()


def write_npz(folder, **arrays):
    np.savez_compressed(folder / 'mnist.npz', **arrays)
    return folder / 'mnist.npz'


def write_idx(folder, packed=False, **changed):
    for name, array in (IDX | changed).items():
        content = idx_bytes(array)
        (folder / f'{name}{".gz" * packed}').write_bytes(gzip.compress(content) if packed else content)
    return folder


def open_it(path, shape=SHAPE, **options):
    return mnist.open_source(shape, 0, str(path), **options)


def labels_of(path, shape=SHAPE, **options):
    return mnist.open_labels(shape, 0, str(path), **options)


def images_of(source):
    return np.stack([source[i] for i in range(len(source))])


def rgb(gray):
    return np.stack([gray] * 3, axis=-1)


@pytest.fixture(params=['npz', 'idx', 'gz', 'one file', 'one packed file', 'dots', 'packed by stealth'])
def place(request, tmp_path):
    """The same set in every form in which it is found."""
    if request.param == 'npz':
        return write_npz(tmp_path, **KERAS)
    write_idx(tmp_path, packed='gz' in request.param or request.param == 'one packed file')
    if request.param == 'dots':
        for path in list(tmp_path.iterdir()):
            path.rename(path.with_name(path.name.replace('-idx', '.idx')))
    if request.param == 'packed by stealth':
        for path in tmp_path.iterdir():
            path.write_bytes(gzip.compress(path.read_bytes()))
    ending = {'one file': 'train-images-idx3-ubyte', 'one packed file': 'train-images-idx3-ubyte.gz'}
    return tmp_path / ending.get(request.param, '')


def test_every_form_has_the_same_images_and_labels(place):
    source, labels = open_it(place), labels_of(place)
    np.testing.assert_array_equal(images_of(source), rgb(X))
    np.testing.assert_array_equal(labels.of_source, Y)
    np.testing.assert_array_equal(images_of(labels.test), rgb(X_TEST))
    np.testing.assert_array_equal(labels.of_test, Y_TEST)
    assert labels.of_source.dtype == labels.of_test.dtype == np.int64
    assert source.where == f"training part of '{place}': 40 images"
    assert labels.test.where == f"test part of '{place}': 7 images"


def test_the_part_for_testing_is_no_part_of_the_source_and_a_tenth_of_the_rest_is_held_out(tmp_path):
    source = open_it(write_npz(tmp_path, **KERAS))
    train, test = split(source)
    assert len(train) + len(test) == 40 and len(test) > 0
    assert not {image.tobytes() for image in images_of(source)} & {x.tobytes() for x in rgb(X_TEST)}


def test_copies_have_one_key_and_others_have_others(tmp_path):
    doubled = np.concatenate([X, X[:5]])
    source = open_it(write_npz(tmp_path, x_train=doubled))
    keys = [source.key(i) for i in range(45)]
    assert keys[40:] == keys[:5] and len(set(keys)) == 40


def test_other_sizes_are_fitted_as_those_of_folders(tmp_path):
    place = write_npz(tmp_path, **KERAS)
    stretched = open_it(place, (4, 4), fit='resize')
    wanted = Image.fromarray(X[3]).convert('RGB').resize((4, 4), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(stretched[3], np.asarray(wanted))
    cut = open_it(place, (6, 6))  # the middle, as it is
    np.testing.assert_array_equal(cut[3], rgb(X[3])[1:7])
    assert open_it(place, (16, 12), upscale=True)[0].shape == (16, 12, 3)
    assert labels_of(place, (16, 12), upscale=True).test[0].shape == (16, 12, 3)
    with pytest.raises(UserError, match="x_train of .*mnist.npz' has 6x8 pixels .width x height., less than the 12x16"):
        open_it(place, (16, 12))
    with pytest.raises(UserError, match="no fit 'corp' .did you mean 'crop'"):
        open_it(place, fit='corp')


def test_a_set_may_lack_labels_or_a_part_for_testing(tmp_path):
    place = write_npz(tmp_path, x_train=X, x_test=X_TEST, y_test=Y_TEST)
    assert open_it(place).where.endswith(': 40 images, without labels') and labels_of(place) is None
    for lacking in ({}, {'x_test': X_TEST}, {'y_test': Y_TEST}):
        labels = labels_of(write_npz(tmp_path, x_train=X, y_train=Y, **lacking))
        assert labels.test is None and labels.of_test is None
    folder = tmp_path / 'idx'
    folder.mkdir()
    (folder / 'train-images-idx3-ubyte').write_bytes(idx_bytes(X))
    assert labels_of(folder) is None and len(open_it(folder)) == 40


def test_the_part_for_testing_may_be_read_by_itself(tmp_path):
    place = write_idx(tmp_path) / 't10k-images-idx3-ubyte'
    np.testing.assert_array_equal(images_of(open_it(place)), rgb(X_TEST))
    labels = labels_of(place)
    np.testing.assert_array_equal(labels.of_source, Y_TEST)
    assert labels.test is None


def test_a_file_of_another_name_has_nothing_beside_it(tmp_path):
    place = (write_idx(tmp_path) / 'train-images-idx3-ubyte').rename(tmp_path / 'digits')
    assert len(open_it(place)) == 40 and labels_of(place) is None


def test_the_config_says_where_it_lies_and_may_say_it_anew(tmp_path):
    config = generator_config(size=6)
    config.data.update(source='mnist', mnist=dict(path=str(write_npz(tmp_path, **KERAS)), fit='crop', upscale=False))
    assert len(open_labels(config).of_source) == 40
    moved = type(config)(config.to_dict())
    move_data(moved, '/elsewhere')
    assert moved.data.mnist.path == '/elsewhere' and differences(config, moved) == []
    config.data.source = 'embedded'
    assert open_labels(config) is None


def spoil_npz(folder, content):
    path = write_npz(folder, **KERAS)
    path.write_bytes(content(path.read_bytes()))
    return path


def spoil_idx(folder, name, content):
    path = write_idx(folder) / name
    path.write_bytes(content(path.read_bytes()))
    return folder


def write_text(folder):
    (folder / 'notes.txt').write_text('no digits at all')
    return folder / 'notes.txt'


SPOILED = {
    'nothing there': (lambda f: f / 'none', "there is no '.*none': give an MNIST .npz, or a folder with train-images"),
    'an empty folder': (lambda f: f, 'there is no train-images-idx3-ubyte .or train-images-idx3-ubyte.gz. in'),
    'no npz': (lambda f: spoil_npz(f, lambda b: b'x' * 99), "mnist.npz' is no .npz, or damaged or cut off"),
    'half an npz': (lambda f: spoil_npz(f, lambda b: b[: len(b) // 2]), "mnist.npz' is no .npz, or damaged or cut off"),
    'a hole in an npz': (
        lambda f: spoil_npz(f, lambda b: b[:200] + bytes(100) + b[300:]),
        "mnist.npz' is no .npz, or damaged or cut off",
    ),
    'other names': (lambda f: write_npz(f, images=X), r"no x_train .it has: images.: give an .npz with Keras's"),
    'floats': (lambda f: write_npz(f, x_train=X / 255), r'x_train of .* is float64 \[40, 8, 6\]: it must be gray'),
    'flat images': (lambda f: write_npz(f, x_train=X.reshape(40, -1)), r'is uint8 \[40, 48\]: it must be gray'),
    'no images': (lambda f: write_npz(f, x_train=X[:0]), r'is uint8 \[0, 8, 6\]: it must be gray'),
    'objects': (lambda f: write_npz(f, x_train=np.array([{}])), 'is no .npz, or damaged'),
    'too few labels': (lambda f: write_npz(f, x_train=X, y_train=Y[:9]), r'y_train of .* one for each of the 40'),
    'labels that are none': (lambda f: write_npz(f, x_train=X, y_train=Y / 2), 'it must be whole numbers'),
    'a bad test part': (lambda f: write_npz(f, **KERAS | {'y_test': Y}), 'y_test of .* one for each of the 7'),
    'a cut idx': (
        lambda f: spoil_idx(f, 'train-images-idx3-ubyte', lambda b: b[:-1]),
        "train-images-idx3-ubyte' is cut off",
    ),
    'a cut head': (lambda f: spoil_idx(f, 'train-images-idx3-ubyte', lambda b: b[:9]), 'is cut off or damaged'),
    'a cut label file': (
        lambda f: spoil_idx(f, 'train-labels-idx1-ubyte', lambda b: b[:-1]),
        "train-labels-idx1-ubyte' is cut off",
    ),
    'more than it says': (lambda f: spoil_idx(f, 't10k-images-idx3-ubyte', lambda b: b + b'x'), 'its length is not'),
    'a cut gz': (
        lambda f: spoil_idx(f, 'train-images-idx3-ubyte', lambda b: gzip.compress(b)[:-9]),
        "train-images-idx3-ubyte' is damaged or cut off",
    ),
    'floats in idx': (
        lambda f: spoil_idx(f, 'train-images-idx3-ubyte', lambda b: b'\0\0\x0d' + b[3:]),
        'is no idx file of bytes in 3 dimensions',
    ),
    'labels as images': (lambda f: write_idx(f) / 'train-labels-idx1-ubyte', 'is no idx file of bytes in 3 dim'),
    'another file': (write_text, 'is no idx file of bytes'),
}


@pytest.mark.parametrize('what', SPOILED)
def test_what_is_wrong_is_one_sentence(what, tmp_path):
    make, expected = SPOILED[what]
    path = make(tmp_path)
    for read in (open_it, labels_of):
        with pytest.raises(UserError, match=expected) as caught:
            read(path)
        assert '\n' not in str(caught.value)
