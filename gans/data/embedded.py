"""The embedded data set: pictures of flowers, drawn on the spot, so that every experiment runs without a download.

A picture is a pure function of (seed, index, shape). `SPECIES` and `GROUNDS` are the data; everything else places them.
Shape tells the species, and the species, its marks and the light tell most of the colour, so that a network can learn
colours from grays; some species have several palettes, as gardens do. The brushes are in `gans/data/flowers.py`.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from gans.data.flowers import Centre, Cluster, Light, Petal, Sheet, Single, View, Whorl, centre, ramp, single, whorl

COARSE = 32  # the background is out of focus: it is painted on COARSE x COARSE pixels for every shape


class Species(NamedTuple):
    """A kind of flower: its parts from back to front, palettes (ramps by slot), backgrounds, leaves and pose.

    tilt: largest tilt in radians; upright: seen from the side or with a fixed upper side; cell: size of the
    small flowers if it is a dome of them, else 0; size: relative radius.
    """

    name: str
    parts: tuple[Whorl | Single | Centre, ...]
    palettes: tuple[tuple[str, ...], ...]
    grounds: tuple[str, ...] = ('meadow', 'shade')
    leaf: str = 'lance'
    tilt: float = 0.8
    upright: bool = False
    cell: float = 0.0
    size: float = 1.0


class Ground(NamedTuple):
    """A background: a ramp from dark to light, its rise from bottom to top, mottle (rows, columns, strength), grain,
    bokeh discs (number, ramp), what grows there out of focus and the ramps of leaves in it."""

    colours: str
    rise: float
    mottle: tuple[int, int, float]
    grain: float
    bokeh: int
    glow: str
    plants: str
    green: str


GROUNDS = {
    'meadow': Ground('173a0c 3f7a1c 78ad32 b9d862', 0.25, (5, 5, 0.16), 0.0, 14, 'a9d84f e9f59a', 'blade',
                     '1d5a14 3f8f24 7cba45'),
    'shade': Ground('08200c 123a18 265e26 4c8c3c', 0.25, (5, 5, 0.2), 0.0, 8, '3d8a3a 9ac46a', 'oval',
                    '0c3a16 1d6427 4a9440'),
    'sky': Ground('4a7a2a 8fc4ea 5ea4ea 2f7fdc', 0.85, (4, 3, 0.1), 0.0, 3, 'ffffff eaf4ff', '',
                  '2a6a1a 55a030 9ad050'),
    'soil': Ground('23150c 4a2e1a 7a5232 a98055', -0.1, (7, 7, 0.12), 0.13, 0, '6a4a2a a08050', 'round',
                   '245a18 468a2c 86b850'),
    'water': Ground('04202a 0a4450 1a6e78 6ab4b8', 0.2, (22, 3, 0.15), 0.0, 3, '7ac8c8 d0f0f0', 'pad',
                    '184a20 2f7a30 78b04a'),
    'evening': Ground('1c1608 5a3c10 b87a1e ffd070', 0.5, (4, 4, 0.14), 0.0, 12, 'ffb840 fff0b0', 'blade',
                      '2a4010 5a7018 b0a040'),
    'stones': Ground('3a3a3c 6c6a68 98948e c4c0b8', 0.1, (9, 9, 0.26), 0.04, 0, '9a9690 c8c4bc', 'blade',
                     '1f5020 3f7f38 7aa860'),
}

LEAVES = {
    'lance': Petal(1.1, 0.13, 1.0, 1.8, cup=0.5, curl=0.25, mark='pinnate'),
    'oval': Petal(0.85, 0.27, 1.0, 1.7, cup=0.45, curl=0.15, mark='pinnate'),
    'round': Petal(0.7, 0.40, 0.8, 1.0, cup=0.4, frill=0.02, mark='pinnate'),
    'blade': Petal(1.6, 0.040, 0.7, 1.6, cup=0.5, curl=0.3, mark=''),
    'strap': Petal(1.7, 0.075, 0.5, 1.4, cup=0.5, curl=0.2, veins=3),
    'pad': Petal(0.9, 0.50, 0.5, 0.9, cup=0.2, veins=7),
}

SPECIES = (
    Species('daisy', (Whorl(21, Petal(1.0, 0.105, 1.0, 0.6, veins=2), turn=0.5, wild=0.06),
                      Whorl(21, Petal(0.96, 0.105, 1.0, 0.6, veins=2), wild=0.07),
                      Centre('disc', 0.30, 13, 1, 0.12)),
            (('b8c4e0 ffffff ffffff', 'ffe23a ffc400 d98200'),)),
    Species('sunflower', (Whorl(17, Petal(1.0, 0.17, 1.0, 1.6, veins=3), turn=0.5, wild=0.07),
                          Whorl(17, Petal(0.92, 0.17, 1.0, 1.6, veins=3), wild=0.07),
                          Centre('disc', 0.47, 21, 1, 0.05)),
            (('e07a00 ffb800 ffdc28', '5a3a10 2e1808 7a4510'),), ('sky', 'meadow', 'sky'), 'round', 0.5),
    Species('rose', tuple(Whorl(5, Petal(r, 0.62, 1.2, 0.45, frill=0.015, cup=0.5), True, i * 0.38, i * 0.04, 0.07)
                          for i, r in enumerate((1.0, 0.84, 0.68, 0.52, 0.37, 0.23))),
            (('500010 b00820 e8203a',), ('b0305a f06a98 ffb0cc',), ('d88a10 ffc83a fff08a',),
             ('d8b078 fff0d0 fffaf0',)), ('shade', 'meadow'), 'oval', 0.6),
    Species('tulip', (Single(76, Petal(1.35, 0.27, 0.8, 1.4, curl=-0.1, cup=0.5), 0.08, 0.72),
                      Single(104, Petal(1.35, 0.27, 0.8, 1.4, curl=0.1, cup=0.5), -0.08, 0.72),
                      Single(66, Petal(1.4, 0.29, 0.7, 1.2, curl=-0.28, cup=0.6, veins=5), 0.02, 0.75),
                      Single(114, Petal(1.4, 0.29, 0.7, 1.2, curl=0.28, cup=0.6, veins=5), -0.02, 0.75),
                      Single(90, Petal(1.28, 0.34, 0.7, 1.2, cup=0.6, veins=5), 0, 0.78)),
            (('ffc020 e01818 f03028',), ('f8e060 ffcf10 ffd820',), ('f0d0f0 8a2aa0 6a1a88',),
             ('ffffff ff80a8 f85a90',)), ('meadow', 'sky', 'soil'), 'strap', 0.0, True, size=0.85),
    Species('poppy', (Whorl(2, Petal(1.0, 0.78, 0.8, 0.3, arc=0.35, frill=0.02, veins=9, mark='blotch'), wild=0.04),
                      Whorl(2, Petal(0.92, 0.78, 0.8, 0.3, arc=0.35, frill=0.02, veins=9, mark='blotch'), turn=0.5, wild=0.04),
                      Centre('stamens', 0.36, 26, 2, 0.1), Centre('disc', 0.15, 8, 3, 0.15)),
            (('c01008 e82010 ff4420', '180810 180810', '201018 281420', '6a8a50 506838'),),
            ('meadow', 'evening'), 'lance'),
    Species('pansy', (Single(125, Petal(0.95, 0.46, 0.9, 0.5, cup=0.3, slot=2), 0, -0.02),
                      Single(55, Petal(0.95, 0.46, 0.9, 0.5, cup=0.3, slot=2), 0, -0.02),
                      Single(178, Petal(0.88, 0.43, 0.9, 0.5, mark='rays', veins=5)),
                      Single(2, Petal(0.88, 0.43, 0.9, 0.5, mark='rays', veins=5)),
                      Single(-90, Petal(0.92, 0.62, 0.9, 0.4, notch=0.08, mark='blotch', veins=7)),
                      Centre('disc', 0.09, 5, 3)),
            (('ffc800 ffd81a ffe840', '2a0838 2a0838', '4a1080 6a20b0 8a40d0', 'ffe860 ffd020'),
             ('fff0a0 9a60e0 7a3ad0', '24063a 24063a', '2a1080 3a20b0 5a40d8', 'ffe860 ffd020'),
             ('e06000 b01a10 901018', '200408 200408', '800810 a01018 c82020', 'ffe860 ffd020')),
            ('soil', 'shade', 'meadow'), 'oval', 0.35, True),
    Species('daffodil', (Whorl(3, Petal(1.0, 0.36, 1.0, 1.3, veins=4), turn=0.5), Whorl(3, Petal(1.0, 0.34, 1.0, 1.3, veins=4)),
                         Centre('corona', 0.40, 14, 1, 0.4)),
            (('e8d820 ffee30 fff678', 'a04800 f08800 ff9c10'), ('e8f0c0 fffff0 ffffff', 'b08800 ffc800 ff8a10')),
            ('meadow', 'soil'), 'strap', 0.8),
    Species('lily', (Whorl(3, Petal(1.0, 0.25, 1.2, 1.8, cup=-0.5, curl=0.06, veins=3, mark='spots'), turn=0.5),
                     Whorl(3, Petal(1.0, 0.31, 1.2, 1.7, cup=-0.5, curl=0.06, veins=3, mark='spots')),
                     Centre('stamens', 0.55, 6, 2, 0.3)),
            (('e8e040 ff8010 ff6a08', '501008 501008', 'e0f080 7a2408'),), ('shade', 'meadow'), 'lance'),
    Species('stargazer', (Whorl(3, Petal(1.0, 0.27, 1.2, 1.7, cup=-0.4, frill=0.008, mark='band'), turn=0.5),
                          Whorl(3, Petal(1.0, 0.35, 1.2, 1.6, cup=-0.4, frill=0.012, mark='band')),
                          Centre('stamens', 0.5, 6, 2, 0.3)),
            (('c8e080 ffd0e4 ffffff', 'e01068 e01068', 'd0f090 a84008'),), ('shade',), 'lance'),
    Species('hibiscus', (Whorl(5, Petal(1.0, 0.50, 1.0, 0.5, frill=0.025, curl=0.12, veins=6, mark='blotch'), True),
                         Single(62, Petal(0.85, 0.035, 0.3, 0.3, slot=2, cup=0.3)),
                         Single(62, Petal(0.34, 0.17, 0.5, 0.5, slot=3, mark='spots', ink=2), 0.24, -0.44)),
            (('c01850 ff4a78 ff7a90', '7a0428 7a0428', 'ffd0a0 ffe0a0', 'ffd820 ffe850'),
             ('ffb020 ffd83a ffe868', 'b81020 b81020', 'ffd0a0 ffe0a0', 'e84020 f06030')),
            ('shade', 'sky'), 'oval', 0.5),
    Species('cherry', (Whorl(5, Petal(1.0, 0.40, 1.0, 0.55, notch=0.14, veins=3), wild=0.03),
                       Centre('stamens', 0.46, 17, 1, 0.1), Centre('disc', 0.08, 5, 2)),
            (('e8508a ffc0d8 ffe6f0', 'ffd0e0 d88820', 'b8c840 90a030'),), ('sky', 'meadow'), 'branch', 0.7, size=0.72),
    Species('cornflower', (Whorl(11, Petal(1.0, 0.22, 2.6, 0.35, frill=0.07, veins=3), turn=0.5, wild=0.09),
                           Whorl(9, Petal(0.7, 0.20, 2.4, 0.4, frill=0.07, slot=1), wild=0.12),
                           Centre('stamens', 0.36, 19, 2, 0.1)),
            (('1a1a90 2a48e8 5a88ff', '30189a 4a30c8 6a58e8', '6a1890 401070'),), ('meadow', 'evening'), 'blade'),
    Species('morning glory', (Whorl(5, Petal(1.0, 0.8, 0.6, 0.2, arc=0.42, cup=0.3, mark='star'), wild=0.01),
                              Centre('disc', 0.13, 5, 2)),
            (('8a8af0 3838d8 2828b8', 'fff0ff fff0ff', 'fff8b0 ffe860'),), ('meadow', 'sky'), 'round', 0.7),
    Species('water lily', (Whorl(11, Petal(1.0, 0.17, 1.2, 1.5, cup=0.5), lift=0.0, turn=0.5),
                           Whorl(10, Petal(0.88, 0.18, 1.2, 1.5, cup=0.6), lift=0.16),
                           Whorl(8, Petal(0.68, 0.19, 1.2, 1.5, cup=0.7), lift=0.3, turn=0.5),
                           Centre('stamens', 0.36, 23, 1, 0.4), Centre('disc', 0.16, 8, 1, 0.42)),
            (('ffe0ec ff9cc8 e84a98', 'ffe040 ffc010'), ('fffff0 ffffff f4f8ff', 'ffe040 ffb810')),
            ('water',), 'pad', 0.95),
    Species('dahlia', tuple(Whorl(n, Petal(r, 0.16 + 0.02 * i, 1.2, 1.2, cup=0.6), False, 0.5 * (i % 2), i * 0.05, 0.03)
                            for i, (n, r) in enumerate(((17, 1.0), (17, 0.88), (15, 0.74), (13, 0.6), (11, 0.45), (7, 0.3)))),
            (('700038 c81478 f05ab0',), ('901000 f05010 ffa040',), ('500828 901038 c02a58',)), ('shade', 'soil'), 'oval', 0.6),
    Species('gerbera', (Whorl(24, Petal(1.0, 0.10, 0.9, 0.7, veins=2), turn=0.5, wild=0.03),
                        Whorl(24, Petal(0.94, 0.10, 0.9, 0.7, veins=2), wild=0.03),
                        Whorl(20, Petal(0.52, 0.13, 0.9, 0.9), wild=0.05),
                        Centre('disc', 0.27, 13, 1, 0.05)),
            (('d83000 ff6a10 ff9030', '2a1408 4a2010 8a4010'), ('c01050 ff4a8a ff80b0', '38200c 5a3018 c8a040'),
             ('900008 d81018 f03030', '281008 3a1808 5a2808')), ('shade', 'meadow'), 'lance', 0.6),
    Species('buttercup', (Whorl(5, Petal(1.0, 0.44, 1.0, 0.5, cup=0.7), True, wild=0.03),
                          Centre('stamens', 0.42, 25, 1, 0.1), Centre('disc', 0.16, 7, 2, 0.15)),
            (('e0a000 ffd000 ffe810', 'ffe850 ffc000', 'c8d030 a0b020'),), ('meadow',), 'lance', 0.9, size=0.8),
    Species('forget-me-not', (Whorl(5, Petal(1.0, 0.42, 1.0, 0.6, cup=0.25, mark='star'), wild=0.03), Centre('disc', 0.2, 5, 2)),
            (('7ac0ff 4a98f8 3a88f0', 'ffffff ffffff', 'ffe030 ffb800'),), ('meadow', 'shade'), 'oval', cell=0.36),
    Species('hydrangea', (Whorl(4, Petal(1.0, 0.5, 0.8, 0.9, cup=0.3, veins=3), wild=0.05), Centre('disc', 0.14, 5, 1)),
            (('c8d8ff 6a80f0 5868e0', 'e8f0c0 b0c8ff'), ('ffe0f0 f878b8 e858a0', 'fff0c0 ffc0e0')),
            ('shade', 'soil'), 'round', cell=0.25, size=1.1),
    Species('geranium', (Whorl(5, Petal(1.0, 0.34, 1.0, 0.6, cup=0.3, mark='rays'), wild=0.06), Centre('disc', 0.13, 5, 2)),
            (('ff6a50 f02818 e81810', '900010 900010', 'fff0c0 ffe0a0'),), ('shade', 'stones'), 'round', cell=0.33),
    Species('iris', (Single(60, Petal(0.95, 0.30, 1.2, 0.6, frill=0.02, cup=0.5, slot=3), 0, 0.05),
                     Single(120, Petal(0.95, 0.30, 1.2, 0.6, frill=0.02, cup=0.5, slot=3), 0, 0.05),
                     Single(90, Petal(1.0, 0.30, 1.2, 0.6, frill=0.02, cup=0.5, slot=3), 0, 0.05),
                     Single(-158, Petal(0.98, 0.28, 1.4, 0.6, curl=-0.2, frill=0.02, mark='band', ink=1, veins=6)),
                     Single(-22, Petal(0.98, 0.28, 1.4, 0.6, curl=0.2, frill=0.02, mark='band', ink=1, veins=6)),
                     Single(-90, Petal(1.0, 0.36, 1.4, 0.6, frill=0.02, mark='band', ink=1, veins=6))),
            (('f8f0ff 6a28c0 4a1498', 'ffd010 ffd010', '', 'a878f0 8a58e0 a080f0'),), ('meadow', 'water'), 'strap', 0.2, True),
    Species('plumeria', (Whorl(5, Petal(1.0, 0.34, 1.1, 0.9, curl=0.2, cup=0.3), True, wild=0.02),),
            (('ff9800 ffe880 ffffff',), ('ff9000 ffd0a0 ff6a98',)), ('shade', 'sky'), 'oval', 0.6),
    Species('clematis', (Whorl(8, Petal(1.0, 0.24, 1.0, 1.4, cup=-0.3, frill=0.012, mark='band', veins=3), wild=0.04),
                         Centre('stamens', 0.36, 21, 2, 0.12), Centre('disc', 0.1, 6, 2, 0.2)),
            (('8a50d8 6a30c0 5a28b0', 'd86ae0 d86ae0', 'f8f8d8 b0a080'),), ('shade', 'stones'), 'oval', 0.7),
    Species('cosmos', (Whorl(8, Petal(1.0, 0.33, 1.4, 0.35, frill=0.03, veins=4), wild=0.03), Centre('disc', 0.2, 9, 1, 0.08)),
            (('a01068 e848a8 ff88cc', 'ffe030 f0a000 b86000'), ('f0d0e8 ffffff ffffff', 'ffe030 f0a000 b86000')),
            ('meadow', 'evening', 'sky'), 'blade', 0.8),
    Species('marigold', tuple(Whorl(n, Petal(r, 0.30 + 0.03 * i, 1.2, 0.35, frill=0.04, cup=0.4), False, 0.37 * i, i * 0.06, 0.07)
                              for i, (n, r) in enumerate(((13, 1.0), (12, 0.82), (10, 0.64), (8, 0.46), (6, 0.28)))),
            (('c84000 ff8800 ffb010',), ('c88000 ffc400 ffe030',)), ('soil', 'meadow'), 'lance', 0.7, size=0.9),
    Species('coneflower', (Whorl(15, Petal(1.0, 0.145, 0.8, 0.8, cup=-0.5, notch=0.03, veins=2), wild=0.05),
                           Centre('disc', 0.40, 17, 1, 0.35)),
            (('a02878 e070b8 f0a0d0', 'ffa030 b84808 5a2008'),), ('meadow', 'evening'), 'lance', 1.0),
    Species('orchid', (Single(90, Petal(0.9, 0.26, 0.9, 0.9, veins=4)), Single(-142, Petal(0.9, 0.26, 0.9, 0.9, veins=4)),
                       Single(-38, Petal(0.9, 0.26, 0.9, 0.9, veins=4)),
                       Single(168, Petal(1.0, 0.46, 0.8, 0.6, veins=6)), Single(12, Petal(1.0, 0.46, 0.8, 0.6, veins=6)),
                       Single(-150, Petal(0.3, 0.4, 0.8, 0.8, slot=1)), Single(-30, Petal(0.3, 0.4, 0.8, 0.8, slot=1)),
                       Single(-90, Petal(0.5, 0.32, 0.8, 1.4, slot=1, mark='rays', ink=2)), Centre('disc', 0.09, 5, 2)),
            (('f0e0f0 ffffff ffffff', 'ffd040 d02080 b01060', 'ffe040 ffd020'),
             ('ffe0f8 d848c8 c030b0', 'ffd0a0 8a0858 700848', 'ffe040 ffd020')), ('shade',), 'strap', 0.4, True),
    Species('anemone', (Whorl(9, Petal(1.0, 0.31, 1.0, 0.8, cup=0.4, veins=4, mark='star'), True, wild=0.04),
                        Centre('stamens', 0.36, 29, 2, 0.08), Centre('disc', 0.17, 9, 2, 0.12)),
            (('5028c0 5a38e0 7a60f0', 'ffffff ffffff', '281838 181020'), ('b00818 e01828 f04048', 'ffffff ffffff', '281838 181020')),
            ('soil', 'stones', 'meadow'), 'lance', 0.6),
)


@functools.lru_cache(maxsize=64)
def _spline(size: int, knots: int) -> np.ndarray:
    """Returns [size, knots]: the cubic B-spline weights that enlarge a row of `knots` values to `size`."""
    at = (np.arange(size) + 0.5) * (knots / size) - 0.5
    distance = abs(at[:, None] - np.arange(-2, knots + 2))
    near, far = 2 / 3 - distance**2 + distance**3 / 2, (2 - distance).clip(0) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    inner = weights[:, 2:-2].copy()  # what reaches beyond the border falls on the border
    inner[:, 0] += weights[:, :2].sum(axis=1)
    inner[:, -1] += weights[:, -2:].sum(axis=1)
    return inner.astype(np.float32)


def _enlarge(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns `values` [..., h, w] smoothly enlarged to [..., *shape]."""
    return _spline(shape[0], values.shape[-2]) @ values @ _spline(shape[1], values.shape[-1]).T


