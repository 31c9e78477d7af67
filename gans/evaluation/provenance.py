"""What numbers follow from beside the images, for JSON: versions of libraries, the kind of device, the features."""

from importlib.metadata import version

import jax

from gans.features.opening import Features

_PACKAGES = ('jax', 'jaxlib', 'numpy', 'scipy', 'pillow')


def surroundings() -> dict:
    """The versions of the libraries that decide numbers, and the kind of device."""
    return {'versions': {name: version(name) for name in _PACKAGES}, 'backend': jax.default_backend()}


def about(features: Features | None) -> dict | None:
    """A feature network for JSON: its name, its digest and what it says of itself; None for none."""
    return features and {'name': features.name, 'digest': features.digest, 'about': features.about}
