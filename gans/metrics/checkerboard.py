"""How strong a grid of dots is that up-sampling leaves in images: peaks of their spectrum, beside what is around them.

Transposed convolutions and strides repeat their pattern every 2 and every 4 pixels (Odena et al. 2016, "Deconvolution
and Checkerboard Artifacts"). A pattern of such a period is a peak of the spectrum at multiples of a quarter of the
sampling frequency (Zhang et al. 2019, "Detecting and Simulating Artifacts in GAN Fake Images"), where images that are
not made by up-sampling have none. Everything here is NumPy and SciPy on the host.
"""

import numpy as np
from scipy import fft

SMALLEST = 16  # pixels of the shorter side

_LARGEST = 32  # pixels of a patch's side
_PATCHES = 3  # along each axis
_FINEST = 4  # pixels: the longest period that is looked at
_NEAR, _FAR = 2, 3  # bins: the distance of a peak's surroundings; the window spreads a peak over one bin
_LEVEL = 1 / 127.5  # of the [-1, 1] scale: one level of uint8


def spectrum(images: np.ndarray) -> np.ndarray:
    """The mean power of an image at every frequency, over patches under a Hann window (Welch 1967), channels summed.

    Patches are squares of at most 32 pixels, 3 x 3 of them spread evenly over each image, so that patterns of which
    phase, sign or colour varies over an image count too.

    Args:
      images: float [N, H, W, C] in [-1, 1], N at least 1.

    Returns:
      float64 [S, S] for patches of S pixels, S a multiple of 4: (row, column) is the frequency in S-ths of the sampling
      frequency. [0, 0] for images smaller than `SMALLEST`.
    """
    count, height, width, _ = images.shape
    if min(height, width) < SMALLEST:
        return np.zeros((0, 0))
    side = min(_LARGEST, min(height, width) // _FINEST * _FINEST)
    window = _window(side)[..., None]
    total = np.zeros((side, side))
    places = [np.unique(np.linspace(0, extent - side, _PATCHES).astype(int)) for extent in (height, width)]
    for top in places[0]:
        for left in places[1]:
            patch = images[:, top : top + side, left : left + side].astype(np.float32)
            found = fft.fft2((patch - patch.mean(axis=(1, 2), keepdims=True)) * window, axes=(1, 2))
            total += np.square(np.abs(found)).sum(axis=(0, 3), dtype=np.float64)
    return total / (count * len(places[0]) * len(places[1]))


def checkerboard(power: np.ndarray, channels: int = 3) -> float:
    """The power of patterns of a period of 2 or 4 pixels, over that of the frequencies around: 1 where there is none.

    The mean over the 15 frequencies (u / 4, v / 4), u and v from 0 to 3 and not both 0, of the power there over the
    median of the power two and three bins away. White noise of deviation s under a checkerboard of amplitude a gets
    1 + g / 15 * (a / s) ** 2, where g, (sum of the window) ** 2 / (sum of its square), is 455 for patches of 32 pixels.
    What is fainter than the rounding to uint8 counts as nothing.

    Args:
      power: what `spectrum` gives, of a set of images: their mean.
      channels: the images' channels.

    Returns:
      NaN where the images are too small.
    """
    side = len(power)
    if not side:
        return float('nan')
    rounding = channels * _LEVEL**2 / 12 * np.square(_window(side)).sum()
    power = np.maximum(power, rounding)
    steps = np.arange(-_FAR, _FAR + 1)
    rows, columns = (steps.ravel() for steps in np.meshgrid(steps, steps))
    ring = np.maximum(np.abs(rows), np.abs(columns)) >= _NEAR
    peaks = [
        power[u, v] / np.median(power[(u + rows[ring]) % side, (v + columns[ring]) % side])
        for u in range(0, side, side // _FINEST)
        for v in range(0, side, side // _FINEST)
        if u or v
    ]
    return float(np.mean(peaks))


def _window(side):
    """The periodic Hann window [side, side]."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(side) / side)
    return np.outer(hann, hann).astype(np.float32)
