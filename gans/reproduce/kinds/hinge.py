"""The hinge loss beside the cross entropy of one score: figure 12 of Curro 2016."""

import jax
import numpy as np

from gans.image import files
from gans.losses.adversarial import hinge_disc, logistic_disc
from gans.reproduce.types import Drawn, Place, Table
from gans.training.history import render

_REACH = 3.0
_POINTS = 601
_AT = (-2.0, 0.0, 1.0, 2.0)  # where the table has values
_THRESHOLD = 1.0


def draw(place: Place) -> Drawn:
    """What the discriminator pays for one real image with each loss, over its score of it, and the slopes."""
    scores = np.linspace(-_REACH, _REACH, _POINTS, dtype=np.float32)
    losses = {'hinge': lambda x: hinge_disc(x, x, _THRESHOLD)[0], 'cross entropy': lambda x: logistic_disc(x, x)[0]}
    lines = {name: jax.vmap(jax.value_and_grad(loss))(scores) for name, loss in losses.items()}
    path = place.folder / 'hinge.png'
    files.save_png(path, render(_figure(scores, lines)))
    rows, at_threshold = [], {}
    for name, loss in losses.items():
        values, slopes = jax.vmap(jax.value_and_grad(loss))(np.float32(_AT))
        at_threshold[name] = float(values[_AT.index(_THRESHOLD)])
        rows += [[name, *(f'{x:.4f}' for x in values)], [f'{name}, slope', *(f'{x + 0:.4f}' for x in slopes)]]
    content = scores[np.asarray(lines['hinge'][1]) == 0].min()
    return Drawn(
        images=[
            (
                path,
                'Two losses over a score from -3 to 3: the hinge falls along a straight line to 0 at a score of 1 and '
                'stays there; the cross entropy falls in a curve and never reaches 0.',
            )
        ],
        table=Table(['loss of a real image', *(f'score {at:g}' for at in _AT)], rows),
        numbers={
            'probability': float(jax.nn.sigmoid(content)),
            'cross entropy at the threshold': at_threshold['cross entropy'],
        },
        notes=[
            'A real image whose score is above 1 costs a hinge discriminator nothing and moves none of its weights; '
            'with cross entropy it goes on to count. Slopes at the corner are those to its right.'
        ],
    )


def _figure(scores, lines):
    from matplotlib.figure import Figure

    figure = Figure((8, 5), dpi=100, facecolor='white', layout='constrained')
    axes = figure.subplots()
    for (name, (values, _)), style in zip(lines.items(), ('-', '--'), strict=True):
        axes.plot(scores, values, style, label=name)
    axes.axvline(_THRESHOLD, color='gray', linewidth=0.8)
    axes.set_xlabel("the discriminator's score of a real image (before any sigmoid)")
    axes.set_ylabel('loss')
    axes.grid(alpha=0.3)
    axes.legend(loc='upper right')
    return figure
