"""`main.py --mode=evaluate` and `compare`: what a person gets, and which changes of the files change nothing."""

import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from command_line import config, main
from PIL import Image
from saved_run import logged, make_config, save_images, save_run, smooth_images

from gans.evaluation import classifier, samples
from gans.metrics import swd
from gans.run.trained import load_run

INPAINT = ('--config.generator.noise=True', '--config.task.latent=8', '--config.generator.z_dim=8')


def train(config_file, run, data, *flags, source='folder'):
    """Trains two steps of a config's tiny variant on images at `data`; returns the run folder."""
    where = (f'--config.data.source={source}', f'--config.data.{source}.path={data}')
    words = (config(f'{config_file}:tiny'), '--config.devices=1', '--config.steps=2', '--config.log.grids=0', *where)
    ended = main(*words, f'--workdir={run}', *flags)
    assert ended.code == 0, ended.err
    return run


def evaluate(run, *flags):
    """(what is printed, the bytes of evaluation.json) of a run; every evaluation must be valid JSON."""
    ended = main('--mode=evaluate', f'--workdir={run}', *flags)
    assert ended.code == 0, ended.err
    written = (Path(run) / 'evaluation.json').read_bytes()
    json.loads(written, parse_constant=pytest.fail)
    return ended.out, written


def report_of(run):
    return json.loads((Path(run) / 'evaluation.json').read_bytes(), parse_constant=pytest.fail)


def refused(*words):
    """The one sentence of a command that a person can mend."""
    ended = main(*words)
    assert ended.code == 2 and 'Traceback' not in ended.err, ended
    (line,) = ended.err.strip().splitlines()
    return line


def rename(folder):
    """Gives the files of a folder other names in another order, and two more folders deep."""
    files = sorted(folder.iterdir())
    for place, i in enumerate(np.random.default_rng(3).permutation(len(files))):
        target = folder / f'{"ba"[place % 2]}/{i % 3}/{place:03d}.png'
        target.parent.mkdir(parents=True, exist_ok=True)
        files[i].rename(target)


# Names and order decide nothing.


@pytest.mark.parametrize('config_file', ['colorize', 'inpaint', 'dcgan'])
def test_renamed_files_give_the_same_bytes(config_file, tmp_path, monkeypatch):
    """Boxes, noise, pairs, patches, cuts and montages; with copies among the images."""
    monkeypatch.setattr(samples, '_MOST', 6)
    monkeypatch.setattr(swd, 'DIRECTIONS', 8)
    images = smooth_images(30, 32)
    data = save_images(tmp_path / 'data', [*images, images[0], images[5], images[5]])
    flags = INPAINT if config_file == 'inpaint' else ()
    run = train(config_file, tmp_path / 'run', data, '--config.data.held_out=0.4', '--config.size=32', *flags)
    _, before = evaluate(run)
    montages = {path.name: path.read_bytes() for path in (run / 'evaluation').iterdir()}
    rename(data)
    _, after = evaluate(run)
    assert after == before
    assert montages == {path.name: path.read_bytes() for path in (run / 'evaluation').iterdir()}


def test_the_order_of_labelled_images_gives_the_same_bytes_and_no_judge_sees_its_own(tmp_path, monkeypatch):
    """Digits of an .npz, sorted by class: the classifier is trained alike, and real images are none of its own."""
    monkeypatch.setattr(classifier, 'STEPS', 3)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (90, 16, 16), np.uint8), np.repeat([2, 5, 7], 30)
    data = tmp_path / 'digits.npz'
    np.savez(data, x_train=images, y_train=labels)
    run = train('mnist', tmp_path / 'run', data, '--config.data.held_out=0.3', source='mnist')
    out, before = evaluate(run)
    order = rng.permutation(90)
    np.savez(data, x_train=images[order], y_train=labels[order])
    assert evaluate(run)[1] == before
    report = report_of(run)
    held_out, classes = report['images'], report['classes']
    assert classes['rows']['real images']['confidence']['count'] == held_out
    assert classes['set'] == held_out // 2
    assert f'say what a perfect generator would get: {held_out} held-out images' in out


