"""The Inception network of the Frechet Inception distance, with weights from a file that the user has.

It is the network of 2015-12-05 whose layer `pool_3` Heusel et al. (2017) took, in the form that pytorch-fid gave it: an
Inception v3 (Szegedy et al. 2016, table 1) whose average pooling leaves padding out of its means, and whose last block
has max pooling in place of it. Batch norm, with the moments of training, is folded into the convolutions in float64.

No weights were at hand when this was written: it was compared with NumPy on random ones, never with pytorch-fid.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from gans.errors import UserError
from gans.pretrained.resize import resize, triangle
from gans.pretrained.torch_file import read_tensors
from gans.types import Array, Tree

SIZE = 299  # pixels of the images that it was trained with
FEATURES = 2048
NAME = 'pt_inception-2015-12-05-6726825d.pth'
# Published by its first eight digits, in the name; the rest is what several public projects state for the file.
SHA256 = '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2'
GET = f'get {NAME} (96 MB) from https://github.com/mseitzer/pytorch-fid/releases and give its path'

_EPSILON = 1e-3  # of batch norm
_PARTS = ('conv.weight', 'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var')  # of each convolution in a file


class Convolution(NamedTuple):
    """A convolution with batch norm and ReLU; without padding where it is strided."""

    name: str
    outputs: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: str = 'SAME'


def _strided(name, outputs):
    return Convolution(name, outputs, (3, 3), 2, 'VALID')


# A block is branches side by side. A branch is a kind of pooling ('' for none), then convolutions one after the other;
# where several stand in one place, each gets what the one before them made.
def _block_a(pooled):
    return (
        ('', Convolution('branch1x1', 64)),
        ('', Convolution('branch5x5_1', 48), Convolution('branch5x5_2', 64, (5, 5))),
        (
            '',
            Convolution('branch3x3dbl_1', 64),
            Convolution('branch3x3dbl_2', 96, (3, 3)),
            Convolution('branch3x3dbl_3', 96, (3, 3)),
        ),
        ('mean', Convolution('branch_pool', pooled)),
    )


_BLOCK_B = (
    ('', _strided('branch3x3', 384)),
    ('', Convolution('branch3x3dbl_1', 64), Convolution('branch3x3dbl_2', 96, (3, 3)), _strided('branch3x3dbl_3', 96)),
    ('shrink',),
)


def _block_c(inner):
    return (
        ('', Convolution('branch1x1', 192)),
        (
            '',
            Convolution('branch7x7_1', inner),
            Convolution('branch7x7_2', inner, (1, 7)),
            Convolution('branch7x7_3', 192, (7, 1)),
        ),
        (
            '',
            Convolution('branch7x7dbl_1', inner),
            Convolution('branch7x7dbl_2', inner, (7, 1)),
            Convolution('branch7x7dbl_3', inner, (1, 7)),
            Convolution('branch7x7dbl_4', inner, (7, 1)),
            Convolution('branch7x7dbl_5', 192, (1, 7)),
        ),
        ('mean', Convolution('branch_pool', 192)),
    )


_BLOCK_D = (
    ('', Convolution('branch3x3_1', 192), _strided('branch3x3_2', 320)),
    (
        '',
        Convolution('branch7x7x3_1', 192),
        Convolution('branch7x7x3_2', 192, (1, 7)),
        Convolution('branch7x7x3_3', 192, (7, 1)),
        _strided('branch7x7x3_4', 192),
    ),
    ('shrink',),
)


def _block_e(pool):
    return (
        ('', Convolution('branch1x1', 320)),
        (
            '',
            Convolution('branch3x3_1', 384),
            (Convolution('branch3x3_2a', 384, (1, 3)), Convolution('branch3x3_2b', 384, (3, 1))),
        ),
        (
            '',
            Convolution('branch3x3dbl_1', 448),
            Convolution('branch3x3dbl_2', 384, (3, 3)),
            (Convolution('branch3x3dbl_3a', 384, (1, 3)), Convolution('branch3x3dbl_3b', 384, (3, 1))),
        ),
        (pool, Convolution('branch_pool', 192)),
    )


_BLOCKS = {
    'Conv2d_1a_3x3': (('', _strided('', 32)),),
    'Conv2d_2a_3x3': (('', Convolution('', 32, (3, 3), padding='VALID')),),
    'Conv2d_2b_3x3': (('', Convolution('', 64, (3, 3))),),
    'pool_1': (('shrink',),),
    'Conv2d_3b_1x1': (('', Convolution('', 80)),),
    'Conv2d_4a_3x3': (('', Convolution('', 192, (3, 3), padding='VALID')),),
    'pool_2': (('shrink',),),
    'Mixed_5b': _block_a(32),
    'Mixed_5c': _block_a(64),
    'Mixed_5d': _block_a(64),
    'Mixed_6a': _BLOCK_B,
    'Mixed_6b': _block_c(128),
    'Mixed_6c': _block_c(160),
    'Mixed_6d': _block_c(160),
    'Mixed_6e': _block_c(192),
    'Mixed_7a': _BLOCK_D,
    'Mixed_7b': _block_e('mean'),
    'Mixed_7c': _block_e('max'),
}
LAYERS = tuple(_BLOCKS)


def prepare(images: Array) -> Array:
    """Images [N, H, W, 3] in [-1, 1] to the size that the network was trained with, [N, 299, 299, 3].

    Bilinear without antialiasing, as pytorch-fid does it (`interpolate` with `align_corners=False`): of an image of
    more than 299 pixels some count little or not at all. To [-1, 1] it brings images too.
    """
    return resize(images, SIZE, triangle, antialias=False)


class Output(NamedTuple):
    """What the network makes of images.

    Attributes:
      features: float32 [N, 2048], the means of the last layer over all places: `pool_3`.
      layers: float32 [N, h, w, C] by the names in `LAYERS`.
    """

    features: Array
    layers: dict[str, Array]


def run(weights: Tree, images: Array) -> Output:
    """The network on images float32 [N, H, W, 3] in [-1, 1] of 75 px or more; `prepare` makes them the usual size.

    weights: as `load` returns them.
    """
    x, layers = images, {}
    for block, branches in _BLOCKS.items():
        x = layers[block] = jnp.concatenate([_branch(weights, block, x, *branch) for branch in branches], axis=-1)
    return Output(x.mean(axis=(1, 2)), layers)


def _branch(weights, block, x, pool, *steps):
    x = _pool(x, pool)
    for step in steps:
        several = (step,) if isinstance(step, Convolution) else step
        x = jnp.concatenate([_convolve(x, one, *weights[_full(block, one)]) for one in several], axis=-1)
    return x


def _full(block, convolution):
    return f'{block}.{convolution.name}' if convolution.name else block


def _convolve(x, convolution, kernel, bias):
    strides, order = (convolution.stride, convolution.stride), ('NHWC', 'HWIO', 'NHWC')
    highest = lax.Precision.HIGHEST
    x = lax.conv_general_dilated(x, kernel, strides, convolution.padding, None, None, order, precision=highest)
    return jnp.maximum(x + bias, 0)


def _pool(x, kind):
    """3x3 pixels: 'mean' of those inside and 'max' at every pixel, 'shrink' the maximum at every second, not padded."""
    window, every, second = (1, 3, 3, 1), (1, 1, 1, 1), (1, 2, 2, 1)
    if kind == 'mean':
        count = lax.reduce_window(jnp.ones_like(x[:1, :, :, :1]), 0.0, lax.add, window, every, 'SAME')
        return lax.reduce_window(x, 0.0, lax.add, window, every, 'SAME') / count
    if kind == 'max':
        return lax.reduce_window(x, -jnp.inf, lax.max, window, every, 'SAME')
    return lax.reduce_window(x, -jnp.inf, lax.max, window, second, 'VALID') if kind else x


def kernels() -> dict[str, tuple[int, int, int, int]]:
    """{'Mixed_5b.branch1x1': (outputs, inputs, height, width)}: the convolutions, in the order of the network."""
    found, inputs = {}, 3
    for block, branches in _BLOCKS.items():
        outputs = 0
        for _, *steps in branches:
            width = inputs
            for step in steps:
                several = (step,) if isinstance(step, Convolution) else step
                found |= {_full(block, one): (one.outputs, width, *one.kernel) for one in several}
                width = sum(one.outputs for one in several)
            outputs += width
        inputs = outputs
    return found


class Loaded(NamedTuple):
    """The weights of a file.

    Attributes:
      weights: (kernel, bias), float32, by the name of the convolution.
      sha256: of the file.
    """

    weights: Tree
    sha256: str

    @property
    def published(self) -> bool:
        """Whether it is the file of pytorch-fid, so that distances over its features are the FID."""
        return self.sha256 == SHA256


def load(path: str | Path) -> Loaded:
    """Reads the weights: pytorch-fid's own file, or an .npz with arrays of the same names and shapes.

    For each convolution of `kernels` an .npz has `NAME.conv.weight` [outputs, inputs, height, width], `NAME.bn.weight`,
    `NAME.bn.bias`, `NAME.bn.running_mean` and `NAME.bn.running_var` [outputs]; further arrays are passed over.

    Raises UserError: no such file, one that is neither, or arrays that are missing, not finite or of another shape.
    """
    try:
        data = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read '{path}' ({error.strerror}) as weights of Inception: {GET}.") from error
    sha256 = hashlib.sha256(data).hexdigest()
    tensors = read_tensors(data, str(path)) if sha256 == SHA256 else _arrays(data, path)
    return Loaded(folded(tensors, str(path)), sha256)


def _arrays(data, path) -> dict[str, np.ndarray]:
    file = io.BytesIO(data)
    if not zipfile.is_zipfile(file) or not any(name.endswith('.npy') for name in zipfile.ZipFile(file).namelist()):
        raise UserError(f"'{path}' is neither {NAME}, whose SHA-256 is known, nor an .npz of arrays: {GET}.")
    try:
        with np.load(file, allow_pickle=False) as arrays:
            wanted = {f'{name}.{part}' for name in kernels() for part in _PARTS}
            return {name: arrays[name] for name in wanted & set(arrays.files)}
    except Exception as error:  # a damaged zip has many ways to say so
        raise UserError(f"'{path}' cannot be used as weights of Inception ({error}): {GET}.") from error


def folded(tensors: dict[str, np.ndarray], path: str) -> Tree:
    """The tensors of a file as `Loaded.weights`; raises UserError if one is missing, not finite or misshapen."""
    weights = {}
    for name, shape in kernels().items():
        parts = []
        for part in _PARTS:
            full, wanted = f'{name}.{part}', shape if part == 'conv.weight' else shape[:1]
            if full not in tensors:
                raise UserError(f"'{path}' lacks {full} {list(wanted)}: {GET}.")
            array = tensors[full]
            if array.shape != wanted or array.dtype.kind != 'f' or not np.isfinite(array).all():
                is_there = f'{array.dtype} {list(array.shape)}'
                raise UserError(f"'{path}' has {full} as {is_there}, not as finite numbers {list(wanted)}: {GET}.")
            parts.append(array.astype(np.float64))
        kernel, scale, shift, mean, variance = parts
        scale = scale / np.sqrt(variance + _EPSILON)
        kernel = (kernel.transpose(2, 3, 1, 0) * scale).astype(np.float32)
        weights[name] = kernel, (shift - mean * scale).astype(np.float32)
    return weights
