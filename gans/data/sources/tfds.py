"""TensorFlow Datasets without TensorFlow: prepared sets are read with array_record (or as TFRecords) alone.

Only preparing a set for the first time needs TensorFlow and the network; both are looked for first.
"""

import bisect
import importlib
import importlib.util
import itertools
import os
import queue
import re
import socket
import struct
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any

from gans.data import decode, files
from gans.data.fitting import check_fit
from gans.errors import UserError, closest

PLACE = 'data_dir'  # the argument that says where the images lie
SEEDED = False  # the seed decides nothing here

# What TFDS downloads from, more or less: if none of them answers, there is no point in trying.
HOSTS = (('storage.googleapis.com', 443), ('www.tensorflow.org', 443), ('github.com', 443))
INSTALL = 'pip install tensorflow-datasets importlib_resources array_record'
INSTALL_TENSORFLOW = 'pip install "tensorflow-cpu>=2.21"'


def open_source(
    shape: tuple[int, int] | None,
    seed: int,
    dataset: str,
    split: str = 'all',
    data_dir: str | None = None,
    fit: str = 'crop',
    upscale: bool = False,
    label: str | None = None,
    max_bytes: int = files.MAX_BYTES,
    max_pixels: int = files.MAX_PIXELS,
    resample: str = '',
) -> decode.Images:
    """Opens the images of a TFDS data set ('mnist', 'cycle_gan/horse2zebra', 'celeb_a:2.1.0') at `shape`.

    `split` is in TFDS's notation ('train', 'train+test', 'train[:10%]'); the default is everything, since
    the project holds out images of its own. `data_dir` defaults to $TFDS_DATA_DIR or
    ~/tensorflow_datasets; a set that is not prepared there is downloaded and prepared, with TensorFlow. The
    images are the feature 'image', and come out as RGB. With `label`, the name of a class of the feature
    'label' ('' takes all), only its images are taken; every record of the split is read for that. `fit`, `upscale`,
    `max_bytes`, `max_pixels`, `resample`, and what is read at opening: as in `gans.data.sources.folder`; `seed` is not
    used. Raises UserError for an unknown set, split or label, a set without images, images that are too small, and if
    TensorFlow or the network is needed and not there.
    """
    del seed
    check_fit(fit)
    tfds = _import_tfds()
    folder = os.path.expanduser(data_dir or os.environ.get('TFDS_DATA_DIR') or '~/tensorflow_datasets')
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise UserError(f"'{folder}' is no folder: give the one in which TFDS prepares its sets as data_dir.")
    builder = _prepared(dataset, folder) or _prepare(tfds, dataset, folder)
    _check_features(tfds, dataset, builder.info.features)
    read, count = _records(tfds, builder, dataset, split)
    features = _features_of(read, f'{dataset}/{split}')
    chosen, part = range(count), split
    if label:
        chosen, part = _labelled(tfds, builder, features, count, label), f'{split}, {label}'
    names = [f'{dataset}/{split}, image {i}' for i in chosen]

    def read_image(i: int, most: int) -> bytes:
        packed = features(chosen[i])['image'].bytes_list.value[0]
        files.check_bytes(len(packed), most, names[i])
        return packed

    return decode.Images(
        f"TFDS '{builder.info.full_name}' ({part}) in '{folder}'",
        names,
        read_image,
        shape,
        fit,
        upscale,
        limits=decode.Limits(max_bytes, max_pixels),
        resample=resample,
    )


def has_module(name: str) -> bool:
    """Returns whether a module could be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def online(seconds: float = 4.0) -> bool:
    """Returns whether one of HOSTS (or the proxy, if one is set) answers within `seconds`, name service included."""
    proxies = [
        urllib.parse.urlsplit(url if '//' in url else f'//{url}')
        for scheme, url in urllib.request.getproxies().items()
        if scheme in ('http', 'https')
    ]
    hosts = [(proxy.hostname, proxy.port or 80) for proxy in proxies if proxy.hostname] or HOSTS
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def knock(address: tuple[str, int]) -> None:
        try:
            socket.create_connection(address, timeout=seconds).close()
            answers.put(True)
        except OSError:
            answers.put(False)

    for address in hosts:  # in threads, because the timeout does not cover looking up the name
        threading.Thread(target=knock, args=(address,), daemon=True).start()
    deadline = time.monotonic() + seconds
    for _ in hosts:
        try:
            if answers.get(timeout=max(0.0, deadline - time.monotonic())):
                return True
        except queue.Empty:
            return False
    return False


def _import_tfds() -> Any:
    try:
        return importlib.import_module('tensorflow_datasets')
    except ImportError as error:
        raise UserError(f'TensorFlow Datasets cannot be imported ({error}): {INSTALL}.') from error


def _prepared(name: str, folder: str) -> Any | None:
    """Returns TFDS's builder for a set that is prepared in `folder`, read from its files alone, or None."""
    from tensorflow_datasets.core import naming, read_only_builder, registered

    try:
        naming.parse_builder_name_kwargs(name)
    except ValueError as error:
        raise UserError(
            f"'{name}' cannot be the name of a TFDS data set: names are like 'mnist', 'celeb_a_hq/1024' (one of "
            "several configs) or 'mnist:3.0.1' (a version)."
        ) from error
    try:
        return read_only_builder.builder_from_files(name, data_dir=folder)
    except registered.DatasetNotFoundError:
        return None
    except Exception as error:  # damaged json, no permission
        raise UserError(
            f"the TFDS data set '{name}' in '{folder}' cannot be opened ({_first_line(error)}): "
            'check its permissions, or delete its folder there to prepare it again.'
        ) from error


