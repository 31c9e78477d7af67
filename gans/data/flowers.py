"""Drawing of petals, leaves and flower centres with numpy: the brushes of `gans/data/embedded.py`.

A sheet's coordinates have their origin in the middle, x to the right and y down; half of the short side is 1. A flower
has its own frame: its radius is 1, and `View` maps the sheet into it (place, size, tilt). Every edge is a distance to
an outline, turned into coverage over one pixel, so that one drawing looks alike at all sizes. Details that are too fine
for the pixels fade instead of aliasing. All arrays are float32; colours are channels first, [3, H, W].
"""

import functools
import math
from typing import NamedTuple

import numpy as np

RAMP = 64  # entries of a colour ramp
PROFILE = 512  # entries of an outline table, over t in [-0.5, 1.5)


class Petal(NamedTuple):
    """An outline from base (t = 0) to tip (t = 1) of half width `width * w(t)`, w ~ t^(base/2) (1-t)^(tip/2), and its skin.

    Exponents: 1 is round, 2 is pointed, below 1 is blunt. `notch` cuts the middle of the tip, `frill` waves it, `curl` bends
    the axis (in lengths), `arc` rounds a broad tip (0.5 is a circle about the base), `cup` is the strength of the shading (negative: convex), `veins` counts them over half
    the width. `slot` and `ink` are the ramps of the petal and of its mark in the palette.
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


class Whorl(NamedTuple):
    """`count` equal petals around the centre; `turn` in sectors, `lift` above the flower's plane, `wild` is irregularity."""

    count: int
    petal: Petal
    overlap: bool = False
    turn: float = 0.0
    lift: float = 0.0
    wild: float = 0.05


class Single(NamedTuple):
    """One petal with its base at (x, y) in the flower's frame, pointing to `angle` degrees (0 is right, 90 is up)."""

    angle: float
    petal: Petal
    x: float = 0.0
    y: float = 0.0


class Centre(NamedTuple):
    """What is in the middle: `kind` is disc, stamens or corona; `count` florets, threads or frills; a ramp and a lift."""

    kind: str
    radius: float
    count: int
    slot: int
    lift: float = 0.0


class Light(NamedTuple):
    """The unit vector (x, y) to the light in the frame at hand, and its strength (0 is overcast, 1 is sun)."""

    x: float
    y: float
    strength: float

    def turned(self, angle: float) -> 'Light':
        """Returns the light as seen from a frame that is rotated by `angle` radians."""
        c, s = math.cos(angle), math.sin(angle)
        return Light(c * self.x + s * self.y, c * self.y - s * self.x, self.strength)


class Sheet:
    """A picture to paint on: `rgb` [3, H, W] in [0, 1], and the coordinates of its pixels; `soft` blurs every edge."""

    def __init__(self, shape: tuple[int, int], aspect: tuple[float, float], soft: float = 0.0):
        height, width = shape
        self.rgb = np.zeros((3, height, width), np.float32)
        self.ys = ((np.arange(height, dtype=np.float32) + 0.5) * (2 / height) - 1) * aspect[0]
        self.xs = ((np.arange(width, dtype=np.float32) + 0.5) * (2 / width) - 1) * aspect[1]
        self.pixel = max(2 * aspect[0] / height, 2 * aspect[1] / width, soft)
        self._grid = tuple((2 * a / n, a, n) for a, n in zip(aspect, shape, strict=True))

    def window(self, x: float, y: float, across: float, down: float) -> tuple[slice, slice] | None:
        """Returns the rows within `down` of y and the columns within `across` of x, or None if there are none."""
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