def _backdrop(sheet: Sheet, rng: np.random.Generator, ground: Ground, light: Light, petals: np.ndarray) -> None:
    """Paints the ground and its bokeh on a coarse sheet; some discs have the colour of the petals: flowers far away."""
    rows, columns, strength = ground.mottle
    shape = (COARSE, COARSE)
    value = _enlarge(rng.standard_normal((rows, columns), np.float32) * (strength * 1.8), shape)
    value += ground.grain * rng.standard_normal(shape, np.float32)
    bright = float(rng.uniform(0.4, 0.6))
    down, across = np.linspace(-0.5, 0.5, COARSE, dtype=np.float32)[:, None], np.linspace(-0.5, 0.5, COARSE, dtype=np.float32)
    value += bright - ground.rise * down + (0.3 * light.strength) * (across * light.x + down * light.y)
    colours = ramp(ground.colours)
    index = (value.clip(0, 1) * 63).astype(np.int32)
    sheet.rgb = np.stack([channel.take(index) for channel in colours])
    _bokeh(sheet, rng, ground, petals)


def _bokeh(sheet: Sheet, rng: np.random.Generator, ground: Ground, petals: np.ndarray) -> None:
    """Paints discs of light; some are larger and have the colour of the petals: flowers far away."""
    far = int(rng.integers(1, 6)) if rng.random() < 0.5 else 0
    count = ground.bokeh + far
    if count == 0:
        return
    x, y, size, pick, power = rng.random((5, count), np.float32)
    radius, power = 0.06 + 0.13 * size, 0.12 + 0.4 * power
    pick = (24 + 39 * pick).astype(np.int32)
    colours = ramp(ground.glow)[:, pick]
    if far:
        radius[:far] += 0.08
        power[:far] = 0.75
        colours[:, :far] = petals[:, pick[:far]]
    across = (sheet.xs - (2 * x[:, None] - 1) * sheet.xs[-1]) ** 2
    down = (sheet.ys - (2 * y[:, None] - 1) * sheet.ys[-1]) ** 2
    inside = np.sqrt(across[:, None, :] + down[:, :, None]) * (-14.0)
    inside += (14 * radius + 0.5)[:, None, None]
    cover = np.minimum(np.maximum(inside, 0, out=inside), 1, out=inside).reshape(count, -1) * power[:, None]
    rest = np.prod(1 - cover, axis=0)
    light = (colours @ cover) * ((1 - rest) / (cover.sum(axis=0) + 1e-6))
    sheet.rgb = sheet.rgb * rest.reshape(COARSE, COARSE) + light.reshape(3, COARSE, COARSE)


