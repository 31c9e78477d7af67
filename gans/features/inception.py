"""`inception:FILE`: `pool_3` of the Inception network of the FID, 2048 numbers, with weights that the user has."""

from functools import partial

import jax

from gans.features.opening import Features, digest_of
from gans.features.rows import extractor
from gans.pretrained import inception

ARGUMENT = 'FILE'


def open_features(argument: str) -> Features:
    """Opens it with the weights of a file; raises UserError as `gans.pretrained.inception.load`.

    It is called 'inception', whose Frechet distance is the FID, only with the published weights, and with others
    'inception_other'.
    """
    loaded = inception.load(argument)
    about = {
        'network': 'Inception of the Frechet inception distance (2015-12-05)',
        'weights': inception.NAME if loaded.published else 'others than the published ones',
        'sha256': loaded.sha256,
        'layer': 'pool_3: the last one before the logits, averaged over all places',
        'resize': f'to {inception.SIZE} x {inception.SIZE} px, bilinear without antialiasing, as by pytorch-fid',
        'layers': list(inception.LAYERS),
        'version': 1,  # count up when the same images give other numbers than before
    }
    weights = jax.device_put(loaded.weights)
    return Features(
        name='inception' if loaded.published else 'inception_other',
        digest=digest_of(about),
        size=inception.FEATURES,
        about=about,
        extract=extractor(lambda weights, images: inception.run(weights, inception.prepare(images)).features, weights),
        layers=partial(_layers, weights),
    )


def _layers(weights, images):
    return inception.run(weights, images).layers
