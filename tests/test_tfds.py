"""TFDS without TensorFlow: a tiny set is prepared on disk with TFDS's own writer; absences are acted."""

import io
import json
import struct

import numpy as np
import pytest
from command_line import config, main
from PIL import Image

from gans.data.sources import tfds as lib
from gans.errors import UserError

GRAY = np.random.default_rng(0).integers(0, 256, (10, 8, 8), np.uint8)


def prepare(folder, feature=None, extra=None):
    """Prepares 'tiny_shapes' (train 7, test 3; gray PNGs of 8 x 8) as array_record; returns its folder."""
    import tensorflow_datasets as tfds

    class TinyShapes(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version('1.0.0')

        def _info(self):
            features = {
                'image': feature or tfds.features.Image(shape=(None, None, 1)),
                'label': tfds.features.ClassLabel(num_classes=3),
            }
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager):
            return {'train': self._generate_examples(0, 7), 'test': self._generate_examples(7, 10)}

        def _generate_examples(self, start, stop):
            for i in range(start, stop):
                stream = io.BytesIO()
                Image.fromarray(GRAY[i]).save(stream, 'PNG')
                # Arrays would be encoded by TensorFlow; open files are copied.
                yield i, {'image': extra or io.BytesIO(stream.getvalue()), 'label': i % 3}

    TinyShapes(data_dir=str(folder), file_format='array_record').download_and_prepare()
    return folder / 'tiny_shapes' / '1.0.0'


@pytest.fixture(scope='module')
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp('tfds')
    prepare(root)
    return root


def open_it(root, shape=(8, 8), dataset='tiny_shapes', **options):
    return lib.open_source(shape, 0, dataset, data_dir=str(root), **options)


def contents(source):
    return sorted(source[i].tobytes() for i in range(len(source)))


def rgb(gray):
    return sorted(np.repeat(image[..., None], 3, axis=-1).tobytes() for image in gray)


def test_gray_images_of_all_splits_come_out_as_rgb(prepared):
    source = open_it(prepared)
    assert source[0].shape == (8, 8, 3) and source[0].dtype == np.uint8
    assert contents(source) == rgb(GRAY)
    assert source.where == f"TFDS 'tiny_shapes/1.0.0' (all) in '{prepared}': 10 images"
    assert len({source.key(i) for i in range(10)}) == 10


def test_splits(prepared):
    assert contents(open_it(prepared, split='train')) == rgb(GRAY[:7])
    assert contents(open_it(prepared, split='test+train')) == rgb(GRAY)
    assert len(open_it(prepared, split='train[:2]')) == 2
    with pytest.raises(UserError, match="no split 'tran' .did you mean 'train'.*it has train, test, and 'all'"):
        open_it(prepared, split='tran')


def test_shape_fit_and_upscale(prepared):
    assert open_it(prepared, (4, 2), fit='resize')[0].shape == (4, 2, 3)
    with pytest.raises(UserError, match="tiny_shapes/all, image 0' has 8x8 pixels"):
        open_it(prepared, (16, 16))
    assert open_it(prepared, (16, 16), upscale=True)[0].shape == (16, 16, 3)


@pytest.mark.parametrize('limit, words', [('max_bytes=20', 'more than 20 bytes'), ('max_pixels=63', '8x8 pixels')])
def test_the_limits_on_files_hold(prepared, limit, words):
    answer = main(
        config('colorize:tiny'), '--config.data.source=tfds', '--config.data.tfds.dataset=tiny_shapes',
        f'--config.data.tfds.data_dir={prepared}', f'--config.data.{limit}', '--dry_run',
    )  # fmt: skip
    assert answer.code == 2 and f"'tiny_shapes/all, image 0' has {words}" in answer.err


def test_the_data_dir_may_come_from_the_environment(prepared, monkeypatch):
    monkeypatch.setenv('TFDS_DATA_DIR', str(prepared))
    assert len(lib.open_source((8, 8), 0, 'tiny_shapes')) == 10
    monkeypatch.delenv('TFDS_DATA_DIR')
    monkeypatch.setenv('HOME', str(prepared.parent))
    prepared_home = prepared.parent / 'tensorflow_datasets'
    prepared_home.symlink_to(prepared)
    assert len(lib.open_source((8, 8), 0, 'tiny_shapes')) == 10


