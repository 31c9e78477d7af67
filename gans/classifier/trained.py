"""A trained classifier: kept in a folder, read back, used on images.

The folder holds `classifier.npz`, the parameters by their paths ('down_0/kernel'), and `classifier.json`, what they
are and a digest of them.
"""

import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from numpy.lib import format as npy

from gans.classifier.network import Network, widths_for
from gans.data import files
from gans.data.fitting import fit
from gans.errors import UserError
from gans.image import ops
from gans.image.batching import in_batches
from gans.image.files import write_json, write_whole
from gans.types import Array, Tree

FORMAT = 1  # of the folder; count up when older ones cannot be read any more
ARRAYS, ABOUT = 'classifier.npz', 'classifier.json'
ACCEPTABLE, UNACCEPTABLE = 'acceptable', 'unacceptable'  # the classes of labelled images
RESAMPLE = 'lanczos'  # how images of another size become those of a classifier's
_AT_ONCE = 64  # images: memory, not speed
_MOST = 2**20  # bytes of the JSON
_HEADER = 2**12  # bytes before the numbers of an array in a file, at most
_SIDE = 1024  # pixels of a side, at most


class Trained(NamedTuple):
    """A trained classifier.

    Attributes:
      classes: the names of its classes.
      size: (height, width) of the images that it was trained with.
      params: of its network.
      about: how it was made, for JSON.
    """

    classes: tuple[str, ...]
    size: tuple[int, int]
    params: Tree
    about: Mapping = {}

    @property
    def network(self) -> Network:
        """Its network, which the parameters belong to."""
        return Network(len(self.classes), widths_for(self.size))

    @property
    def digest(self) -> str:
        """A digest of all that decides what it gives for an image: 32 hexadecimal digits."""
        return _digest(self.classes, self.size, _flat(self.params))


def save(folder: str | os.PathLike, trained: Trained) -> None:
    """Writes a classifier into a folder, which is made if need be; each file whole or not at all.

    Raises UserError where it cannot be written.
    """
    arrays = _flat(trained.params)
    write_whole(Path(folder) / ARRAYS, lambda file: np.savez(file, **arrays))
    write_json(
        Path(folder) / ABOUT,
        {
            'format': FORMAT,
            'classes': list(trained.classes),
            'size': list(trained.size),
            'digest': trained.digest,
            'about': trained.about,
        },
    )


def load(folder: str | os.PathLike) -> Trained:
    """Reads a classifier that `save` wrote.

    Raises:
      UserError: there is none, it is damaged, or of another format.
    """
    folder = Path(folder).expanduser()
    shown = files.printable(str(folder))
    if not (folder / ABOUT).is_file():
        raise UserError(f"There is no classifier in '{shown}' (no {ABOUT}): give a folder that --mode=classify made.")
    try:
        found = json.loads(files.read_regular(folder / ABOUT, _MOST))
        if found['format'] != FORMAT:
            raise UserError(
                f"The classifier in '{shown}' has format {found['format']!r:.40}, and this version of the code reads "
                f'{FORMAT}: make it again with --mode=classify.'
            )
        classes, size = tuple(found['classes']), tuple(found['size'])
        _check(classes, size)
        trained = Trained(classes, size, {}, found['about'])
        shapes = jax.eval_shape(partial(_initial, trained.network, size))
        arrays = {name: _read(folder / ARRAYS, name, wanted.shape) for name, wanted in _flat(shapes).items()}
        if _digest(classes, size, arrays) != found['digest']:
            raise ValueError('its arrays are not those that it was written with')
    except UserError:
        raise
    except Exception as error:  # of any kind: strangers' JSON and archives
        raise UserError(
            f"The classifier in '{shown}' is damaged or written in part ({error}): make it again with --mode=classify."
        ) from error
    return trained._replace(params=traverse_util.unflatten_dict(arrays, sep='/'))


def probabilities(trained: Trained, images: np.ndarray) -> np.ndarray:
    """How probable each class is for images uint8 [N, H, W, 3] of any size: float32 [N, classes], rows of sum 1.

    Images of another size than the classifier's are stretched to it, with Pillow's Lanczos filter. What is found of an
    image does not depend on the others.
    """
    return _look_at(trained, images)[0]


def features(trained: Trained, images: np.ndarray) -> np.ndarray:
    """What the last layer looks at: float32 [N, F] for images uint8 [N, H, W, 3], else as `probabilities`."""
    return _look_at(trained, images)[1]


def layers(trained: Trained, images: Array) -> dict[str, Array]:
    """What every convolution gives after its ReLU, for images float [N, H, W, 3] in [-1, 1] of any height and width.

    Returns {'down_0': [N, h, w, C], 'down_1': ...}, from the first to the last; differentiable.
    """
    return trained.network.apply({'params': trained.params}, images, method='maps')


def _look_at(trained, images):
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f'a classifier takes images uint8 [N, H, W, 3], not {images.dtype} {list(images.shape)}')
    if not len(images):
        return np.zeros((0, len(trained.classes)), np.float32), np.zeros((0, trained.network.widths[-1]), np.float32)
    return in_batches(partial(_look, trained.network, trained.params), fitted(images, trained.size), _AT_ONCE)


def fitted(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Images uint8 [N, H, W, 3] stretched to `size` (height, width) with Pillow's Lanczos filter, if need be."""
    from PIL import Image

    if images.shape[1:3] == tuple(size):
        return images
    return np.stack([fit(Image.fromarray(image), size, 'resize', upscale=True, resample=RESAMPLE) for image in images])


@partial(jax.jit, static_argnums=0)
def _look(network, params, images):
    logits, found = network.apply({'params': params}, ops.to_float(images))
    return jax.nn.softmax(logits), found


def _initial(network: Network, size: tuple[int, int]) -> Tree:
    return network.init(jax.random.key(0), jnp.zeros((1, *size, 3)))['params']


def _check(classes: tuple, size: tuple) -> None:
    """Raises ValueError unless these can be a classifier's."""
    if len(classes) < 2 or not all(isinstance(name, str) for name in classes):
        raise ValueError(f'the classes are {classes!r}')
    if len(size) != 2 or not all(isinstance(side, int) and 0 < side <= _SIDE for side in size):
        raise ValueError(f'the size is {size!r}')


def _read(path: Path, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array float32 of a file .npz, of which no more is read than such an array has."""
    most = 4 * math.prod(shape) + _HEADER
    with files.open_regular(path) as file, zipfile.ZipFile(file) as archive:
        content = files.read_member(archive, f'{name}.npy', most, f'{path}/{name}')
    array = npy.read_array(io.BytesIO(content), allow_pickle=False)
    if array.shape != shape or array.dtype != np.float32:
        raise ValueError(f'{name} is {array.dtype} {list(array.shape)}, not float32 {list(shape)}')
    return array


def _flat(params: Tree) -> dict[str, Any]:
    """{'down_0/kernel': array} of parameters, or of their shapes."""
    return dict(sorted(traverse_util.flatten_dict(params, sep='/').items()))


def _digest(classes, size, arrays) -> str:
    found = hashlib.blake2b(repr((FORMAT, list(classes), list(size))).encode(), digest_size=16)
    for name, array in arrays.items():
        array = np.asarray(array)
        found.update(f'{name} {array.dtype} {array.shape}'.encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
