"""The Inception network of the FID: its form against NumPy on random weights, and the files that may hold weights."""

import hashlib
import io
import re

import jax
import numpy as np
import pytest
from torch_files import as_zip, pretend, state_of

from gans.errors import UserError
from gans.features.opening import open_features
from gans.pretrained import inception

PARTS = ('conv.weight', 'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var')


@pytest.fixture(scope='module')
def tensors():
    """Random weights, with which activations neither grow nor vanish."""
    rng, found = np.random.default_rng(0), {}
    for name, shape in inception.kernels().items():
        kernel = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[1:])))
        scale, variance = rng.uniform(0.7, 1.3, (2, shape[0]))
        shift, mean = rng.uniform(-0.3, 0.3, (2, shape[0]))
        arrays = (kernel, scale, shift, mean, variance)
        found |= {f'{name}.{part}': array.astype(np.float32) for part, array in zip(PARTS, arrays, strict=True)}
    return found


class ByHand:
    """The network as torchvision writes it, with the changes of pytorch-fid, on one image [H, W, 3] in float64."""

    def __init__(self, tensors):
        self.tensors = tensors

    def conv(self, x, name, stride=1, padding=(0, 0)):
        kernel, scale, shift, mean, variance = (self.tensors[f'{name}.{part}'].astype(float) for part in PARTS)
        x = np.pad(x, [(padding[0],) * 2, (padding[1],) * 2, (0, 0)])
        seen = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], (0, 1))[::stride, ::stride]
        x = np.tensordot(seen, kernel, ((2, 3, 4), (1, 2, 3)))
        return np.maximum((x - mean) / np.sqrt(variance + 0.001) * scale + shift, 0)

    def pool(self, x, stride, padding, reduce):
        x = np.pad(x, [(padding,) * 2, (padding,) * 2, (0, 0)], constant_values=np.nan)
        seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (0, 1))[::stride, ::stride]
        return reduce(seen, axis=(3, 4))  # of what is not NaN: padding is left out

    def chain(self, x, block, *names):
        """Convolutions in turn; what is padded follows from the names that torchvision gives them."""
        padding = {'branch5x5_2': (2, 2), 'branch3x3dbl_2': (1, 1)}
        padding |= {f'branch7x7{n}': (0, 3) for n in ('_2', 'dbl_3', 'dbl_5', 'x3_2')}
        padding |= {f'branch7x7{n}': (3, 0) for n in ('_3', 'dbl_2', 'dbl_4', 'x3_3')}
        padding |= {f'branch3x3{n}': (0, 1) for n in ('_2a', 'dbl_3a')} | {
            f'branch3x3{n}': (1, 0) for n in ('_2b', 'dbl_3b')
        }
        if block in ('Mixed_5b', 'Mixed_5c', 'Mixed_5d'):
            padding['branch3x3dbl_3'] = (1, 1)
        strided = {'Mixed_6a': ('branch3x3', 'branch3x3dbl_3'), 'Mixed_7a': ('branch3x3_2', 'branch7x7x3_4')}
        for name in names:
            stride = 2 if name in strided.get(block, ()) else 1
            x = self.conv(x, f'{block}.{name}', stride, padding.get(name, (0, 0)))
        return x

    def mixed(self, x, block):
        def many(stem, *numbers):
            return self.chain(x, block, *(f'{stem}_{number}' for number in numbers))

        if block in ('Mixed_6a', 'Mixed_7a'):
            last = self.pool(x, 2, 0, np.nanmax)
            if block == 'Mixed_6a':
                return [self.chain(x, block, 'branch3x3'), many('branch3x3dbl', 1, 2, 3), last]
            return [many('branch3x3', 1, 2), many('branch7x7x3', 1, 2, 3, 4), last]
        pooled = self.pool(x, 1, 1, np.nanmax if block == 'Mixed_7c' else np.nanmean)
        first, last = self.chain(x, block, 'branch1x1'), self.chain(pooled, block, 'branch_pool')
        if block < 'Mixed_6':
            return [first, many('branch5x5', 1, 2), many('branch3x3dbl', 1, 2, 3), last]
        if block < 'Mixed_7':
            return [first, many('branch7x7', 1, 2, 3), many('branch7x7dbl', 1, 2, 3, 4, 5), last]
        forks = [many('branch3x3', 1, fork) for fork in ('2a', '2b')]
        return [first, *forks, *(many('branch3x3dbl', 1, 2, fork) for fork in ('3a', '3b')), last]

    def layers(self, x):
        x = found = self.conv(x, 'Conv2d_1a_3x3', 2)
        yield 'Conv2d_1a_3x3', found
        for name, padding in (('Conv2d_2a_3x3', 0), ('Conv2d_2b_3x3', 1), ('pool_1', 0), ('Conv2d_3b_1x1', 0)):
            x = self.pool(x, 2, 0, np.nanmax) if name == 'pool_1' else self.conv(x, name, 1, (padding, padding))
            yield name, x
        x = self.conv(x, 'Conv2d_4a_3x3')
        yield 'Conv2d_4a_3x3', x
        x = self.pool(x, 2, 0, np.nanmax)
        yield 'pool_2', x
        for block in ('5b', '5c', '5d', '6a', '6b', '6c', '6d', '6e', '7a', '7b', '7c'):
            x = np.concatenate(self.mixed(x, f'Mixed_{block}'), axis=-1)
            yield f'Mixed_{block}', x