def _between(rng: np.random.Generator, *ranges: tuple[float, float]) -> list[float]:
    """Returns one uniform number per (low, high)."""
    return [low + (high - low) * part for (low, high), part in zip(ranges, rng.random(len(ranges)).tolist(), strict=True)]


def _leaf(sheet, rng, kind: str, green, light: Light, x: float, y: float, angle: float, scale: float) -> None:
    """Paints one leaf from (x, y) towards `angle` degrees; its size, bend and tone vary."""
    leaf = LEAVES[kind]
    length, bend, tone = _between(rng, (0.75, 1.25), (-1.0, 1.0), (0.7, 1.15))
    leaf = leaf._replace(length=leaf.length * length * scale, curl=leaf.curl * bend)
    colours = (np.minimum(green * tone, 1), np.minimum(green * (tone * 1.3) + 0.05, 1))
    single(View(sheet, 0.0, 0.0, 1.0, 0.0, 0.0), Single(angle, leaf, x, y), colours, light, 0.0)


def _plants(sheet, rng, kind: str, green, light, count: int, aspect) -> None:
    """Paints `count` leaves or blades around the picture: blades rise from below, others grow from anywhere."""
    for _ in range(count):
        x, y, angle = _between(rng, (-1.0, 1.0), (-1.0, 1.0), (0.0, 360.0))
        if kind in ('blade', 'strap'):
            y, angle = 0.75 + 0.3 * abs(y), 90 + (angle - 180) * 0.2
        _leaf(sheet, rng, kind, green, light, x * aspect[1], y * aspect[0], angle, 1.0)


