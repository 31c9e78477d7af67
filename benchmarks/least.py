"""The least arithmetic of one step: what the convolutions and projections of both networks need, nothing else.

Counted from the modules themselves, by the shapes that their layers meet, for the plain definition of every layer (a
nearest upscaling followed by a convolution counts as one convolution at the low resolution: that is exact and less).
Only products with a pixel count, not those with the zeros around an image; one multiplication and one addition are
two operations. A gradient by the input or by the weights costs what the forward pass costs. Norms, activations,
losses, blur, random numbers and the optimizers are left out: what a step spends on them is part of the measured excess.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import numpy as np

from gans.core.inputs import draw
from gans.nn.conv import phase_sums, same_padding
from gans.nn.conv_transpose import beyond, taps_on
from gans.nn.layers import Conv, Dense, TransposedConv
from gans.objectives.standard import FORMS
from gans.types import Game


class Layer(NamedTuple):
    """One call of a layer: its module path, the operations of its forward pass, its input channels."""

    name: str
    operations: float
    channels: int


def layers_of(module: nn.Module, *args, **inputs) -> list[Layer]:
    """Every convolution and projection that `module` computes on inputs of these shapes (arrays or shapes)."""
    found = []

    def watch(call: Callable, arguments: tuple, keywords: dict, context: nn.module.InterceptorContext):
        if context.method_name == '__call__' and isinstance(context.module, (Conv, Dense, TransposedConv)):
            found.append(_count(context.module, [x.shape for x in arguments]))
        return call(*arguments, **keywords)

    with nn.intercept_methods(watch):
        jax.eval_shape(partial(module.init, train=True), jax.random.key(0), *args, **inputs)
    return found


def least_operations(game: Game, config) -> float:
    """Floating point operations of one step of `config`, all devices together.

    A discriminator turn pushes the real and the generated images forward and back to the weights. The last one and
    the first generator turn share one generator forward pass. A generator turn pushes the generated images through
    the discriminator and back to the image, not to the discriminator's weights, and on to the generator's weights.
    A gradient penalty pushes images forward and back to the image, and both passes back to the weights; the forward
    one only where the slope depends on it, which that of straight pieces does not. R1 and R2 share the forward pass and
    the passes back with the scores: what they add is the pass to the image, and through that pass to what came from
    above and to the weights. With `objective.lazy` this is a step that has them; the others are those of
    `game.at(None, due=False)`. A generator whose loss is of pairs needs the scores of the real images too.
    """
    images = jax.ShapeDtypeStruct((game.batch_shape[1], *game.size, 3), np.uint8)
    inputs = jax.eval_shape(partial(draw, game), jax.random.key(0), images)
    gen = layers_of(game.gen, **inputs.gen)
    disc = layers_of(game.disc, inputs.real, inputs.cond)
    shown = 0 if inputs.cond is None else inputs.cond.shape[-1]
    image_share = 1 - shown / disc[0].channels  # no gradient by the condition is wanted

    gen_forward, disc_forward = _sum(gen), _sum(disc)
    gen_turn = 2 * disc_forward - (1 - image_share) * disc[0].operations
    gen_turn += 2 * gen_forward - gen[0].operations
    gen_turn += disc_forward if _compares_pairs(config.objective) else 0
    disc_turn = 2 * (3 * disc_forward - disc[0].operations)
    if 'penalty' in game.objective.needs:
        # Forward; to the image; through that pass, to what came from above and to the weights. The last projection's
        # slope is its weights: a constant.
        disc_turn += 4 * disc_forward - (1 - image_share) * disc[0].operations - 3 * disc[-1].operations
        if _has_curves(game.disc):  # through the forward pass too, whose activations the slopes depend on
            disc_turn += 2 * disc_forward - disc[0].operations
    by_image = 3 * (disc_forward - (1 - image_share) * disc[0].operations) - 2 * disc[-1].operations
    disc_turn += len(game.objective.gradients) * by_image
    turns = game.turns.disc * disc_turn + game.turns.gen * gen_turn
    return turns + game.batch_shape[0] * gen_forward


def _compares_pairs(objective):
    """Does the generator's loss look at the scores of real images?"""
    form = FORMS.get(objective.get('gen_form') or objective.get('form'))
    return form is not None and form.paired


def _has_curves(network):
    """Is it more than straight pieces? Then its slope changes with the image, not only from piece to piece."""
    smooth = getattr(network, 'activation', 'leaky_relu') not in ('relu', 'leaky_relu')
    return smooth or getattr(network, 'norm', 'none') != 'none'


def _sum(layers):
    return sum(layer.operations for layer in layers)


def _count(layer, shapes):
    inputs = sum(shape[-1] for shape in shapes)
    if isinstance(layer, Dense):
        return Layer('/'.join(layer.path), 2.0 * np.prod(shapes[0][:-1]) * inputs * layer.features, inputs)
    batch, height, width, _ = shapes[0]
    if isinstance(layer, TransposedConv):
        shape = layer.shape or (2 * height, 2 * width)
        left_out = beyond((height, width), layer.kernel, shape)
        sides = zip((height, width), shape, left_out, strict=True)
        rows, columns = (_transposed_taps(extent, layer.kernel, out, first) for extent, out, (first, _) in sides)
    else:
        rows, columns = (
            _taps(extent, layer.kernel, layer.stride, layer.upscale, layer.dilation) for extent in (height, width)
        )
    return Layer('/'.join(layer.path), 2.0 * batch * rows * columns * inputs * layer.features, inputs)


def _taps(extent: int, size: int, stride: int, upscale: int, dilation: int) -> int:
    """How many products one row of pixels needs along one axis, those with the zeros outside left out."""
    if upscale == 1 or dilation > 1:
        wide = extent * upscale
        out, (before, _) = same_padding(wide, (size - 1) * dilation + 1, stride)
        seen = np.arange(out)[:, None] * stride - before + np.arange(size) * dilation
        return int(np.sum((seen >= 0) & (seen < wide)))
    side = phase_sums(size).shape[1]
    first = np.arange(extent)[:, None] - side // 2
    return upscale * int(np.sum((first + np.arange(side) >= 0) & (first + np.arange(side) < extent)))


def _transposed_taps(extent: int, size: int, out: int, first: int) -> int:
    """The same for a transposed convolution to `out` pixels, from the one `first` of 2 * `extent` on.

    The zeros between the pixels are left out too.
    """
    seen = (row // 2 + shift for row in range(first, first + out) for shift, _ in taps_on(size, row % 2))
    return sum(0 <= place < extent for place in seen)
