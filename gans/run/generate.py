"""Images of a trained run's generator by their places: what place i shows follows from (seed, i) alone."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gans.core.inputs import draw_each, draw_from_noise
from gans.core.programs import once
from gans.core.sampling import map_latents, paint
from gans.data.arrays import Arrays
from gans.data.batches import read_all
from gans.data.content import by_content
from gans.data.source import Source
from gans.errors import Failure, UserError
from gans.image import ops
from gans.run.parallel import tell_of_idle_accelerator
from gans.run.trained import Trained, open_images, weights_digest
from gans.types import Player, TrainState

BATCH = 16  # images that one device makes at a time: a part of what decides the bytes, so that it never varies
MOST_SEED = 2**32 - 1
_TRIALS = 8  # draws that are compared to see whether anything in them is random


class Shown(NamedTuple):
    """The images that a generator is shown, or what is made of them: those of a source, in an order."""

    source: Source
    ids: np.ndarray


def held_out(run: Trained) -> Shown:
    """The held-out images of a run in the order of `by_content`, every beginning of which is a random part of them.

    Raises:
      UserError: they cannot be opened, or are not those of the training.
    """
    experiment = open_images(run)
    return Shown(experiment.source, by_content(experiment.source, experiment.test))


def trained_on(run: Trained) -> Shown:
    """The images that a run was trained on, else as `held_out`."""
    experiment = open_images(run)
    return Shown(experiment.source, by_content(experiment.source, experiment.train))


def check_seed(seed: int) -> None:
    """Raises UserError for a --seed out of range."""
    if not 0 <= seed <= MOST_SEED:
        raise UserError(f'--seed={seed} is out of range: give a whole number from 0 to {MOST_SEED}.')


class Sampler:
    """The images of a run's generator by place (0, 1, 2, ...): the averaged generator, if there is one.

    The latent, the boxes and whatever else is random about place i follow from (seed, i). The bytes do not depend on
    which places are wanted, nor on how many devices there are: one program of a fixed batch (`BATCH`) runs on one
    device, place i is always number i mod BATCH of batch i // BATCH, and whole batches go to the devices in turn.
    Other versions of JAX, and other kinds of devices, may round otherwise.

    A generator that is shown images gets the held-out ones of its run: place i is image i mod n of `held_out`, with a
    new draw in each round; `inputs` is n, or None for a generator from noise. `most` is how many different places there
    are, None for no bound: n where nothing that the generator gets is random.

    Truncation t pulls the latents that the generator gets towards their mean, mean + t (z - mean): t below 1 gives
    likelier and less varied images (Karras et al. 2019, "A Style-Based Generator Architecture for GANs", appendix B).
    The mean is exact: maps of latents are affine, and the task's numbers have mean 0.
    """

    def __init__(
        self,
        run: Trained,
        seed: int = 0,
        truncation: float = 1.0,
        shown: Shown | None = None,
        devices: Sequence | None = None,
    ):
        """Prepares to draw; nothing is drawn yet.

        Args:
          run: as `load_run` returns it.
          seed: from 0 to 2**32 - 1.
          truncation: above 0, up to 1, which leaves the latents as they are.
          shown: what a generator that is shown images gets, in place of `held_out`.
          devices: where to draw; all of this process by default.

        Raises:
          UserError: a seed or truncation out of range, truncation of a generator without latents or one to which their
            length means nothing, or as `held_out`.
        """
        check_seed(seed)
        if not 0 < truncation <= 1:
            raise UserError(f'--truncation={truncation} is out of range: give a number above 0, up to 1.')
        if truncation != 1 and not run.game.task.latents.size:
            raise UserError(
                f'The generator of {run.folder} has no latents, which --truncation={truncation} could pull to their '
                'mean: leave --truncation out.'
            )
        tell_of_idle_accelerator()
        self.run, self.seed, self.truncation = run, seed, truncation
        self.shown = None if run.game.task.from_noise else shown or held_out(run)
        self.inputs = len(self.shown.ids) if self.shown else None
        self.most = self.inputs if self.shown and not self._varies() else None
        self.devices = devices or jax.local_devices()
        self._states: dict = {}
        self._make = once(run.game, 'make', lambda: jax.jit(partial(_make, run.game)))
        if truncation != 1 and not self._heeds_length():
            raise UserError(
                f'The generator of {run.folder} makes the same of latents that are pulled to their mean, since it '
                f'scales all to one length or ignores them: --truncation={truncation} changes nothing, leave it out.'
            )

    @cached_property
    def digest(self) -> str:
        """A digest of the arrays that the images are made with."""
        return weights_digest(self.run)

    def key(self, place: int) -> bytes:
        """The identity of the image of a place: what it is made of, and where."""
        what = f'{self.digest} {self.seed} {self.truncation} {place} {jax.__version__} {jax.default_backend()}'
        image = self.shown.source.key(self._shown_at(place)) if self.shown else b''
        return hashlib.blake2b(what.encode() + image, digest_size=16).digest()

    def check_count(self, count: int) -> None:
        """Raises UserError unless there are `count` different places."""
        if self.most is not None and count > self.most:
            raise UserError(
                f'{self.run.folder} has {self.most} held-out images, of each of which its generator makes one and the '
                f'same output: give a --count up to {self.most}, not {count}.'
            )

    def __call__(self, places: np.ndarray) -> Iterator[np.ndarray]:
        """Yields the images at `places` [n] in that order, uint8 [up to BATCH, H, W, 3] at a time.

        Neighbours in `places` that fall into one batch are made together, so that ascending places cost least.

        Raises:
          UserError: a place that there is not, or an image to be shown that cannot be read.
          Failure: an image is not finite.
        """
        places = np.asarray(places, np.int64)
        if not len(places):
            return
        self.check_count(int(places.max()) + 1)
        borders = np.flatnonzero(np.diff(places // BATCH)) + 1
        groups = np.split(places, borders)
        waiting: deque = deque()
        for turn, (group, given) in enumerate(zip(groups, self._given(groups), strict=True)):
            waiting.append((group % BATCH, self._start(int(group[0]) // BATCH, given, turn)))
            if len(waiting) > len(self.devices):
                yield self._finish(*waiting.popleft())
        while waiting:
            yield self._finish(*waiting.popleft())

    def _given(self, groups) -> Iterator[np.ndarray | None]:
        """For each group the images of its whole batch, uint8 [BATCH, H, W, 3]; None for a generator from noise."""
        if self.shown is None:
            yield from [None] * len(groups)
            return
        whole = np.concatenate([group[0] // BATCH * BATCH + np.arange(BATCH) for group in groups])
        yield from read_all(self.shown.source, self._shown_at(whole), BATCH)

    def _shown_at(self, places):
        return self.shown.ids[places % len(self.shown.ids)]

    def _start(self, batch, given, turn):
        """Begins to make a batch on the device whose turn it is; nothing waits for it yet."""
        device = self.devices[turn % len(self.devices)]
        if device not in self._states:
            self._states[device] = jax.device_put(_of_generator(self.run.state), device)
        places = (batch * BATCH + np.arange(BATCH)).astype(np.int32)
        inputs = (np.float32(self.truncation), jax.random.key(self.seed), places, given)
        return self._make(self._states[device], *jax.device_put(inputs, device))

    def _finish(self, rows, made):
        images, finite = jax.device_get(made)
        if not finite:
            raise Failure(f'The generator of {self.run.folder} makes numbers that are not finite: nothing to draw.')
        return images[rows]

    def _varies(self) -> bool:
        """Whether the generator gets different things when it is shown one image in several rounds."""
        image = self.shown.source[int(self.shown.ids[0])]
        keys = jax.random.split(jax.random.key(0), _TRIALS)
        game = self.run.game
        drawn = once(game, 'draw_each', lambda: jax.jit(partial(draw_each, game)))
        gen = jax.device_get(drawn(keys, np.stack([image] * _TRIALS)).gen)
        return any(bool((x != x[:1]).any()) for x in jax.tree.leaves(gen))

    def _heeds_length(self) -> bool:
        """Whether the first images change, by a thousandth of what they differ by, if latents are half as long.

        They do not where a network begins with a pixelwise norm of the latent, as that of progressive growing does.
        """
        places, given = np.arange(BATCH, dtype=np.int32), next(self._given([[0]]))
        make, state = jax.jit(partial(_images, self.run.game)), _of_generator(self.run.state)
        whole, half = (make(state, np.float32(t), jax.random.key(self.seed), places, given) for t in (1, 0.5))
        return bool(jnp.abs(whole - half).max() > 1e-3 * jnp.ptp(whole, axis=0).max())


def _of_generator(state: TrainState) -> TrainState:
    """What of a state the images are made with."""
    nobody = Player(params={}, stats={}, opt_state=())
    return state.replace(gen=state.gen.replace(opt_state=(), mean=()), disc=nobody)


def _images(game, state, truncation, key, places, given):
    """The images [N, H, W, 3] in [-1, 1] of `places`, of what is `given` to be shown or of noise alone."""
    keys = jax.vmap(partial(jax.random.fold_in, key))(places)
    gen = draw_from_noise(game, keys, game.size) if given is None else draw_each(game, keys, given).gen
    gen = map_latents(game, state.carry, gen)
    if 'latent' in gen:
        latent = gen['latent']
        mean = map_latents(game, state.carry, {'latent': jnp.zeros_like(latent)})['latent']
        gen |= {'latent': jnp.where(truncation == 1, latent, mean + truncation * (latent - mean))}
    return paint(game, state, gen)


def _make(*arguments):
    images = _images(*arguments)
    return ops.to_uint8(images), jnp.isfinite(images).all()


def sample_images(run: Trained, images: np.ndarray | None = None, count: int = 16, seed: int = 0) -> np.ndarray:
    """What the generator of a trained run makes: the averaged generator, if there is one.

    Args:
      run: as `load_run` returns it.
      images: uint8 [N, H, W, 3] of the run's size, for a generator that is shown an image. It sees what the run's task
        makes of them: for example gray versions, or images with boxes cut out.
      count: how many images, for a generator that makes them from noise alone.
      seed: latents and boxes follow from it and from an image's place among the N, as `Sampler` has them.

    Returns:
      uint8 [N, H, W, 3].

    Raises:
      UserError: a generator that is shown an image and no images, or images of another shape or dtype; or a count of 0.
    """
    size = run.game.size
    if images is not None:
        images = np.asarray(images)
        if images.shape[1:] != (*size, 3) or images.dtype != np.uint8 or not len(images):
            raise UserError(
                f'{run.folder} takes images uint8 [N, {size[0]}, {size[1]}, 3], not {images.dtype} '
                f'{list(images.shape)}.'
            )
    elif not run.game.task.from_noise:
        raise UserError(f'The generator of {run.folder} is shown an image: give sample_images(run, images).')
    if images is None and count < 1:
        raise UserError(f'count is {count}: give at least 1.')
    shown = None if images is None else Shown(Arrays('given', images, lambda image: image), np.arange(len(images)))
    return np.concatenate(list(Sampler(run, seed, shown=shown)(np.arange(count if images is None else len(images)))))