def as_tfrecord(folder):
    """Rewrites a prepared set as TFRecords, the format that TFDS writes by default."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    raw = tfds.decode.DeserializeMethod.RAW_BYTES
    for split in ('train', 'test'):
        records = builder.as_data_source(split=split, deserialize_method=raw)
        with open(folder / f'tiny_shapes-{split}.tfrecord-00000-of-00001', 'wb') as file:
            for record in records:
                file.write(struct.pack('<QI', len(record), 0) + record + struct.pack('<I', 0))
        del records
        (folder / f'tiny_shapes-{split}.array_record-00000-of-00001').unlink()
    info = json.loads((folder / 'dataset_info.json').read_text())
    assert info['fileFormat'] == 'array_record'
    (folder / 'dataset_info.json').write_text(json.dumps(info | {'fileFormat': 'tfrecord'}))


def test_tfrecords_are_read_as_well(tmp_path):
    folder = prepare(tmp_path)
    reference = open_it(tmp_path)
    wanted = [reference.key(i) for i in range(10)]
    as_tfrecord(folder)
    source = open_it(tmp_path)
    assert [source.key(i) for i in range(10)] == wanted and contents(source) == rgb(GRAY)
    assert contents(open_it(tmp_path, split='train[2:5]+test[1:]')) == sorted(
        reference[i].tobytes() for i in (2, 3, 4, 8, 9)
    )
    path = folder / 'tiny_shapes-test.tfrecord-00000-of-00001'
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(UserError, match='is cut off: prepare'):
        open_it(tmp_path)


def test_other_formats_get_a_sentence(tmp_path):
    folder = prepare(tmp_path)
    info = json.loads((folder / 'dataset_info.json').read_text())
    (folder / 'dataset_info.json').write_text(json.dumps(info | {'fileFormat': 'riegeli'}))
    with pytest.raises(UserError, match='prepared as riegeli'):
        open_it(tmp_path)


def test_missing_files_get_a_sentence(tmp_path):
    next(prepare(tmp_path).glob('*train*')).unlink()
    with pytest.raises(UserError, match='missing|damaged'):
        open_it(tmp_path)


def test_sets_without_images_get_a_sentence(tmp_path):
    import tensorflow_datasets as tfds

    prepare(tmp_path, feature=tfds.features.Text(), extra='a word')
    with pytest.raises(UserError, match="'tiny_shapes' has no images under 'image' .it has: image, label"):
        open_it(tmp_path)


def test_unknown_names_get_a_hint(tmp_path):
    with pytest.raises(UserError, match="no data set 'minst' .did you mean 'mnist'"):
        open_it(tmp_path, dataset='minst')
    with pytest.raises(UserError, match="'mnist' has no configs: give 'mnist', or 'mnist:3.0.1'"):
        open_it(tmp_path, dataset='mnist/nothing')


def test_known_sets_without_images_are_refused_before_anything_is_fetched(tmp_path):
    with pytest.raises(UserError, match="'div2k' has no images under 'image' .it has: .*lr"):
        open_it(tmp_path, dataset='div2k')


@pytest.fixture
def machine(monkeypatch):
    """Acts whether TensorFlow is there and whether the network answers; notes what is imported."""

    class FakeTensorFlow:
        class config:
            @staticmethod
            def set_visible_devices(devices, kind):
                imported.append((devices, kind))

    imported = []
    real = lib.importlib.import_module

    def set_up(tensorflow, network):
        monkeypatch.setattr(lib, 'has_module', lambda name: tensorflow)
        monkeypatch.setattr(lib, 'online', lambda: network)
        monkeypatch.setattr(
            lib.importlib, 'import_module', lambda name: FakeTensorFlow if name == 'tensorflow' else real(name)
        )
        return imported

    return set_up


def test_without_tensorflow_the_message_says_what_to_install_and_to_run(tmp_path, machine):
    machine(tensorflow=False, network=True)
    with pytest.raises(
        UserError,
        match=r'pip install "tensorflow-cpu>=2.21", .*builder\(.mnist., data_dir=.*'
        r'file_format=.array_record.\).download_and_prepare\(\)',
    ):
        open_it(tmp_path, dataset='mnist')


def test_without_a_network_nothing_is_tried(tmp_path, machine):
    imported = machine(tensorflow=True, network=False)
    with pytest.raises(UserError, match="'mnist' is not prepared .* the network does not answer"):
        open_it(tmp_path, dataset='mnist')
    assert not imported and not list(tmp_path.iterdir())


def test_preparing_is_left_to_tfds_and_its_failure_gets_a_sentence(tmp_path, machine, monkeypatch, prepared):
    import tensorflow_datasets as tfds

    imported = machine(tensorflow=True, network=True)
    asked = []

    def download_and_prepare(builder):
        asked.append((builder.name, builder.info.file_format.value))
        raise OSError('Not enough disk space.\nmore')

    monkeypatch.setattr(tfds.core.DatasetBuilder, 'download_and_prepare', download_and_prepare)
    with pytest.raises(UserError, match=r"could not prepare 'mnist' in '.*': Not enough disk space.$"):
        open_it(tmp_path, dataset='mnist')
    assert asked == [('mnist', 'array_record')] and imported == [([], 'GPU')]


def test_the_network_is_asked_for_with_a_limit(monkeypatch):
    """One host that answers is enough; none, or a name service that hangs, is off-line."""

    class Connection:
        def close(self):
            pass

    def connect(address, timeout):
        if address[0] in refusing:
            raise OSError('refused')
        return Connection()

    for variable in ('http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(lib.socket, 'create_connection', connect)
    everyone = {host for host, _ in lib.HOSTS}
    refusing = set()
    assert lib.online()
    refusing = everyone - {lib.HOSTS[1][0]}
    assert lib.online()
    refusing = everyone
    assert not lib.online()
    refusing = set()
    waiting = lib.threading.Event()
    monkeypatch.setattr(lib.socket, 'create_connection', lambda address, timeout: waiting.wait() and Connection())
    assert not lib.online(seconds=0.01)
    waiting.set()


def test_a_proxy_is_asked_instead(monkeypatch):
    asked = []

    def connect(address, timeout):
        asked.append(address)
        raise OSError('refused')

    monkeypatch.setattr(lib.socket, 'create_connection', connect)
    monkeypatch.setattr(lib.urllib.request, 'getproxies', lambda: {'https': 'http://proxy.lan:3128', 'no': 'x'})
    assert not lib.online()
    assert asked == [('proxy.lan', 3128)]


def test_a_missing_tfds_gets_a_sentence(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'importlib_resources'")

    monkeypatch.setattr(lib.importlib, 'import_module', missing)
    with pytest.raises(UserError, match="'importlib_resources'.: pip install tensorflow-datasets importlib_resources"):
        lib.open_source((8, 8), 0, 'mnist')


def test_one_class_of_a_set(prepared):
    source = open_it(prepared, label='1')
    assert contents(source) == rgb(GRAY[1::3])
    assert source.where == f"TFDS 'tiny_shapes/1.0.0' (all, 1) in '{prepared}': 3 images"
    assert {source.key(i) for i in range(3)} < {open_it(prepared).key(i) for i in range(10)}
    assert contents(open_it(prepared, label='2', split='test')) == rgb(GRAY[8:9])


def test_labels_that_are_not_there_are_explained(prepared):
    with pytest.raises(UserError, match="'tiny_shapes/1.0.0' has no class 'cats': it has 0, 1, 2, ..."):
        open_it(prepared, label='cats')
    with pytest.raises(UserError, match="has no class '11' .did you mean '1'"):
        open_it(prepared, label='11')
    wanted = {label: open_it(prepared, label=label, split='test').key(0) for label in '012'}
    first = open_it(prepared, split='test[:1]').key(0)
    for label in '012':
        if wanted[label] == first:
            assert len(open_it(prepared, label=label, split='test[:1]')) == 1
        else:
            with pytest.raises(UserError, match=f"no images of the class '{label}': take another"):
                open_it(prepared, label=label, split='test[:1]')