def test_the_yardstick_of_colours_is_from_all_over_a_sorted_folder(tmp_path):
    """Half of the folder is gray; its first sixteen images alone would say nothing of the rest."""
    colours = smooth_images(20, 32)
    grays = [np.repeat(image[..., :1], 3, axis=-1) for image in smooth_images(20, 32, seed=1)]
    run = train('colorize', tmp_path / 'run', save_images(tmp_path / 'data', grays + colours))
    assert all(line['colourfulness'] < 100 for line in logged(run))


# Ends of measures.


def test_a_gray_set_has_no_ratio_and_equal_images_are_counted(tmp_path):
    grays = [np.repeat(image[..., :1], 3, axis=-1) for image in smooth_images(20, 32)]
    run = train('colorize', tmp_path / 'run', save_images(tmp_path / 'data', grays), '--config.data.held_out=0.3')
    assert all('colourfulness' not in line for line in logged(run))
    said = (run / 'log.txt').read_text()
    assert said.count('The training images looked at are gray: colourfulness is not logged') == 1
    assert 'fading' not in said
    out, _ = evaluate(run)
    report = report_of(run)
    count = report['images']
    gray = report['rows']['gray']
    assert gray['PSNR dB'] == {'mean': None, 'low': None, 'high': None, 'count': 0, 'equal': count}
    assert gray['L1']['mean'] == gray['chroma error']['mean'] == 0 and gray['SSIM']['mean'] == pytest.approx(1)
    ratio = report['ratios']['chroma error: output / gray']
    assert ratio['mean'] is None and ratio['none'] == 'the denominator is 0'
    assert 'chroma error: output / gray                  the denominator is 0\n' in out
    assert f'gray, PSNR dB: {count} of {count} images are equal, so that it is infinite; there is no mean.' in out
    assert 'all equal' in out
    assert main('--mode=history', f'--workdir={run}').code == 2, 'no images were drawn, and the curves are'
    assert (run / 'history/curves.png').exists()


def test_some_equal_images_are_in_no_mean_of_psnr(tmp_path):
    """Of flat images the mean colour of the border is the original."""
    flat = [np.full((32, 32, 3), colour, np.uint8) for colour in np.random.default_rng(0).integers(0, 256, (15, 3))]
    data = save_images(tmp_path / 'data', flat + smooth_images(15, 32))
    run = train('inpaint', tmp_path / 'run', data, '--config.data.held_out=0.4')
    out, _ = evaluate(run)
    report = report_of(run)
    for name in ('PSNR dB', 'PSNR dB in boxes'):
        found = report['rows']['border mean'][name]
        assert 0 < found['equal'] < report['images'] and found['equal'] + found['count'] == report['images']
        assert found['mean'] < 60
        assert f'border mean, {name}: {found["equal"]} of {report["images"]} images are equal' in out
    assert report['rows']['border mean']['L1']['count'] == report['images']
    assert report['ratios']['L1 in boxes: output / border mean']['mean'] > 0


def test_constant_images_are_as_far_from_each_other_as_nothing(tmp_path):
    """A set of flat grays: no patches, no ratio of distances, no diversity to compare with."""
    flat = [np.full((16, 16, 3), level, np.uint8) for level in (100, 100, 100, 101, 101, 101, 102, 103, 103, 102)]
    flat = [np.where(np.arange(16)[:, None, None] == 99, 0, one).astype(np.uint8) for one in flat]
    data = save_images(tmp_path / 'data', flat)
    run = train('dcgan', tmp_path / 'run', data, '--config.data.held_out=0.5')
    assert all('diversity' not in line for line in logged(run))
    assert 'are all alike: diversity is not logged' in (run / 'log.txt').read_text()
    evaluate(run)
    report = report_of(run)
    assert report['rows']['real images']['MS-SSIM of pairs']['mean'] == pytest.approx(1, abs=1e-3)


