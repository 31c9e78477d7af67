"""Colorizing: a gray image in, the colour image out. Source: the flower CGAN post, remark v."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from gans.image import compose, ops
from gans.image.large_image import LargeImage, everything, windows
from gans.metrics import measures
from gans.metrics.colour import colourfulness
from gans.nn.noise import latent_input
from gans.types import Array, Inputs, Latents, Measure, OnFiles, PairedEvaluation, Task, Watch


def make(latent: int, flip: bool, unpaired: bool = False, keep_luma: bool = False) -> Task:
    """Gray image (BT.601 luma) and a random vector in, colour image out.

    Args:
      latent: the length of the noise vector, 0 for none.
      flip: mirror half of the training images.
      unpaired: the grays and the real colour images come from disjoint halves of the training images, and the
        discriminator sees colour images alone (Curro 2016, chapter 4); else it is shown the gray image too.
      keep_luma: the image is finished with the luma of the gray image, so that the generator chooses chroma alone.
    """
    task = Task(
        draw=partial(_draw, latent, not unpaired),
        vary=partial(ops.random_flip, flip),
        parts=2 if unpaired else 1,
        latents=Latents(latent),
        watch=Watch(
            'colourfulness',
            lambda images: colourfulness(images).mean(),
            1.0,
            'gray',
            'its images are {} times as colourful as real ones',
            'be fading to gray',
        ),
        evaluation=PairedEvaluation(
            measures=measures.WHOLE
            | {
                'chroma error': measures.CHROMA_ERROR,
                'colourfulness': Measure('', 1, lambda a, b, mask: colourfulness(a)),
            },
            main='chroma error',
            baselines=('gray', 'mean chroma'),
            rows=_rows,
            prepare=mean_colour,
        ),
        on_files=OnFiles(paint, traced=paint_traced),
    )
    return task._replace(finish=set_luma) if keep_luma else task


def set_luma(gen: dict[str, Array], output: Array) -> Array:
    """The chroma of `output` [N, H, W, 3] on the luma `gen['image']` [N, H, W, 1].

    Not clipped: what leaves the cube of colours has a gradient that leads back, and its luma is the input's too.
    """
    return gen['image'] + (output - ops.luma(output))


def _draw(latent: int, shown: bool, key: Array, image: Array) -> Inputs:
    gray = ops.luma(image)
    return Inputs(gen={'image': gray} | latent_input(key, latent), real=image, cond=gray if shown else None)


def mean_colour(images: Iterator[np.ndarray]) -> np.ndarray:
    """The mean colour of all pixels of uint8 images, which come as [n, H, W, 3]: float32 [3] in [-1, 1].

    Its chroma is the images' mean U and V, which are linear in R, G and B.
    """
    total, pixels = np.zeros(3, np.float64), 0
    for chunk in images:
        total += chunk.sum(axis=(0, 1, 2), dtype=np.uint64)
        pixels += chunk[..., 0].size
    return np.float32(total / pixels / 127.5 - 1)


def _rows(mean: np.ndarray, inputs: Inputs, output: np.ndarray) -> dict[str, np.ndarray]:
    gray = inputs.gen['image']
    return {
        'gray': np.repeat(gray, 3, axis=-1),
        'mean chroma': compose.keep_luma(gray, mean),
        'output': output,
        'output, own luma': compose.keep_luma(gray, output),
    }


def paint(network: Callable, image: LargeImage, mask: None = None) -> Iterator[LargeImage]:
    """The image's own luma at full resolution with the network's chroma, scaled up bicubically."""
    del mask
    answer = network(lambda window: compose.luma(ops.to_float(image.seen(window))), everything(image.size))
    for variant in range(network.variants):
        output, result = answer(variant), image.coloured(in_place=variant == network.variants - 1)
        for window in windows(everything(image.size)):
            gray = compose.luma(ops.to_float(image.rgb(window)))
            result.put(window, compose.quantise(compose.keep_luma(gray, output[window])))
        yield result


def paint_traced(network: Callable[[Array], Array], images: Array, masks: None) -> Array:
    """`paint` for images [N, H, W, 3] of the network's size: their own luma with the network's chroma."""
    del masks
    gray = ops.luma(images)
    return ops.keep_luma(gray, network(gray))
