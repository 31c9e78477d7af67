"""The network of image classifiers: strided convolutions, the mean over the last map, one linear layer."""

import flax.linen as nn
import jax

from gans.nn import layers

KERNEL = 5
FEATURES = 128  # channels of the last map
_LAST = 7  # the last map has at most so many rows or columns, along the shorter side
_LEAST = 16  # channels of a map


def widths_for(size: tuple[int, int]) -> tuple[int, ...]:
    """The channels of each convolution for images of `size` (height, width).

    Each one halves the map, until its shorter side has at most `_LAST` pixels; before that, each has half the channels
    of the next one, so that every layer costs about as much as the others. 64 pixels: 16, 32, 64, 128.
    """
    depth, side = 1, -(-min(size) // 2)
    while side > _LAST:
        depth, side = depth + 1, -(-side // 2)
    return tuple(max(_LEAST, FEATURES >> i) for i in reversed(range(depth)))


class Network(nn.Module):
    """Images [N, H, W, 3] in [-1, 1] -> (logits [N, classes], features [N, C]), C being the last of `widths`.

    Every layer is a convolution of stride 2 and a ReLU (`down_0`, `down_1`, ...) without a norm, so that a layer can be
    followed back to the pixels by its own filters. The features are the mean of the last map over its pixels. Weights
    start as He et al. (2015) have it.
    """

    classes: int
    widths: tuple[int, ...]

    def setup(self):
        self.down = [layers.Conv(width, KERNEL, stride=2, init_std=None) for width in self.widths]
        self.logits = layers.Dense(self.classes, init_std=0.01)

    def maps(self, images: jax.Array) -> dict[str, jax.Array]:
        """What every layer gives after its ReLU: {'down_0': [N, h, w, C], ...}; images of any height and width."""
        found, x = {}, images
        for i, layer in enumerate(self.down):
            found[f'down_{i}'] = x = nn.relu(layer(x))
        return found

    def __call__(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        features = list(self.maps(images).values())[-1].mean(axis=(1, 2))
        return self.logits(features), features