def _stem(sheet, rng, species, green, light, x, y, radius, aspect) -> None:
    """Paints the stem below a flower with its leaves, or the branch behind a blossom."""
    lean, side, first = _between(rng, (-14, 14), (-1, 1), (0.5, 1.0))
    view = View(sheet, 0.0, 0.0, 1.0, 0.0, 0.0)
    if species.leaf == 'branch':
        bark = (ramp('2a1810 5a3a28 8a6a50'), ramp('20100a 20100a'))
        angle, reach = lean * 3, 2.2 * aspect[1]
        branch = Petal(2 * reach, 0.06 / reach, 0.02, 0.02, curl=0.03 * side, cup=0.6, mark='spots')
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        single(view, Single(angle, branch, x - reach * c, y + 0.5 * radius + reach * s), bark, light, 0.0)
        return
    length = max(aspect[0] - y, 0) + 0.4
    thick = (0.035 + 0.03 * radius) / length
    stem = Petal(length, thick, 0.02, 0.02, curl=0.12 * side, cup=0.6)
    single(view, Single(-90 + lean, stem, x, y), (green * 0.95, green), light, 0.0)
    for i in range(2):
        way = 1 if (i % 2 == 0) == (side > 0) else -1
        down = radius * (0.5 + 0.45 * i) + 0.3 * first
        _leaf(sheet, rng, species.leaf, green, light, x + math.sin(math.radians(lean)) * down, y + down,
              90 - way * float(rng.uniform(25, 80)), 0.55 + 0.6 * radius)


