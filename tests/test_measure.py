"""The verb `measure` through main.py: sets of files, their numbers by other ways, and what cannot be measured."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import own_network.colours
import pytest
from command_line import main, process
from PIL import Image
from runs_on_disk import contents
from saved_run import save_images, smooth_images

from gans.errors import UserError
from gans.evaluation import feature_measures, set_measures
from gans.features.opening import open_features
from gans.image import ops
from gans.metrics import frechet, kernel, manifold, pixels, swd
from gans.sets.opening import open_set

FEATURES = '--features=own_network.colours'
SIDE = 16


def images(count, seed=0, size=SIDE):
    return np.stack(smooth_images(count, size, seed))


def measured(tmp_path, *words, code=0):
    output = tmp_path / 'measured.json'
    ended = main('--mode=measure', f'--output={output}', *words)
    assert ended.code == code, ended
    return json.loads(output.read_text(), parse_constant=pytest.fail), ended.out


@pytest.fixture
def place(tmp_path):
    """Two folders of images that differ, and a zip of the first with other names and another compression."""
    save_images(tmp_path / 'real', images(14))
    save_images(tmp_path / 'fake', images(13, seed=1) // 2)
    zipped(tmp_path / 'same.zip', images(14)[::-1])
    return tmp_path


def zipped(path: Path, some) -> Path:
    with zipfile.ZipFile(path, 'w') as archive:
        for i, image in enumerate(some):
            with archive.open(f'deep/other_{i}.png', 'w') as file:
                Image.fromarray(image).save(file, format='PNG', compress_level=1)
    return path


def test_lite0_through_the_command_line(place):
    """The network of requirements-features.txt: its numbers are those of the measures on its features."""
    report, text = measured(place, f'--real={place}/real', f'--fake={place}/fake', '--features=lite0')
    network = open_features('lite0')
    real, fake = (network.extract(np.stack(list(open_set(f'{place}/{name}')))) for name in ('real', 'fake'))
    expected = np.mean([frechet.frechet(fake[:7], half) for half in (real[:7], real[7:14])])
    assert report['rows']['fake']['fd_lite0']['mean'] == pytest.approx(expected, rel=1e-4)
    assert report['features']['digest'] == network.digest and network.digest[:16] in text


def test_the_numbers_are_those_of_the_measures_on_the_files(place):
    report, text = measured(place, f'--real={place}/real', f'--fake={place}/fake', FEATURES)
    real, fake = (np.stack(list(open_set(f'{place}/{name}'))) for name in ('real', 'fake'))
    halves, fakes = (real[:7], real[7:14]), (fake[:7], fake[:7])  # 13 fake ones are one set of 7, compared with both
    assert report['compared'] == {'images': 7, 'fake_sets': 1, 'pairs': 2, 'patches': 7 * 128}
    found, floor = report['rows']['fake'], report['rows']['real against real']
    for row, pairs in ((found, list(zip(halves, fakes, strict=True))), (floor, [halves])):
        features = [[own_network.colours.extract(one) for one in pair] for pair in pairs]
        scores = [manifold.compare(*map(manifold.region, pair)) for pair in features]
        distances = [swd.swd(*map(ops.to_float, pair))[16] for pair in pairs]
        expected = {
            'fd_colours': [frechet.frechet(a, b) for a, b in features],
            'kid_colours': [kernel.unbiased(a, b) for a, b in features],
            **{f'{name}_colours': [getattr(one, name) for one in scores] for name in manifold.Scores._fields},
            'SWD 16 px': [1000 * x for x in distances],
        }
        for name, values in expected.items():
            # Patches of both sets are at the same places here, unlike those of `swd.swd`.
            assert row[name]['mean'] == pytest.approx(np.mean(values), rel=0.1 if name.startswith('SWD') else 1e-6)
        assert row['SWD']['mean'] == row['SWD 16 px']['mean']
    assert found['fd_colours']['low'] < found['fd_colours']['mean'] < found['fd_colours']['high']
    assert floor['fd_colours']['low'] is None, 'one pair of halves has no interval'
    small = [one.astype(float).reshape(len(one), -1) / 255 for one in (fake[:7], real[:7], real[7:14])]
    gaps = np.sqrt(((small[0][:, None] - small[1][None]) ** 2).mean(2))
    assert found['nearest real']['mean'] == pytest.approx(gaps.min(1).mean(), rel=1e-4)
    gaps = np.sqrt(((small[2][:, None] - small[1][None]) ** 2).mean(2))
    assert floor['nearest real']['mean'] == pytest.approx(gaps.min(1).mean(), rel=1e-4)
    assert found['MS-SSIM of pairs']['count'] == 3 and floor['MS-SSIM of pairs']['count'] == 6
    assert report['size'] == [16, 16] and report['resize'] == '' and report['seed'] == 0 and report['version'] == 1
    assert report['features'] == {'name': 'colours', 'digest': 'c0' * 32, 'about': {'network': 'none'}}
    assert {'jax', 'numpy'} <= set(report['versions']) and report['real']['images'] == 14
    assert all(name in text for name in [*report['measures'], 'measured.json', 'features colours c0c0'])
    assert all(name in row for row in report['rows'].values() for name in report['measures'])


def test_neither_names_nor_order_nor_chunks_nor_devices_change_a_number(place, monkeypatch):
    first, _ = measured(place, f'--real={place}/real', f'--fake={place}/fake', FEATURES)
    for name in ('real', 'fake'):
        (place / 'moved' / name / 'deep').mkdir(parents=True)
        for i, path in enumerate(sorted((place / name).iterdir(), reverse=True)):
            path.rename(place / 'moved' / name / 'deep' / f'{i}.png')
    words = (f'--real={place}/moved/real', f'--fake={place}/moved/fake', FEATURES)
    again, _ = measured(place, *words)
    for report in (first, again):
        for role in ('real', 'fake'):
            report[role].pop('where')
    assert again == first
    monkeypatch.setattr(set_measures, '_CHUNK', 2 * 3 * SIDE**2)
    chunked, _ = measured(place, *words)
    for row, numbers in chunked['rows'].items():
        for name, number in numbers.items():
            if name.startswith('SWD'):  # its patches are drawn chunk by chunk, and chunks have a fixed size
                assert number['mean'] == pytest.approx(first['rows'][row][name]['mean'], rel=0.2)
            else:
                assert number == first['rows'][row][name]
    # The tests have eight devices, a process of its own has one.
    output = place / 'process.json'
    ended = process('--mode=measure', *words, f'--output={output}', PYTHONPATH=str(Path(__file__).parent))
    assert ended.code == 0, ended
    assert json.loads(output.read_text())['rows'] == first['rows']


def test_equal_sets_are_equal_whatever_their_files(place):
    report, text = measured(place, f'--real={place}/real', f'--fake={place}/same.zip', FEATURES)
    found, floor = report['rows']['fake'], report['rows']['real against real']
    for name in ('SWD', 'SWD 16 px', 'fd_colours', 'kid_colours'):
        assert (found[name]['low'], found[name]['mean'], found[name]['high']) == (0, 0, 0)
        assert floor[name]['mean'] != 0
    assert report['pixels']['real'] == report['pixels']['fake'] and 'Both sets are the same images' in text
    assert report['copies'] == {'fake_in_real': 14, 'within_real': 0, 'within_fake': 0, 'equal_sets': True}


def test_one_image_repeated_is_seen_and_so_are_copies(place):
    middle = images(14)[open_first(place)]
    save_images(place / 'one', [middle] * 14)
    report, text = measured(place, f'--real={place}/real', f'--fake={place}/one', FEATURES)
    found = report['rows']['fake']
    assert found['MS-SSIM of pairs']['mean'] == pytest.approx(1, abs=1e-4)
    assert found['precision_colours']['mean'] >= 0.5 and found['recall_colours']['mean'] <= 1 / 7
    assert '14 of 14 fake images are real ones' in text and '13 of 14 fake images are copies' in text


def test_copies_are_looked_for_among_all_real_images(place):
    """Two fake images are compared with two halves of two: they may be copies of the others."""
    real = list(open_set(f'{place}/real'))
    save_images(place / 'few', [real[-1], real[0]])
    report, text = measured(place, f'--real={place}/real', f'--fake={place}/few')
    assert report['compared']['images'] == 2 and report['copies']['fake_in_real'] == 2
    assert '2 of 2 fake images are real ones, pixel by pixel' in text
    assert 'Both sets are the same images' not in text
    save_images(place / 'one', [real[-1], real[0] // 2])
    assert '1 of 2 fake images are real ones' in measured(place, f'--real={place}/real', f'--fake={place}/one')[1]


def test_sets_that_are_the_same_where_they_are_compared(place):
    """The real set has an image more, which is in no half."""
    real = list(open_set(f'{place}/real', count=5))
    save_images(place / 'five', real)
    save_images(place / 'four', list(open_set(f'{place}/five', count=4)))
    report, text = measured(place, f'--real={place}/five', f'--fake={place}/four')
    assert report['copies'] == {'fake_in_real': 4, 'within_real': 0, 'within_fake': 0, 'equal_sets': True}
    assert 'Both sets are the same images, where they are compared' in text


@pytest.mark.parametrize('fakes', [5, 14, 40])
def test_images_that_are_all_equal(fakes, place):
    """Of both sets, with more, as many and fewer fake images than real ones."""
    gray = np.full((SIDE, SIDE, 3), 128, np.uint8)
    save_images(place / 'gray', [gray] * 14)
    save_images(place / 'made', [gray] * fakes)
    report, text = measured(place, f'--real={place}/gray', f'--fake={place}/made', FEATURES)
    compared, copies = report['compared'], report['copies']
    looked = compared['images'] * compared['fake_sets']
    assert (compared['images'], looked) == {5: (5, 5), 14: (7, 14), 40: (7, 28)}[fakes]
    assert copies['fake_in_real'] == looked and copies['within_fake'] == looked - 1
    assert copies['within_real'] == 2 * compared['images'] - 1
    assert copies['equal_sets'] == (looked == 14)
    same = 'Both sets are the same images' if looked == 14 else f'{looked} of {looked} fake images are real ones'
    assert same in text and f'{looked - 1} of {looked} fake images are copies of other fake ones' in text
    for name in ('SWD', 'nearest real', 'fd_colours'):
        assert report['rows']['fake'][name]['mean'] == pytest.approx(0, abs=1e-4)


def open_first(place):
    """The number in the folder of the image whose colours are most like the others'."""
    features = own_network.colours.extract(images(14))
    return int(((features[:, None] - features) ** 2).sum((1, 2)).argmin())


