"""Terms that any objective can add to a player's loss: each function here makes one of its arguments.

A term is named in `config.objective.terms` (the generator's loss) or `config.objective.disc_terms` (the
discriminator's), with its arguments if it takes any; the schedule of the same name is its weight, and its value is a
metric of that name. A new one is a new function here, or a module elsewhere with `make`, named by its dotted path.

Terms over `layers` compare what those layers of the discriminator give for real and for generated images. Layers are
named by their paths among its parameters: 'down_0' is a whole superlayer, norm and activation included, 'down_0/conv'
its convolution alone. In the generator's turn, what a layer gives for real images is constant. In the
discriminator's turn both sides move: a positive weight draws its features of real and generated images together and
so holds it back, a negative one drives them apart, as in an MMD-GAN (Li et al. 2017); only the Gaussian kernel's
moments are bounded then.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gans.errors import UserError, closest
from gans.losses import colour, matching, reconstruction
from gans.pretrained import lite0
from gans.types import Term, Turn

Compare = Callable[[jax.Array, jax.Array], jax.Array]

_SEEN = ('block_0', 'block_2', 'block_4', 'block_10')  # of EfficientNet-Lite0


def l1(hole: float = 1.0, rest: float = 1.0) -> Term:
    """Mean absolute difference of the generator's output and the real image, both in [-1, 1].

    The real image is taken as the networks see it: while the inputs are blurred, so is the target, and the
    generator learns gross shapes and colours first. The output itself is not blurred before it is compared, or
    its high frequencies would be free. Source: Isola et al. 2017, equation 3.

    Args:
      hole: what every pixel counts where the task hid the image: 6 in Liu et al. 2018, "Image Inpainting for Irregular
        Holes Using Partial Convolutions", equations 1 and 7.
      rest: what every other pixel counts, 1 there.
    """
    if hole == rest == 1:
        return Term(lambda turn: reconstruction.l1(turn.output, turn.real), paired=True)

    def value(turn: Turn) -> jax.Array:
        return reconstruction.l1(turn.output, turn.real, rest + (hole - rest) * turn.mask)

    return Term(value, paired=True, masked=True)


def moments(
    layers: Sequence[str],
    weights: Sequence[float] = (),
    kernel: str = 'gaussian',
    bandwidths: Sequence[float] = matching.BANDWIDTHS,
    bandwidth_weights: Sequence[float] = (),
    unbiased: bool = False,
    root: bool = False,
    by_mean: bool = True,
) -> Term:
    """How far apart the distributions of real and generated features are: kernel moments, the mean over the layers.

    Args:
      layers: the layers' paths.
      weights: one for each layer, which multiplies its part; () for 1 each.
      bandwidth_weights: one for each bandwidth; () for 1 each.
      kernel, bandwidths, unbiased, root, by_mean: as in `gans.losses.matching.mmd`.

    The mean over the layers is that of the thesis's code; equation 94 sums, which is the same with a larger weight of
    the term. Its code has root=True and a weight of 0.2. Source: Curro 2016, equations 91 to 95.

    Raises:
      UserError: no layers, or arguments without sense.
    """
    options = dict(kernel=kernel, bandwidths=bandwidths, weights=bandwidth_weights, unbiased=unbiased, root=root)
    matching.check_mmd(**options)
    return _over_layers('moments', layers, weights, partial(matching.mmd, **options, by_mean=by_mean))


def style(layers: Sequence[str], weights: Sequence[float] = (), form: str = 'gram') -> Term:
    """How differently features go together in real and generated images: Gram matrices, the mean over the layers.

    Args:
      layers: the layers' paths. One without positions, [N, C], counts as a map of one.
      weights: one for each layer, which multiplies its part; () for 1 each.
      form: 'gram', 'appendix' or 'positions', as in `gans.losses.matching.style`.

    The thesis's code has form='appendix' and a weight of 0.1; the mean over the layers is as in `moments`. Source:
    Curro 2016, equations 97 to 99.

    Raises:
      UserError: no layers, an unknown form, or weights of another number.
    """
    matching.check_style(form)
    return _over_layers('style', layers, weights, partial(matching.style, form=form))


def features(layers: Sequence[str], weights: Sequence[float] = ()) -> Term:
    """The squared distance of the mean features of real and generated images, the mean over the layers.

    `layers` and `weights` as in `moments`. Source: Salimans et al. 2016, section 3.1; Curro 2016, equation 77.

    Raises:
      UserError: no layers, or weights of another number.
    """
    return _over_layers('features', layers, weights, matching.feature_matching)


def paired_features(layers: Sequence[str], weights: Sequence[float] = ()) -> Term:
    """The mean absolute difference of the features of each generated image and of its real one, the mean over layers.

    `layers` and `weights` as in `moments`; the discriminator is shown the condition with both. Source: Wang et al.
    2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs", equation 4 and a weight of
    10. It sums over the layers: that is this mean with the weight times their number.

    Raises:
      UserError: no layers, or weights of another number.
    """
    return _over_layers('paired_features', layers, weights, reconstruction.l1)._replace(paired=True)


def perceptual(layers: Sequence[str] = _SEEN, weights: Sequence[float] = ()) -> Term:
    """How different the output and the real image are to EfficientNet-Lite0 (`gans.pretrained.lite0`).

    Args:
      layers: of that network, by their names in `lite0.LAYERS`. By default the last ones of 1/2, 1/4, 1/8 and 1/16 of
        the image's sides.
      weights: one for each layer, which multiplies its part; () for 1 each.

    It is the mean over the layers of `gans.losses.matching.by_direction`. Images are seen as large as they are, the
    real one as the networks see it (as in `l1`). The network was trained on others' images and does not move. Source:
    Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", section 3.2, with
    another network and distance.

    Raises:
      UserError: no layers, layers that it does not have, or weights of another number; and, when training begins, if
        the package with its weights is not installed.
    """
    layers, weights = _checked('perceptual', layers, weights, "EfficientNet-Lite0's", _SEEN[:2])
    for layer in layers:
        if layer not in lite0.LAYERS:
            raise UserError(
                f"The term 'perceptual' looks at the layer {layer!r}, which EfficientNet-Lite0 does not have"
                f'{closest(layer, lite0.LAYERS)}: it has {", ".join(lite0.LAYERS)}.'
            )

    def value(turn: Turn) -> jax.Array:
        real, fake = (lite0.run(turn.frozen['lite0'], images).layers for images in (turn.real, turn.output))
        return _mean_over(layers, weights, matching.by_direction, real, fake)

    return Term(value, paired=True, frozen={'lite0': lambda: lite0.load()})


def chroma(gray: float = 0.2) -> Term:
    """Mean absolute difference of the colours of the output and the real image, brightness left out, weighted.

    gray: from 0 to 1, what a pixel weighs where the real image is gray; a fully saturated one weighs 1. See
    `gans.losses.colour.chroma`. The real image is taken as the networks see it (as in `l1`).
    """
    return Term(lambda turn: colour.chroma(turn.output, turn.real, gray), paired=True)


def colourfulness() -> Term:
    """What the output lacks of a colourfulness of 100, in hundredths: `gans.losses.colour.lack_of_colour`.

    It asks for vivid colours wherever they are, so that its weight is at most 0.5 (that of Kang et al. 2023).
    """
    return Term(lambda turn: colour.lack_of_colour(turn.output))


def historical() -> Term:
    """The squared distance of a player's parameters from their mean over all steps so far, the present ones included.

    The mean counts as constant. Source: Salimans et al. 2016, section 3.3; Curro 2016, equation 82.
    """
    return Term(_from_their_mean, historical=True)


def _over_layers(name: str, layers: Sequence[str], weights: Sequence[float], compare: Compare) -> Term:
    """The mean over the layers of what `compare` says of their real and generated features, each times its weight."""
    layers, weights = _checked(name, layers, weights, "the discriminator's", ('down_0', 'down_1'))
    return Term(
        lambda turn: _mean_over(layers, weights, compare, turn.real_layers, turn.fake_layers),
        layers=layers,
    )


def _checked(name, layers, weights, whose, example):
    """(layers, a weight for each), as tuples."""
    if isinstance(layers, str) or not len(layers):
        raise UserError(
            f'The term {name!r} looks at the layers {layers!r}: name one or more of {whose} in a tuple, '
            f'for example layers={example}.'
        )
    if np.size(weights) and np.shape(weights) != np.shape(layers):
        raise UserError(f'The term {name!r} has the weights {weights} for {len(layers)} layers: give one for each.')
    return tuple(layers), tuple(weights) or (1.0,) * len(layers)


def _mean_over(layers, weights, compare, real, fake):
    parts = [compare(real[layer], fake[layer]) for layer in layers]
    return sum(weight * part for weight, part in zip(weights, parts, strict=True)) / len(layers)


def _from_their_mean(turn: Turn) -> jax.Array:
    parts = jax.tree.map(lambda now, mean: jnp.sum(jnp.square(now - mean)), turn.params, turn.mean_params)
    return sum(jax.tree.leaves(parts))
