"""What can be drawn of a generator from noise, each an image with its numbers; nothing is written here.

Source: "Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018), "Synthetic image manipulation",
figures 7 to 12; for the manifold, Curro 2016 (the thesis), figure 13 and the code appendix. A seed is one latent,
whatever else is drawn.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from gans.core.inputs import draw_from_noise
from gans.core.programs import once
from gans.core.sampling import map_latents, paint
from gans.errors import UserError
from gans.image import grids, ops
from gans.image.batching import in_batches
from gans.latent import inversion, space
from gans.nn.noise import QUANTILES, VARIANCES
from gans.progress import progress
from gans.run.trained import Trained

_BATCH = 16  # images that are made at a time: memory, not speed


class Plan(NamedTuple):
    """Wishes that were understood.

    Attributes:
      seeds: of the samples.
      few: of walks and edits.
      frames: images of a walk.
      directions: which.
      amounts: [frames], how far along each.
      places: of the manifold's rows and of its columns, from -1 to 1.
      edits: edits by name.
      terms: of the sum.
      images: uint8 [N, H, W, 3] to be found, or None.
      names: what they are called.
      search: whether to search where there is an encoder.
    """

    seeds: list[int]
    few: list[int]
    frames: int
    directions: list[int]
    amounts: np.ndarray
    places: np.ndarray
    edits: Mapping[str, space.Edit]
    terms: list[space.Term]
    images: np.ndarray | None
    names: list[str]
    search: bool


class Drawing(NamedTuple):
    """An image, and what it shows.

    Attributes:
      name: of its files.
      text: what it is, for people.
      image: uint8 [h, w, 3].
      numbers: arrays by name, among them `images` uint8 [..., H, W, 3] and `latents` [..., Z].
      animation: uint8 [N, h, w, 3], or None.
      details: lines that say more.
    """

    name: str
    text: str
    image: np.ndarray
    numbers: Mapping[str, np.ndarray | Sequence]
    animation: np.ndarray | None = None
    details: Sequence[str] = ()


def _paint(game, state, latents):
    return ops.to_uint8(paint(game, state, {'latent': latents}))


class Painter:
    """A run's finished generator as a map from latents to stored images, and the space of its latents."""

    def __init__(self, trained: Trained):
        """Raises UserError if the generator is shown an image."""
        game, state = trained.game, trained.state
        if not game.task.from_noise:
            raise UserError(
                f'{trained.folder} was trained for {trained.config.task.name!r}, whose generator is shown an image: '
                'only runs of generators from noise can be explored.'
            )
        self.game, self.state, self.shape = game, state, game.size
        self.size, distribution = game.task.latents
        of_latent = partial(game.objective.map_latent, state.carry)
        mean, cov = space.moments(of_latent, self.size, VARIANCES[distribution])
        self.space = space.principal(mean, cov)
        self.quantile = QUANTILES[distribution]
        self._paint = once(game, 'paint', lambda: jax.jit(partial(_paint, game)))
        self._latents_of_seeds = once(game, 'seeds', lambda: jax.jit(partial(_latents_of_seeds, game, self.shape)))

    def latents(self, seeds: Sequence[int]) -> np.ndarray:
        """float32 [N, Z], each by its seed alone (and by what the objective has learned)."""
        return np.asarray(self._latents_of_seeds(self.state.carry, np.array(seeds, np.uint32)))

    def spread(self, places: np.ndarray) -> np.ndarray:
        """Latents float32 [N, Z] of places [N, Z] in the range of the noise, from -1, its lower end, to 1.

        Uniform noise in [-1, 1] has them as numbers. Other noise is spread evenly in probability, so that a grid of
        places shows as much of it everywhere (Kingma and Welling 2014, figure 4).
        """
        latent = self.quantile(np.float32((1 + places) / 2))
        return np.asarray(map_latents(self.game, self.state.carry, {'latent': latent})['latent'])

    def images(self, points: np.ndarray) -> np.ndarray:
        """Latents [..., Z] -> uint8 [..., H, W, 3], of the averaged generator if there is one."""
        rows = np.reshape(points, (-1, self.size)).astype(np.float32)
        made = in_batches(partial(self._paint, self.state), rows, _BATCH)
        return made.reshape(*np.shape(points)[:-1], *made.shape[1:])

    def find(self, images: np.ndarray, search: bool) -> tuple[np.ndarray, str]:
        """(latents [N, Z] of uint8 [N, H, W, 3], how they were found); `search` leaves an encoder aside."""
        game, space, batch = self.game, self.space, min(_BATCH, len(images))
        if not search and inversion.encodes(game, self.state, self.shape, self.size):
            encode = once(game, 'encode', lambda: jax.jit(partial(inversion.encode, game)))
            found = in_batches(lambda x: encode(self.state, ops.to_float(x)), images, batch)
            return found, "the discriminator's encoder"
        scale, steps = math.sqrt(space.eigenvalues.mean()), inversion.STEPS
        with progress('searching', -(-len(images) // batch) * steps, 'steps') as advance:
            find = inversion.searcher(game, space.mean.astype(np.float32), scale, advance)
            found = in_batches(lambda x: find(self.state, ops.to_float(x)), images, batch)
        return found, f'a search of {steps} steps'


def samples(painter: Painter, plan: Plan) -> Iterator[Drawing]:
    """A block of samples."""
    points = painter.latents(plan.seeds)
    made = painter.images(points)
    numbers = dict(images=made, latents=points, seeds=plan.seeds)
    text = f'{len(made)} samples, seeds {_few_words(plan.seeds)}'
    yield Drawing('samples', text, grids.grid(made, _columns(len(made))), numbers)


def mean(painter: Painter, plan: Plan) -> Iterator[Drawing]:
    """The image of the mean latent (figure 8)."""
    del plan
    space = painter.space
    made = painter.images(space.mean)
    numbers = dict(images=made, latents=space.mean, eigenvalues=space.eigenvalues)
    yield Drawing('mean', 'the image of the mean latent', made, numbers)


def walks(painter: Painter, plan: Plan) -> Iterator[Drawing]:
    """Straight walks (figure 7), then arcs: a row for each two seeds in succession, animated through them all."""
    ends = painter.latents(plan.few)
    ways = {'linear': space.lerp, 'spherical': partial(space.slerp, centre=painter.space.mean)}
    for name, walk in ways.items():
        points = np.stack([walk(a, b, plan.frames) for a, b in zip(ends[:-1], ends[1:], strict=True)])
        made = painter.images(points)
        # Where a walk ends the next begins: that image is shown once.
        chain = np.concatenate([made[:, :-1].reshape(-1, *made.shape[2:]), made[-1:, -1]])
        numbers = dict(images=made, latents=points, seeds=plan.few)
        text = f'{name} walks of {plan.frames} images from seed to seed, {_few_words(plan.few)}'
        yield Drawing(f'walk_{name}', text, _strips(made), numbers, chain)


def directions(painter: Painter, plan: Plan) -> Iterator[Drawing]:
    """Rows through the mean along principal directions (figure 9)."""
    points = np.stack([space.along(painter.space, k, plan.amounts) for k in plan.directions])
    made = painter.images(points)
    numbers = dict(
        images=made,
        latents=points,
        directions=plan.directions,
        eigenvalues=painter.space.eigenvalues[plan.directions],
        coefficients=plan.amounts,
    )
    span = f'{plan.amounts[0]:g} to {plan.amounts[-1]:g} root eigenvalues'
    text = f'rows along the directions {_few_words(plan.directions)}, from {span}'
    yield Drawing('directions', text, _strips(made), numbers, _side_by_side(made))


def manifold(painter: Painter, plan: Plan) -> Iterator[Drawing]:
    """A square of images over latents of two numbers: the first grows to the right, the second downwards."""
    columns, rows = np.meshgrid(plan.places, plan.places)
    points = painter.spread(np.stack([columns.ravel(), rows.ravel()], axis=-1)).reshape(*rows.shape, 2)
    made = painter.images(points)
    numbers = dict(images=made, latents=points, places=plan.places)
    side, last = len(plan.places), plan.places[-1]
    text = f'{side} x {side} latents, from {-last:g} to {last:g} of the range of the noise'
    yield Drawing('manifold', text, grids.grid(made.reshape(-1, *made.shape[2:]), side, gap=0), numbers)


def edits(painter: Painter, plan: Plan) -> Iterator[Drawing]:
    """For each edit rows from neutral to edited latents of the seeds (figures 10 to 12)."""
    ends = painter.latents(plan.few)
    for name, edit in plan.edits.items():
        points = space.morph(painter.space, ends, edit, plan.frames)
        made = painter.images(points)
        numbers = dict(
            images=made,
            latents=points,
            seeds=plan.few,
            directions=list(edit),
            coefficients=list(edit.values()),
            eigenvalues=painter.space.eigenvalues[list(edit)],
        )
        moves = ', '.join(f'{amount:+g} along {k}' for k, amount in edit.items())
        text = f'rows from neutral to {name} ({moves}), seeds {_few_words(plan.few)}'
        yield Drawing(f'edit_{name}', text, _strips(made), numbers, _side_by_side(made))


def arithmetic(painter: Painter, plan: Plan) -> Iterator[Drawing]:
    """The images of the terms' mean latents, and of their sum."""
    means = np.stack([painter.latents(term.seeds).mean(axis=0) for term in plan.terms])
    points = np.concatenate([means, space.add_up(plan.terms, means)[None]])
    made = painter.images(points)
    texts = [f'{"-" if term.sign < 0 else "+"} {",".join(map(str, term.seeds))}' for term in plan.terms]
    titles = [texts[0].removeprefix('+ '), *texts[1:]]
    numbers = dict(
        images=made,
        latents=points,
        signs=[term.sign for term in plan.terms],
        seeds=np.concatenate([term.seeds for term in plan.terms]),
        terms=np.repeat(np.arange(len(plan.terms)), [len(term.seeds) for term in plan.terms]),
    )
    text = f'mean latents of the seeds {" ".join(titles)}, and their sum'
    yield Drawing('arithmetic', text, grids.montage(list(made[:, None]), [*titles, '=']), numbers)


def find(painter: Painter, plan: Plan) -> Iterator[Drawing]:
    """Rows of a real image and the image of the latent that was found for it."""
    space = painter.space
    points, how = painter.find(plan.images, plan.search)
    made = painter.images(points)
    means = np.broadcast_to(painter.images(space.mean), made.shape)
    reached, of_mean = inversion.distances(plan.images, made), inversion.distances(plan.images, means)
    numbers = dict(
        images=made,
        latents=points,
        originals=plan.images,
        names=plan.names,
        **reached,
        **{f'{name}_of_mean': values for name, values in of_mean.items()},
    )
    details = []
    for i, name in enumerate(plan.names):
        found, other = (f'L1 {d["l1"][i]:.1f}, RMSE {d["rmse"][i]:.1f}' for d in (reached, of_mean))
        details.append(f"  '{name}': {found}; the mean latent's image: {other}")
    text = f'what was found by {how}; distances in 8-bit levels (0 to 255)'
    image = grids.montage([plan.images, made], ['original', 'found'])
    yield Drawing('find', text, image, numbers, details=details)


def _strips(made):
    """uint8 [R, F, H, W, 3] as R rows of F images."""
    return grids.grid(made.reshape(-1, *made.shape[2:]), made.shape[1])


def _side_by_side(made):
    """uint8 [R, F, H, W, 3] as F sample grids of R images."""
    return np.stack([grids.grid(frame, _columns(len(made))) for frame in made.swapaxes(0, 1)])


def _columns(count):
    return math.ceil(math.sqrt(count))


def _few_words(numbers):
    words = [str(number) for number in numbers]
    in_order = len(words) > 2 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return f'{words[0]} to {words[-1]}' if in_order else ', '.join(words)


def _latents_of_seeds(game, shape, carry, seeds):
    """uint32 [N] -> latents [N, Z]: what the task draws with the key of each seed, mapped by the objective."""
    keys = jax.vmap(jax.random.key)(seeds)
    return map_latents(game, carry, draw_from_noise(game, keys, shape))['latent']


# What can be drawn, in the order in which it is.
DRAWINGS = {
    'samples': samples,
    'mean': mean,
    'walks': walks,
    'directions': directions,
    'manifold': manifold,
    'edits': edits,
    'arithmetic': arithmetic,
    'find': find,
}
