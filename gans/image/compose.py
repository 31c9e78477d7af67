"""What of an image is kept around a network's output, and parts of images filled in without a network.

Everything here works on NumPy arrays on the host: images are float32 in [-1, 1], channels last.
"""

from collections.abc import Callable

import numpy as np

from gans.image import ops
from gans.image.large_image import Window, windows

_LUMA = np.array([ops.WEIGHT_R, ops.WEIGHT_G, ops.WEIGHT_B], np.float32)
_TOUCHING = np.ones((3, 3), bool)  # pixels that meet at a corner belong together


def quantise(images: np.ndarray) -> np.ndarray:
    """Images [-1, 1] -> uint8 of the same shape, as a PNG holds them: `ops.to_uint8` without a device."""
    return np.rint(np.clip((np.asarray(images, np.float32) + 1) * 127.5, 0, 255)).astype(np.uint8)


def luma(images: np.ndarray) -> np.ndarray:
    """BT.601 luma [..., 3] -> [..., 1] in the input's range: `ops.luma` without a device."""
    return (np.asarray(images, np.float32) @ _LUMA)[..., None]


def keep_luma(gray: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """The chroma of one image (U and V, or what is the same, colour minus luma) on the luma of another.

    Most pairs of luma and chroma lie outside the RGB cube. Clipping the channels would change the luma, so such a
    pixel gets as much of its chroma as the cube holds: luma and hue stay, saturation gives way.

    Args:
      gray: the luma to keep [..., 1] in [-1, 1].
      colour: the image whose chroma is taken [..., 3]; shapes broadcast, one colour [3] does.

    Returns:
      float32 [..., 3] in [-1, 1], whose luma is `gray`.
    """
    chroma = np.asarray(colour, np.float32) - luma(colour)
    with np.errstate(divide='ignore', invalid='ignore'):
        room = (np.where(chroma > 0, 1, -1) - gray) / chroma
    share = np.clip(np.where(chroma == 0, 1, room).min(axis=-1, keepdims=True), 0, 1)
    return np.clip(gray + share * chroma, -1, 1)


def fill_border(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills every connected part of a mask with the mean colour of the pixels just around it, as `border_means`.

    Parts that touch, at corners too, are one part. A mask over the whole image has no border: it becomes mid-gray.

    Args:
      image: float [H, W, C].
      mask: [H, W], true (or above one half) where the image is unknown.

    Returns:
      float32 [H, W, C].
    """
    filled = np.array(image, np.float32)
    labels, places = connected(np.asarray(mask) > 0.5)
    means = border_means(filled.__getitem__, labels, places)
    for number, (place, mean) in enumerate(zip(places, means, strict=True), 1):
        filled[place][labels[place] == number] = mean
    return filled


def border_means(
    look: Callable[[Window], np.ndarray], labels: np.ndarray, places: list[Window], reach: int = 2
) -> np.ndarray:
    """The mean colour around every part of a mask: of pixels outside the mask at most `reach` rows and columns away.

    Args:
      look: window -> float [h, w, 3], the image there; it is never looked at as a whole.
      labels: int [H, W], the numbers of the parts from 1 on, 0 outside the mask.
      places: the window of each part.

    Returns:
      float32 [parts, 3]; 0 (mid-gray) for a part that has no pixels around it.
    """
    from scipy import ndimage  # where it is used: training does without it

    means = np.zeros((len(places), 3), np.float32)
    for number, place in enumerate(places, 1):
        total, count = np.zeros(3, np.float64), 0
        sides = zip(place, labels.shape, strict=True)
        outer = tuple(slice(max(s.start - reach, 0), min(s.stop + reach, n)) for s, n in sides)
        for rows, columns in windows(outer):
            # The part reaches into these rows from up to `reach` rows above and below them.
            first = max(rows.start - reach, 0)
            part = labels[first : rows.stop + reach, columns] == number
            near = ndimage.binary_dilation(part, np.ones((2 * reach + 1,) * 2))[rows.start - first :]
            near = near[: rows.stop - rows.start] & (labels[rows, columns] == 0)
            if near.any():
                total += look((rows, columns))[near].sum(axis=0, dtype=np.float64)
                count += near.sum()
        means[number - 1] = total / max(count, 1)
    return means


def connected(mask: np.ndarray) -> tuple[np.ndarray, list[tuple[slice, slice]]]:
    """The connected parts of a mask [H, W]: their numbers from 1 on, int [H, W], and the rows and columns of each."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask, _TOUCHING)
    return labels, ndimage.find_objects(labels)
