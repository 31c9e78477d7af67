"""Drawing of petals, leaves and flower centres with numpy: the brushes of `gans/data/sources/embedded.py`.

A canvas's origin is its middle, x points right, y down; half of the short side is 1. A flower's own frame has
radius 1 (`View`). Every edge is a distance to an outline, turned into coverage over one pixel, and too fine
details fade, so that one drawing looks alike at all sizes. Colours are float32 [3, H, W] in [0, 1].
"""

import functools
import math
from typing import NamedTuple

import numpy as np

RAMP = 64  # entries of a colour ramp
PROFILE = 512  # entries of an outline table, over t in [-0.5, 1.5)


class Petal(NamedTuple):
    """An outline from base (t = 0) to tip (t = 1), of half width ~ t^(base/2) (1-t)^(tip/2), and its skin.

    `width` is the largest half width in lengths. Exponents: 1 is round, 2 pointed, below 1 blunt. `notch`
    cuts the middle of the tip, `frill` waves it, `arc` rounds a broad one (0.5: a circle about the base),
    `curl` bends the axis, `cup` shades (negative: convex). `slot`, `ink`: the ramps of petal and mark.
    """

    length: float
    width: float
    base: float = 1.0
    tip: float = 1.0
    notch: float = 0.0
    frill: float = 0.0
    curl: float = 0.0
    arc: float = 0.0
    cup: float = 0.35
    veins: float = 0.0
    slot: int = 0
    mark: str = ''
    ink: int = 1

    def shadow(self) -> float:
        """Returns how far the petal's shadow reaches, in lengths."""
        return min(0.16, 0.04 + 2 * self.width)


class Whorl(NamedTuple):
    """`count` equal petals; `turn` in sectors, `lift` above the flower's plane, `wild` for irregularity."""

    count: int
    petal: Petal
    overlap: bool = False
    turn: float = 0.0
    lift: float = 0.0
    wild: float = 0.05


class Single(NamedTuple):
    """A petal from (x, y) to `angle` degrees (0 is right, 90 is up); `mirrored` adds its mirror image."""

    angle: float
    petal: Petal
    x: float = 0.0
    y: float = 0.0
    mirrored: bool = False


class Centre(NamedTuple):
    """A dome of florets, about `count` around, in the middle."""

    radius: float
    count: int
    slot: int
    lift: float = 0.0


class Light(NamedTuple):
    """The unit vector (x, y) to the light, and its strength: 0 is overcast, 1 is sun."""

    x: float
    y: float
    strength: float

    def turned(self, angle: float) -> 'Light':
        """Returns the light seen from a frame that is rotated by `angle` radians."""
        c, s = math.cos(angle), math.sin(angle)
        return Light(c * self.x + s * self.y, c * self.y - s * self.x, self.strength)


class Canvas:
    """An image to paint on, `rgb` [3, H, W], and its pixels' coordinates; `soft` blurs all edges."""

    def __init__(self, shape: tuple[int, int], aspect: tuple[float, float], soft: float = 0.0):
        height, width = shape
        self.rgb = np.zeros((3, height, width), np.float32)
        self.ys = ((np.arange(height, dtype=np.float32) + 0.5) * (2 / height) - 1) * aspect[0]
        self.xs = ((np.arange(width, dtype=np.float32) + 0.5) * (2 / width) - 1) * aspect[1]
        self.pixel = max(2 * aspect[0] / height, 2 * aspect[1] / width, soft)
        self._grid = tuple((2 * a / n, a, n) for a, n in zip(aspect, shape, strict=True))

    def window(self, x: float, y: float, across: float, down: float) -> tuple[slice, slice] | None:
        """Returns the rows within `down` of y and columns within `across` of x, None if there are none."""
        box = []
        for middle, reach, (step, half, count) in zip((y, x), (down, across), self._grid, strict=True):
            reach += self.pixel
            first = max(int((middle - reach + half) / step), 0)
            last = min(int((middle + reach + half) / step) + 1, count)
            if first >= last:
                return None
            box.append(slice(first, last))
        return tuple(box)