def test_one_held_out_image_has_means_and_no_intervals(tmp_path):
    data = save_images(tmp_path / 'data', smooth_images(4, 32))
    run = train('inpaint', tmp_path / 'run', data, '--config.data.held_out=0.001')
    out, _ = evaluate(run)
    report = report_of(run)
    assert report['images'] == 1 and '[' not in out
    for numbers in report['rows'].values():
        assert all(n['low'] is None and n['high'] is None for n in numbers.values())
    assert report['rows']['output']['L1']['mean'] > 0
    generator = train('dcgan', tmp_path / 'generator', data, '--config.data.held_out=0.001')
    said = refused('--mode=evaluate', f'--workdir={generator}')
    assert '1 images of 16x16 pixels: measures need 2 held-out' in said


def test_images_smaller_than_the_window_have_no_ssim(tmp_path):
    data = save_images(tmp_path / 'data', smooth_images(20, 8))
    run = train('inpaint', tmp_path / 'run', data, '--config.size=8', '--config.data.held_out=0.3')
    out, _ = evaluate(run)
    assert 'SSIM is left out: it needs images of 11x11 pixels.' in out
    assert list(report_of(run)['measures']) == ['L1', 'PSNR dB', 'L1 in boxes', 'PSNR dB in boxes']


# Memory.


def test_sets_are_never_in_memory_whole(tmp_path, monkeypatch):
    """300 held-out images of 64 px are 15 MB as floats, and what is kept of each of three sets is set here to be next
    to nothing: most of the peak is the memory of decoded images (7 MB) and the distances to all of them."""
    monkeypatch.setattr(swd, 'PATCHES', 1)
    monkeypatch.setattr(swd, 'DIRECTIONS', 8)
    data = save_images(tmp_path / 'data', np.random.default_rng(0).integers(0, 256, (600, 64, 64, 3), np.uint8))
    flags = ('--config.size=64', '--config.data.held_out=0.5', '--config.batch=32')
    run = train('dcgan', tmp_path / 'run', data, *flags)
    tracemalloc.start()
    evaluate(run)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * 2**20
    assert report_of(run)['set'] > 250


# Runs, images and evaluations that do not belong together.


@pytest.fixture(scope='module')
def two(tmp_path_factory):
    """(a folder with data and the runs 'a' and one of a long wide name on it)."""
    place = tmp_path_factory.mktemp('two')
    data = save_images(place / 'data', smooth_images(16, 32))
    for name, seed in (('a', 0), ('b' * 90 + '\N{HIRAGANA LETTER A}' * 20, 1)):
        train('inpaint', place / name, data, '--config.data.held_out=0.4', f'--config.seed={seed}')
    return place


def runs_of(place):
    return sorted(path for path in place.iterdir() if (path / 'config.json').exists())


def test_names_of_any_length_leave_tables_readable(two, tmp_path):
    ended = main('--mode=compare', f'--runs={",".join(map(str, runs_of(two)))}', f'--output={tmp_path / "out"}')
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith('input '))
    rows = [line for line in lines[first - 1 :] if line.strip()][:-1]
    wide = [len(line) + line.count('\N{HIRAGANA LETTER A}') for line in rows]
    assert max(wide) < 180 and len(set(wide[1::2])) == 1, 'means end in one column'
    assert json.loads((tmp_path / 'out/compare.json').read_text(), parse_constant=pytest.fail)['rows']


def test_an_evaluation_of_another_checkpoint_is_made_anew(two, tmp_path):
    """Of the same step, after a training from the start: its weights are others."""
    a, b = runs_of(two)
    evaluate(a)
    report = report_of(a)
    stale = report | {'weights': 'of another training', 'rows': {row: {} for row in report['rows']}}
    (a / 'evaluation.json').write_text(json.dumps(stale))
    assert main('--mode=compare', f'--runs={a},{b}', f'--output={tmp_path / "out"}').code == 0
    assert report_of(a) == report
    older = {name: value for name, value in stale.items() if name not in ('weights', 'version')}
    (a / 'evaluation.json').write_text(json.dumps(older))
    assert main('--mode=compare', f'--runs={a},{b}', f'--output={tmp_path / "out"}').code == 0
    assert report_of(a) == report


