"""What a generator is trained for: its inputs, and how runs are watched, measured and used."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax

Array = jax.Array


class Inputs(NamedTuple):
    """What a task makes of a batch.

    Attributes:
      gen: what the generator gets, by the names of its arguments: `image` [N, H, W, C], `latent` [N, Z].
      real: the real images [N, H, W, 3].
      cond: what both players are shown [N, H, W, C], or None.
      mask: where the task hid the image [N, H, W, 1] in {0, 1}, or None. Measures and losses read it; a generator that
        is to know it gets it in `gen`.
    """

    gen: dict[str, Array]
    real: Array
    cond: Array | None = None
    mask: Array | None = None


class Latents(NamedTuple):
    """The random vectors that a generator is given.

    Attributes:
      size: how many numbers one has; 0 for a generator without noise.
      distribution: of each number, by its name in `gans.nn.noise.DISTRIBUTIONS`.
    """

    size: int = 0
    distribution: str = 'normal'


class Watch(NamedTuple):
    """A number of generated images that is logged in training, with a warning where it falls (`gans.training.monitor`).

    Attributes:
      name: the metric's.
      number: images [N, H, W, 3] -> number.
      least: where real images have no more than this, there is nothing to compare with.
      without: what a message calls such images.
      fact: what a warning says is so; `{}` stands for the number as a multiple of that of real images.
      guess: what it says the generator may have done or be doing.
    """

    name: str
    number: Callable[[Array], Array]
    least: float
    without: str
    fact: str
    guess: str


class Measure(NamedTuple):
    """A number per image.

    Attributes:
      better: 'lower' or 'higher'; '' for a property of the image itself, which is measured on the originals too.
      digits: how many digits after the point are worth showing.
      compute: (images, originals, mask or None) -> [N], all float [-1, 1].
    """

    better: str
    digits: int
    compute: Callable


class PairedEvaluation(NamedTuple):
    """How a task is measured whose inputs have one right output each (`gans.evaluation.paired`).

    Attributes:
      measures: by name.
      main: the measure that orders the montages and is compared with the baselines.
      baselines: those rows that need no network.
      rows: (what was prepared, Inputs, the generator's output) -> images by name, float [N, H, W, 3] in [-1, 1], all
        NumPy. One of them is 'output'.
      prepare: what the baselines need to know of the training images, an iterator over uint8 [n, H, W, 3].
    """

    measures: dict[str, Measure]
    main: str
    baselines: tuple[str, ...]
    rows: Callable[[Any, Inputs, Any], dict[str, Any]]
    prepare: Callable[[Iterator], Any] = lambda images: None


class SampleEvaluation(NamedTuple):
    """How a generator from noise alone is measured: samples against held-out images (`gans.evaluation.samples`).

    Attributes:
      ways: images [N, H, W, C], NumPy -> a list of such arrays: the images in every way in which `Task.vary` may
        show them, colours aside, so that copies of training images are found in all of them.
    """

    ways: Callable[[Any], list]


class OnFiles(NamedTuple):
    """How a trained run is used on an image of any size (`gans.inference.translate`).

    Attributes:
      paint: (Network, LargeImage, mask or None) -> the results, one per variant of the network. Each is used up before
        the next is made, so that the last one may be the image itself, painted over.
      masked: images have masks beside them, and keep every pixel outside, so that the format must be lossless. The mask
        is bool [H, W].
      traced: the same as a function of arrays that JAX can trace, for images of a size that the network takes (see
        `gans.export`): (network, images [N, H, W, 3], masks [N, H, W, 1] in {0, 1} or None) -> images [N, H, W, 3]. The
        network takes what the task shows it, and returns [N, H, W, 3]. None where runs cannot be exported.
    """

    paint: Callable[[Any, Any, Any], Iterator]
    masked: bool = False
    traced: Callable[[Callable[[Array], Array], Array, Array | None], Array] | None = None


class Task(NamedTuple):
    """What a generator is trained for, in everything that depends on it; `make` in a file of `gans/tasks` returns it.

    What is None is not offered: nothing is watched; `evaluate`, `compare` or `translate` say so in a sentence.

    Attributes:
      draw: (key, image [H, W, 3]) -> Inputs for one example, without the leading N.
      vary: (key, image [H, W, 3]) -> image, before `draw` and in training only: flips, turns, colours. Both players
        see it, other than `Game.augment`.
      finish: (`Inputs.gen` as the generator got it, its output [N, H, W, 3]) -> the image; the identity for most. A
        task that knows a part of the image sets it in here. It is a part of the generator for everything that uses one:
        training, sample grids, measures, files and exports. What leaves [-1, 1] is clipped where it is stored.
      parts: how many disjoint parts of the training images an example is drawn from, an image from each: with 2,
        what the generator gets is made of an image from the first, and the real image is one from the second, so
        that no image ever meets what is made of it.
      latents: the random vectors that `draw` puts into `Inputs.gen` as `latent`.
      from_noise: the generator gets a latent and nothing else: sample grids are blocks of samples above a row of real
        images, and `explore` draws its latent space. Else it gets `Inputs.gen['image']` [H, W, C] too, whose first
        three channels are shown (one is gray), and sample grids have a row of what it sees, one of what it makes and
        one of what it should make.
      watch: what is watched in training.
      evaluation: how runs are measured.
      on_files: how runs are used on image files.
    """

    draw: Callable[[Array, Array], Inputs]
    vary: Callable[[Array, Array], Array]
    finish: Callable[[dict[str, Array], Array], Array] = lambda gen, output: output
    parts: int = 1
    latents: Latents = Latents()
    from_noise: bool = False
    watch: Watch | None = None
    evaluation: PairedEvaluation | SampleEvaluation | None = None
    on_files: OnFiles | None = None