def _flower(sheet, rng, species: Species, palette, light: Light, x, y, radius) -> None:
    """Paints one flower of the species: its parts from back to front, turned and tilted at random."""
    turn, tilt, lean, swing = _between(rng, (0, 2 * math.pi), (0, species.tilt), (-0.6, 0.6), (-0.3, 0.3))
    jitter = (rng.standard_normal((3, 64)) * 0.1).astype(np.float32)
    if species.cell:
        views = [Cluster(sheet, x, y, radius, 0.0, 0.0, light, species.cell, layer, jitter) for layer in (1, 0)]
    else:
        views = [View(sheet, x, y, radius, tilt, lean)]
    local = light if species.cell else light.turned(lean)
    angle = swing if species.upright else turn
    for view in views:
        for part in species.parts:
            if isinstance(part, Whorl):
                whorl(view, part, palette, local, angle, rng)
            elif isinstance(part, Single):
                single(view, part, palette, local, angle)
            else:
                centre(view, part, palette, local, angle, rng)


def _places(rng: np.random.Generator, aspect) -> list[tuple[float, float, float]]:
    """Returns (x, y, radius) of the flowers from back to front: one large one, or a few."""
    x, y, size, many = rng.uniform(-1, 1, 4).tolist()
    if many < 0.35:
        return [(0.22 * x * aspect[1], (0.18 * y - 0.05) * aspect[0], 0.74 + 0.16 * size)]
    count = 2 if many < 0.75 else 3
    start = math.pi * x
    spots = []
    for i in range(count):
        angle = start + 2 * math.pi * i / count
        far, grow = _between(rng, (0.42, 0.6), (0.8, 1.15))
        spots.append((far * math.cos(angle) * aspect[1], far * math.sin(angle) * aspect[0], 0.44 * grow * (1.15 if i else 0.9)))
    return spots