@functools.lru_cache(maxsize=256)
def ramp(colours: str) -> np.ndarray:
    """Returns the ramp through the hexadecimal `colours` ('a01020 ff80a0 ...') as [3, RAMP] in [0, 1]."""
    stops = np.array([[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in colours.split()], np.float32)
    at = np.linspace(0, len(stops) - 1, RAMP)
    return np.stack([np.interp(at, np.arange(len(stops)), channel) for channel in stops.T]).astype(np.float32)


@functools.lru_cache(maxsize=256)
def _profile(base: float, tip: float) -> np.ndarray:
    """Returns over t the squared half width (below 0 outside), its slope squared, 1 / half width."""
    t = np.arange(PROFILE) / (PROFILE / 2) - 0.5
    inside = np.clip(t, 0, 1)
    peak = base / (base + tip)
    square = inside**base * (1 - inside) ** tip / (peak**base * (1 - peak) ** tip)
    outside = np.maximum(-t, t - 1).clip(0)
    square = square - np.where(outside > 0, 2 * outside + 0.01, 0)
    slope = np.where(outside > 0, 2.0, np.gradient(square, t)).clip(-8, 8)  # blunt tips are steep
    inverse = 1 / np.sqrt(np.maximum(square, 0.02))
    return np.stack([square, slope**2, inverse]).astype(np.float32)


def _fade(wave: float, pixel: float) -> float:
    """Returns how much of a pattern of wavelength `wave` is drawn: 0 below two pixels, 1 from four on."""
    return min(max(wave / (2 * pixel) - 1, 0.0), 1.0)


def _coverage(distance: np.ndarray, pixel: float) -> np.ndarray:
    """Returns how much of each pixel lies inside an outline at the signed `distance` (positive inside)."""
    cover = distance * (1 / pixel)
    cover += 0.5
    return cover.clip(0, 1, out=cover)


def _angle(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns arctan2(y, x) within 0.0007, much faster than numpy: a minimax fit of atan on [0, 1]."""
    wide, high = abs(x), abs(y)
    small = np.minimum(wide, high) / (np.maximum(wide, high) + 1e-9)
    square = small * small
    angle = ((0.07934118 * square - 0.28869233) * square + 0.99535833) * small
    angle = np.where(high > wide, math.pi / 2 - angle, angle)
    angle = np.where(x < 0, math.pi - angle, angle)
    return np.copysign(angle, y)


def _mark(kind: str, t: np.ndarray, q: np.ndarray, pixel: float) -> np.ndarray:
    """Returns in [0, 1] where the mark lies on a petal: `t` along, `q` in [-1, 1] across."""
    if kind == 'band':
        mark = np.exp(-6 * q * q) * (1.15 - t)
    elif kind == 'blotch':
        mark = (0.5 - t + 0.06 * np.cos(q * 9)) * 7
    elif kind == 'star':
        mark = (0.62 - t) * 5 - abs(q) * 2.2
    elif kind == 'ray':
        mark = (0.85 - t) * 5 - abs(q) * 7
    elif kind == 'rays':
        mark = (0.75 - t) * 4 * (np.cos(q * 11) * _fade(0.1, pixel) + 0.25)
    elif kind == 'spots':
        dots = np.sin(t * 34 + 5 * q) * np.cos(q * 8 + 7 * t)
        mark = (dots - 0.35) * 6 * (0.85 - t) * _fade(0.18, pixel)
    else:  # pinnate: the ribs of a leaf
        rib = np.exp(-90 * q * q) * 0.9
        side = np.cos(t * 44 - abs(q) * 9)
        mark = rib + np.maximum(side - 0.55, 0) * (0.9 * _fade(0.14, pixel))
    return mark.clip(0, 1)


def brush(canvas, box, petal, u, v, length, tone, lit, palette, pixel, scale):
    """Paints one petal per pixel of `box`, and its shadow around it.

    u, v: [H, W] along and across the petal; `length`, `tone` (brightness) and `lit` (the light along, across)
    are numbers or [H, W]; `pixel` is the size of one in the units of u; `scale` is the mean length.
    """
    width = petal.width * scale
    if petal.curl:
        v = v - (petal.curl / scale) * u * abs(u)
    side = v * (1 / width)
    if petal.notch:
        u = u + (petal.notch * scale) * np.maximum(1 - abs(side) * 1.6, 0)
    if petal.arc:
        u = u + (petal.arc / scale) * v * v
    if petal.frill:
        u = u + (petal.frill * scale) * np.cos(side * 11)
    t = u / length
    index = ((t + 0.5) * (PROFILE / 2)).astype(np.intp)
    square, slope, inverse = _profile(petal.base, petal.tip).take(index, axis=1, mode='clip')
    across = side * side
    distance = (square - across) * width  # of an implicit outline: value / |gradient|
    distance /= np.sqrt(slope * (petal.width * petal.width) + 4 * across) + 1e-4
    distance = np.minimum(distance, (1 - t) * scale)  # sharp where a blunt tip is steep
    cover = _coverage(distance, pixel)
    q = side * inverse
    colour = palette[petal.slot].take((t * (RAMP - 1)).astype(np.intp), axis=1, mode='clip')
    if petal.mark and pixel < 0.08:
        ink = palette[petal.ink][:, RAMP // 2, None, None]
        colour += (ink - colour) * _mark(petal.mark, t, q, pixel)
    shade = (lit[0] * petal.cup) * (0.55 - t) - (lit[1] * petal.cup) * q
    shade += tone
    shade -= np.maximum(0.14 - 1.26 * (q * q), 0)
    if petal.veins:
        shade += (0.09 * _fade(2 * width / petal.veins, pixel)) * np.cos(q * (math.pi * petal.veins))
    shade += np.maximum(0.15 - distance * (1.8 / scale), 0)
    keep = np.maximum(1 + distance * (2 / (petal.shadow() * scale)), 0)
    keep *= keep
    keep *= -0.4
    keep += 1
    keep *= 1 - cover
    shade *= cover
    colour *= shade
    under = canvas.rgb[(slice(None), *box)]
    under *= keep
    under += colour


class View:
    """A flower's frame: centre and radius on the canvas, tilt (radians) towards the direction `lean`."""

    def __init__(self, canvas: Canvas, x: float, y: float, radius: float, tilt: float, lean: float):
        self.canvas, self.x, self.y, self.radius, self.lean = canvas, x, y, radius, lean
        self.squash, self.rise = math.cos(tilt), math.sin(tilt)
        self.pixel = canvas.pixel / radius / math.sqrt(self.squash)

    def place(self, across: float, down: float, lift: float = 0.0, x: float = 0.0, y: float = 0.0):
        """Returns (rows and columns, X, Y in this frame, brightness) around (x, y); None if out of sight.

        across, down: half of the extent there; lift: the height above the flower's plane.
        """
        c, s = math.cos(self.lean), math.sin(self.lean)
        up = -lift * self.rise
        px, py = x * c - (y * self.squash + up) * s, x * s + (y * self.squash + up) * c
        wide, high = across * abs(c) + down * abs(s), across * abs(s) + down * abs(c)
        r = self.radius
        box = self.canvas.window(self.x + px * r, self.y + py * r, wide * r, high * r)
        if box is None:
            return None
        dx, dy = (self.canvas.xs[box[1]] - self.x) / r, (self.canvas.ys[box[0]][:, None] - self.y) / r
        if self.lean == 0 and self.squash == 1:
            return box, dx, dy, 1.0
        return box, dx * c + dy * s, (dy * c - dx * s - up) * (1 / self.squash), 1.0


class Cluster(View):
    """A dome of small flowers: folding the plane into a jittered lattice draws all of them at once."""

    def __init__(self, canvas, x, y, radius, lean, light: Light, cell: float, layer: int, jitter: np.ndarray):
        super().__init__(canvas, x, y, radius, 0.0, lean)
        self.cell, self.light, self.layer, self.jitter = cell, light, layer, jitter
        self.pixel /= cell

    def place(self, across: float, down: float, lift: float = 0.0, x: float = 0.0, y: float = 0.0):
        """As `View.place`, with the coordinates of the nearest small flower and the light on the dome."""
        return self._folded

    @functools.cached_property
    def _folded(self):
        seen = super().place(1.0 + self.cell, 1.0 + self.cell)
        if seen is None:
            return None
        box, across, down, _ = seen
        bulge = 0.9 + 0.25 * (across * across + down * down)  # the rim of the dome is seen at an angle
        across, down = across * bulge, down * bulge
        step = 2.05 * self.cell
        shift, sink = 0.5 * step * self.layer, 0.29 * step * self.layer  # in the holes of the one above
        row = np.rint((down - sink) * (1 / (0.87 * step)))
        odd = 0.5 * (row - 2 * np.floor(row / 2))
        column = np.rint((across - shift) * (1 / step) - odd)
        cx, cy = (column + odd) * step + shift, row * (0.87 * step) + sink
        index = (row * 5 + column * 11).astype(np.intp) & 63
        away = cx * cx + cy * cy
        shift_x, shift_y, bright = (table.take(index) for table in self.jitter)
        shift_x += 9.0 * (away > 0.9 + 0.2 * bright)  # beyond the rim there is nothing
        bright += 1.02 - 0.2 * away + (self.light.strength * 0.3) * (cx * self.light.x + cy * self.light.y)
        x, y = (across - cx) * (1 / self.cell) + shift_x, (down - cy) * (1 / self.cell) + shift_y
        return box, x, y, bright * (1.0, 0.75, 0.55)[self.layer]


def whorl(view: View, part: Whorl, palette, light: Light, turn: float, rng: np.random.Generator) -> None:
    """Paints a ring of petals; overlapping ones lie like the blades of a pinwheel."""
    count, petal = part.count, part.petal
    sector = 2 * math.pi / count
    wild = rng.standard_normal((3, count)).astype(np.float32) * part.wild
    first = turn + part.turn * sector
    axis = np.arange(count, dtype=np.float32) * sector + first + wild[0] * (0.5 * sector)
    cos, sin = np.cos(axis), np.sin(axis)
    lit = (cos * light.x + sin * light.y) * light.strength, (cos * light.y - sin * light.x) * light.strength
    table = np.stack([cos, sin, petal.length * (1 + wild[1]), 1 + wild[2], *lit])
    reach = petal.length * (1.05 + petal.shadow())
    seen = view.place(reach, reach, part.lift)
    if seen is None:
        return
    box, x, y, dome = seen
    spot = (_angle(y, x) - first) * (1 / sector)
    nearest = (np.floor(spot) if part.overlap else np.rint(spot)).astype(np.intp)
    for index in (nearest + 1, nearest) if part.overlap else (nearest,):
        c, s, length, tone, *lit = table.take(index, axis=1, mode='wrap')
        brush(view.canvas, box, petal, x * c + y * s, y * c - x * s, length, tone * dome, lit, palette,
              view.pixel, petal.length)


def single(view: View, part: Single, palette, light: Light, turn: float) -> None:
    """Paints one petal of its own place and direction, and its mirror image if it has one."""
    if part.mirrored:
        petal = part.petal._replace(curl=-part.petal.curl)
        single(view, Single(180 - part.angle, petal, -part.x, part.y), palette, light, turn)
    petal, angle = part.petal, turn - math.radians(part.angle)
    c, s = math.cos(turn), math.sin(turn)
    x, y = part.x * c - part.y * s, part.x * s + part.y * c
    c, s, length = math.cos(angle), math.sin(angle), petal.length
    wide, half = length * (petal.width + abs(petal.curl) + petal.shadow()), length * (0.5 + petal.shadow())
    across, down = half * abs(c) + wide * abs(s), half * abs(s) + wide * abs(c)
    seen = view.place(across, down, 0.0, x + c * length / 2, y + s * length / 2)
    if seen is None:
        return
    box, dx, dy, tone = seen
    dx, dy = dx - x, dy - y
    lit = light.turned(angle)
    lit = (lit.x * lit.strength, lit.y * lit.strength)
    brush(view.canvas, box, petal, dx * c + dy * s, dy * c - dx * s, length, tone, lit, palette, view.pixel, length)


def centre(view: View, part: Centre, palette, light: Light, turn: float) -> None:
    """Paints the dome of florets in the middle of a flower."""
    seen = view.place(part.radius * 1.3, part.radius * 1.3, part.lift)
    if seen is None:
        return
    box, x, y, tone = seen
    radius = np.sqrt(x * x + y * y)
    rho = radius * (1 / part.radius)
    spiral = np.cos(part.count * (_angle(y, x) - turn) + 9 * rho) * np.cos(part.count * 2.5 * rho)
    lit = (x * light.x + y * light.y) * (0.3 * light.strength / part.radius)
    shade = tone * (1.02 - 0.25 * rho * rho + lit)
    shade += (0.2 * _fade(2.5 * part.radius / part.count, view.pixel)) * spiral
    cover = _coverage(part.radius - radius, view.pixel)
    near = (5 - 4 * rho).clip(0, 1)
    colour = palette[part.slot].take((rho * (RAMP - 1)).astype(np.intp), axis=1, mode='clip')
    under = view.canvas.rgb[(slice(None), *box)]
    under *= (1 - cover) * (1 - 0.5 * near * near)
    under += colour * (shade * cover)
