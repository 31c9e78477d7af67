"""The embedded data set: images of flowers, drawn on the spot: every experiment runs without a download.

An image is a pure function of (seed, index, shape). `SPECIES` and `GROUNDS` are the data, the rest places them. Shape
tells the species, and species, marks and light tell most of the colour: it can be learned from grays. Some species have
several palettes, as gardens do. The brushes are in `gans/data/sources/flowers.py`.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from gans.data.sources import flowers
from gans.data.sources.flowers import Canvas, Centre, Cluster, Light, Petal, Single, View, Whorl, ramp, single

COARSE = 32  # the background is out of focus: it is painted on COARSE x COARSE pixels for every shape


class Species(NamedTuple):
    """A kind of flower: parts from back to front, palettes (ramps by slot), backgrounds, leaves and pose.

    tilt: the largest, in radians; upright: it has an upper side; cell: the size of a dome's flowers, or 0.
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
    """A background: a ramp from dark to light, its rise from bottom to top, mottle (rows, columns, strength),
    grain, bokeh (number of discs, ramp), the plants in it and the ramp of all leaves."""

    colours: str
    rise: float
    mottle: tuple[int, int, float]
    grain: float
    bokeh: int
    glow: str
    plants: str
    green: str


GROUNDS = {
    'meadow': Ground('173a0c 3f7a1c 78ad32 b9d862', 0.25, (5, 5, 0.3), 0.0, 14, 'a9d84f e9f59a', 'blade',
                     '1d5a14 3f8f24 7cba45'),
    'shade': Ground('08200c 123a18 265e26 4c8c3c', 0.25, (5, 5, 0.36), 0.0, 8, '3d8a3a 9ac46a', 'oval',
                    '0c3a16 1d6427 4a9440'),
    'sky': Ground('4a7a2a 8fc4ea 5ea4ea 2f7fdc', 0.85, (4, 3, 0.18), 0.0, 3, 'ffffff eaf4ff', '',
                  '2a6a1a 55a030 9ad050'),
    'soil': Ground('23150c 4a2e1a 7a5232 a98055', -0.1, (7, 7, 0.22), 0.13, 0, '6a4a2a a08050', 'round',
                   '245a18 468a2c 86b850'),
    'water': Ground('04202a 0a4450 1a6e78 6ab4b8', 0.2, (22, 3, 0.27), 0.0, 3, '7ac8c8 d0f0f0', 'pad',
                    '184a20 2f7a30 78b04a'),
    'evening': Ground('1c1608 5a3c10 b87a1e ffd070', 0.5, (4, 4, 0.25), 0.0, 12, 'ffb840 fff0b0', 'blade',
                      '2a4010 5a7018 b0a040'),
}

LEAVES = {
    'lance': Petal(1.1, 0.13, 1.0, 1.8, cup=0.5, curl=0.25, mark='pinnate'),
    'oval': Petal(0.85, 0.27, 1.0, 1.7, cup=0.45, curl=0.15, mark='pinnate'),
    'round': Petal(0.7, 0.40, 0.8, 1.0, cup=0.4, frill=0.02, mark='pinnate'),
    'blade': Petal(1.6, 0.040, 0.7, 1.6, cup=0.5, curl=0.3),
    'strap': Petal(1.7, 0.075, 0.5, 1.4, cup=0.5, curl=0.2, veins=3),
    'pad': Petal(0.9, 0.50, 0.5, 0.9, cup=0.2, veins=7),
}

