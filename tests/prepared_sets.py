"""TensorFlow Datasets as a person has them on disk, but small: real names, features, labels and splits, made-up images.

The builders are TFDS's own, so that versions, features and names of classes are those of the real sets; only where the
images come from is replaced. Nothing is downloaded and TensorFlow is not needed, because images are given as files.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

# The splits of the real sets; others get a training and a test split.
SPLITS = {
    'celeb_a': ('train', 'validation', 'test'),
    'celeb_a_hq': ('train',),
    'oxford_flowers102': ('train', 'test', 'validation'),
    'places365_small': ('train', 'test', 'validation'),
}
# (height, width) of images where the set does not fix it: about what the real ones have.
SIZES = {'oxford_flowers102': ((500, 667), (752, 500)), 'caltech_birds2011': ((335, 500), (500, 347), (160, 240))}
WANTED_LABELS = {'places365_small': ('building_facade', 'airfield')}
COUNTS = {'celeb_a_hq': 8}
COUNT = 24  # images of a whole set


def prepare(dataset: str, root: Path) -> Path:
    """Prepares a small set under a name as in `config.data.tfds.dataset`; returns its folder."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    builder = tfds.builder(dataset, data_dir=str(root), file_format='array_record')
    name = builder.name
    splits = SPLITS.get(name, ('train', 'test'))
    numbers = np.array_split(np.arange(COUNTS.get(name, COUNT)), len(splits))
    builder._split_generators = lambda manager: {
        split: _examples(builder.info.features, name, own) for split, own in zip(splits, numbers, strict=True)
    }
    builder.download_and_prepare()
    return Path(builder.data_dir)


def _examples(features, name, numbers):
    for i in map(int, numbers):
        yield f'{i:05d}', {key: _value(feature, key, name, i) for key, feature in features.items()}


def _value(feature: Any, key: str, name: str, i: int) -> Any:
    """An example's value for one of a set's features; labels go round, so that every split has several."""
    import tensorflow_datasets as tfds

    match feature:
        case tfds.features.FeaturesDict():
            return {inner: _value(its, inner, name, i) for inner, its in feature.items()}
        case tfds.features.Image():
            return _file(feature, name, i)
        case tfds.features.ClassLabel():
            wanted = WANTED_LABELS.get(name, feature.names)
            return feature.str2int(wanted[i % len(wanted)])
        case tfds.features.BBoxFeature():
            return tfds.features.BBox(ymin=0.1, xmin=0.2, ymax=0.8, xmax=0.9)
        case tfds.features.Text():
            return f'{key} of {i:05d}'
    return np.zeros(feature.shape, feature.np_dtype)


def _file(feature, name, i):
    """An image file as the set has it: soft colours and one shape, cheap to draw and to compress."""
    height, width, channels = feature.shape
    sizes = SIZES.get(name, ((300, 280),))
    height, width = (height, width) if height else sizes[i % len(sizes)]
    random = np.random.default_rng(i)
    coarse = random.integers(0, 256, (4, 4) if channels == 1 else (4, 4, 3), np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR)
    stream = io.BytesIO()
    image.save(stream, 'PNG' if channels == 1 or feature.encoding_format == 'png' else 'JPEG', compress_level=1)
    stream.seek(0)
    return stream
