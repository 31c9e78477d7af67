"""A run's history in figures: every number and every pixel in them is the record's."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from generators import generator_config
from PIL import Image
from saved_run import logged
from test_families import family

from gans.config.load import load, to_json
from gans.errors import UserError
from gans.image import files, grids
from gans.metrics.curves import is_tall
from gans.run.experiment import open_experiment
from gans.training import history as verb
from gans.training.history import draw_curves, draw_insets, equally_spaced, grouped, history, render, series
from gans.training.loop import train
from gans.training.metrics_files import read_metrics

METRICS = ('gen/loss', 'disc/loss', 'gen/l1', 'disc/convergence', 'disc/k', 'schedule/blur', 'diversity')


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def record(folder, config, sample_grids, lines):
    """A run folder as training leaves it: a config, sample grids {step: uint8 [N, H, W, 3]} in 3 columns, log lines."""
    folder.mkdir(parents=True)
    (folder / 'config.json').write_text(to_json(config))
    for step, images in sample_grids.items():
        files.save_png(folder / 'samples' / f'step_{step:06d}.png', grids.grid(images, 3))
    (folder / 'metrics.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return folder


def began_lines(steps):
    rng = np.random.default_rng(0)
    return [{'step': step} | {name: float(rng.uniform(0.5, 1)) for name in METRICS} for step in steps]


@pytest.fixture
def began(tmp_path):
    """(folder, {step: images of its grid}) of a generator; a grid has 8 samples and 3 real images, 12 x 16 px."""
    config = generator_config()
    with config.ignore_type():
        config.size = (12, 16)
    sample_grids = {step: noise((12, 12, 16, 3), step) for step in range(0, 90, 10)}
    for images in sample_grids.values():
        images[8] = 255  # left free below 8 samples in rows of 3
    return record(tmp_path / 'run', config, sample_grids, began_lines(range(4, 84, 4))), sample_grids


def places(figure, image):
    """Where (top, left) an image stands in a figure, enlarged by any whole factor."""
    found = []
    for top, left in np.argwhere((figure == image[0, 0]).all(-1)):
        for factor in range(1, 17):
            here = figure[top : top + factor * image.shape[0], left : left + factor * image.shape[1]]
            if np.array_equal(here[::factor, ::factor], image):  # cheap, and seldom true
                if np.array_equal(here, image.repeat(factor, axis=0).repeat(factor, axis=1)):
                    found.append((top, left))
    return found


@pytest.mark.parametrize('count, columns', [(1, 1), (5, 3), (6, 3), (2, 5), (12, 4)])
@pytest.mark.parametrize('shape, gap', [((4, 6), 2), ((5, 3), 1), ((2, 2), 0)])
def test_tiles_is_the_inverse_of_grid(count, columns, shape, gap):
    images = noise((count, *shape, 3))
    cut = grids.tiles(grids.grid(images, columns, gap), shape, gap)
    assert cut.shape[1:] == (min(columns, count), *shape, 3)
    flat = cut.reshape(-1, *shape, 3)
    np.testing.assert_array_equal(flat[:count], images)
    np.testing.assert_array_equal(flat[count:], 255)


def test_tiles_of_another_size_are_refused():
    sample_grid = grids.grid(noise((6, 8, 8, 3)), 3)
    for shape in ((7, 8), (8, 9), (30, 30)):
        with pytest.raises(ValueError, match='no grid'):
            grids.tiles(sample_grid, shape)
    with pytest.raises(ValueError, match='uint8'):
        grids.tiles(sample_grid.astype(float), (8, 8))


def test_every_metric_has_one_panel_with_its_numbers():
    lines = began_lines(range(1, 9))
    del lines[3]['diversity']
    curves = series(lines)
    panels = [(part, axes) for part in draw_curves(curves).subfigs for axes in part.axes]
    assert len(panels) == len(METRICS)
    drawn = {}
    for part, axes in panels:
        (line,) = axes.get_lines()
        group, title = part.get_suptitle(), axes.get_title()
        drawn[title if group in ('losses', 'others') else f'{group}/{title}'] = line.get_xydata()
    assert sorted(drawn) == sorted(METRICS)
    for name, points in drawn.items():
        np.testing.assert_array_equal(points, [(line['step'], line[name]) for line in lines if name in line])
    assert list(grouped(METRICS)) == ['losses', 'disc', 'gen', 'schedule', 'others']


def test_times_lie_at_equal_distances_with_both_ends():
    assert equally_spaced(range(0, 90, 10)) == [0, 20, 40, 60, 80]
    assert equally_spaced([0, 3]) == [0, 3]
    assert equally_spaced([0, 1, 2, 3, 4, 100]) == [0, 4, 100]


def test_progress_shows_what_the_discriminator_saw_above_what_the_generator_made(began):
    folder, sample_grids = began
    list(history(folder))
    figure = read(folder / 'history' / 'progress.png')
    columns = []
    for step in (0, 20, 40, 60, 80):
        # Two of the real images in the last row of the sample grid, two of the samples in the first.
        found = [places(figure, sample_grids[step][i]) for i in (9, 10, 0, 1)]
        assert [len(there) for there in found] == [1] * 4
        tops, lefts = zip(*(there[0] for there in found), strict=True)
        assert sorted(tops) == list(tops) and len(set(lefts)) == 1
        columns.append(lefts[0])
    assert sorted(set(columns)) == columns
    assert not any(places(figure, sample_grids[step][9]) for step in (10, 30, 50, 70))


def test_insets_are_samples_of_the_sample_grids_and_never_a_free_place(began):
    folder, sample_grids = began
    assert [path.name for path in history(folder)] == ['curves.png', 'progress.png', 'convergence.png']
    figure = read(folder / 'history' / 'convergence.png')
    lefts = []
    for step in (20, 40, 60, 80):  # not 0, where nothing is logged
        # Of three rows of samples the last, which is partly free, is left out, and so are real images.
        found = [places(figure, sample_grids[step][i]) for i in (*range(8), 9)]
        assert [len(there) for there in found] == [1] * 6 + [0] * 3, step
        lefts.append(found[0][0][1])
    assert sorted(set(lefts)) == lefts


@pytest.mark.parametrize('name', ['progress', 'insets'])
def test_images_are_labelled_with_the_step_of_their_file(began, monkeypatch, name):
    folder, sample_grids = began
    figures = {}
    for drawer in ('draw_progress', 'draw_insets'):
        kept = getattr(verb, drawer)
        monkeypatch.setattr(verb, drawer, lambda *a, k=kept, d=drawer: figures.setdefault(d, k(*a)))
    list(history(folder))
    figure = figures[f'draw_{name}']
    render(figure)
    labels = [text for text in figure.texts if text.get_text().startswith('step ')]
    assert len(labels) == (5 if name == 'progress' else 4)
    for label in labels:
        box = label.get_window_extent()
        below = [image for image in figure.images if abs(centre(image) - (box.x0 + box.x1) / 2) < 2]
        assert len(below) == (4 if name == 'progress' else 1)
        sample_grid = sample_grids[int(label.get_text().removeprefix('step '))]
        for image in below:
            assert any(
                places(image.get_array(), tile)
                for tile in (sample_grid[1], sample_grid[0], sample_grid[9], sample_grid[10])
            )


def centre(image):
    """Of an image in a figure, in pixels from the left."""
    return image.ox + image.get_size()[1] / 2


def test_insets_are_tied_to_their_place_on_the_first_curve():
    steps = np.array([10, 20, 40])
    curves = {'gen/loss': verb.Series(steps, steps / 10.0), 'disc/loss': verb.Series(steps, 0.0 * steps)}
    images = {step: noise((16, 20, 3), step) for step in (30, 10)}
    figure = draw_insets(curves, images)
    (plot, *_) = figure.axes
    points = [tuple(line.get_xydata()[0]) for line in plot.get_lines() if line.get_marker() == 'o']
    assert points == [(10, 1.0), (30, 3.0)]
    assert [tie.xy2 for tie in figure.artists] == points
    for tie, (step, _) in zip(figure.artists, points, strict=True):
        (inset,) = (image for image in figure.images if centre(image) == tie.xy1[0])
        assert places(inset.get_array(), images[step])


@pytest.mark.parametrize('count, size', [(1, 32), (3, 37), (5, 64), (5, 264)])
def test_insets_lie_beside_each_other_within_the_figure(count, size):
    steps = np.array([0, 1000])
    figure = draw_insets(
        {'gen/loss': verb.Series(steps, 1.0 * steps)}, {i: noise((size, size, 3), i) for i in range(count)}
    )
    image = render(figure)
    assert image.shape[1::-1] == tuple(figure.bbox.size)
    lefts = [places(image, noise((size, size, 3), i))[0][1] for i in range(count)]
    assert all(b - a > size for a, b in zip(lefts, lefts[1:], strict=False))


def test_a_run_without_the_measure_has_its_losses_with_insets(began):
    folder, sample_grids = began
    path = folder / 'metrics.jsonl'
    path.write_text(path.read_text().replace('disc/convergence', 'disc/something'))
    assert [path.name for path in history(folder)][-1] == 'losses.png'
    assert places(read(folder / 'history' / 'losses.png'), sample_grids[80][0])


@pytest.mark.parametrize(
    'line', ['{"step": 84, "gen/lo', '{"step": 84, "gen/loss": 9.0}', '{"step": 84, "gen/loss": 9.0']
)
def test_a_line_that_is_being_written_is_left_out(began, line):
    folder, _ = began
    before = logged(folder)
    with open(folder / 'metrics.jsonl', 'a') as file:
        file.write(line)  # without its end: more of it may come
    assert read_metrics(folder) == before
    assert len(list(history(folder))) == 3


def test_a_sample_grid_ahead_of_the_log_is_no_inset(began):
    folder, sample_grids = began
    lines = (folder / 'metrics.jsonl').read_text().splitlines(keepends=True)
    (folder / 'metrics.jsonl').write_text(''.join(lines[:12]))  # up to step 48
    list(history(folder))
    figure = read(folder / 'history' / 'convergence.png')
    assert [len(places(figure, sample_grids[step][0])) for step in (20, 40, 60)] == [1, 1, 0]


@pytest.mark.parametrize(
    'values, scale',
    [([1, 2, 3], 'linear'), ([1, 1, 1, 90], 'log'), ([1e-6, 1, 1], 'linear'), ([-1, 1, 1, 90], 'linear')],
)
def test_a_peak_does_not_hide_the_rest(values, scale):
    curves = {'gen/loss': verb.Series(np.arange(len(values)), np.array(values, float))}
    (part,) = draw_curves(curves).subfigs
    assert part.axes[0].get_yscale() == scale


def test_curves_of_one_axis_are_judged_together():
    low, high, lost = np.ones(3), np.array([1.0, 30, 30]), np.array([1.0, np.nan, np.inf])
    assert not is_tall([high]) and is_tall([high, low]) and not is_tall([low, lost]) and not is_tall([lost[1:]])
    assert not is_tall([high, low - 1]), 'zero has no logarithm'


def remove_sample_grids(folder):
    for path in list((folder / 'samples').iterdir())[1:]:
        path.unlink()


def empty_metrics(folder):
    (folder / 'metrics.jsonl').write_text('{"step"')


def log_late(folder):
    (folder / 'metrics.jsonl').write_text(json.dumps(began_lines([84])[0]) + '\n')


def other_size(folder):
    files.save_png(folder / 'samples' / 'step_000080.png', noise((33, 33, 3)))


def no_rows(folder):
    files.save_png(folder / 'samples' / 'step_000040.png', grids.grid(noise((3, 12, 16, 3)), 3))


@pytest.mark.parametrize(
    'damage, drawn, sentence',
    [
        (remove_sample_grids, 1, r'run/samples has too few sample grids \(1\).*config.log.grids'),
        (empty_metrics, 0, 'run/metrics.jsonl has no line yet: wait'),
        (lambda folder: (folder / 'metrics.jsonl').unlink(), 0, r'metrics.jsonl \(No such file.*--workdir'),
        (lambda folder: (folder / 'config.json').unlink(), 1, r'config.json \(No such file.*train'),
        (lambda folder: (folder / 'config.json').write_text('{'), 1, 'Cannot read .*config.json'),
        (log_late, 2, 'steps 0, 20, 40, 60, 80, but .* of 84 to 84, .*convergence.png would be empty: wait'),
        (no_rows, 1, 'step_000040.png is no sample grid of this run .*: 1.: take it out'),
        (other_size, 1, 'step_000080.png is no sample grid of this run .*take it out'),
        (lambda folder: (folder / 'history').write_text(''), 0, 'Cannot write .*curves.png'),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(began, damage, drawn, sentence):
    folder, _ = began
    damage(folder)
    figures = history(folder)
    for _ in range(drawn):
        assert read(next(figures)).ndim == 3
    with pytest.raises(UserError, match=sentence):
        next(figures)


def test_no_run_folder(tmp_path):
    with pytest.raises(UserError, match='There is no run folder'):
        next(history(tmp_path / 'nothing'))


def test_the_figures_go_where_they_are_wanted(began, tmp_path):
    folder, _ = began
    made = list(history(folder, tmp_path / 'elsewhere'))
    assert sorted(made) == sorted((tmp_path / 'elsewhere').iterdir()) and not (folder / 'history').exists()


def test_the_verb_prints_a_line_for_every_file(began):
    folder, _ = began
    words = ['main.py', '--mode=history', f'--workdir={folder}']
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = ('curves', 'progress', 'convergence')
    assert done.stdout.splitlines() == [f'{folder}/history/{name}.png' for name in names]


# Runs that were really trained


def test_a_trained_generator(tmp_path):
    config = family('began', **{'schedules.residual': 0.0, 'steps': 2, 'log.every': 1, 'log.grids': 2})
    config.log.grid_images = 4
    experiment = open_experiment(config)
    train(experiment, tmp_path / 'run')
    assert [path.name for path in history(tmp_path / 'run')] == ['curves.png', 'progress.png', 'convergence.png']
    figure = read(tmp_path / 'run' / 'history' / 'progress.png')
    for number in experiment.test[[0, len(experiment.test) // 2]]:
        assert len(places(figure, experiment.source[int(number)])) == 3, 'what is real, at steps 0, 1 and 2'
    curves = series(read_metrics(tmp_path / 'run'))
    assert {name for line in logged(tmp_path / 'run') for name in line} == {'step', *curves}


def test_a_trained_colorizer(tmp_path):
    config = load(str(Path(__file__).parent.parent / 'configs/colorize.py:tiny')).unlock()
    config.devices, config.steps = 1, 2
    experiment = open_experiment(config)
    train(experiment, tmp_path / 'run')
    assert [path.name for path in history(tmp_path / 'run')] == ['curves.png', 'progress.png', 'losses.png']
    figure = read(tmp_path / 'run' / 'history' / 'progress.png')
    rows = []
    for row, side in enumerate((slice(0, 32), slice(34, 66), slice(68, 100))):
        sample_grids = [read(tmp_path / 'run' / 'samples' / f'step_{step:06d}.png')[side, :32] for step in range(3)]
        rows.append([places(figure, image) for image in sample_grids])
        if row == 2:
            np.testing.assert_array_equal(sample_grids[0], experiment.source[int(experiment.test[0])])
    real = rows[2][0]
    assert len(real) == 3
    for step in range(3):
        ((top, left),) = rows[1][step]
        assert (real[step][1], top < real[step][0]) == (left, True)
        assert [y < top for y, x in rows[0][step] if x == left] == [True], 'what G sees, above what it makes of it'
    losses = read(tmp_path / 'run' / 'history' / 'losses.png')
    made, real = (read(tmp_path / 'run' / 'samples' / 'step_000002.png')[top : top + 32, :32] for top in (34, 68))
    assert (len(places(losses, made)), len(places(losses, real))) == (1, 0)