def draw(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Returns a picture of flowers, uint8 [H, W, 3]; what is drawn depends on `rng` only, not on the shape."""
    aspect = (shape[0] / min(shape), shape[1] / min(shape))
    species = SPECIES[int(rng.integers(len(SPECIES)))]
    names = species.palettes[int(rng.integers(len(species.palettes)))]
    gain = rng.uniform(0.94, 1.04, (3, 1)).astype(np.float32)
    palette = tuple(np.minimum(ramp(name) * gain, 1) if name else None for name in names)
    ground = GROUNDS[species.grounds[int(rng.integers(len(species.grounds)))]]
    angle, sun, warm, exposure = _between(rng, (-2.7, -0.4), (0.3, 1.0), (-0.05, 0.06), (0.88, 1.1))
    light = Light(math.cos(angle), math.sin(angle), sun)
    green = ramp(ground.green) * float(rng.uniform(0.85, 1.1))

    coarse = Sheet((COARSE, COARSE), aspect, soft=0.09)
    _backdrop(coarse, rng, ground, light, palette[0])
    if ground.plants:
        _plants(coarse, rng, ground.plants, green * 0.9, light, int(rng.integers(2, 5)), aspect)
    sheet = Sheet(shape, aspect)
    sheet.rgb = _enlarge(coarse.rgb, shape)
    kind = 'oval' if species.leaf == 'branch' else species.leaf
    _plants(sheet, rng, kind, green, light, int(rng.integers(1, 4)), aspect)
    places = _places(rng, aspect)
    if species.leaf != 'pad':
        for x, y, radius in places:
            _stem(sheet, rng, species, green, light, x, y, radius, aspect)
    for x, y, radius in places:
        _flower(sheet, rng, species, palette, light, x, y, radius * species.size)
    tint = np.array([1 + warm, 1.0, 1 - warm], np.float32) * (255 * exposure)
    picture = np.minimum(np.maximum(sheet.rgb * tint[:, None, None], 0), 255)
    return np.ascontiguousarray(picture.astype(np.uint8).transpose(1, 2, 0))


class Flowers:
    """`count` pictures of `shape`; see `open_source`. Immutable, so threads may share it."""

    def __init__(self, shape: tuple[int, int], seed: int, count: int):
        self.shape, self.seed, self.count = shape, seed, count
        self.where = f'{count} flowers drawn by gans/data/embedded.py (seed {seed})'

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        """Returns picture `index` as uint8 [H, W, 3]; raises IndexError beyond the end."""
        if not 0 <= index < self.count:
            raise IndexError(f'picture {index} of {self.count}')
        return draw(self.shape, np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, int(index))))))

    def key(self, index: int) -> bytes:
        """Returns the identity of picture `index`: the same for every shape."""
        return f'flower {self.seed} {index}'.encode()


def open_source(shape: tuple[int, int], seed: int, count: int = 4000) -> Flowers:
    """Returns the source of `count` drawn flowers of `shape` = (height, width), a pure function of (seed, index)."""
    return Flowers(tuple(shape), seed, count)
