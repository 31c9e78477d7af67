"""The verb `sample` through main.py: files, one zip, going on, a classifier that chooses, and what is refused."""

import errno
import json
import shutil
import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest
from command_line import main
from generators import generator_config
from PIL import Image
from runs_on_disk import contents, refused
from saved_run import make_config, save_images, save_run, smooth_images

import gans
from gans.classifier import trained as classifier
from gans.classifier.network import Network, widths_for
from gans.run.generate import Sampler, held_out
from gans.run.trained import load_run
from gans.sets import keeping, sample_folder
from gans.sets.opening import open_set

SIZE = (16, 16)
DRAWN = 150  # places that tests look at


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A generator from noise, a colorizer, and a classifier of random weights."""
    place = tmp_path_factory.mktemp('sample')
    save_run(place / 'noise', generator_config())
    save_run(place / 'colors', make_config('colorize', save_images(place / 'images', smooth_images(20)), latent=0))
    network = Network(2, widths_for(SIZE))
    params = network.init(jax.random.key(0), np.zeros((1, *SIZE, 3)))['params']
    params = {**params, 'logits': {'kernel': 50 * params['logits']['kernel'], 'bias': np.zeros(2, np.float32)}}
    names = (classifier.UNACCEPTABLE, classifier.ACCEPTABLE)
    classifier.save(place / 'judge', classifier.Trained(names, SIZE, params))
    return place


@pytest.fixture(scope='module')
def judged(place):
    """(images, probability of 'acceptable') of the first places of seed 0, one by one."""
    images = gans.sample_images(load_run(place / 'noise'), count=DRAWN)
    return images, classifier.probabilities(classifier.load(place / 'judge'), images)[:, 1]


@pytest.fixture(autouse=True)
def devices(monkeypatch):
    """One device, since each more is a program more to compile; returns all."""
    found = jax.local_devices()
    monkeypatch.setattr(jax, 'local_devices', lambda: found[:1])
    return found


def sample(run, output, *words):
    return main('--mode=sample', f'--workdir={run}', f'--output={output}', *words)


def read(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob('*.png'))])


def stamps(folder):
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.glob('*.png')}


def test_a_folder_of_samples_and_what_is_missing_in_it(place, tmp_path):
    done = sample(place / 'noise', tmp_path / 'out', '--count=20', '--seed=3')
    assert (done.code, done.out) == (0, f"20 images in '{tmp_path / 'out'}'.\n")
    names = [f'{i:06d}.png' for i in range(20)]
    assert sorted(contents(tmp_path / 'out')) == [*names, 'sample.json']
    np.testing.assert_array_equal(
        read(tmp_path / 'out'), gans.sample_images(load_run(place / 'noise'), count=20, seed=3)
    )
    before, stamped = contents(tmp_path / 'out'), stamps(tmp_path / 'out')
    (tmp_path / 'out/000003.png').unlink()
    (tmp_path / 'out/000018.png').write_bytes(b'')
    done = sample(place / 'noise', tmp_path / 'out', '--count=20', '--seed=3')
    assert '(18 were there)' in done.out and contents(tmp_path / 'out') == before
    now = stamps(tmp_path / 'out')
    assert {name for name in names if now[name] != stamped[name]} == {'000003.png', '000018.png'}
    assert '(20 were there)' in sample(place / 'noise', tmp_path / 'out', '--count=22', '--seed=3').out
    assert len(contents(tmp_path / 'out')) == 23
    assert 'which has 22 (5 were there)' in sample(place / 'noise', tmp_path / 'out', '--count=5', '--seed=3').out


@pytest.mark.parametrize('words', [(), ('--keep_above=0.5', '--classifier=judge')])
def test_the_same_bytes_on_one_device_and_on_eight(place, tmp_path, monkeypatch, devices, words):
    monkeypatch.chdir(place)
    assert sample('noise', tmp_path / 'one', '--count=130', *words).code == 0
    monkeypatch.setattr(jax, 'local_devices', lambda: devices)
    assert len(devices) == 8 and sample('noise', tmp_path / 'eight', '--count=130', *words).code == 0
    assert contents(tmp_path / 'one') == contents(tmp_path / 'eight')


def test_a_zip_is_the_same_bytes_whenever_it_was_broken_off(place, tmp_path):
    for name in ('a.zip', 'b.zip'):
        assert sample(place / 'noise', tmp_path / name, '--count=20').code == 0
    assert sample(place / 'noise', tmp_path / 'c.zip.partial', '--count=9').code == 0
    (tmp_path / 'c.zip.partial/.0123456789ab.tmp').write_bytes(b'half')  # of a kill
    assert '(9 were there)' in sample(place / 'noise', tmp_path / 'c.zip', '--count=20').out
    bytes_of = [(tmp_path / name).read_bytes() for name in ('a.zip', 'b.zip', 'c.zip')]
    assert bytes_of[0] == bytes_of[1] == bytes_of[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.zip', 'b.zip', 'c.zip']
    stamped = (tmp_path / 'a.zip').stat().st_mtime_ns
    assert '(20 were there)' in sample(place / 'noise', tmp_path / 'a.zip', '--count=20').out
    assert (tmp_path / 'a.zip').stat().st_mtime_ns == stamped
    with zipfile.ZipFile(tmp_path / 'a.zip') as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        archive.extractall(tmp_path / 'unpacked')
    np.testing.assert_array_equal(read(tmp_path / 'unpacked'), gans.sample_images(load_run(place / 'noise'), count=20))
    assert len(open_set(str(tmp_path / 'a.zip'))) == 20


def test_a_zip_that_two_commands_write_is_whole_and_one_of_them_is_told(place, tmp_path, monkeypatch):
    assert sample(place / 'noise', tmp_path / 'one.zip', '--count=3').code == 0
    folder, check = tmp_path / 'two.zip.partial', sample_folder.SampleFolder.__exit__

    def with_another(self, *given):
        check(self, *given)
        (folder / '000001.png').unlink()  # the other command has packed all, and removes what it has packed

    monkeypatch.setattr(sample_folder.SampleFolder, '__exit__', with_another)
    refused(sample(place / 'noise', tmp_path / 'two.zip', '--count=3'), '000001.png', 'is gone', 'run this one again')
    assert not (tmp_path / 'two.zip').exists()
    monkeypatch.undo()
    assert sample(place / 'noise', tmp_path / 'two.zip', '--count=3').code == 0
    assert (tmp_path / 'two.zip').read_bytes() == (tmp_path / 'one.zip').read_bytes()


@pytest.mark.parametrize('target', ['out', 'out.zip'])
def test_something_else_with_the_name_of_a_sample_is_told(place, tmp_path, target):
    folder = tmp_path / ('out.zip.partial' if target == 'out.zip' else target)
    assert sample(place / 'noise', folder, '--count=1').code == 0
    (folder / '000001.png').mkdir()
    refused(sample(place / 'noise', tmp_path / target, '--count=3'), '000001.png', 'is a folder, no image: remove it')
    (folder / '000001.png').rmdir()
    (folder / '000001.png').symlink_to('nowhere')
    refused(sample(place / 'noise', tmp_path / target, '--count=3'), '000001.png', 'leads nowhere', 'remove it')
    assert not (folder / '000002.png').exists()


def test_a_colorizer_makes_one_of_each_held_out_image(place, tmp_path):
    run = load_run(place / 'colors')
    done = sample(place / 'colors', tmp_path / 'out')
    n = len(held_out(run).ids)
    assert done.out.startswith(f'{n} images')
    np.testing.assert_array_equal(read(tmp_path / 'out'), np.concatenate(list(Sampler(run)(np.arange(n)))))
    refused(sample(place / 'colors', tmp_path / 'more', f'--count={n + 1}'), f'has {n} held-out images', f'up to {n}')
    assert not (tmp_path / 'more').exists()
    refused(sample(place / 'colors', tmp_path / 'more', '--truncation=0.5'), 'has no latents')
    shutil.copytree(place / 'colors', tmp_path / 'moved')
    refused(sample(tmp_path / 'moved', tmp_path / 'more', f'--input={tmp_path / "out"}'), 'trained on other images')
    done = sample(tmp_path / 'moved', tmp_path / 'again', f'--input={place / "images"}')
    assert contents(tmp_path / 'again') == contents(tmp_path / 'out')


def test_what_a_classifier_accepts_is_kept_in_order(place, judged, tmp_path):
    images, chances = judged
    above = float(np.sort(chances)[-40:-38].mean())  # so that 39 of the first 150 are kept
    places = np.flatnonzero(chances > above)
    words = (f'--keep_above={above}', f'--classifier={place / "judge"}')
    done = sample(place / 'noise', tmp_path / 'out', '--count=30', *words)
    assert done.code == 0 and f'30 images, kept of {places[29] + 1} drawn (' in done.out
    np.testing.assert_array_equal(read(tmp_path / 'out'), images[places[:30]])
    rows = [line.split(',') for line in (tmp_path / 'out/kept.csv').read_text().splitlines()]
    assert rows[0] == ['file', 'place', 'probability']
    assert [(name, int(i)) for name, i, _ in rows[1:]] == [(f'{k:06d}.png', p) for k, p in enumerate(places[:30])]
    np.testing.assert_allclose([float(row[2]) for row in rows[1:]], chances[places[:30]], atol=1e-6)
    about = json.loads((tmp_path / 'out/sample.json').read_text())
    assert about['drawn'] == places[29] + 1 and about['kept']['above'] == above

    assert sample(place / 'noise', tmp_path / 'begun', '--count=11', *words).code == 0
    (tmp_path / 'begun/000004.png').unlink()
    done = sample(place / 'noise', tmp_path / 'begun', '--count=30', *words)
    assert '(10 were there)' in done.out and contents(tmp_path / 'begun') == contents(tmp_path / 'out')
    done = sample(place / 'noise', tmp_path / 'begun', '--count=5', *words)
    assert f'5 images, kept of {places[4] + 1} drawn' in done.out and '(5 were there)' in done.out

    for name, begun in (('a.zip', 0), ('b.zip', 12), ('c.zip', 30)):
        if begun:
            assert sample(place / 'noise', tmp_path / f'{name}.partial', f'--count={begun}', *words).code == 0
        assert sample(place / 'noise', tmp_path / name, '--count=20', *words).code == 0
    assert (tmp_path / 'a.zip').read_bytes() == (tmp_path / 'b.zip').read_bytes() == (tmp_path / 'c.zip').read_bytes()

    above = 1 - float(np.sort(chances)[4:6].mean())
    words = ('--count=1', f'--keep_above={above}', '--class=unacceptable', *words[1:])
    done = sample(place / 'noise', tmp_path / 'other', *words)
    assert f'of {np.flatnonzero(1 - chances > above)[0] + 1} drawn' in done.out
    refused(sample(place / 'noise', tmp_path / 'out', '--count=30'), 'chosen otherwise', 'kept: None')


def test_a_class_without_a_classifier_is_refused(place, tmp_path):
    refused(sample(place / 'noise', tmp_path / 'out', '--count=1', '--class=good'), '--class=good', 'leave --class out')
    assert not (tmp_path / 'out').exists()


def test_a_damaged_record_of_what_was_kept_is_told(place, judged, tmp_path):
    words = (f'--keep_above={np.median(judged[1])}', f'--classifier={place / "judge"}')
    assert sample(place / 'noise', tmp_path / 'out', '--count=3', *words).code == 0
    record = tmp_path / 'out/kept.csv'
    header, first, second, third = record.read_text().splitlines()
    before = stamps(tmp_path / 'out')
    for lines in ([header, '000000.png,-1,0.9'], [header, second, first, third], [header, first, first]):
        record.write_text('\n'.join([*lines, '']))
        refused(sample(place / 'noise', tmp_path / 'out', '--count=5', *words), 'kept.csv', 'is damaged', '--output')
    record.unlink()
    refused(sample(place / 'noise', tmp_path / 'out', '--count=5', *words), 'kept.csv', 'is gone', '--output')
    assert stamps(tmp_path / 'out') == before


def test_a_classifier_that_refuses_everything_ends_it(place, judged, tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, 'IN_A_ROW', 100)
    words = ('--count=3', '--keep_above=0.9999999', f'--classifier={place / "judge"}')
    for _ in range(2):
        done = sample(place / 'noise', tmp_path / 'out', *words)
        refused(done, 'refused the last 100 in a row', '0 of 3 images were kept, of 100 drawn')
        assert sorted(contents(tmp_path / 'out')) == ['kept.csv', 'sample.json']
    refused(sample(place / 'colors', tmp_path / 'colors', *words), 'has seen all that there are: 0 of 3')

    images, chances = judged
    above = float(np.sort(chances)[-40:-38].mean())
    monkeypatch.setattr(keeping, 'IN_A_ROW', 8)
    places = np.flatnonzero(chances > above)
    kept = np.flatnonzero(np.diff(places, prepend=-1) > 8)[0]  # so many before the first eight that are refused
    done = sample(place / 'noise', tmp_path / 'some', '--count=39', f'--keep_above={above}', words[-1])
    refused(done, f'{kept} of 39 images were kept, of {places[kept - 1] + 9} drawn')
    np.testing.assert_array_equal(read(tmp_path / 'some'), images[places[:kept]])


@pytest.mark.parametrize('keeps', [False, True])
def test_a_full_disk_leaves_whole_files_and_it_goes_on(place, judged, tmp_path, monkeypatch, keeps):
    words = ['--count=25', *(['--keep_above=0', f'--classifier={place / "judge"}'] if keeps else [])]
    assert sample(place / 'noise', tmp_path / 'whole', *words).code == 0
    real, left = Image.Image.save, [9]

    def save(image, file, **options):
        left[0] -= 1
        if left[0] < 0:
            file.write(b'half')
            raise OSError(errno.ENOSPC, 'No space left on device')
        real(image, file, **options)

    with monkeypatch.context() as full:
        full.setattr(Image.Image, 'save', save)
        refused(sample(place / 'noise', tmp_path / 'out', *words), 'the disk is full')
    found = contents(tmp_path / 'out')
    assert sum(name.endswith('.png') for name in found) == 9
    assert all(contents(tmp_path / 'whole')[name] == found[name] for name in found if name.endswith('.png'))
    assert sample(place / 'noise', tmp_path / 'out', *words).code == 0
    assert contents(tmp_path / 'out') == contents(tmp_path / 'whole')


def test_what_is_there_is_not_mixed_or_replaced(place, tmp_path):
    shutil.copytree(place / 'noise', tmp_path / 'run')
    out, packed = tmp_path / 'out', tmp_path / 'a.zip'
    for target in (out, packed):
        assert sample(tmp_path / 'run', target, '--count=2').code == 0
    (tmp_path / 'text').write_text('text')
    (tmp_path / 'text.zip').write_text('text')
    (tmp_path / 'folder.zip').mkdir()
    with zipfile.ZipFile(tmp_path / 'photos.zip', 'w') as archive:
        archive.writestr('a.png', b'')
    save_run(tmp_path / 'run', generator_config(seed=1), step=9)
    before = contents(tmp_path)
    for target, words, said in (
        (out, (), 'of another run or checkpoint'),
        (packed, (), 'of another run or checkpoint'),
        (tmp_path / 'text', (), 'is a file, no folder'),
        (tmp_path / 'text.zip', (), 'no .zip'),
        (tmp_path / 'folder.zip', (), 'is a folder'),
        (tmp_path / 'photos.zip', (), 'something else than samples'),
        (tmp_path / 'run', (), "holds other files ('checkpoints')"),
        (tmp_path, (), 'holds other files'),
        (tmp_path / 'new', ('--count=0',), 'asks for no image'),
        (tmp_path / 'new', ('--truncation=0',), 'above 0, up to 1'),
        (tmp_path / 'new', ('--truncation=1.5',), 'above 0, up to 1'),
        (tmp_path / 'new', ('--seed=-2',), '--seed=-2'),
        (tmp_path / 'new', ('--keep_above=0.5',), 'give both'),
        (tmp_path / 'new', (f'--classifier={place / "judge"}',), 'give both'),
        (tmp_path / 'new', (f'--classifier={place / "judge"}', '--keep_above=1'), 'from 0 to below 1'),
        (
            tmp_path / 'new',
            (f'--classifier={place / "judge"}', '--keep_above=0.9', '--class=acceptible'),
            'did you mean',
        ),
        (tmp_path / 'new', (f'--classifier={tmp_path}', '--keep_above=0.9'), 'no classifier'),
        (tmp_path / 'text/new', (), 'is a file, not a folder'),
    ):
        refused(sample(tmp_path / 'run', target, *words), said)
    for words, said in ((('--seed=1',), 'of the seed 0'), (('--truncation=0.5',), 'of the truncation 1.0')):
        refused(sample(place / 'noise', out, *words), said)
    refused(sample(place / 'noise', packed, '--count=3'), 'holds 2 samples, not 3')
    assert contents(tmp_path) == before
    (out / 'sample.json').write_text('{')
    refused(sample(place / 'noise', out), 'is damaged')