def test_every_layer_is_that_of_numpy(tensors):
    # The last map is 1 x 2: of a single place, mean and maximum are the same.
    image = np.random.default_rng(1).uniform(-1, 1, (1, 75, 123, 3)).astype(np.float32)
    found = jax.jit(inception.run)(inception.folded(tensors, ''), image)
    assert len(inception.LAYERS) == 18 and set(found.layers) == set(inception.LAYERS)
    for (name, layer), ours in zip(ByHand(tensors).layers(image[0].astype(float)), inception.LAYERS, strict=True):
        assert name == ours and found.layers[name].shape[1:] == layer.shape
        np.testing.assert_allclose(found.layers[name][0], layer, atol=1e-4 * layer.std(), err_msg=name)
    np.testing.assert_allclose(found.features[0], layer.mean(axis=(0, 1)), rtol=1e-3)
    assert found.features.shape == (1, 2048) and layer.std() > 0.01


def test_images_are_enlarged_as_by_pytorch():
    """`interpolate(mode='bilinear', align_corners=False)` by its definition: two pixels an axis, clamped."""
    for shape in ((5, 7), (300, 641)):
        image = np.random.default_rng(2).random((1, *shape, 1), np.float32)
        wanted = image[0, :, :, 0].astype(float)
        for axis, extent in enumerate(shape):
            place = np.maximum((np.arange(299) + 0.5) * extent / 299 - 0.5, 0)
            low = place.astype(int)
            high, part = np.minimum(low + 1, extent - 1), place - low
            part = part[:, None] if axis == 0 else part
            wanted = wanted.take(low, axis) * (1 - part) + wanted.take(high, axis) * part
        np.testing.assert_allclose(inception.prepare(image)[0, :, :, 0], wanted, atol=1e-5)


def test_weights_of_an_npz_are_no_fid(tensors, tmp_path):
    npz = tmp_path / 'inception.npz'
    np.savez(npz, **tensors)
    features = open_features(f'inception:{npz}')
    assert (features.name, features.size) == ('inception_other', 2048)
    assert features.about['sha256'] == hashlib.sha256(npz.read_bytes()).hexdigest()
    layers = jax.eval_shape(features.layers, np.zeros((2, 299, 299, 3), np.float32))
    assert sorted(layers) == sorted(features.about['layers'])
    assert layers['Mixed_5d'].shape == (2, 35, 35, 288) and layers['Mixed_7c'].shape == (2, 8, 8, 2048)


def test_the_published_file_is_known_by_its_hash(monkeypatch, tensors, tmp_path):
    path = tmp_path / inception.NAME
    numbers = np.linspace(1, 2, max(array.size for array in tensors.values()), dtype=np.float32)
    shapes = {name: array.shape for name, array in tensors.items()}
    path.write_bytes(as_zip(*state_of(pretend(monkeypatch), {**shapes, 'fc.bias': (1008,)}, numbers)))
    with pytest.raises(UserError, match='neither .* whose SHA-256 is known') as told:
        open_features(f'inception:{path}')
    assert 'https://github.com/mseitzer/pytorch-fid/releases' in str(told.value)
    monkeypatch.setattr(inception, 'SHA256', hashlib.sha256(path.read_bytes()).hexdigest())
    features = open_features(f'inception:{path}')
    assert (features.name, features.about['weights']) == ('inception', inception.NAME)
    kernel, bias = inception.load(path).weights['Mixed_7c.branch3x3_2a']
    scale = numbers[:384] / np.sqrt(numbers[:384] + 0.001)
    wanted = numbers[: kernel.size].reshape(384, 384, 1, 3).transpose(2, 3, 1, 0)
    np.testing.assert_allclose(kernel, wanted * scale, rtol=1e-6)
    np.testing.assert_allclose(bias, numbers[:384] * (1 - scale), atol=1e-6)


def archive(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


FIRST = 'Conv2d_1a_3x3.conv.weight'
WRONG = {
    'nothing': (b'', 'is neither'),
    'an HTML answer': (b'<html>', 'is neither'),
    'a pickle': (archive(**{FIRST: np.array([{}], object)}), 'cannot be used'),
    'another archive': (archive(weights=np.zeros(3)), f'lacks {FIRST} [32, 3, 3, 3]'),
    'another order': (archive(**{FIRST: np.zeros((3, 3, 3, 32))}), 'float64 [3, 3, 3, 32], not as'),
    'whole numbers': (archive(**{FIRST: np.zeros((32, 3, 3, 3), int)}), 'int64 [32, 3, 3, 3], not as'),
    'what is no number': (archive(**{FIRST: np.full((32, 3, 3, 3), np.nan)}), 'not as finite numbers [32, 3, 3, 3]'),
}


@pytest.mark.parametrize('name', WRONG)
def test_files_that_are_no_weights_are_told_in_a_sentence(tmp_path, name):
    data, said = WRONG[name]
    path = tmp_path / 'weights.npz'
    path.write_bytes(data)
    with pytest.raises(UserError, match=re.escape(said)) as told:
        open_features(f'inception:{path}')
    assert str(path) in str(told.value) and inception.GET in str(told.value) and '\n' not in str(told.value)


def test_a_missing_file_is_told_with_how_to_get_it(tmp_path):
    for path in (tmp_path / 'none.pth', tmp_path):
        with pytest.raises(UserError, match='Cannot read') as told:
            open_features(f'inception:{path}')
        assert str(path) in str(told.value) and inception.GET in str(told.value)