def test_what_another_evaluation_leaves_in_the_folder_is_not_in_the_way(two):
    (run, _) = runs_of(two)
    (run / 'evaluation.tmp').mkdir()
    evaluate(run)
    (run / 'evaluation.tmp').rmdir()
    (run / 'evaluation.json').unlink()
    (run / 'evaluation.json').mkdir()
    said = refused('--mode=evaluate', f'--workdir={run}')
    assert f"Cannot write '{run / 'evaluation.json'}'" in said and 'permission' not in said
    (run / 'evaluation.json').rmdir()


def test_a_checkpoint_that_a_training_replaces_meanwhile_is_told(two, tmp_path, monkeypatch):
    run = shutil.copytree(runs_of(two)[0], tmp_path / 'run')

    def load(folder):
        trained = load_run(folder)
        shutil.rmtree(run / 'checkpoints' / str(trained.step))
        return trained

    monkeypatch.setattr('gans.evaluation.evaluate.load_run', load)
    assert f'The checkpoint of step 2 of {run} is gone by now' in refused('--mode=evaluate', f'--workdir={run}')


def test_images_that_are_gone_or_others_are_named(two, tmp_path):
    run, other = runs_of(two)
    data, moved = two / 'data', tmp_path / 'moved'
    shutil.copytree(data, moved)
    evaluate(run)
    evaluate(other)
    save_images(tmp_path / 'others', smooth_images(16, 32, seed=9))
    said = refused('--mode=evaluate', f'--workdir={run}', f'--input={tmp_path / "others"}')
    assert 'trained on other images' in said and '--input' in said
    data.rename(two / 'away')
    try:
        assert f'The images of {run} cannot be opened' in refused('--mode=evaluate', f'--workdir={run}')
        compared = refused('--mode=compare', f'--runs={run},{other}', f'--output={tmp_path / "out"}')
        assert f'The images of {run} cannot be opened' in compared
        evaluate(run, f'--input={moved}')
        save_images(data, smooth_images(16, 32, seed=9))
        compared = refused('--mode=compare', f'--runs={run},{other}', f'--output={tmp_path / "out"}')
        assert 'trained on other images' in compared, 'the montage would show others than the table measures'
        shutil.rmtree(data)
    finally:
        (two / 'away').rename(data)


def test_a_folder_name_is_printed_as_one_line(tmp_path):
    data = save_images(tmp_path / 'da\x1b[2Jta', smooth_images(6, 32))
    with Image.open(data / '00.png') as image:
        assert image.size == (32, 32)
    run = train('inpaint', tmp_path / 'ru\x1b[2Jn', data, '--config.data.held_out=0.4')
    out, _ = evaluate(run)
    assert '\x1b' not in out and 'ru\\x1b[2Jn' in out


def test_numbers_that_cannot_be_written_are_printed(tmp_path):
    """A folder that has the name of a file stands for a full disk."""
    images = save_images(tmp_path / 'images', smooth_images(8))
    for seed, name in enumerate('ab'):
        save_run(tmp_path / name, make_config('colorize', images, seed))
    (tmp_path / 'out/compare.png').mkdir(parents=True)
    compared = main('--mode=compare', f'--runs={tmp_path}/a,{tmp_path}/b', f'--output={tmp_path}/out')
    assert compared.code == 2 and "Cannot write '" in compared.err and compared.err.count('\n') == 1
    assert (
        all(word in compared.out for word in ('a: output', 'b: output', 'SSIM')) and 'compare.json' not in compared.out
    )

    written = main('--mode=evaluate', f'--workdir={tmp_path}/a').out.splitlines()
    for name in ('evaluation.json', 'evaluation/montage_best.png'):
        (tmp_path / 'a' / name).unlink()
        (tmp_path / 'a' / name).mkdir()
        ended = main('--mode=evaluate', f'--workdir={tmp_path}/a')
        assert ended.code == 2 and ended.out.splitlines() == written[:-2] and f"{name}'" in ended.err, ended
        assert ended.err.count('\n') == 1
