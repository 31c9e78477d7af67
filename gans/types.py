"""The records that packages pass to each other: data and what follows from it, no behaviour.

Shapes: N examples, H x W pixels, C channels. Images are float32 in [-1, 1] unless they are called uint8.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import flax.struct
import jax
from flax import linen as nn

Array = jax.Array
Tree = Any


class Pair(NamedTuple):
    """Something that each of the two players has, always in this order."""

    gen: Any
    disc: Any


class Inputs(NamedTuple):
    """What a task makes of a batch.

    Attributes:
      gen: what the generator gets, by the names of its arguments: `image` [N, H, W, C], `latent` [N, Z].
      real: the real images [N, H, W, 3].
      cond: what both players are shown [N, H, W, C], or None.
      mask: where the task hid the image [N, H, W, 1] in {0, 1}, or None. Only measures read it.
    """

    gen: dict[str, Array]
    real: Array
    cond: Array | None = None
    mask: Array | None = None


class Turn(NamedTuple):
    """All that a loss may look at.

    Attributes:
      real: the real images as the discriminator sees them (after the view, which may blur).
      fake: the generated images as the discriminator sees them.
      output: the generated images as they left the generator, before the view.
      cond: what both players are shown, or None.
      real_out: the discriminator's output on `real`: logits [N], or a dict of arrays.
      fake_out: the same on `fake`.
      real_layers: what the layers of the discriminator that `Objective.layers` names gave for `real`, [N, ...] by name.
      fake_layers: the same for `fake`.
      real_gradient: the gradient of every real image's score (of their mean, if it has several) by that image,
        [N, H, W, 3]. None where `Objective.gradients` does not ask for it, and in the generator's turn.
      fake_gradient: the same for `fake`.
      params: the parameters of the player whose turn it is.
      mean_params: their mean over all steps so far, the present ones included; () where no term asks for it.
      disc: image -> output, closed over the discriminator's parameters (for gradient penalties).
      carry: the objective's memory.
      hyper: this step's scheduled numbers by name.
      rng: a key of this turn's own.
    """

    real: Array
    fake: Array
    output: Array
    cond: Array | None
    real_out: Tree
    fake_out: Tree
    real_layers: dict[str, Array]
    fake_layers: dict[str, Array]
    real_gradient: Array | None
    fake_gradient: Array | None
    params: Tree
    mean_params: Tree
    disc: Callable[[Array], Tree]
    carry: Tree
    hyper: dict[str, Array]
    rng: Array


class Term(NamedTuple):
    """A further part of a player's loss, which its objective adds with the weight that the schedule of its name gives.

    Attributes:
      value: Turn -> scalar.
      layers: the layers of the discriminator that it looks at, by their paths ('down_0', 'block_1/conv').
      paired: it compares a generated image with the real one that the generator's input was made of.
      historical: it looks at the running mean of the player's parameters.
    """

    value: Callable[[Turn], Array]
    layers: tuple[str, ...] = ()
    paired: bool = False
    historical: bool = False


class Objective(NamedTuple):
    """What each player minimises.

    Attributes:
      gen: Turn -> (loss, metrics, carry); metrics are scalars by name.
      disc: the same for the discriminator.
      init: () -> the first carry; `()` for objectives without memory.
      needs: the names of the schedules that the losses read from `Turn.hyper`.
      map_latent: (carry, latent [N, Z] as the task drew it) -> the latent that the generator gets, [N, Z]; the identity
        for most. Objectives that learn the distribution of latents during training map the task's to theirs. The map is
        affine in the latent, row by row, so that latents have a mean and a covariance in closed form
        (`gans.latent.space.moments`).
      terms: of {name: Term}, the further parts of each player's loss; `layers`, `paired` and `historical` follow.
      per_image: the losses rest on every image being judged by itself (a penalty on the discriminator's
        gradient by each image does), so that statistics over a batch in the discriminator are refused.
      gradients: the images at which the discriminator's loss wants its gradient, of 'real' and 'fake' (see `Turn`).
      every: steps, from one that has these gradients to the next; the first step of all has them.
    """

    gen: Callable[[Turn], tuple[Array, dict[str, Array], Tree]]
    disc: Callable[[Turn], tuple[Array, dict[str, Array], Tree]]
    init: Callable[[], Tree]
    needs: tuple[str, ...]
    map_latent: Callable[[Tree, Array], Array] = lambda carry, latent: latent
    terms: Pair = Pair({}, {})
    per_image: bool = False
    gradients: tuple[str, ...] = ()
    every: int = 1

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of the discriminator whose outputs the losses look at, by their paths."""
        return tuple(sorted({layer for own in self.terms for term in own.values() for layer in term.layers}))

    @property
    def paired(self) -> str:
        """The name of a term that wants pairs (see `Term`), '' if there is none."""
        return next((name for own in self.terms for name, term in own.items() if term.paired), '')

    @property
    def historical(self) -> Pair:
        """Of bool: whether a player's losses look at the mean of its parameters over the steps."""
        return Pair(*(any(term.historical for term in own.values()) for own in self.terms))


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
      ways: images [N, H, W, C], NumPy -> a list of such arrays: the images in every way in which `Task.augment` may
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
      augment: (key, image [H, W, 3]) -> image; for training only.
      parts: how many disjoint parts of the training images an example is drawn from, an image from each: with 2,
        what the generator gets is made of an image from the first, and the real image is one from the second, so
        that no image ever meets what is made of it.
      latents: the random vectors that `draw` puts into `Inputs.gen` as `latent`.
      from_noise: the generator gets a latent and nothing else: sample grids are blocks of samples above a row of real
        images, and `explore` draws its latent space. Else it gets `Inputs.gen['image']` [H, W, 1 or 3] too, and sample
        grids have a row of what it sees, one of what it makes and one of what it should make.
      watch: what is watched in training.
      evaluation: how runs are measured.
      on_files: how runs are used on image files.
    """

    draw: Callable[[Array, Array], Inputs]
    augment: Callable[[Array, Array], Array]
    parts: int = 1
    latents: Latents = Latents()
    from_noise: bool = False
    watch: Watch | None = None
    evaluation: PairedEvaluation | SampleEvaluation | None = None
    on_files: OnFiles | None = None


class Average(NamedTuple):
    """How variables are averaged over the steps of training, for example the generator's.

    Attributes:
      init: variables -> the average before the first step.
      update: (average, variables after a step, the number of steps before it) -> average.
    """

    init: Callable[[Tree], Tree]
    update: Callable[[Tree, Tree, Array], Tree]


class Game(NamedTuple):
    """Everything about an experiment that does not change while it is trained.

    A network finds this step's scheduled numbers in the collection `hyper`; its class attribute `needs` names those
    that it reads.
    """

    gen: nn.Module
    disc: nn.Module
    task: Task
    objective: Objective
    tx: Pair  # of optax.GradientTransformation, without a learning rate: that is a schedule
    schedules: dict[str, Callable[[Array], Array]]
    turns: Pair  # of int
    view: Callable[[Array, dict[str, Array]], Array]  # (images, hyper) -> what a network sees of them
    average: Average
    history: Pair  # of Average: what is kept of a player's parameters for its own losses
    target: Callable[[Array, dict[str, Array]], Array]  # (real images, hyper) -> what of them is to be imitated now
    stage: Callable[[int], int | None]  # the number of steps done -> how much of the networks is played; None: all
    batch_shape: tuple[int, ...]  # of what a step is fed with: (batches, N, [parts,] H, W, 3)

    @property
    def size(self) -> tuple[int, int]:
        """The images' (height, width) in pixels."""
        return self.batch_shape[-3:-1]

    def program(self, step: int | None) -> tuple[int | None, bool]:
        """Which program plays the step after so many, as arguments of `at`; None: the whole game's."""
        return (None, True) if step is None else (self.stage(step), step % self.objective.every == 0)

    def at(self, stage: int | None, due: bool = True) -> 'Game':
        """The game of a stage: that of networks whose field `stage` says what of them is computed.

        Where `Objective.gradients` are not due, nothing is computed for them.
        """
        game = self if due else self._replace(objective=self.objective._replace(gradients=()))
        if stage is None:
            return game
        gen = self.gen.clone(stage=stage)
        return game._replace(gen=gen, disc=self.disc.clone(stage=stage), target=gen.target)


class Player(flax.struct.PyTreeNode):
    """What is trained of one network, and how far its optimizer has come."""

    params: Tree
    stats: Tree  # variables that are not trained, for example running batch statistics; {} without any
    opt_state: Tree
    ema: Tree = ()  # all variables averaged over the steps; () where nothing is averaged, and for the discriminator
    mean: Tree = ()  # the parameters' mean over the steps, for losses that ask for it; () where none does

    @property
    def variables(self) -> dict[str, Tree]:
        """All that the network is applied with, as Flax wants it."""
        return {'params': self.params, **self.stats}


class TrainState(flax.struct.PyTreeNode):
    """Everything that training needs to go on: arrays only."""

    step: Array  # int32: the number of steps done
    gen: Player
    disc: Player
    carry: Tree  # the objective's memory; () for objectives without one

    @property
    def players(self) -> Pair:
        """Both players."""
        return Pair(self.gen, self.disc)
