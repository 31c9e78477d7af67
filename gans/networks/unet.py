"""The U-net that inpaints and colorizes, and the discriminator of pairs (flower CGAN post, 2018: Tables 1a, 1b, 2)."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.errors import UserError
from gans.nn.heads import PatchHead
from gans.nn.layers import Conv, Dense, Superlayer, check_size, shown


class Generator(nn.Module):
    """Degraded image -> RGB image (Table 1a). 1,858,811 parameters at 256 x 256 with three channels in.

    Encoder: a superlayer and a stride-2 superlayer per width, without the stride-2 one at the last width.
    Bottleneck: a projection to `z_dim` and back. Decoder: the same widths in reverse, upscaling, skips
    concatenated. With `noise`, a random vector is concatenated to the bottleneck and every width after it is
    doubled (remark v): 4,794,667 parameters at 256 x 256 with one channel in.

    With `stride` 2 all this works at half the height and width, behind a first superlayer of stride 2. A superlayer of
    the first width enlarges what it gives, and the last convolution sees that and the degraded image: nearly all of
    the arithmetic at the full size is left out.
    """

    widths: tuple[int, ...] = (16, 24, 32, 40, 48, 56)
    z_dim: int = 128
    noise: bool = False
    stride: int = 1
    kernel: int = 5
    slope: float = 0.2
    init_std: float = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Array, latent: Array | None = None, train: bool = False) -> Array:
        """`image` [N, H, W, C] in [-1, 1], `latent` [N, z_dim] with `noise`, else None; returns [N, H, W, 3].

        The result is float32 in [-1, 1]. `train` changes nothing: no dropout, no batch statistics. Raises
        UserError if H or W is not a multiple of 2 ** len(widths) (64), if `latent` does not fit `noise`, or for any
        other `stride` than 1 and 2.
        """
        if self.stride not in (1, 2):
            raise UserError(f'config.generator.stride is {self.stride}: unet takes 1 or 2.')
        check_size(image.shape, len(self.widths), 'unet')
        check_latent(latent, self.noise, image.shape[0], self.z_dim)
        superlayer = partial(Superlayer, kernel=self.kernel, slope=self.slope, init_std=self.init_std, dtype=self.dtype)
        dense = partial(Dense, init_std=self.init_std, dtype=self.dtype)

        x, skips = image.astype(self.dtype), []
        beside = []  # what the last convolution sees too
        if self.stride > 1:
            beside.append(x)
            x = superlayer(self.widths[0], stride=self.stride, name='stem')(x)
        for i, width in enumerate(self.widths[:-1]):
            x = superlayer(width, name=f'encode_{i}')(x)
            skips.append(x)
            x = superlayer(width, stride=2, name=f'down_{i}')(x)
        x = superlayer(self.widths[-1], name=f'encode_{len(skips)}')(x)

        side = x.shape[1:3]
        outs = [width * (2 if self.noise else 1) for width in reversed(self.widths)]
        z = dense(self.z_dim, name='project')(x.reshape(x.shape[0], -1))
        if self.noise:
            z = jnp.concatenate([z, latent.astype(z.dtype)], axis=-1)
        x = dense(side[0] * side[1] * outs[0], name='expand')(z).reshape(x.shape[0], *side, outs[0])

        x = superlayer(outs[0], name='bottom')(x)
        for i, (width, merged) in enumerate(zip(outs[:-1], outs[1:], strict=True)):
            x = superlayer(width, upscale=2, name=f'up_{i}')(x)
            x = superlayer(merged, name=f'merge_{i}')(x, skips.pop())
        if self.stride > 1:
            x = superlayer(self.widths[0], upscale=self.stride, name='restore')(x)
        x = Conv(3, self.kernel, init_std=self.init_std, dtype=self.dtype, name='out')(x, *beside)
        return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """(Image, condition) -> score, a logit (Table 1b). 3,778,641 parameters at 256 x 256 with 3 + 3 channels.

    Stride-2 superlayers, the first without norm; a linear projection to `hidden`, then to one number. The
    table's sigmoid is part of the loss. The projection to `hidden` is not in the table: the text's 3.8 M
    requires it.

    With `patches` the projections are convolutions, and every place of the last map has a score of its own
    (`gans.nn.heads.PatchHead`): a PatchGAN. With n `widths` and a `kernel` of 5 a score sees a square of
    12 * 2^n - 3 pixels: 45 for two of them, 93 for three.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 256, 256)
    hidden: int = 256
    patches: bool = False
    kernel: int = 5
    slope: float = 0.2
    init_std: float = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Array, cond: Array | None = None, train: bool = False) -> Array:
        """`image` [N, H, W, 3] and `cond` [N, H, W, C] or None, in [-1, 1]; returns float32 scores [N].

        With `patches` [N, H / 2 ** len(widths), W / 2 ** len(widths)]. `train` changes nothing. Raises
        UserError if H or W is not a multiple of 2 ** len(widths) (64).
        """
        check_size(image.shape, len(self.widths), 'unet')
        x = shown(image, cond)
        x = x.astype(self.dtype)
        for i, width in enumerate(self.widths):
            x = Superlayer(
                width,
                self.kernel,
                stride=2,
                norm='pixelwise' if i else 'none',
                slope=self.slope,
                init_std=self.init_std,
                dtype=self.dtype,
                name=f'down_{i}',
            )(x)
        common = dict(init_std=self.init_std, dtype=self.dtype)
        if self.patches:
            return PatchHead(self.hidden, self.kernel, slope=self.slope, **common, name='head')(x)
        dense = partial(Dense, **common)
        x = dense(self.hidden, name='project')(x.reshape(len(x), -1))
        return dense(1, name='out')(x)[:, 0].astype(jnp.float32)


def check_latent(latent: Array | None, noise: bool, batch: int, z_dim: int) -> None:
    """Raises UserError unless `latent` is [batch, z_dim] with `noise`, None without."""
    if noise and (latent is None or latent.shape != (batch, z_dim)):
        found = None if latent is None else latent.shape
        raise UserError(
            f'the unet generator with noise=True needs a latent of shape ({batch}, {z_dim}), '
            f'not {found}: let the task draw {z_dim} numbers per image (config.task.latent).'
        )
    if not noise and latent is not None:
        raise UserError('the unet generator was given a latent but has noise=False: set config.generator.noise=True.')
