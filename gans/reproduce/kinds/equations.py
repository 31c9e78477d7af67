"""Equations 84 to 99 and 103 of Curro 2016: the functions of this code that compute them, checked by NumPy."""

from collections.abc import Callable, Sequence
from math import factorial
from typing import NamedTuple

import jax
import numpy as np

from gans.losses import adversarial, matching, terms
from gans.objectives import standard
from gans.reproduce.types import Drawn, Place, Table
from gans.types import Array, Turn
from gans.visualization import style
from gans.visualization.stylize import Objective

_SEED = 2016
_MAPS = {'a': (3, 5, 2), 'b': (2, 4, 3)}  # height, width and channels of two layers
_BATCH = 4
_BANDWIDTH = 20.0
_BANDWIDTHS, _BANDWIDTH_WEIGHTS = (10.0, 40.0), (1.0, 0.5)
_WEIGHTS = {'a': 2.0, 'b': 0.25}  # of the layers
_LAMBDA = 0.2
_THRESHOLD = 1.0
_PAIR = (np.float32([[0.4, -0.3]]), np.float32([[-0.5, 0.6]]))


class Equation(NamedTuple):
    """An equation with two ways to its value.

    Attributes:
      what: what it is.
      function: the dotted name of the function of this code that computes it.
      at: the input, in words.
      ours: the value by that function.
      plain: the value by NumPy in float64, written from the equation alone.
    """

    what: str
    function: str
    at: str
    ours: Callable[[], Array | float]
    plain: Callable[[], float]


def draw(place: Place, which: Sequence[int]) -> Drawn:
    """A table of some equations: function, input, and the value by both ways.

    which: their numbers, in the order of the rows.
    """
    del place
    rows, numbers, furthest = [], {}, 0.0
    for number in which:
        equation = EQUATIONS[number]
        ours, plain = float(equation.ours()), float(equation.plain())
        furthest = max(furthest, abs(ours - plain) / abs(plain))
        numbers[f'eq{number}'] = ours
        rows.append([f'{number}', equation.what, equation.function, equation.at, f'{ours:.5g}', f'{plain:.5g}'])
    columns = ['equation', 'what it is', 'function', 'input', 'value by this code', 'value by NumPy']
    return Drawn(
        table=Table(columns, rows),
        numbers=numbers | {'difference': furthest},
        notes=[
            f'The two values differ by {furthest:.1g} of themselves at most. This code computes in float32; NumPy '
            'computes in float64 what the equation prints. Inputs "at random" are normal and always the same.'
        ],
    )


def _random(number: int, *shape: int) -> np.ndarray:
    """float32 of a normal distribution; another `number` gives others."""
    return np.random.default_rng([_SEED, number]).standard_normal(shape, np.float32)


def _layers(number: int, *leading: int) -> dict[str, np.ndarray]:
    return {name: _random(number + i, *leading, *shape) for i, (name, shape) in enumerate(_MAPS.items())}


_P, _Z = _layers(1, 1), _layers(3, 1)  # a photograph's maps and those of what is made of it, one image each
_A = {name: x[:, :, :-1] for name, x in _layers(5, 1).items()}  # of a work of art, which is smaller
_X, _G = _layers(7, _BATCH), _layers(9, _BATCH)  # a batch of real images, one of generated images
_REAL, _FAKE = 1 + _random(11, _BATCH), _random(12, _BATCH)  # the discriminator's logits of them


def _turn(**weights: float) -> Turn:
    """What a loss may look at; `weights` are those of its parts."""
    nothing = np.zeros((_BATCH, 2, 2, 3), np.float32)
    return Turn(
        real=nothing,
        fake=nothing,
        output=nothing,
        cond=None,
        real_seen=nothing,
        fake_seen=nothing,
        real_out=_REAL,
        fake_out=_FAKE,
        real_layers=_X,
        fake_layers=_G,
        params={},
        mean_params=(),
        disc=lambda images: _REAL,
        carry=(),
        hyper={'adversarial': 1.0, **weights},
        rng=jax.random.key(0),
    )


# Terms are means over the layers where the thesis has sums: their number makes up for it.
_MOMENTS = terms.moments(
    tuple(_MAPS),
    tuple(_WEIGHTS.values()),
    bandwidths=_BANDWIDTHS,
    bandwidth_weights=_BANDWIDTH_WEIGHTS,
    by_mean=False,
)
_STYLE = terms.style(tuple(_MAPS), tuple(_WEIGHTS.values()), form='positions')
_GAME = standard.make('non_saturating', {})
_WITH_MOMENTS = standard.make('non_saturating', {'moments': _MOMENTS})
_WITH_STYLE = standard.make('non_saturating', {'style': _STYLE})