def _prepare(tfds: Any, name: str, folder: str) -> Any:
    """Downloads and prepares a set as array_record, and returns its builder."""
    base = re.split('[/:]', name)[0]
    known = tfds.list_builders(with_community_datasets=False)
    if base not in known:
        raise UserError(
            f"TFDS knows no data set '{base}'{closest(base, known)}, and none of that name is prepared in '{folder}'."
        )
    above, inside, _ = folder.partition(f'{os.sep}{base}')
    if inside and _prepared(name, above):
        raise UserError(f"'{name}' is not in '{folder}', it is prepared in '{above}': give that folder as data_dir.")
    try:
        _check_config(tfds, name, base)
        builder = tfds.builder(name, data_dir=folder, file_format='array_record')
        _check_features(tfds, name, builder.info.features)  # before gigabytes are fetched
    except ImportError:  # a few sets need TensorFlow to be described at all
        builder = None
    except (ValueError, AssertionError, RuntimeError) as error:  # no such config or version
        raise UserError(f"TFDS cannot give '{name}': {_first_line(error)}") from error
    if not has_module('tensorflow'):
        command = (
            f"python -c \"import tensorflow_datasets as t; t.builder('{name}', data_dir='{folder}', "
            "file_format='array_record').download_and_prepare()\""
        )
        raise UserError(
            f"'{name}' is not prepared in '{folder}', and preparing it needs TensorFlow (reading it "
            f'does not): {INSTALL_TENSORFLOW}, then run this again, or prepare it with: {command}'
        )
    if not online():
        raise UserError(
            f"'{name}' is not prepared in '{folder}', and it cannot be downloaded because the network "
            'does not answer: connect, or copy a prepared folder there.'
        )
    try:
        importlib.import_module('tensorflow').config.set_visible_devices([], 'GPU')  # JAX wants that memory
        builder = builder or tfds.builder(name, data_dir=folder, file_format='array_record')
        builder.download_and_prepare()
    except Exception as error:  # downloads, checksums, disks and manual steps: TFDS raises all kinds
        raise UserError(f"TFDS could not prepare '{name}' in '{folder}': {_first_line(error)}") from error
    return builder


def _check_config(tfds: Any, name: str, base: str) -> None:
    """Raises UserError if a name like 'celeb_a_hq/1024' has a config that TFDS's set does not have."""
    _, after, config = name.partition(':')[0].partition('/')
    builder = tfds.builder_cls(base)
    configs = list(builder.builder_configs)
    if not after or '=' in config or config in configs:
        return
    if not configs:
        version = builder.VERSION or '1.0.0'
        raise UserError(f"TFDS's '{base}' has no configs: give '{base}', or '{base}:{version}' if you want a version.")
    more = ', ...' if configs[5:] else ''
    raise UserError(
        f"TFDS's '{base}' has no config '{config}'{closest(config, configs)}: it has {', '.join(configs[:5])}{more}"
    )


def _check_features(tfds: Any, name: str, features: Any) -> None:
    """Raises UserError unless the set has a feature 'image' of 8 or 16 bits."""
    named = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    image = named.get('image')
    if not isinstance(image, tfds.features.Image):
        has = ', '.join(sorted(named)) or type(features).__name__
        raise UserError(
            f"the TFDS data set '{name}' has no images under 'image' (it has: {has}): choose one "
            'that does, or export its images to a folder.'
        )
    if image.np_dtype == 'float32':
        raise UserError(
            f"the TFDS data set '{name}' has images of floats, such as depths, not images: choose another one."
        )


