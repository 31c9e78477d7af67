"""Activation functions and their gradients: figure 6 of Curro 2016, of the functions that the networks here use."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gans.image import files
from gans.nn.layers import activation
from gans.reproduce.types import Drawn, Place, Table
from gans.training.history import render

_SLOPE = 0.2  # of the leaky ReLU below 0: that of the thesis's code, and of the configs
_ALPHA = 1.0  # of the ELU
_REACH = 4.0
_POINTS = 401
_AT = (-2.0, 2.0)  # where the table has values


class Activation(NamedTuple):
    """An activation function beside what an equation says of it, in NumPy.

    Attributes:
      name: as the document has it.
      function: the dotted name of what computes it here.
      compute: that function, elementwise.
      value: the equation.
      gradient: the equation of its gradient.
    """

    name: str
    function: str
    compute: Callable
    value: Callable
    gradient: Callable


ACTIVATIONS = (
    Activation(
        'sigmoid',
        'jax.nn.sigmoid',
        jax.nn.sigmoid,
        lambda x: 1 / (1 + np.exp(-x)),
        lambda x: np.exp(x) / (np.exp(x) + 1) ** 2,
    ),
    Activation(
        'ReLU',
        "gans.nn.layers.activation('relu')",
        activation('relu'),
        lambda x: np.maximum(0, x),
        lambda x: np.where(x > 0, 1.0, 0.0),
    ),
    Activation(
        'ELU',
        "gans.nn.layers.activation('elu')",
        activation('elu'),
        lambda x: np.where(x > 0, x, _ALPHA * (np.exp(x) - 1)),
        lambda x: np.where(x > 0, 1.0, _ALPHA * (np.exp(x) - 1) + _ALPHA),
    ),
    Activation(
        'leaky ReLU',
        f"gans.nn.layers.activation('leaky_relu', {_SLOPE})",
        activation('leaky_relu', _SLOPE),
        lambda x: np.where(x > 0, x, _SLOPE * x),
        lambda x: np.where(x > 0, 1.0, _SLOPE),
    ),
)


def draw(place: Place) -> Drawn:
    """The four functions in blue, their gradients in dashed green, and how far both are from the equations."""
    x = np.linspace(-_REACH, _REACH, _POINTS, dtype=np.float32)
    rows, numbers, furthest, drawn = [], {}, 0.0, []
    for one in ACTIVATIONS:
        values, gradients = (np.asarray(part) for part in jax.vmap(jax.value_and_grad(one.compute))(x))
        wide, corner = np.float64(x), x == 0  # at the corner of a ReLU there is no gradient to compare
        gaps = [np.abs(values - one.value(wide)), np.abs(gradients - one.gradient(wide))[~corner]]
        furthest = max(furthest, *(float(gap.max()) for gap in gaps))
        some = [float(one.compute(jnp.float32(at))) for at in _AT]
        rows.append([one.name, one.function, *(f'{value:.4g}' for value in (*some, gradients.min(), gradients.max()))])
        numbers[f'{one.name}: largest gradient'] = float(gradients.max())
        drawn.append((one.name, values, gradients))
    path = place.folder / 'activations.png'
    files.save_png(path, render(_figure(x, drawn)))
    columns = ['activation', 'function', *(f'at {at:g}' for at in _AT), 'least gradient', 'largest gradient']
    names = ', '.join(one.name for one in ACTIVATIONS)
    return Drawn(
        images=[(path, f'{names}: each function as a blue line, its gradient as a dashed green one.')],
        table=Table(columns, rows),
        numbers=numbers,
        notes=[
            f'Gradients are by automatic differentiation. Values and gradients differ from equations 60 to 65 by '
            f'{furthest:.1g} at most, at {_POINTS} points from {-_REACH:g} to {_REACH:g}.'
        ],
    )


def _figure(x, drawn):
    from matplotlib.figure import Figure

    figure = Figure((9, 7), dpi=100, facecolor='white', layout='constrained')
    for axes, (name, values, gradients) in zip(figure.subplots(2, 2).flat, drawn, strict=True):
        axes.plot(x, values, color='tab:blue', label='function')
        axes.plot(x, gradients, color='tab:green', linestyle='--', label='gradient')
        axes.set_title(name)
        axes.grid(alpha=0.3)
        axes.legend(loc='upper left')
    return figure