def _dip(colours: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Returns the colours [3, H, W] of a ramp [3, RAMP] at `at` [H, W] in [0, 1] (clipped)."""
    index = (at * (RAMP - 1)).astype(np.int32)
    return colours.take(index, axis=1, mode='clip')


@functools.lru_cache(maxsize=256)
def _profile(base: float, tip: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns tables over t of the squared half width (negative beyond the ends), its slope, and 1 / half width."""
    t = np.arange(PROFILE) / (PROFILE / 2) - 0.5
    inside = np.clip(t, 0, 1)
    peak = base / (base + tip)
    square = inside**base * (1 - inside) ** tip / (peak**base * (1 - peak) ** tip)
    outside = np.maximum(-t, t - 1).clip(0)
    square = square - np.where(outside > 0, 2 * outside + 0.01, 0)
    slope = np.gradient(square, t)
    inverse = 1 / np.sqrt(np.maximum(square, 0.02))
    return square.astype(np.float32), slope.astype(np.float32), inverse.astype(np.float32)


def _fade(wave: float, pixel: float) -> float:
    """Returns how much of a pattern of wavelength `wave` is drawn: 0 below two pixels, 1 from four on."""
    return min(max(wave / (2 * pixel) - 1, 0.0), 1.0)


def _coverage(distance: np.ndarray, pixel: float) -> np.ndarray:
    """Returns how much of each pixel lies inside an outline at the signed `distance` (positive inside)."""
    cover = distance * (1 / pixel)
    cover += 0.5
    np.maximum(cover, 0, out=cover)
    return np.minimum(cover, 1, out=cover)


def _mark(kind: str, t: np.ndarray, q: np.ndarray, distance: np.ndarray, pixel: float) -> np.ndarray:
    """Returns in [0, 1] where the mark lies on a petal: `t` along, `q` in [-1, 1] across, `distance` from the edge."""
    if kind == 'band':
        mark = np.exp(-6 * q * q) * (1.15 - t)
    elif kind == 'edge':
        mark = np.exp(-distance * 22)
    elif kind == 'blotch':
        mark = (0.5 - t + 0.06 * np.cos(q * 9)) * 7
    elif kind == 'star':
        mark = (0.62 - t) * 5 - abs(q) * 2.2
    elif kind == 'rays':
        mark = (0.75 - t) * 4 * (np.cos(q * 11) * _fade(0.1, pixel) + 0.25)
    elif kind == 'spots':
        dots = np.sin(t * 34 + 5 * q) * np.cos(q * 8 + 7 * t)
        mark = (dots - 0.35) * 6 * (0.85 - t) * _fade(0.18, pixel)
    else:  # pinnate: the ribs of a leaf
        rib = np.exp(-90 * q * q) * 0.9
        side = np.cos(t * 44 - abs(q) * 9)
        mark = rib + np.maximum(side - 0.55, 0) * (0.9 * _fade(0.14, pixel))
    return np.minimum(np.maximum(mark, 0), 1)


def brush(sheet, box, petal, u, v, length, tone, lit, palette, pixel, scale, shadow=0.4):
    """Paints one petal per pixel onto `sheet.rgb[:, box]`, and its shadow around it.

    u, v: [H, W] along and across the petal in the units of `length`; tone: brightness; lit: the light (along, across)
    in the petal's own frame; these and `length` are numbers or [H, W]. pixel: a pixel in the units of u;
    scale: the mean length, for the width; shadow: the darkness next to the petal.
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
    index = ((t + 0.5) * (PROFILE / 2)).astype(np.int32)
    square, slope, inverse = (table.take(index, mode='clip') for table in _profile(petal.base, petal.tip))
    steep = slope * (width * width / scale)
    distance = square * (width * width) - v * v
    distance /= np.sqrt(steep * steep + 4 * v * v) + 1e-4
    cover = _coverage(distance, pixel)
    q = side * inverse
    colour = _dip(palette[petal.slot], t)
    if petal.mark:
        colour += (palette[petal.ink][:, RAMP // 2, None, None] - colour) * _mark(petal.mark, t, q, distance, pixel)
    shade = (lit[0] * petal.cup) * (0.55 - t) - (lit[1] * petal.cup) * q
    shade += tone
    crease = np.maximum(1 - 9 * q * q, 0)
    shade -= 0.14 * crease
    if petal.veins:
        shade += (0.09 * _fade(2 * width / petal.veins, pixel)) * np.cos(q * (math.pi * petal.veins))
    rim = np.maximum(1 - distance * (12 / scale), 0)
    rim *= 0.15
    shade += rim
    keep = np.maximum(1 + distance * (8 / scale), 0)
    keep *= keep
    keep *= -shadow
    keep += 1
    np.maximum(keep, 1 - shadow, out=keep)
    keep *= 1 - cover
    shade *= cover
    colour *= shade
    under = sheet.rgb[(slice(None), *box)]
    under *= keep
    under += colour


class View:
    """A flower's frame on the sheet: centre (x, y), radius, tilt in radians towards the direction `lean`.

    `place` gives the window of a part and the flower's coordinates there; `pixel` is a pixel's size in them.
    """

    def __init__(self, sheet: Sheet, x: float, y: float, radius: float, tilt: float, lean: float):
        self.sheet, self.x, self.y, self.radius, self.lean = sheet, x, y, radius, lean
        self.squash, self.rise = math.cos(tilt), math.sin(tilt)
        self.pixel = sheet.pixel / radius / math.sqrt(self.squash)

    def place(self, across: float, down: float, lift: float = 0.0, x: float = 0.0, y: float = 0.0):
        """Returns (box, X, Y, tone) of the part around (x, y), raised by `lift`, `across` and `down` half its extent.

        box: rows and columns; X, Y: the flower's coordinates there; tone: brightness. None if it is out of sight.
        """
        c, s = math.cos(self.lean), math.sin(self.lean)
        up = lift * self.rise
        px, py = x * c - (y * self.squash + up) * s, x * s + (y * self.squash + up) * c
        wide, high = across * abs(c) + down * abs(s), across * abs(s) + down * abs(c)
        if self.squash < 1 and across == down:
            wide, high = across * math.hypot(c, s * self.squash), across * math.hypot(s, c * self.squash)
        r = self.radius
        box = self.sheet.window(self.x + px * r, self.y + py * r, wide * r, high * r)
        if box is None:
            return None
        dx = (self.sheet.xs[box[1]] - self.x) * (1 / r)
        dy = ((self.sheet.ys[box[0]] - self.y) * (1 / r))[:, None]
        return box, dx * c + dy * s, (dy * c - dx * s - up) * (1 / self.squash), 1.0


class Cluster(View):
    """A dome of many small flowers: the plane is folded into a jittered hexagonal lattice, so that all are drawn at once."""

    def __init__(self, sheet, x, y, radius, tilt, lean, light: Light, cell: float, layer: int, jitter: np.ndarray):
        super().__init__(sheet, x, y, radius, 0.0, 0.0)
        self.cell, self.light, self.layer, self.jitter = cell, light, layer, jitter
        self.pixel /= cell

    def place(self, across: float, down: float, lift: float = 0.0, x: float = 0.0, y: float = 0.0):
        """As `View.place`, with the coordinates of the nearest small flower; `tone` is the light on the dome."""
        seen = super().place(1.0 + self.cell, 1.0 + self.cell)
        if seen is None:
            return None
        box, across, down, _ = seen
        step = 2.05 * self.cell
        shift, sink = 0.5 * step * self.layer, 0.29 * step * self.layer  # a hole between three of the layer above
        row = np.rint((down - sink) * (1 / (0.87 * step)))
        odd = 0.5 * (row - 2 * np.floor(row / 2))
        column = np.rint((across - shift) * (1 / step) - odd)
        cx, cy = (column + odd) * step + shift, row * (0.87 * step) + sink
        index = (row * 5 + column * 11).astype(np.int32) & 63
        away = cx * cx + cy * cy
        local_x = (across - cx) * (1 / self.cell) + self.jitter[0].take(index) + 9.0 * (away > 0.9 + 0.2 * self.jitter[0].take(index))
        local_y = (down - cy) * (1 / self.cell) + self.jitter[1].take(index)
        tone = 1.02 - 0.2 * away + (self.light.strength * 0.3) * (cx * self.light.x + cy * self.light.y)
        tone += self.jitter[2].take(index)
        return box, local_x, local_y, tone * (1.0 if self.layer == 0 else 0.68)


def whorl(view: View, part: Whorl, palette, light: Light, turn: float, rng: np.random.Generator) -> None:
    """Paints a ring of petals; overlapping ones lie like the blades of a pinwheel."""
    count, petal = part.count, part.petal
    sector = 2 * math.pi / count
    wild = rng.standard_normal((3, count)).astype(np.float32) * part.wild
    first = turn + part.turn * sector
    axis = np.arange(count, dtype=np.float32) * sector + first + wild[0] * (0.5 * sector)
    length = petal.length * (1 + wild[1])
    cos, sin = np.cos(axis), np.sin(axis)
    reach = petal.length * 1.2
    seen = view.place(reach, reach, part.lift)
    if seen is None:
        return
    box, x, y, dome = seen
    spot = (np.arctan2(y, x) - first) * (1 / sector)
    nearest = (np.floor(spot) if part.overlap else np.rint(spot)).astype(np.int32)
    for index in ((nearest + 1) % count, nearest % count) if part.overlap else (nearest % count,):
        c, s = cos.take(index), sin.take(index)
        lit = ((cos * light.x + sin * light.y).take(index) * light.strength,
               (cos * light.y - sin * light.x).take(index) * light.strength)
        tone = (1 + wild[2]).take(index) * dome
        brush(view.sheet, box, petal, x * c + y * s, y * c - x * s, length.take(index), tone, lit, palette,
              view.pixel, petal.length)


def single(view: View, part: Single, palette, light: Light, turn: float) -> None:
    """Paints one petal of its own place and direction."""
    angle = turn - math.radians(part.angle)
    c, s = math.cos(turn), math.sin(turn)
    x, y = part.x * c - part.y * s, part.x * s + part.y * c
    c, s, length = math.cos(angle), math.sin(angle), part.petal.length
    wide, half = length * (part.petal.width + abs(part.petal.curl) + 0.1), length * 0.6
    across, down = half * abs(c) + wide * abs(s), half * abs(s) + wide * abs(c)
    seen = view.place(across, down, 0.0, x + c * length / 2, y + s * length / 2)
    if seen is None:
        return
    box, dx, dy, tone = seen
    dx, dy = dx - x, dy - y
    lit = light.turned(angle)
    brush(view.sheet, box, part.petal, dx * c + dy * s, dy * c - dx * s, length, tone,
          (lit.x * lit.strength, lit.y * lit.strength), palette, view.pixel, length)


def centre(view: View, part: Centre, palette, light: Light, turn: float, rng: np.random.Generator) -> None:
    """Paints the middle of a flower: a dome of florets, threads with anthers, or a frilled trumpet."""
    wild = rng.standard_normal((2, part.count)).astype(np.float32)
    seen = view.place(part.radius * 1.3, part.radius * 1.3, part.lift)
    if seen is None:
        return
    box, x, y, dome = seen
    colours, pixel = palette[part.slot], view.pixel
    radius = np.sqrt(x * x + y * y)
    theta = np.arctan2(y, x) - turn
    rho = radius * (1 / part.radius)
    slope = (x * light.x + y * light.y) * (light.strength / part.radius)
    if part.kind == 'stamens':
        _stamens(view, part, box, radius, theta, wild, colours)
        return
    if part.kind == 'disc':
        fine = 0.2 * _fade(2.5 * part.radius / part.count, pixel)
        florets = np.cos(part.count * theta + 9 * rho) * np.cos(part.count * 0.62 * rho * 4)
        shade = dome * (1.02 - 0.25 * rho * rho + 0.3 * slope) + fine * florets
        distance = part.radius - radius
    else:
        frills = np.cos(part.count * theta)
        distance = part.radius * (1 + 0.05 * frills) - radius
        ribs = 0.08 * _fade(3 * part.radius / part.count, pixel)
        shade = dome * (1 - 0.3 * slope * (rho < 0.8)) + ribs * frills + 0.2 * np.exp(-40 * abs(distance))
    cover = _coverage(distance, pixel)
    under = view.sheet.rgb[(slice(None), *box)]
    near = np.minimum(np.maximum(1 + distance * (4 / part.radius), 0), 1)
    under *= (1 - cover) * (1 - 0.5 * near * near)
    under += _dip(colours, rho) * (shade * cover)


def _stamens(view, part, box, radius, theta, wild, colours):
    """Paints `part.count` threads from the centre, each with an anther at its end (the ramp's last colour)."""
    sector, pixel = 2 * math.pi / part.count, view.pixel
    spot = theta * (1 / sector)
    near = np.rint(spot)
    index = near.astype(np.int32) % part.count
    across = (spot - near - 0.18 * wild[0].take(index)) * sector * radius
    end = part.radius * (0.85 + 0.12 * wild[1].take(index))
    thick = 0.012 + 0.02 * part.radius
    thread = np.minimum(thick + pixel / 2 - abs(across), end - radius)
    thread = _coverage(thread - pixel / 2, pixel) * (min(1.0, 2 * thick / pixel) * 0.8)
    anther = _coverage(2.1 * thick - np.sqrt(across * across + (radius - end) ** 2), pixel)
    under = view.sheet.rgb[(slice(None), *box)]
    for cover, at in ((thread, 0), (anther, RAMP - 1)):
        under += (colours[:, at, None, None] - under) * cover