def _transfer_losses() -> Array:
    objective = Objective(_P, style.grams(_A), _WEIGHTS, _WEIGHTS, 0.0)
    return objective.losses(_Z, np.zeros((1, 3, 5, 3), np.float32))['total']


def _kernel_of_a_pair() -> Array:
    """Of one example each the statistic is 2 - 2 k."""
    return 1 - matching.mmd(*_PAIR, bandwidths=(1.0,), by_mean=False) / 2


# From here on NumPy alone, one function for an equation or a part of one.


def _eq85(p, z):
    return np.sum((np.float64(p) - z) ** 2)


def _eq86(p, z):
    return sum(_WEIGHTS[j] * _eq85(p[j], z[j]) for j in _WEIGHTS)


def _eq87(f):
    height, width, channels = f.shape
    return np.einsum('hwc,hwd->cd', np.float64(f), np.float64(f)) / (channels * height * width)


def _eq88(a, z):
    return np.sum((_eq87(z[0]) - _eq87(a[0])) ** 2)


def _eq84():
    return sum(_WEIGHTS[j] * _eq88(_A[j], _Z[j]) for j in _WEIGHTS) + _eq86(_P, _Z)


def _sigmoid(x):
    return 1 / (1 + np.exp(-np.float64(x)))


def _eq89():
    return -np.mean(np.log(_sigmoid(_FAKE)))


def _eq90():
    return -np.mean(np.log(_sigmoid(_REAL)) + np.log(1 - _sigmoid(_FAKE)))


def _statistic(x, g, kernel):
    """The three double sums of equations 91 and 92."""
    x, g = np.float64(x).reshape(len(x), -1), np.float64(g).reshape(len(g), -1)

    def double_sum(a, b):
        return sum(kernel(one, other) for one in a for other in b) / (len(a) * len(b))

    return double_sum(x, x) + double_sum(g, g) - 2 * double_sum(x, g)


def _eq91():
    return _statistic(_X['a'], _G['a'], np.dot)


def _eq92(x, g, bandwidth):
    return _statistic(x, g, lambda a, b: np.exp(-np.sum((a - b) ** 2) / (2 * bandwidth)))


def _eq93():
    x = -np.sum((np.float64(_PAIR[0]) - _PAIR[1]) ** 2) / 2
    return sum(x**n / factorial(n) for n in range(20))


def _eq94():
    bandwidths = list(zip(_BANDWIDTHS, _BANDWIDTH_WEIGHTS, strict=True))
    return sum(_WEIGHTS[a] * w * _eq92(_X[a], _G[a], bandwidth) for a in _WEIGHTS for bandwidth, w in bandwidths)


def _eq97(x, g):
    x, g = np.float64(x), np.float64(g)
    products = [f[..., :, None] * f[..., None, :] for f in (x, g)]  # [N, H, W, C, C']
    return np.sum((products[0] - products[1]) ** 2) / len(x)


def _eq98():
    return sum(_WEIGHTS[j] * _eq97(_X[j], _G[j]) for j in _WEIGHTS)


def _eq103():
    return np.mean(np.maximum(0, _THRESHOLD - np.float64(_REAL)) + np.maximum(0, _THRESHOLD + np.float64(_FAKE)))


_ONE_IMAGE = 'maps of one image at random, 3 x 5 x 2 and 2 x 4 x 3'
_TWO = 'the layers weigh 2 and 0.25'
_LOGITS = f'logits of {_BATCH} real and {_BATCH} generated images at random'
_FEATURES = f'maps 3 x 5 x 2 of {_BATCH} real and {_BATCH} generated images at random'
_BOTH = f'maps 3 x 5 x 2 and 2 x 4 x 3 of {_BATCH} real and {_BATCH} generated images at random'
_SUMS = f'bandwidths 10 and 40, which weigh 1 and 0.5; {_TWO}'

