"""An image with the content of one and the style of another: its pixels are moved until a network sees both in it.

Source: Gatys et al. 2015, "A neural algorithm of artistic style"; Curro 2016, section 2.3 and figure 11.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gans.errors import Failure
from gans.features.opening import Features, open_features
from gans.image import compose
from gans.image.files import save_png, write_json
from gans.inference.image_files import shown
from gans.progress import progress
from gans.types import Array
from gans.visualization import choices, style
from gans.visualization.choices import Wishes

PREVIEWS = 20  # so often the output and the losses are written
_RATE = 0.05  # Adam's, of values in [-1, 1]; it falls to 0 along a cosine
_SPREAD = 0.3  # standard deviation of the noise to start from


class Objective(NamedTuple):
    """What is minimised: equation 84, each loss with the weights of equation 86.

    Attributes:
      maps: what is wanted of the content's layers.
      grams: what is wanted of the style's.
      content_weights: by layer.
      style_weights: by layer.
      variation_weight: of `style.variation`.
    """

    maps: dict[str, Array]
    grams: dict[str, Array]
    content_weights: dict[str, float]
    style_weights: dict[str, float]
    variation_weight: float

    def losses(self, layers: style.Layers, image: Array) -> dict:
        """Scalars: 'total', its parts by name, and the losses of each layer, which are not yet weighted."""
        content = style.content_losses(layers, self.maps)
        styles = style.style_losses(layers, self.grams)
        parts = {
            'content': style.weighted(content, self.content_weights),
            'style': style.weighted(styles, self.style_weights),
            'variation': self.variation_weight * style.variation(image),
        }
        return {'total': sum(parts.values()), **parts, 'content_layers': content, 'style_layers': styles}


def stylize(wishes: Wishes) -> str:
    """Makes the image, and beside it NAME_losses.json; both are written whole, now and then while it is made.

    Returns:
      what was done, for people.

    Raises:
      UserError: anything that the user can mend.
      Failure: a loss is not finite.
    """
    choices.check(wishes)
    weights = choices.weights_of(wishes)
    content = choices.read(wishes.content, wishes.size, choices.SIZE)
    style_image = choices.read(wishes.style, wishes.style_size or max(content.shape[:2]))
    features = open_features(wishes.features)
    maps = choices.maps_of(features, content.shape[:2])
    content_shares, style_shares = choices.layers_of(wishes, maps)
    objective = make_objective(features, content, style_image, content_shares, style_shares, weights)
    output = Path(wishes.output)
    record = output.with_name(f'{output.stem}_losses.json')
    about = _about(wishes, features, content, style_image, objective, weights)
    rows = []

    def preview(step, image, losses):
        rows.append({'step': step, **losses})
        save_png(output, _finished(image, content if wishes.keep_colours else None))
        write_json(record, about | {'done': step, 'losses': rows})

    optimise(features.layers, objective, start_of(wishes, content), wishes.steps, preview)
    first, last = rows[0], rows[-1]
    changes = ', '.join(f'{name} {first[name]:.4g} -> {last[name]:.4g}' for name in ('total', *choices.WEIGHTS))
    return (
        f"'{shown(output)}': {content.shape[1]} x {content.shape[0]} pixels, {wishes.steps} steps.\n"
        f"Losses times their weights: {changes} (all in '{shown(record)}')."
    )


def make_objective(
    features: Features,
    content: np.ndarray,
    style_image: np.ndarray,
    content_shares: dict[str, float],
    style_shares: dict[str, float],
    weights: dict[str, float],
) -> Objective:
    """What the two images, float [H, W, 3] in [-1, 1], want of a third.

    shares: by layer, see `style.relative`.
    weights: by the names in `choices.WEIGHTS`; the layers of a loss that weighs 0 are left out.
    """
    content_shares = content_shares if weights['content'] else {}
    style_shares = style_shares if weights['style'] else {}

    @jax.jit
    def look(image):  # what is not used is not computed
        layers = features.layers(image)
        return {name: layers[name] for name in content_shares}, {name: layers[name] for name in style_shares}

    maps = look(content[None])[0] if content_shares else {}
    grams = style.grams(look(style_image[None])[1]) if style_shares else {}
    return Objective(
        maps=maps,
        grams=grams,
        content_weights=style.relative(weights['content'], content_shares, maps),
        style_weights=style.relative(weights['style'], style_shares, grams),
        variation_weight=weights['variation'],
    )


def start_of(wishes: Wishes, content: np.ndarray) -> Array:
    """The image before the first step, [1, H, W, 3]: the content, or noise around mid-gray."""
    if wishes.start == 'content':
        return jnp.asarray(content[None])
    return jnp.clip(_SPREAD * jax.random.normal(jax.random.key(wishes.seed), (1, *content.shape)), -1, 1)


def optimise(
    layers: Callable[[Array], style.Layers],
    objective: Objective,
    image: Array,
    steps: int,
    preview: Callable[[int, np.ndarray, dict], None],
) -> None:
    """Moves an image [1, H, W, 3] so that the objective falls: Adam, and pixels stay within [-1, 1].

    L-BFGS, which Gatys et al. have, leaves the range of pixels behind: china.jpg at 160 px with lite0, a minute each on
    two busy cores, came to a loss of 0.93 and, cut off to the range, of 1.24; Adam came to 1.01 in it (one run,
    2026-11-26, jax 0.10.2).

    Args:
      layers: of a network.
      objective: what is minimised.
      image: to start from.
      steps: how many.
      preview: called before the first step, after the last and at PREVIEWS - 1 equal times between with (how many steps
        were done, the image [H, W, 3] of the lowest loss so far, its losses). Adam may leave a minimum where it starts.

    Raises:
      Failure: a loss is not finite.
    """
    adam = optax.adam(optax.cosine_decay_schedule(_RATE, steps))
    every = math.ceil(steps / PREVIEWS)

    def value(image):
        losses = objective.losses(layers(image), image)
        return losses['total'], losses

    @jax.jit
    def step(image, memory):
        slope, losses = jax.grad(value, has_aux=True)(image)
        updates, memory = adam.update(slope, memory)
        return jnp.clip(optax.apply_updates(image, updates), -1, 1), memory, losses

    memory, lowest, best = adam.init(image), math.inf, None
    with progress('stylizing', steps, 'steps') as advance:
        for done in range(steps + 1):  # the last one only for the losses of what the others made
            moved, memory, losses = step(image, memory)
            total = float(losses['total'])
            if not math.isfinite(total):
                raise Failure(
                    f'The loss is {total} after {done} steps: give smaller --weights. Files stay as they are.'
                )
            if total < lowest:
                lowest, best = total, (image, losses)
            if done % every == 0 or done == steps:
                preview(done, np.asarray(best[0][0]), jax.tree.map(float, best[1]))
            image = moved
            advance(done < steps)


def _finished(image, colours):
    """uint8 [H, W, 3]; with the chroma of `colours`, an image of the same size, if there is one."""
    return compose.quantise(image if colours is None else compose.keep_luma(compose.luma(image), colours))


def _about(wishes, features, content, style_image, objective, weights):
    """What the record of losses says beside them."""
    return {
        'content': {'file': wishes.content, 'size': list(content.shape[:2])},
        'style': {'file': wishes.style, 'size': list(style_image.shape[:2])},
        'features': {'name': features.name, 'digest': features.digest, **features.about},
        'weights': weights,
        'content_weights': objective.content_weights,
        'style_weights': objective.style_weights,
        'steps': wishes.steps,
        'start': wishes.start,
        'seed': wishes.seed,
        'keep_colours': wishes.keep_colours,
        'jax': jax.__version__,
    }
