"""What a unit of a network saw in an image, by the network's own filters turned round.

Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 2.1.

The projection goes the way of the gradient, from a unit down to the pixels, with other rules. A convolution passes its
signal on through the transposed filter. An activation lets through what is positive of the signal, whatever it gave
itself on the way up; so it is with every kind, leaky ones too. Max-pooling puts the signal where the maximum was: its
switches. Biases add nothing. A norm multiplies: by what it had from training or, where it takes its statistics from its
input, by those of this image, which are held constant. Averages and residual sums are linear and pass as they are.

So nothing in it depends on the image where a network has strided convolutions in place of max-pooling, and no norm by
statistics of its input: the projections of a channel are then equal, but for the image's borders. The guided projection
depends on it: an activation lets the signal through only where it was positive on the way up too (Springenberg et al.
2015, "Striving for Simplicity", section 3.4).

Activations and norms are known by `gans.nn.layers`: one that a network takes from elsewhere passes its gradient.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import Array

from gans.nn import rules
from gans.nn.rules import Rules
from gans.types import Tree
from gans.visualization.subject import Subject

_SEEN = 1e-6  # of the largest number: what is below comes from rounding (some convolutions of GPUs round zeros)


def outputs(subject: Subject, paths: Sequence[str], variables: Tree, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """What layers give for one example.

    Args:
      subject: the network.
      paths: the layers'.
      variables: the network's, or others of the same form.
      inputs: of one example, [h, w, C] each. It is judged alone: layers that look at a whole batch see a batch of one.

    Returns:
      float32 [h, w, C] or [C], one for each path.
    """

    def is_chosen(module, method):
        return method == '__call__' and '/'.join(module.path) in paths

    _, kept = subject.network.apply(
        variables,
        *(x[None] for x in inputs),
        **subject.options,
        mutable=['intermediates'],
        capture_intermediates=is_chosen,
    )
    found = flatten_dict(kept['intermediates'], sep='/')
    return tuple(found[f'{path}/__call__'][0][0].astype(jnp.float32) for path in paths)


def project(
    subject: Subject,
    paths: Sequence[str],
    variables: Tree,
    inputs: tuple[Array, ...],
    layer: Array,
    place: Array,
    channel: Array,
    guided: bool = False,
) -> tuple[Array, ...]:
    """Projects one unit down to the pixels of the example that it saw.

    The signal begins as 1 at the unit, and not as its activation: the projection grows with it and has the same form.

    Args:
      subject, paths, variables, inputs: as in `outputs`.
      layer: which of `paths` the unit is in.
      place: row * width + column in the layer's map; 0 in a layer without places.
      channel: which channel.
      guided: an activation also stops the signal where it was not positive on the way up.

    Returns:
      float [h, w, C] for each of `inputs`.
    """
    with rules.using(_GUIDED if guided else _TURNED_ROUND):
        made, pull_back = jax.vjp(lambda inputs: outputs(subject, paths, variables, inputs), inputs)
        signals = [_at(x.shape, place * x.shape[-1] + channel, layer == i) for i, x in enumerate(made)]
        (found,) = pull_back(tuple(signals))
    return found


def reached(
    subject: Subject, paths: Sequence[str], variables: Tree, inputs: tuple[Array, ...], row: Array, column: Array
) -> tuple[Array, ...]:
    """Which units see any pixel of a row or of a column, whatever the weights are.

    A stripe of ones goes up through filters of ones, without biases and norms, and where it gets is what sees it.

    Args:
      subject, paths: as in `outputs`.
      variables: of the form of the network's; only their shapes count, and the scheduled numbers.
      inputs: of one example; only their shapes count.
      row: which row is lit, -1 for none.
      column: which column is.

    Returns:
      bool [h, w] or [], one for each path.
    """

    def lit(x):
        rows, columns = jnp.arange(x.shape[0]) == row, jnp.arange(x.shape[1]) == column
        return jnp.broadcast_to((rows[:, None] | columns)[..., None], x.shape).astype(x.dtype)

    with rules.using(_OPEN):
        dark = outputs(subject, paths, _opened(variables), jax.tree.map(jnp.zeros_like, inputs))
        made = outputs(subject, paths, _opened(variables), jax.tree.map(lit, inputs))
    return tuple(_is_lit(x - y).any(axis=-1) for x, y in zip(made, dark, strict=True))


def _rectified(function):
    made = jax.custom_vjp(lambda x: function(x))
    made.defvjp(lambda x: (function(x), None), lambda _, signal: (jnp.maximum(signal, 0),))
    return made


def _rectified_both_ways(function):
    made = jax.custom_vjp(lambda x: function(x))
    made.defvjp(lambda x: (function(x), x > 0), lambda lit, signal: (jnp.where(lit, jnp.maximum(signal, 0), 0),))
    return made


def _at(shape, index, on):
    return jnp.zeros(math.prod(shape)).at[index].set(on.astype(jnp.float32), mode='drop').reshape(shape)


def _is_lit(x):
    return jnp.abs(x) > _SEEN * jnp.max(jnp.abs(x))


def _opened(variables):
    """Variables with which every filter sums what it sees, and norms with statistics from training do nothing."""
    plain = {'bias': jnp.zeros_like, 'scale': jnp.ones_like, 'mean': jnp.zeros_like, 'var': jnp.ones_like}

    def opened(name, x):
        return plain[name](x) if name in plain else jnp.full_like(x, 1 / max(math.prod(x.shape[:-1]), 1))

    flat = flatten_dict({name: value for name, value in variables.items() if name != 'hyper'})
    flat = {path: opened(path[-1], x) for path, x in flat.items()}
    return {**unflatten_dict(flat), **{name: value for name, value in variables.items() if name == 'hyper'}}


_TURNED_ROUND = Rules(activation=_rectified, mean=jax.lax.stop_gradient, scale=jax.lax.stop_gradient)
_GUIDED = _TURNED_ROUND._replace(activation=_rectified_both_ways)
_OPEN = Rules(
    activation=lambda function: lambda x: _is_lit(x).astype(x.dtype), mean=jnp.zeros_like, scale=jnp.ones_like
)