SPECIES = (
    Species('daisy', (
        Whorl(21, Petal(1.0, 0.105, 1.0, 0.6, veins=2), turn=0.5, wild=0.06),
        Whorl(21, Petal(0.96, 0.105, 1.0, 0.6, veins=2), wild=0.07), Centre(0.30, 13, 1, 0.12)),
        (('b8c4e0 ffffff ffffff', 'ffe23a ffc400 d98200'),)),
    Species('sunflower', (
        Whorl(17, Petal(1.0, 0.17, 1.0, 1.6, veins=3), turn=0.5, wild=0.07),
        Whorl(17, Petal(0.92, 0.17, 1.0, 1.6, veins=3), wild=0.07), Centre(0.47, 21, 1, 0.05)),
        (('e07a00 ffb800 ffdc28', '5a3a10 2e1808 7a4510'),), ('sky', 'meadow', 'sky'), 'round', 0.5),
    Species('rose', tuple(
        Whorl(5, Petal(radius, 0.62, 1.2, 0.45, frill=0.015, cup=0.5), True, i * 0.38, i * 0.04, 0.07)
        for i, radius in enumerate((1.0, 0.84, 0.68, 0.52, 0.37, 0.23))),
        (('500010 b00820 e8203a',), ('b0305a f06a98 ffb0cc',), ('d88a10 ffc83a fff08a',), ('d8b078 fff0d0 fffaf0',)),
        ('shade', 'meadow'), 'oval', 0.6),
    Species('tulip', (
        Single(76, Petal(1.35, 0.27, 0.8, 1.4, curl=-0.1, cup=0.5), 0.08, 0.72, True),
        Single(66, Petal(1.4, 0.29, 0.7, 1.2, curl=-0.28, cup=0.6, veins=5), 0.02, 0.75, True),
        Single(90, Petal(1.28, 0.34, 0.7, 1.2, cup=0.6, veins=5), 0, 0.78)),
        (('ffc020 e01818 f03028',), ('f8e060 ffcf10 ffd820',), ('f0d0f0 8a2aa0 6a1a88',), ('ffffff ff80a8 f85a90',)),
        ('meadow', 'sky', 'soil'), 'strap', 0.0, True, size=0.85),
    Species('poppy', (
        Whorl(2, Petal(1.0, 0.78, 0.8, 0.3, arc=0.35, frill=0.02, veins=9, mark='blotch')),
        Whorl(2, Petal(0.92, 0.78, 0.8, 0.3, arc=0.35, frill=0.02, veins=9, mark='blotch'), turn=0.5),
        Whorl(26, Petal(0.36, 0.075, 4, 0.4, slot=2), lift=0.1, wild=0.1), Centre(0.15, 8, 3, 0.15)),
        (('c01008 e82010 ff4420', '180810 180810', '201018 281420', '6a8a50 506838'),), ('meadow', 'evening')),
    Species('pansy', (
        Single(55, Petal(0.95, 0.46, 0.9, 0.5, cup=0.3, slot=2), mirrored=True),
        Single(2, Petal(0.88, 0.43, 0.9, 0.5, mark='rays', veins=5), mirrored=True),
        Single(-90, Petal(0.92, 0.62, 0.9, 0.4, notch=0.08, mark='blotch', veins=7)), Centre(0.09, 5, 3)),
        (('ffc800 ffd81a ffe840', '2a0838 2a0838', '4a1080 6a20b0 8a40d0', 'ffe860 ffd020'),
         ('fff0a0 9a60e0 7a3ad0', '24063a 24063a', '2a1080 3a20b0 5a40d8', 'ffe860 ffd020'),
         ('e06000 b01a10 901018', '200408 200408', '800810 a01018 c82020', 'ffe860 ffd020')),
        ('soil', 'shade', 'meadow'), 'oval', 0.35, True),
    Species('daffodil', (
        Whorl(3, Petal(1.0, 0.36, 1.0, 1.3, veins=4), turn=0.5), Whorl(3, Petal(1.0, 0.34, 1.0, 1.3, veins=4)),
        Whorl(5, Petal(0.44, 0.8, 0.6, 0.2, arc=0.45, frill=0.04, veins=3, cup=0.9, slot=1), lift=0.3)),
        (('e8d820 ffee30 fff678', '6a2800 e07800 ffa010'), ('e8f0c0 fffff0 ffffff', '806000 ffc000 ff8a10')),
        ('meadow', 'soil'), 'strap'),
    Species('lily', (
        Whorl(3, Petal(1.0, 0.25, 1.2, 1.8, cup=-0.5, curl=0.06, veins=3, mark='spots'), turn=0.5),
        Whorl(3, Petal(1.0, 0.31, 1.2, 1.7, cup=-0.5, curl=0.06, veins=3, mark='spots')),
        Whorl(6, Petal(0.55, 0.045, 4, 0.4, slot=2), lift=0.3, wild=0.1)),
        (('e8e040 ff8010 ff6a08', '501008 501008', 'c8e070 e0f080 7a2408'),), ('shade', 'meadow')),
    Species('hibiscus', (
        Whorl(5, Petal(1.0, 0.50, 1.0, 0.5, frill=0.025, curl=0.12, veins=6, mark='blotch'), True),
        Single(62, Petal(0.85, 0.035, 0.3, 0.3, slot=2, cup=0.3)),
        Single(62, Petal(0.34, 0.17, 0.5, 0.5, slot=3, mark='spots', ink=2), 0.24, -0.44)),
        (('c01850 ff4a78 ff7a90', '7a0428 7a0428', 'ffd0a0 ffe0a0', 'ffd820 ffe850'),
         ('ffb020 ffd83a ffe868', 'b81020 b81020', 'ffd0a0 ffe0a0', 'e84020 f06030')), ('shade', 'sky'), 'oval', 0.5),
    Species('cherry', (
        Whorl(5, Petal(1.0, 0.40, 1.0, 0.55, notch=0.14, veins=3), wild=0.03),
        Whorl(17, Petal(0.46, 0.075, 4, 0.4, slot=1), lift=0.1, wild=0.1), Centre(0.08, 5, 2)),
        (('e8508a ffc0d8 ffe6f0', 'ffd0e0 ffd0e0 d88010', 'b8c840 90a030'),), ('sky', 'meadow'), 'branch', size=0.72),
    Species('cornflower', (
        Whorl(11, Petal(1.0, 0.22, 2.6, 0.35, frill=0.07, veins=3), turn=0.5, wild=0.09),
        Whorl(9, Petal(0.7, 0.20, 2.4, 0.4, frill=0.07, slot=1), wild=0.12),
        Whorl(19, Petal(0.36, 0.075, 4, 0.4, slot=2), lift=0.1, wild=0.1)),
        (('1a1a90 2a48e8 5a88ff', '30189a 4a30c8 6a58e8', '6a1890 401070'),), ('meadow', 'evening'), 'blade'),
    Species('morning glory', (
        Whorl(5, Petal(1.0, 0.8, 0.6, 0.2, arc=0.46, cup=0.3, mark='ray', veins=2), wild=0.01), Centre(0.13, 5, 2)),
        (('9a8af8 3434d0 5a58f0', 'fff0ff fff0ff', 'fff8b0 ffe860'),), ('meadow', 'sky'), 'round', 0.7),
    Species('water lily', (
        Whorl(11, Petal(1.0, 0.17, 1.2, 1.5, cup=0.5), turn=0.5),
        Whorl(10, Petal(0.88, 0.18, 1.2, 1.5, cup=0.6), lift=0.16),
        Whorl(8, Petal(0.68, 0.19, 1.2, 1.5, cup=0.7), lift=0.3, turn=0.5),
        Whorl(23, Petal(0.36, 0.075, 4, 0.4, slot=1), lift=0.4, wild=0.1), Centre(0.16, 8, 1, 0.42)),
        (('ffe0ec ff9cc8 e84a98', 'ffe040 ffc010'), ('fffff0 ffffff f4f8ff', 'ffe040 ffb810')), ('water',), 'pad', 1.0),
    Species('dahlia', tuple(
        Whorl(n, Petal(radius, 0.16 + 0.02 * i, 1.2, 1.2, cup=0.6), False, 0.5 * (i % 2), i * 0.05, 0.03)
        for i, (n, radius) in enumerate(((17, 1.0), (17, 0.88), (15, 0.74), (13, 0.6), (11, 0.45), (7, 0.3)))),
        (('700038 c81478 f05ab0',), ('901000 f05010 ffa040',), ('500828 901038 c02a58',)), ('shade', 'soil'), 'oval'),
    Species('forget-me-not', (
        Whorl(5, Petal(1.0, 0.42, 1.0, 0.6, cup=0.25, mark='star'), wild=0.03), Centre(0.2, 5, 2)),
        (('7ac0ff 4a98f8 3a88f0', 'ffffff ffffff', 'ffe030 ffb800'),), ('meadow', 'shade'), 'oval', cell=0.36),
    Species('hydrangea', (
        Whorl(4, Petal(1.0, 0.5, 0.8, 0.9, cup=0.3, veins=3), wild=0.05), Centre(0.14, 5, 1)),
        (('c8d8ff 6a80f0 5868e0', 'e8f0c0 b0c8ff'), ('ffe0f0 f878b8 e858a0', 'fff0c0 ffc0e0')),
        ('shade', 'soil'), 'round', cell=0.25, size=1.1),
    Species('plumeria', (Whorl(5, Petal(1.0, 0.34, 1.1, 0.9, curl=0.2, cup=0.3), True, wild=0.02),),
            (('ff9800 ffe880 ffffff',), ('ff9000 ffd0a0 ff6a98',)), ('shade', 'sky'), 'oval', 0.6),
    Species('coneflower', (
        Whorl(15, Petal(1.0, 0.145, 0.8, 0.8, cup=-0.5, notch=0.03, veins=2), wild=0.05), Centre(0.40, 17, 1, 0.35)),
        (('a02878 e070b8 f0a0d0', 'ffa030 b84808 5a2008'),), ('meadow', 'evening'), 'lance', 1.0),
    Species('iris', (
        Single(60, Petal(0.95, 0.30, 1.2, 0.6, frill=0.02, cup=0.5, slot=2), 0, 0.05, True),
        Single(90, Petal(1.0, 0.30, 1.2, 0.6, frill=0.02, cup=0.5, slot=2), 0, 0.05),
        Single(-22, Petal(0.98, 0.28, 1.4, 0.6, curl=0.2, frill=0.02, mark='band', veins=6), mirrored=True),
        Single(-90, Petal(1.0, 0.36, 1.4, 0.6, frill=0.02, mark='band', veins=6))),
        (('f8f0ff 6a28c0 4a1498', 'ffd010 ffd010', 'a878f0 8a58e0 a080f0'),), ('meadow', 'water'), 'strap', 0.2, True),
    Species('orchid', (
        Single(90, Petal(0.9, 0.26, 0.9, 0.9, veins=4)),
        Single(-38, Petal(0.9, 0.26, 0.9, 0.9, veins=4), mirrored=True),
        Single(12, Petal(1.0, 0.46, 0.8, 0.6, veins=6), mirrored=True),
        Single(-30, Petal(0.3, 0.4, 0.8, 0.8, slot=1), mirrored=True),
        Single(-90, Petal(0.5, 0.32, 0.8, 1.4, slot=1, mark='rays', ink=2)), Centre(0.09, 5, 2)),
        (('f0e0f0 ffffff ffffff', 'ffd040 d02080 b01060', 'ffe040 ffd020'),
         ('ffe0f8 d848c8 c030b0', 'ffd0a0 8a0858 700848', 'ffe040 ffd020')), ('shade',), 'strap', 0.4, True),
)


