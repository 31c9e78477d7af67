"""The smallest players that generate: a few numbers, batch norm if wanted. Found by name, as those of gans/networks."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp


class Generator(nn.Module):
    """latent [N, Z] -> [N, *shape, 3] in [-1, 1]: 4 x 4 colours, smoothly enlarged."""

    shape: tuple[int, int]
    norm: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent, train=False):
        x = nn.Dense(48)(latent)
        if self.norm:
            x = nn.BatchNorm(use_running_average=not train, momentum=0.5)(x)
        x = jnp.tanh(x).reshape(-1, 4, 4, 3)
        return jax.image.resize(x, (len(x), *self.shape, 3), 'linear')


class Discriminator(nn.Module):
    """Images [N, H, W, 3] -> logits [N]."""

    norm: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image, cond=None, train=False):
        n, height, width, _ = image.shape
        x = image.reshape(n, 4, height // 4, 4, width // 4, 3).mean((2, 4)).reshape(n, -1)
        x = nn.Dense(8)(x)
        if self.norm:
            x = nn.BatchNorm(use_running_average=not train, momentum=0.5)(x)
        return nn.Dense(1)(jnp.tanh(x))[:, 0]
