"""An image in luminance and two colour differentials: figure 8 of Curro 2016."""

import numpy as np

from gans.image import compose, files, grids, ops
from gans.reproduce.types import Drawn, Place, Table
from gans.run.experiment import held_out_images
from gans.run.trained import load_run, open_images

_SHOWN = 3  # images in the figure
_MEASURED = 64  # at most; their means are in the table
_LIMITS = {'Y': 1.0, 'U': ops.U_MAX, 'V': ops.V_MAX}  # of images in [0, 1]
_TITLES = ['image', 'luminance Y', 'blue differential U', 'red differential V']


def draw(place: Place) -> Drawn:
    """Held-out images of a run, their Y, U and V as gray images, and how much of what varies is in each.

    U and V are mid-gray where they are 0; black and white are the ends of their ranges.
    """
    images = held_out_images(open_images(load_run(place.runs[0])), _MEASURED)
    yuv = np.asarray(ops.rgb_to_yuv(np.float32(images) / 255))
    planes = [compose.quantise(2 * yuv[..., :1] - 1)]
    planes += [compose.quantise(yuv[..., i : i + 1] / _LIMITS[name]) for i, name in ((1, 'U'), (2, 'V'))]
    columns = [part[:_SHOWN] for part in (images, *planes)]
    path = place.folder / 'luminance.png'
    files.save_png(path, grids.montage(columns, _TITLES))
    back = 255 * np.asarray(ops.yuv_to_rgb(yuv))
    edges = [np.square(np.diff(yuv, axis=axis)).sum(axis=(0, 1, 2)) for axis in (1, 2)]
    shares = sum(edges) / max(sum(edges).sum(), np.finfo(np.float32).tiny)
    rows = []
    for i, (name, limit) in enumerate(_LIMITS.items()):
        deviation = yuv[..., i].std(axis=(1, 2)).mean()
        reach = '0 to 1' if name == 'Y' else f'-{limit} to {limit}'
        rows.append([name, reach, f'{yuv[..., i].min():.3f} to {yuv[..., i].max():.3f}', f'{deviation:.4f}'])
        rows[-1].append(f'{shares[i]:.3f}')
    return Drawn(
        images=[(path, f'Rows of an image and its Y, U and V as gray images: {len(columns[0])} images.')],
        table=Table(['part', 'range', 'found', 'deviation within an image', 'share of the edges'], rows),
        numbers={'luminance': f'has {shares[0]:.0%} of the edges', 'error': float(np.abs(back - images).max())},
        notes=[
            f'The table is of {len(images)} held-out images in [0, 1], by gans.image.ops.rgb_to_yuv (equations 68 to '
            '75). The share of the edges is that of the squared differences of neighbouring pixels. From Y, U and V '
            f'back to RGB, levels of 0 to 255 differ by {np.abs(back - images).max():.1g} at most.'
        ],
    )