@functools.lru_cache(maxsize=64)
def _spline(size: int, knots: int) -> np.ndarray:
    """Returns [size, knots]: the cubic B-spline weights that enlarge a row of `knots` values to `size`."""
    at = (np.arange(size) + 0.5) * (knots / size) - 0.5
    distance = abs(at[:, None] - np.arange(-2, knots + 2))
    near, far = 2 / 3 - distance**2 + distance**3 / 2, (2 - distance).clip(0) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    weights[:, 2] += weights[:, :2].sum(axis=1)  # what reaches beyond the border falls on the border
    weights[:, -3] += weights[:, -2:].sum(axis=1)
    return weights[:, 2:-2].astype(np.float32)


def _enlarge(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns `values` [..., h, w] smoothly enlarged to [..., *shape]."""
    return _spline(shape[0], values.shape[-2]) @ values @ _spline(shape[1], values.shape[-1]).T


def _between(rng: np.random.Generator, *ranges: tuple[float, float]) -> list[float]:
    """Returns one uniform number per (low, high)."""
    parts = rng.random(len(ranges)).tolist()
    return [low + (high - low) * part for (low, high), part in zip(ranges, parts, strict=True)]


def _backdrop(canvas: Canvas, rng: np.random.Generator, ground: Ground, light: Light) -> None:
    """Paints the ground on a coarse canvas: a slope of light and smooth noise, looked up in its ramp."""
    rows, columns, strength = ground.mottle
    value = _enlarge(rng.standard_normal((rows, columns), np.float32) * strength, (COARSE, COARSE))
    value += ground.grain * rng.standard_normal((COARSE, COARSE), np.float32)
    across = np.linspace(-0.5, 0.5, COARSE, dtype=np.float32)
    slope = (0.3 * light.strength * light.x) * across, (0.3 * light.strength * light.y - ground.rise) * across
    value += slope[0] + slope[1][:, None] + float(rng.uniform(0.4, 0.6))
    canvas.rgb = ramp(ground.colours).take((value * 63).astype(np.intp), axis=1, mode='clip')


def _bokeh(canvas: Canvas, rng: np.random.Generator, ground: Ground, petals: np.ndarray) -> None:
    """Paints discs of light; some are larger and have the colour of the petals: flowers far away."""
    far = int(rng.integers(1, 6)) if rng.random() < 0.5 else 0
    x, y, size, pick, power = rng.random((5, ground.bokeh + far), np.float32)
    radius, power = 0.06 + 0.13 * size, 0.12 + 0.4 * power
    pick = (24 + 39 * pick).astype(np.intp)
    colours = ramp(ground.glow)[:, pick]
    radius[:far] += 0.08
    power[:far] = 0.75
    colours[:, :far] = petals[:, pick[:far]]
    across = (canvas.xs - (2 * x[:, None] - 1) * canvas.xs[-1]) ** 2
    down = (canvas.ys - (2 * y[:, None] - 1) * canvas.ys[-1]) ** 2
    cover = (radius[:, None, None] - np.sqrt(across[:, None, :] + down[:, :, None])) * 14 + 0.5
    cover = cover.clip(0, 1).reshape(-1, COARSE * COARSE) * power[:, None]
    rest = np.prod(1 - cover, axis=0)
    discs = (colours @ cover) * ((1 - rest) / (cover.sum(axis=0) + 1e-6))
    canvas.rgb = canvas.rgb * rest.reshape(COARSE, COARSE) + discs.reshape(canvas.rgb.shape)


def _leaf(canvas, rng, kind: str, green, light: Light, x: float, y: float, angle: float, scale: float) -> None:
    """Paints one leaf from (x, y) towards `angle` degrees; its size, bend and tone vary."""
    leaf = LEAVES[kind]
    length, bend, tone = _between(rng, (0.75, 1.25), (-1, 1), (0.7, 1.15))
    leaf = leaf._replace(length=leaf.length * length * scale, curl=leaf.curl * bend)
    colours = (np.minimum(green * tone, 1), np.minimum(green * (tone * 1.3) + 0.05, 1))
    single(View(canvas, 0, 0, 1, 0, 0), Single(angle, leaf, x, y), colours, light, 0)


def _plants(canvas, rng, kind: str, green, light, count: int, aspect) -> None:
    """Paints `count` leaves around the image: blades rise from below, others grow from anywhere."""
    for _ in range(count):
        x, y, angle = _between(rng, (-1, 1), (-1, 1), (0, 360))
        if kind in ('blade', 'strap'):
            y, angle = 0.75 + 0.3 * abs(y), 90 + (angle - 180) * 0.2
        _leaf(canvas, rng, kind, green, light, x * aspect[1], y * aspect[0], angle, 1)


def _stem(canvas, rng, species, green, light, x, y, radius, aspect) -> None:
    """Paints the stem below a flower with its leaves, or the branch behind a blossom."""
    lean, bend, side = _between(rng, (-14, 14), (-0.12, 0.12), (-1, 1))
    if species.leaf == 'branch':
        c, s = math.cos(math.radians(3 * lean)), math.sin(math.radians(3 * lean))
        reach = 2.2 * aspect[1]
        petal = Petal(2 * reach, 0.06 / reach, 0.02, 0.02, curl=bend / 4, cup=0.6, mark='spots')
        part = Single(3 * lean, petal, x - reach * c, y + 0.5 * radius + reach * s)
        single(View(canvas, 0, 0, 1, 0, 0), part, (ramp('2a1810 5a3a28 8a6a50'), ramp('20100a 20100a')), light, 0)
        return
    length = max(aspect[0] - y, 0) + 0.4
    petal = Petal(length, (0.035 + 0.03 * radius) / length, 0.02, 0.02, curl=bend, cup=0.6)
    single(View(canvas, 0, 0, 1, 0, 0), Single(lean - 90, petal, x, y), (green * 0.95,), light, 0)
    for down, turn in ((0.7 * radius, 1), (1.15 * radius, -1)):
        angle = 90 + math.copysign(turn, turn * side) * float(rng.uniform(25, 80))
        _leaf(canvas, rng, species.leaf, green, light, x + 0.017 * lean * down, y + down, angle, 0.55 + 0.6 * radius)


def _flower(canvas, rng, species: Species, palette, light: Light, x, y, radius) -> None:
    """Paints one flower of the species: its parts from back to front, turned and tilted at random."""
    turn, tilt, lean, swing = _between(rng, (0, 2 * math.pi), (0, species.tilt), (-0.6, 0.6), (-0.3, 0.3))
    light = light.turned(turn if species.cell else lean)
    views = [View(canvas, x, y, radius, tilt, lean)]
    if species.cell:
        jitter = rng.standard_normal((3, 64), np.float32) * 0.12
        views = [Cluster(canvas, x, y, radius, turn, light, species.cell, i, jitter) for i in (2, 1, 0)]
    angle = swing if species.upright else turn
    for view in views:
        for part in species.parts:
            if isinstance(part, Whorl):
                flowers.whorl(view, part, palette, light, angle, rng)
            elif isinstance(part, Single):
                single(view, part, palette, light, angle)
            else:
                flowers.centre(view, part, palette, light, angle)


def _places(rng: np.random.Generator, aspect) -> list[tuple[float, float, float]]:
    """Returns (x, y, radius) of the flowers from back to front: one large one, or a few around the middle."""
    x, y, size, many = _between(rng, (-0.22, 0.22), (-0.23, 0.13), (0.58, 0.9), (0, 1))
    if many < 0.67:
        return [(x * aspect[1], y * aspect[0], size)]
    places, count = [], 2 if many < 0.87 else 3
    for i in range(count):
        far, grow = _between(rng, (0.42, 0.6), (0.35, 0.56))
        angle = 14 * x + 2 * math.pi * i / count
        places.append((far * math.cos(angle) * aspect[1], far * math.sin(angle) * aspect[0], grow))
    return places


def draw(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Returns an image of flowers, uint8 [H, W, 3]; what is drawn depends on `rng`, not on the shape."""
    aspect = (shape[0] / min(shape), shape[1] / min(shape))
    species = SPECIES[int(rng.integers(len(SPECIES)))]
    names = species.palettes[int(rng.integers(len(species.palettes)))]
    gain = rng.uniform(0.94, 1.04, (3, 1)).astype(np.float32)
    palette = tuple(np.minimum(ramp(name) * gain, 1) for name in names)
    ground = GROUNDS[species.grounds[int(rng.integers(len(species.grounds)))]]
    angle, sun, warm, exposure, fresh = _between(rng, (-2.7, -0.4), (0.3, 1), (-0.05, 0.06), (0.88, 1.1), (0.85, 1.1))
    light = Light(math.cos(angle), math.sin(angle), sun)
    green = ramp(ground.green) * fresh
    coarse = Canvas((COARSE, COARSE), aspect, soft=0.09)
    _backdrop(coarse, rng, ground, light)
    _bokeh(coarse, rng, ground, palette[0])
    if ground.plants:
        _plants(coarse, rng, ground.plants, green * 0.9, light, int(rng.integers(1, 5)), aspect)
    canvas = Canvas(shape, aspect)
    canvas.rgb = _enlarge(coarse.rgb, shape)
    kind = 'oval' if species.leaf == 'branch' else species.leaf
    _plants(canvas, rng, kind, green, light, int(rng.integers(1, 4)), aspect)
    places = _places(rng, aspect)
    for place in places if species.leaf != 'pad' else ():
        _stem(canvas, rng, species, green, light, *place, aspect)
    for x, y, radius in places:
        _flower(canvas, rng, species, palette, light, x, y, radius * species.size)
    tint = np.array([1 + warm, 1, 1 - warm], np.float32) * (255 * exposure)
    image = (canvas.rgb * tint[:, None, None]).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(image.transpose(1, 2, 0))


class Flowers:
    """`count` images of `shape`; see `open_source`. Nothing in it changes, so threads may share it."""

    def __init__(self, shape: tuple[int, int], seed: int, count: int):
        self.shape, self.seed, self.count = shape, seed, count
        self.where = f'{count} flowers drawn by gans/data/sources/embedded.py (seed {seed})'
        self.decoding, self.notes = '', ()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns image `i` as uint8 [H, W, 3]; raises IndexError beyond the end."""
        if not 0 <= i < self.count:
            raise IndexError(f'image {i} of {self.count}')
        return draw(self.shape, np.random.default_rng((self.seed, int(i))))

    def key(self, i: int) -> bytes:
        """Returns the identity of image `i`: the same for every shape."""
        return f'flower {self.seed} {i}'.encode()


def open_source(shape: tuple[int, int], seed: int, count: int = 4000) -> Flowers:
    """Returns `count` drawn flowers of `shape` = (height, width): pure functions of (seed >= 0, index)."""
    return Flowers(tuple(shape), seed, count)