def test_another_size_is_scaled_by_the_filter_that_is_named(place):
    large = images(14, size=40)
    save_images(place / 'large', large)
    box = [np.asarray(Image.fromarray(one).resize((24, 20), Image.Resampling.BOX)) for one in large]
    save_images(place / 'scaled', box)
    words = (f'--real={place}/real', '--size=20,24', '--resize=box', '--count=8', '--seed=3', FEATURES)
    report, text = measured(place, f'--fake={place}/large', *words)
    assert (report['size'], report['resize'], report['seed']) == ([20, 24], 'box', 3)
    assert report['compared']['images'] == 4 and report['real']['images'] == 8
    assert '24x20 pixels (width x height); others scaled by the filter box; seed 3' in text
    opened = (open_set(f'{place}/large', (20, 24), 'box'), open_set(f'{place}/scaled'))
    assert {one.tobytes() for one in opened[0]} == {one.tobytes() for one in opened[1]}


def test_features_are_computed_once(place, monkeypatch):
    monkeypatch.setenv('GANS_FEATURES', str(place / 'cache'))
    own_network.colours.shown.clear()
    words = (f'--real={place}/real', f'--fake={place}/fake', FEATURES)
    first, _ = measured(place, *words)
    assert sum(own_network.colours.shown) == 21
    assert measured(place, *words)[0] == first and sum(own_network.colours.shown) == 21
    assert list((place / 'cache').glob('*/*.features'))