def _records(tfds: Any, builder: Any, name: str, split: str) -> tuple[Callable[[int], bytes], int]:
    """Returns how to read serialized example `i` of a split, and how many there are."""
    try:
        parts = builder.info.splits[split].file_instructions
    except Exception as error:  # KeyError, ValueError or AssertionError, by the kind of mistake
        splits = list(builder.info.splits)
        raise UserError(
            f"the TFDS data set '{name}' has no split '{split}'{closest(split, [*splits, 'all'])}: it "
            f"has {', '.join(splits)}, and 'all'."
        ) from error
    formats = {form.value for form in builder.info.available_file_formats()}
    if 'array_record' in formats:
        raw = tfds.decode.DeserializeMethod.RAW_BYTES
        try:
            records = builder.as_data_source(split=split, deserialize_method=raw)
        except ImportError as error:
            raise UserError(f'the files of {name} cannot be read ({error}): {INSTALL}.') from error
        return records.__getitem__, len(records)
    if formats == {'tfrecord'}:
        records = _TfRecords(parts)
        return records.__getitem__, len(records)
    raise UserError(
        f"the TFDS data set '{name}' is prepared as {', '.join(sorted(formats))}, which needs TensorFlow "
        "to be read: prepare it again with file_format='array_record'."
    )


def _features_of(read: Callable[[int], bytes], name: str) -> Callable[[int], Any]:
    """Returns how to read the features of example `i`, by name: its image is still packed, as PNG or JPEG."""
    from tensorflow_datasets.proto import tf_example_pb2

    def features(i: int) -> Any:
        try:
            found = tf_example_pb2.Example.FromString(read(i)).features.feature
            if not found['image'].bytes_list.value:
                raise ValueError('no image in it')
            return found
        except Exception as error:  # missing files, broken blocks and messages
            raise UserError(
                f"'{name}, image {i}' is damaged or missing ({_first_line(error)}): prepare the data set again."
            ) from error

    return features


def _labelled(tfds: Any, builder: Any, features: Callable[[int], Any], count: int, label: str) -> list[int]:
    """Returns which of `count` examples have the class `label`."""
    feature = dict(builder.info.features.items()).get('label')
    if not isinstance(feature, tfds.features.ClassLabel):
        raise UserError(
            f"the TFDS data set '{builder.info.full_name}' has no classes under 'label': give an empty label, label=, "
            'to take all.'
        )
    if label not in feature.names:
        known = closest(label, feature.names) or f': it has {", ".join(feature.names[:5])}, ...'
        raise UserError(f"the TFDS data set '{builder.info.full_name}' has no class '{label}'{known}.")
    wanted = feature.str2int(label)
    chosen = [i for i in range(count) if features(i)['label'].int64_list.value[0] == wanted]
    if not chosen:
        raise UserError(f"this split of '{builder.info.full_name}' has no images of the class '{label}': take another.")
    return chosen


class _TfRecords:
    """Random access to TFRecord files, which TFDS itself reads with TensorFlow only.

    A record is its length (uint64), 4 bytes of checksum, the data, 4 bytes of checksum (little endian;
    tensorflow/core/lib/io/record_writer.h). The checksums (crc32c) are not checked.
    """

    def __init__(self, parts: Sequence[Any]):
        self._starts = list(itertools.accumulate((part.take for part in parts), initial=0))
        self._paths = [str(part.filename) for part in parts]
        self._places = [self._index(part)[part.skip : part.skip + part.take] for part in parts]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, i: int) -> bytes:
        part = bisect.bisect_right(self._starts, i) - 1
        start, size = self._places[part][i - self._starts[part]]
        with open(self._paths[part], 'rb') as file:  # a handle per read: threads share nothing
            file.seek(start)
            return file.read(size)

    @staticmethod
    def _index(part: Any) -> list[tuple[int, int]]:
        places, path = [], str(part.filename)
        try:
            with open(path, 'rb') as file:
                while header := file.read(12):
                    size, _ = struct.unpack('<QI', header)
                    places.append((file.tell(), size))
                    file.seek(size + 4, os.SEEK_CUR)
        except (OSError, struct.error, OverflowError) as error:
            raise UserError(f"'{path}' cannot be read ({error}): prepare the data set again.") from error
        if len(places) < part.skip + part.take:
            raise UserError(f"'{path}' is cut off: prepare the data set again.")
        return places


def _first_line(error: BaseException) -> str:
    said = re.sub('^Failed to construct dataset .*?}": ', '', str(error))  # TFDS repeats what it was called with
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
