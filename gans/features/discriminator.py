"""`discriminator:RUN`: the maps of a trained run's discriminator, for images of any size."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from gans.config.load import to_json
from gans.core import schedules
from gans.core.inputs import draw
from gans.errors import UserError
from gans.features.opening import Features, digest_of
from gans.features.rows import extractor
from gans.run.trained import Trained, digest_of_arrays, load_run
from gans.types import Array

ARGUMENT = 'RUN'  # what follows the colon: the folder of a run

_STEPS = tuple(2**i for i in range(11))  # pixels: of one of these, networks want sides that are multiples


class _HeadReached(Exception):
    """Ends the call of a network where its maps end."""


def open_features(argument: str) -> Features:
    """Opens the discriminator of a run's newest checkpoint.

    Its vector is the mean of its last map over all places, of images as large as they are.

    argument: the run's folder.

    Raises UserError: it holds no run, its discriminator needs a condition, or it has no convolutions.
    """
    run = load_run(argument)
    images = jax.ShapeDtypeStruct((1, *run.game.size, 3), np.uint8)
    if jax.eval_shape(partial(draw, run.game, jax.random.key(0)), images).cond is not None:
        raise UserError(
            f'The discriminator of {run.folder} judges pairs of an image and a condition, and an image alone has none: '
            'give a run whose discriminator sees images alone, a DCGAN for example.'
        )
    layers = partial(_layers, run, _variables(run))
    sizes: dict[str, int] = {}  # in the network's order: eval_shape would return them sorted
    shape = jax.ShapeDtypeStruct(images.shape, np.float32)
    jax.eval_shape(lambda x: sizes.update({name: x.shape[-1] for name, x in layers(x).items()}), shape)
    if not sizes:
        raise UserError(
            f'The discriminator of {run.folder} has no convolutions, and so no maps of an image: give a run with '
            'convolutional networks.'
        )
    last = list(sizes)[-1]
    about = {
        'network': f'discriminator of {run.config.name}',
        'config': to_json(run.config),
        'step': run.step,
        'weights': digest_of_arrays(run.state.disc.variables),
        'layers': list(sizes),
        'layer': f'{last}, averaged over all places',
        'resize': 'none: images are seen as large as they are',
        'version': 1,  # count up when the same images give other numbers than before
    }
    return Features(
        name='discriminator',
        digest=digest_of(about),
        size=sizes[last],
        about=about,
        extract=extractor(_each(lambda variables, image: _layers(run, variables, image)[last]), _variables(run)),
        layers=layers,
    )


def _variables(run: Trained) -> dict:
    return {**run.state.disc.variables, 'hyper': schedules.read(run.game.schedules, run.state.step)}


def _each(look: Callable) -> Callable:
    """The mean vectors of images that are looked at one by one: statistics over a batch are those of one image."""
    return lambda variables, images: jax.vmap(lambda image: look(variables, image[None])[0].mean((0, 1)))(images)


def _layers(run: Trained, variables: dict, images: Array) -> dict[str, Array]:
    """`Features.layers`: what the outermost modules give before the head, by their paths ('down_0').

    Where a network wants sides that are multiples of a power of two, the border is repeated, and what comes of that is
    cut off. The blur of the training is left out.
    """
    height, width = images.shape[1:3]
    for step in _STEPS:
        rows, columns = -height % step, -width % step
        padded = jnp.pad(images, ((0, 0), (0, rows), (0, columns), (0, 0)), 'edge')
        try:
            maps = _maps(run.game.disc, variables, padded)
            break
        except UserError:
            if step == _STEPS[-1]:
                raise
    return {name: _cut(x, (height, width), padded.shape[1:3]) for name, x in maps.items()}


def _cut(x, size, padded):
    """The part of a map of a padded image that the image itself is."""
    height, width = (max(1, -(-n * inner // outer)) for n, inner, outer in zip(x.shape[1:3], size, padded, strict=True))
    return x[:, :height, :width].astype(jnp.float32)


def _maps(network: nn.Module, variables: dict, images: Array) -> dict[str, Array]:
    """{path: map [N, h, w, C]} of the outermost modules, up to the first that is given no map."""
    found: dict[str, Array] = {}

    def watch(call, inputs, options, context):
        if context.method_name != '__call__':
            return call(*inputs, **options)
        if inputs and jnp.ndim(inputs[0]) != 4:
            raise _HeadReached
        output = call(*inputs, **options)
        path = '/'.join(context.module.path)
        if path and isinstance(output, jax.Array) and output.ndim >= 3:
            for inner in [name for name in found if name.startswith(f'{path}/')]:
                del found[inner]
            if output.ndim == 4:  # 3: maps of scores, which are no features
                found[path] = output
        return output

    try:
        with nn.intercept_methods(watch):
            network.apply(variables, images, None, train=False)
    except _HeadReached:
        pass
    return found