def test_features_that_cannot_be_kept_are_computed_anew(place, monkeypatch):
    words = (f'--real={place}/real', f'--fake={place}/fake', FEATURES)
    wanted, _ = measured(place, *words)
    (place / 'file').write_text('')
    monkeypatch.setenv('GANS_FEATURES', str(place / 'file/features'))
    assert measured(place, *words)[0] == wanted and (place / 'file').read_text() == ''


def test_what_was_computed_before_a_stop_is_kept(place, monkeypatch):
    monkeypatch.setenv('GANS_FEATURES', str(place / 'cache'))
    calls = []

    def stopped(some):
        calls.append(len(some))
        if len(calls) == 2:
            raise UserError('Enough.')
        return own_network.colours.extract(some)

    words = ('--mode=measure', f'--real={place}/real', f'--fake={place}/fake', FEATURES)
    with monkeypatch.context() as patched:
        broken = own_network.colours.open_features('')._replace(extract=stopped)
        patched.setattr(own_network.colours, 'open_features', lambda argument: broken)
        ended = main(*words)
    assert (ended.code, ended.err.strip(), calls) == (2, 'Enough.', [7, 7])
    own_network.colours.shown.clear()
    assert main(*words).code == 0 and sum(own_network.colours.shown) == 14


def test_only_inceptions_frechet_distance_is_called_fid():
    assert feature_measures.named('fd', 'inception') == 'FID' and feature_measures.named('kid', 'x') == 'kid_x'


