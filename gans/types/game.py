"""The game that two players play: what losses see of it, everything that does not change in it, and its state."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import flax.struct
from flax import linen as nn

from gans.types.tasks import Array, Task

Tree = Any


class Pair(NamedTuple):
    """Something that each of the two players has, always in this order."""

    gen: Any
    disc: Any


class Turn(NamedTuple):
    """All that a loss may look at.

    Attributes:
      real: the real images after the view, which may blur.
      fake: the generated images after the view.
      output: the generated images before the view, finished by the task.
      cond: what both players are shown, or None.
      real_seen: `real` as the discriminator sees it: augmented (`config.augment`), or the same.
      fake_seen: `fake` as the discriminator sees it.
      mask_seen: where the task hid what the discriminator sees, [N, H, W, 1] in {0, 1}, or None: for losses that look
        at scores by their place.
      real_out: the discriminator's output on `real_seen`: scores [N], maps of scores [N, h, w], or a dict of arrays.
      fake_out: the same on `fake_seen`.
      real_layers: what the layers of the discriminator that `Objective.layers` names gave for `real_seen`, [N, ...] by
        name.
      fake_layers: the same for `fake_seen`.
      real_gradient: the gradient of the score of every image in `real_seen` (of their mean, if it has several) by that
        image, [N, H, W, 3]. None where `Objective.gradients` does not ask for it, and in the generator's turn.
      fake_gradient: the same for `fake_seen`.
      params: the parameters of the player whose turn it is.
      mean_params: their mean over all steps so far, the present ones included; () where no term asks for it.
      disc: image, as the discriminator sees it -> output, closed over its parameters (for gradient penalties).
      carry: the objective's memory.
      hyper: this step's scheduled numbers by name.
      rng: a key of this turn's own.
      mask: where the task hid the image [N, H, W, 1] in {0, 1}, or None.
      frozen: the variables of the networks that `Term.frozen` names, by these names.
    """

    real: Array
    fake: Array
    output: Array
    cond: Array | None
    real_seen: Array
    fake_seen: Array
    real_out: Tree
    fake_out: Tree
    real_layers: dict[str, Array]
    fake_layers: dict[str, Array]
    params: Tree
    mean_params: Tree
    disc: Callable[[Array], Tree]
    carry: Tree
    hyper: dict[str, Array]
    rng: Array
    mask: Array | None = None
    mask_seen: Array | None = None
    real_gradient: Array | None = None
    fake_gradient: Array | None = None
    frozen: Mapping[str, Tree] = MappingProxyType({})


class Term(NamedTuple):
    """A further part of a player's loss, which its objective adds with the weight that the schedule of its name gives.

    Attributes:
      value: Turn -> scalar.
      layers: the layers of the discriminator that it looks at, by their paths ('down_0', 'block_1/conv').
      paired: it compares a generated image with the real one that the generator's input was made of.
      historical: it looks at the running mean of the player's parameters.
      masked: it looks at where the task hid the image.
      frozen: of {name: () -> variables}, the networks that others trained and through which it looks. The variables are
        read when training begins and are arguments of the step: they are in no program, no state and no checkpoint.
    """

    value: Callable[[Turn], Array]
    layers: tuple[str, ...] = ()
    paired: bool = False
    historical: bool = False
    masked: bool = False
    frozen: Mapping[str, Callable[[], Tree]] = MappingProxyType({})


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
      terms: of {name: Term}, the further parts of each player's loss; what the terms look at follows.
      per_image: the losses rest on every image being judged by itself (a penalty on the discriminator's
        gradient by each image does), so that statistics over a batch in the discriminator are refused.
      masked: the losses themselves look at where the task hid the image.
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
    masked: bool = False
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
    def batchwise(self) -> bool:
        """Whether a term compares the layers of whole batches, and not pair by pair."""
        return any(term.layers and not term.paired for own in self.terms for term in own.values())

    @property
    def frozen(self) -> dict[str, Callable[[], Tree]]:
        """The networks that others trained and through which terms look, as `Term.frozen` has them."""
        return {name: read for own in self.terms for term in own.values() for name, read in term.frozen.items()}

    @property
    def historical(self) -> Pair:
        """Of bool: whether a player's losses look at the mean of its parameters over the steps."""
        return Pair(*(any(term.historical for term in own.values()) for own in self.terms))


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
    # (key, probability, image [H, W, C]) -> image, changed at random before the discriminator sees it; None: never
    augment: Callable[[Array, Array, Array], Array] | None
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
