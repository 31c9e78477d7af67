"""Feature networks by text: 'lite0', 'inception:FILE', 'classifier:FOLDER', each a module of this package."""

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

import gans.features
from gans.config.registry import find_module
from gans.errors import UserError, check_local, closest


class Features(NamedTuple):
    """A network that turns images into vectors, whose distances say how alike images look.

    Attributes:
      name: what numbers are called after: 'lite0' for `fd_lite0` and `kid_lite0`.
      digest: of the weights and of all else that decides the numbers, 64 hexadecimal digits.
      size: of a vector.
      about: the network, its weights and what is done to images, as JSON; 'layers' are their names in order.
      extract: uint8 [N, H, W, 3] with N at least 1 -> float32 [N, size]. On the CPU the bits of a row follow from its
        image alone, whatever else is in the array.
      layers: float [N, H, W, 3] in [-1, 1] of any height and width, as they are -> {layer: float32 [N, h, w, C]};
        differentiable.
    """

    name: str
    digest: str
    size: int
    about: dict
    extract: Callable[[np.ndarray], np.ndarray]
    layers: Callable[[jax.Array], dict[str, jax.Array]]


def open_features(text: str) -> Features:
    """Opens a feature network.

    text: the name of a module of this package, or the dotted path of another one, and, after a colon, what its
    `ARGUMENT` names: 'lite0', 'inception:weights.pth', 'my_package.faces:faces.npz'. The module's `open_features` gets
    what follows the colon; an empty `ARGUMENT` says that nothing does.

    Raises UserError in one sentence: no such network, an argument that is missing or one too many, and what the module
    says of its own.
    """
    name, colon, argument = text.partition(':')
    if '.' not in name and name not in (names := [one.name for one in pkgutil.iter_modules(gans.features.__path__)]):
        raise UserError(f'--features is {text!r}, which is not in gans/features{_others(name, names)}')
    module = find_module('features', name, '--features', wanted='open_features')
    if not hasattr(module, 'ARGUMENT'):
        raise UserError(f'--features is {text!r}, but {module.__name__} has no ARGUMENT: it is no feature network.')
    if module.ARGUMENT and not argument:
        raise UserError(f'--features is {text!r}, which lacks something: give {name}:{module.ARGUMENT}.')
    if colon and not module.ARGUMENT:
        raise UserError(f'--features is {text!r}, but {name} takes nothing after a colon: give {name}.')
    if '.' not in name:  # networks of others may read what they like
        check_local(argument)
    return module.open_features(argument)


def _others(name, names):
    """What there is instead of a network called `name`; some modules only help the others."""
    modules = {one: importlib.import_module(f'gans.features.{one}') for one in names}
    known = {one: module.ARGUMENT for one, module in modules.items() if hasattr(module, 'ARGUMENT')}
    forms = [f'{one}:{argument}' if argument else one for one, argument in sorted(known.items())]
    return f'{closest(name, known)}: give one of {", ".join(forms)}, or the dotted path of a module of your own.'


def digest_of(about: dict) -> str:
    """`Features.digest` of a network of which `about` says everything that decides its numbers."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