def test_pairs_are_compared_by_name(place):
    real = images(14)
    fake = real.copy()
    fake[:5] //= 2
    for i in range(14):
        (place / 'paired').mkdir(exist_ok=True)
        if i != 3:
            Image.fromarray(fake[i]).save(place / f'paired/{i:02d}.bmp')
    report, text = measured(place, f'--real={place}/real', f'--fake={place}/paired', '--paired', FEATURES)
    found, other = report['rows']['fake'], report['rows']['another real image']
    kept = [i for i in range(14) if i != 3]
    error = np.abs(fake[kept] / 255 - real[kept] / 255).mean((1, 2, 3))
    assert found['L1']['mean'] == pytest.approx(error.mean(), rel=1e-5) and found['L1']['count'] == 13
    psnr = np.asarray(pixels.psnr(ops.to_float(fake[[0, 1, 2, 4]]), ops.to_float(real[[0, 1, 2, 4]])))
    assert found['PSNR dB']['mean'] == pytest.approx(psnr.mean(), rel=1e-4)
    assert (found['PSNR dB']['count'], found['PSNR dB']['equal']) == (4, 9)
    assert 'fake, PSNR dB: 9 of 13 images are equal' in text
    assert report['compared'] == {'images': 13, 'real_without_fake': 1} and report['copies'] == {'equal_pairs': 9}
    for name in ('L1', 'chroma error', 'perceptual_colours'):
        assert 0 < found[name]['mean'] < other[name]['mean']
    for name in ('SSIM', 'MS-SSIM'):
        assert 1 > found[name]['mean'] > other[name]['mean']
    layers = [own_network.colours.layers(ops.to_float(some)) for some in (fake[kept], real[kept])]
    gaps = []
    for name in layers[0]:
        a, b = (np.asarray(some[name], np.float64) for some in layers)
        a, b = (x / np.linalg.norm(x, axis=3, keepdims=True).clip(1e-10) for x in (a, b))
        gaps.append(((a - b) ** 2).sum(3).mean((1, 2)))
    assert found['perceptual_colours']['mean'] == pytest.approx(np.mean(gaps), rel=1e-4)


