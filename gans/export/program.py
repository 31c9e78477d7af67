"""What is exported of a run: its generator as one function from uint8 (or latents) to uint8, without anything else.

Needs jax, flax and optax alone, so that it also works in the Python that writes ONNX (gans/export/onnx_worker.py).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gans.image import ops
from gans.nn import noise
from gans.types import Game, Tree

NOISE = 'latent'
_MEANING = {
    'latent': 'numbers at random, independent, {}; images follow from them',
    'image': 'RGB, 0 to 255, gamma-coded (sRGB) as files have it',
    'mask': 'above 127 where the image is to be filled',
}
_SPREAD = {'normal': 'normal with mean 0 and deviation 1', 'uniform': 'uniform from -1 to 1'}
_SEED = 0  # of the inputs that exports are tried with


class Input(NamedTuple):
    """An input of the exported function.

    Attributes:
      name: 'latent', 'image' or 'mask'.
      dtype: 'float32' or 'uint8'.
      shape: without the number of examples, which comes first.
      meaning: what it is, in words.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    meaning: str


class Program(NamedTuple):
    """A generator with what comes before and behind it.

    Attributes:
      inputs: what it takes, in this order.
      function: (weights, *inputs) -> uint8 [N, H, W, 3].
      distribution: of the numbers of latents, by its name in `gans.nn.noise.DISTRIBUTIONS`.
    """

    inputs: tuple[Input, ...]
    function: Callable[..., jax.Array]
    distribution: str


def program(game: Game) -> Program:
    """The function that a run's export computes, and its inputs.

    A generator from noise takes a latent as its task draws it. One that is shown an image takes it as RGB, a mask where
    its task has one, and a latent where it has noise; what becomes of them is what `translate` does with images of the
    network's size.
    """
    task, size = game.task, game.size
    inputs = []
    if not task.from_noise:
        inputs.append(_input('image', 'uint8', (*size, 3)))
        if task.on_files.masked:
            inputs.append(_input('mask', 'uint8', (*size, 1)))
    if task.latents.size:
        inputs.append(_input(NOISE, 'float32', (task.latents.size,), _SPREAD[task.latents.distribution]))
    names = [one.name for one in inputs]

    def function(weights, *arrays):
        given = dict(zip(names, arrays, strict=True))
        latent = {NOISE: _mapped(weights, given[NOISE])} if NOISE in given else {}

        def network(image=None):
            shown = latent if image is None else {'image': image} | latent
            return task.finish(shown, game.gen.apply(weights['variables'], **shown, train=False))

        if task.from_noise:
            return ops.to_uint8(network())
        mask = (given['mask'] > 127).astype(jnp.float32) if 'mask' in given else None
        made = ops.to_uint8(task.on_files.traced(network, ops.to_float(given['image']), mask))
        return made if mask is None else jnp.where(mask > 0, made, given['image'])

    return Program(tuple(inputs), function, task.latents.distribution)


def weights_of(variables: Mapping[str, Any], map_latent: Callable, size: int) -> dict:
    """All numbers that the function needs.

    Args:
      variables: of the generator, with the scheduled numbers of its step in `hyper`.
      map_latent: the objective's, for its memory: affine, latent by latent (`gans.types.Objective`).
      size: of a latent; 0 for none.

    Returns:
      {'variables': ..., 'latent': {'matrix', 'offset'}}, NumPy; without 'latent' where it changes nothing.
    """
    weights = {'variables': jax.tree.map(np.asarray, jax.device_get(dict(variables)))}
    if size:
        offset = np.asarray(map_latent(jnp.zeros((1, size))))
        matrix = np.asarray(map_latent(jnp.eye(size))) - offset
        if offset.any() or not np.array_equal(matrix, np.eye(size)):
            weights[NOISE] = {'matrix': matrix, 'offset': offset[0]}
    return weights


def flat(weights: Tree) -> dict[str, np.ndarray]:
    """Nested dicts of arrays as one: {'variables/params/out/kernel': array}."""
    paths, _ = jax.tree_util.tree_flatten_with_path(weights)
    return {'/'.join(key.key for key in path): np.asarray(array) for path, array in paths}


def nested(arrays: Mapping[str, np.ndarray]) -> dict:
    """The inverse of `flat`."""
    tree: dict = {}
    for path, array in arrays.items():
        *outer, name = path.split('/')
        place = tree
        for part in outer:
            place = place.setdefault(part, {})
        place[name] = array
    return tree


def trial(program: Program, count: int, size: tuple[int, int] | None = None) -> list[np.ndarray]:
    """Inputs to try an export with: soft colours, boxes as masks, latents at random; the same at every call.

    Args:
      program: what takes them.
      count: how many examples.
      size: (height, width) of images, in place of the training's.
    """
    random = np.random.default_rng(_SEED)
    made = []
    for one in program.inputs:
        if one.name == NOISE:
            quantile = noise.QUANTILES[program.distribution]
            made.append(np.asarray(quantile(random.random((count, *one.shape))), np.float32))
        else:
            made.append(_TRIALS[one.name](random, count, *(size or one.shape[:2])))
    return made


def apart(a: np.ndarray, b: np.ndarray) -> int:
    """The largest difference of two arrays of uint8, in levels; raises ValueError if their shapes differ."""
    if a.shape != b.shape or a.dtype != np.uint8 or b.dtype != np.uint8:
        raise ValueError(f'{a.dtype} {a.shape} is not {b.dtype} {b.shape}')
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def _input(name, dtype, shape, *words):
    return Input(name, dtype, shape, _MEANING[name].format(*words))


def _mapped(weights, latent):
    if NOISE not in weights:
        return latent
    own = weights[NOISE]
    return jnp.matmul(latent, own['matrix'], precision=jax.lax.Precision.HIGHEST) + own['offset']


def _images(random, count, height, width):
    rows, columns = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)
    waves = random.uniform(-9, 9, (count, 3, 3))
    images = [[np.sin(a * rows + b * columns + c) for a, b, c in image] for image in waves]
    return np.rint(127.5 + 127.5 * np.moveaxis(np.array(images), 1, -1)).astype(np.uint8)


def _masks(random, count, height, width):
    del random
    masks = np.zeros((count, height, width, 1), np.uint8)
    for i in range(count):
        top, left = (1 + i) * height // 16, (2 + i) * width // 16
        masks[i, top : top + height // 3, left : left + width // 4] = 255
        masks[i, -height // 4 : -height // 8, -width // 3 : -width // 8] = 255
    return masks


_TRIALS = {'image': _images, 'mask': _masks}
