"""`classifier:FOLDER`: the last layer of a classifier that was trained here, averaged over all places."""

from functools import partial

import jax

from gans.classifier import trained as classifiers
from gans.features.opening import Features, digest_of
from gans.features.rows import extractor

ARGUMENT = 'FOLDER'


def open_features(argument: str) -> Features:
    """Opens it; raises UserError as `gans.classifier.trained.load`."""
    trained = classifiers.load(argument)
    network = trained.network
    about = {
        'network': 'a classifier that --mode=classify trained',
        'weights': trained.digest,
        'classes': list(trained.classes),
        'layer': 'the last one before the logits, averaged over all places',
        'resize': f'to {trained.size[0]} x {trained.size[1]} px, Lanczos, as by Pillow',
        'layers': [f'down_{i}' for i in range(len(network.widths))],
        'version': 1,  # count up when the same images give other numbers than before
    }
    look = extractor(lambda params, images: network.apply({'params': params}, images)[1], trained.params)
    return Features(
        name='classifier',
        digest=digest_of(about),
        size=network.widths[-1],
        about=about,
        extract=lambda images: look(classifiers.fitted(images, trained.size)),
        layers=partial(classifiers.layers, trained._replace(params=jax.device_put(trained.params))),
    )