EQUATIONS = {
    84: Equation(
        'style and content of an image, added up: what style transfer makes small',
        'gans.visualization.stylize.Objective.losses',
        f'{_ONE_IMAGE}; a work of art with a column less; {_TWO}',
        _transfer_losses,
        _eq84,
    ),
    85: Equation(
        'content loss of a layer',
        'gans.visualization.style.content_losses',
        'maps 3 x 5 x 2 of two images at random',
        lambda: style.content_losses(_Z, {'a': _P['a']})['a'],
        lambda: _eq85(_P['a'], _Z['a']),
    ),
    86: Equation(
        'content loss of several layers',
        'gans.visualization.style.weighted',
        f'{_ONE_IMAGE}; {_TWO}',
        lambda: style.weighted(style.content_losses(_Z, _P), _WEIGHTS),
        lambda: _eq86(_P, _Z),
    ),
    87: Equation(
        'Gram matrix of a layer: its first row, second column',
        'gans.losses.matching.gram',
        'a map 3 x 5 x 2 at random',
        lambda: matching.gram(_Z['a'])[0, 0, 1],
        lambda: _eq87(_Z['a'][0])[0, 1],
    ),
    88: Equation(
        'style loss of a layer',
        'gans.visualization.style.style_losses',
        'maps 3 x 5 x 2 and 3 x 4 x 2 at random',
        lambda: style.style_losses(_Z, style.grams({'a': _A['a']}))['a'],
        lambda: _eq88(_A['a'], _Z['a']),
    ),
    89: Equation(
        "the generator's loss",
        'gans.losses.adversarial.non_saturating_gen',
        _LOGITS,
        lambda: adversarial.non_saturating_gen(_FAKE),
        _eq89,
    ),
    90: Equation(
        "the discriminator's loss",
        'gans.losses.adversarial.logistic_disc',
        _LOGITS,
        lambda: sum(adversarial.logistic_disc(_REAL, _FAKE)),
        _eq90,
    ),
    91: Equation(
        'two-sample statistic of a layer, linear',
        'gans.losses.matching.mmd',
        _FEATURES,
        lambda: matching.mmd(_X['a'], _G['a'], 'linear', by_mean=False),
        _eq91,
    ),
    92: Equation(
        'two-sample statistic of a layer, by a Gaussian kernel',
        'gans.losses.matching.mmd',
        f'{_FEATURES}; bandwidth {_BANDWIDTH:g}',
        lambda: matching.mmd(_X['a'], _G['a'], bandwidths=(_BANDWIDTH,), by_mean=False),
        lambda: _eq92(_X['a'], _G['a'], _BANDWIDTH),
    ),
    93: Equation(
        'the series of the exponential: a kernel sees moments of all orders',
        'gans.losses.matching.mmd',
        'X = -0.81: the features (0.4, -0.3) and (-0.5, 0.6), bandwidth 1; by NumPy 20 terms of the series',
        _kernel_of_a_pair,
        _eq93,
    ),
    94: Equation(
        'moments: several layers, several bandwidths',
        'gans.losses.terms.moments',
        f'{_BOTH}; {_SUMS}',
        lambda: _MOMENTS.value(_turn()) * len(_MAPS),
        _eq94,
    ),
    95: Equation(
        "the generator's loss with moments",
        'gans.objectives.standard.make',
        f'those of 89 and 94; lambda is {_LAMBDA:g}',
        lambda: _WITH_MOMENTS.gen(_turn(moments=_LAMBDA * len(_MAPS)))[0],
        lambda: _eq89() + _LAMBDA * _eq94(),
    ),
    96: Equation(
        "the discriminator's loss beside it",
        'gans.objectives.standard.make',
        _LOGITS,
        lambda: _GAME.disc(_turn())[0],
        _eq90,
    ),
    97: Equation(
        'style loss of a layer of two batches, place by place',
        'gans.losses.matching.style',
        _FEATURES,
        lambda: matching.style(_X['a'], _G['a'], form='positions'),
        lambda: _eq97(_X['a'], _G['a']),
    ),
    98: Equation(
        'style loss of several layers',
        'gans.losses.terms.style',
        f'{_BOTH}; {_TWO}',
        lambda: _STYLE.value(_turn()) * len(_MAPS),
        _eq98,
    ),
    99: Equation(
        "the generator's loss with style",
        'gans.objectives.standard.make',
        f'those of 89 and 98; lambda is {_LAMBDA:g}',
        lambda: _WITH_STYLE.gen(_turn(style=_LAMBDA * len(_MAPS)))[0],
        lambda: _eq89() + _LAMBDA * _eq98(),
    ),
    103: Equation(
        "the discriminator's hinge loss",
        'gans.losses.adversarial.hinge_disc',
        f'{_LOGITS}; alpha is {_THRESHOLD:g}',
        lambda: sum(adversarial.hinge_disc(_REAL, _FAKE, _THRESHOLD)),
        _eq103,
    ),
}