WRONG = {
    'one image': (('--real=ONE', '--fake=FAKE'), '1 real and 13 fake images are too few'),
    'one fake': (('--real=REAL', '--fake=ONE'), '14 real and 1 fake images are too few'),
    'mixed sizes': (('--real=MIXED', '--fake=FAKE'), '--size'),
    'two sizes': (('--real=REAL', '--fake=WIDE'), 'give a --size for both'),
    'empty': (('--real=EMPTY', '--fake=FAKE'), 'there are no images in'),
    'nothing': (('--real=NOTHING', '--fake=FAKE'), "there is no 'NOTHING': give a folder or a .zip of images, a run"),
    'too large': (('--real=REAL', '--fake=FAKE', '--size=16383'), 'at most 4,194,304 pixels are measured'),
    'a photo as output': (('--real=REAL', '--fake=FAKE', '--output=REAL/00.png'), 'holds no numbers of --mode=measure'),
    'other JSON as output': (('--real=REAL', '--fake=FAKE', '--output=other'), 'give a new file as --output'),
    'a pipe as output': (('--real=REAL', '--fake=FAKE', '--output=pipe'), "'pipe' is there and holds no numbers"),
    'no images': (('--real=REAL', '--fake=TEXT'), 'is not an image'),
    'too many': (('--real=REAL', '--fake=FAKE', '--count=14'), 'there are 13 images to take, not 14'),
    'count 0': (('--real=REAL', '--fake=FAKE', '--count=0'), 'give at least 1'),
    'no network': (('--real=REAL', '--fake=FAKE', '--features=vgg'), 'vgg'),
    'too small': (('--real=REAL', '--fake=FAKE', '--size=8'), '8x8 pixels (width x height), and measures need 11'),
    'no size': (('--real=REAL', '--fake=FAKE', '--size=big'), '--size=big is no size'),
    'no filter': (('--real=REAL', '--fake=FAKE', '--resize=lancos'), 'did you mean'),
    'a folder': (('--real=REAL', '--fake=FAKE', '--output=EMPTY'), 'is a folder: give a file as --output'),
    'no real': (('--fake=FAKE',), '--mode=measure needs --real'),
    'no pair': (('--real=FAKE', '--fake=REAL', '--paired'), "'13' of folder"),
    'two of one stem': (
        ('--real=REAL', '--fake=STEMS', '--paired'),
        "has 2 that '00' of folder 'REAL'",
    ),
    'the same turned': (
        ('--real=STEMS', '--fake=REAL', '--paired'),
        "has 2 that '00' of folder 'REAL'",
    ),
    'one pair': (('--real=REAL', '--fake=ONE', '--paired'), 'two images or more'),
    'no names': (('--real=REAL', '--fake=ALIKE', '--paired'), 'has no names: leave --paired out'),
}


@pytest.mark.parametrize('what', WRONG)
def test_what_cannot_be_measured_is_one_sentence(what, place, monkeypatch):
    words, told = WRONG[what]
    monkeypatch.chdir(place)
    some = images(3)
    os.mkfifo(place / 'pipe')
    (place / 'other').write_text('{"version": 1}')
    save_images(place / 'ONE', some[:1])
    save_images(place / 'MIXED', [*some, *images(3, size=20)])
    save_images(place / 'WIDE', [np.concatenate([one, one], axis=1) for one in some])
    (place / 'EMPTY').mkdir()
    (place / 'TEXT').mkdir()
    (place / 'TEXT/a.png').write_text('no image')
    save_images(place / 'STEMS', some)
    (place / 'STEMS/00.jpg').write_bytes((place / 'STEMS/01.png').read_bytes())
    save_images(place / 'ALIKE', some)
    (place / 'ALIKE/a.png').write_bytes((place / 'ALIKE/00.png').read_bytes())
    (place / 'REAL').symlink_to('real'), (place / 'FAKE').symlink_to('fake')
    if what == 'no names':
        with zipfile.ZipFile(place / 'ALIKE.zip', 'w') as archive:
            for name in ('x/a.png', 'x\\a.png', 'b.png'):
                archive.write(place / 'ALIKE/00.png', name)
        words = [word.replace('ALIKE', 'ALIKE.zip') for word in words]
    before = contents(place / 'real')
    ended = main('--mode=measure', *words)
    assert contents(place / 'real') == before and (place / 'other').read_text() == '{"version": 1}'
    assert ended.code == 2 and told in ended.err and 'Traceback' not in ended.err, ended
    assert not list(place.glob('*.json'))
