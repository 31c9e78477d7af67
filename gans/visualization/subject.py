"""The network that is looked into, the images it is shown, and the layers that it has."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np
from flax.traverse_util import flatten_dict

from gans.classifier import trained as classifiers
from gans.core import schedules
from gans.data.content import by_content
from gans.data.opening import move_data
from gans.data.source import Source
from gans.data.sources.folder import open_source
from gans.errors import UserError, closest
from gans.image import ops
from gans.nn import layers
from gans.run.trained import Trained, load_run, open_images
from gans.types import Array, Tree

MOST_LAYERS = 12  # that are shown if none are named
_CONVOLUTIONS = (layers.Conv, layers.TransposedConv, nn.Conv, nn.ConvTranspose)
_PROJECTIONS = (layers.Dense, nn.Dense)


class Subject(NamedTuple):
    """A trained network and the held-out images that it is shown.

    Attributes:
      what: 'discriminator', 'classifier'.
      folder: where it was read.
      about: what else is known of it, for JSON.
      network: the module.
      variables: what it is applied with.
      options: further arguments of its call, by name.
      see: (key, uint8 image [H, W, 3]) -> its inputs for one example, float [h, w, C] in [-1, 1]: the image, and what
        it is shown beside it, if anything.
      source: where the images are.
      ids: int [n], which of them it is shown: each held-out image once, in an order that follows from what they show.
      threads: how many read images.
    """

    what: str
    folder: Path
    about: dict[str, Any]
    network: nn.Module
    variables: Tree
    options: dict[str, Any]
    see: Callable[[Array, Array], tuple[Array, ...]]
    source: Source
    ids: np.ndarray
    threads: int

    def inputs(self) -> tuple[jax.ShapeDtypeStruct, ...]:
        """The shapes of the network's inputs for one example."""
        image = jax.ShapeDtypeStruct(self.source[int(self.ids[0])].shape, np.uint8)
        return jax.eval_shape(self.see, jax.random.key(0), image)


class Layer(NamedTuple):
    """A layer of a network.

    Attributes:
      path: its name, as in `objective.terms`: 'down_0' is a whole superlayer, 'down_0/conv' its convolution alone.
      shape: what it gives for one example: (height, width, channels), or (channels,) of a layer without places.
      kind: the class of the module.
    """

    path: str
    shape: tuple[int, ...]
    kind: type


def open_subject(folder: str | Path, moved_to: str | None = None) -> Subject:
    """The discriminator of a run with the held-out images of its training, or a classifier with images to look at.

    Args:
      folder: the run's, or the classifier's.
      moved_to: where the images of the training are now, if not where they were then; for a classifier, which does not
        know them, a folder or a .zip of images.

    Raises:
      UserError: it is neither; the images are not those of the training; there are none for a classifier.
    """
    if (Path(folder).expanduser() / classifiers.ABOUT).is_file():
        if not moved_to:
            raise UserError(f'{folder} is a classifier, which has no images: give some with --input=FOLDER.')
        return of_classifier(Path(folder).expanduser(), moved_to)
    trained = load_run(folder)
    if moved_to:
        move_data(trained.config, moved_to)
    return of_discriminator(trained, open_images(trained))


def of_discriminator(trained: Trained, experiment: Any) -> Subject:
    """The discriminator of a run as it was at the end: what has grown of it so far, and what it was shown then."""
    game, source = trained.game.at(trained.game.stage(trained.step)), experiment.source
    hyper = jax.device_get(schedules.read(game.schedules, trained.state.step))

    def see(key, image):
        drawn = game.task.draw(key, ops.to_float(image))
        real = game.view(game.target(drawn.real[None], hyper), hyper)[0]
        return (real,) if drawn.cond is None else (real, game.view(drawn.cond[None], hyper)[0])

    return Subject(
        what='discriminator',
        folder=trained.folder,
        about={'step': trained.step},
        network=game.disc,
        variables={**trained.state.disc.variables, 'hyper': hyper},
        options={'train': False},
        see=see,
        source=source,
        ids=distinct(source, experiment.test),
        threads=experiment.config.data.threads,
    )


def of_classifier(folder: Path, images: str) -> Subject:
    """A classifier that was kept in a folder, with the images in another one, or in a .zip, stretched to its size."""
    trained = classifiers.load(folder)
    source = open_source(trained.size, 0, images, fit='resize', upscale=True)
    return Subject(
        what='classifier',
        folder=folder,
        about={'digest': trained.digest, 'classes': list(trained.classes)},
        network=trained.network,
        variables={'params': trained.params},
        options={},
        see=lambda key, image: (ops.to_float(image),),
        source=source,
        ids=distinct(source, np.arange(len(source))),
        threads=2,
    )


def distinct(source: Source, ids: np.ndarray) -> np.ndarray:
    """The images `ids` without copies, in an order that follows from what they show: int64 [n]."""
    found = {}
    for i in by_content(source, ids).tolist():
        found.setdefault(source.key(i), i)
    return np.array(list(found.values()), np.int64)


def layers_of(subject: Subject) -> list[Layer]:
    """The layers that give an array of maps or of features, in the order in which they are computed."""
    found, order = {}, []

    def note(call, arguments, keywords, context):
        path = '/'.join(context.module.path)
        if context.method_name != '__call__' or path in order:
            return call(*arguments, **keywords)
        order.append(path)
        made = call(*arguments, **keywords)
        if isinstance(made, jax.Array) and made.ndim in (2, 4):
            found[path] = Layer(path, made.shape[1:], type(context.module))
        return made

    def apply(inputs):
        subject.network.apply(subject.variables, *(x[None] for x in inputs), **subject.options)

    with nn.intercept_methods(note):
        jax.eval_shape(apply, subject.inputs())
    places = flatten_dict(subject.variables['params'])
    known = {'/'.join(place[:depth]) for place in places for depth in range(1, len(place))}
    return [found[path] for path in order if path in found and path in known]


def choose_layers(subject: Subject, names: Sequence[str]) -> list[Layer]:
    """The layers that are named, in that order; by default those of `convolutions`, some of them if they are many.

    Raises:
      UserError: a name that no layer has; or no names and a network without convolutions.
    """
    known = {layer.path: layer for layer in layers_of(subject)}
    has = f'it has {", ".join(known)}' if known else 'it has none that could be shown'
    for name in names:
        if name not in known:
            raise UserError(
                f'--layers names {name!r}, which the {subject.what} of {subject.folder} does not have'
                f'{closest(name, known)}: {has}.'
            )
    if names:
        return [known[name] for name in dict.fromkeys(names)]
    found = convolutions(list(known.values()))
    if not found:
        raise UserError(
            f'The {subject.what} of {subject.folder} has no convolutions to show: name other --layers; {has}.'
        )
    some = np.linspace(0, len(found) - 1, min(len(found), MOST_LAYERS)).round().astype(int)
    return [found[i] for i in some]


def convolutions(found: Sequence[Layer]) -> list[Layer]:
    """The convolutions among layers that are in the order in which they are computed.

    One that is the only one in its block stands for the block, norm and activation included. Those behind a projection
    are left out: each of their units sees the whole image through it.
    """
    known = {layer.path: layer for layer in found}
    kinds = [issubclass(layer.kind, _PROJECTIONS) for layer in found]
    before = found[: kinds.index(True)] if True in kinds else found
    paths = [layer.path for layer in before if issubclass(layer.kind, _CONVOLUTIONS)]
    chosen = []
    for path in paths:
        block = path.rpartition('/')[0]
        alone = block in known and [other.startswith(f'{block}/') for other in paths].count(True) == 1
        chosen.append(known[block if alone else path])
    return chosen
