"""The kinds of figures that the document birds brings: losses with their jumps, samples that were labelled."""

import csv
import json
import shutil

import jax
import numpy as np
import pytest
from command_line import main
from PIL import Image
from reproduced import *  # noqa: F403  fixtures and laws of a document that is made
from saved_run import CONFIGS, save_run

from gans.config.load import load
from gans.core.sampling import judge
from gans.image import grids, ops
from gans.reproduce import drawing
from gans.reproduce.kinds import classified, losses
from gans.reproduce.plan import make_plan
from gans.reproduce.types import Place
from gans.run.trained import load_run

MADE = 'birds'


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """An untrained run of the config birds."""
    config = load(f'{CONFIGS}/birds.py:tiny').unlock()
    config.devices = 1
    return save_run(tmp_path_factory.mktemp('birds') / 'run', config)


def place(folder, *runs):
    folder.mkdir()
    return Place(folder, runs, [('', '')] * len(runs), 'tiny')


def log(run, folder, disc, gen):
    """A copy of a run whose log lines have these losses."""
    folder.mkdir()
    (folder / 'checkpoints').symlink_to(run / 'checkpoints')
    lines = [
        {'step': 10 * i, 'disc/loss': float(d), 'gen/loss': float(g), 'diversity': 1 - 0.004 * i}
        for i, (d, g) in enumerate(zip(disc, gen, strict=True), 1)
    ]
    (folder / 'metrics.jsonl').write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    return folder


def test_losses_are_beside_each_other_with_their_jumps(run, tmp_path):
    calm = np.random.default_rng(0).uniform(1, 2, (2, 100))
    wild = calm + 30 * (np.arange(100) >= 40)
    runs = [log(run, tmp_path / 'calm', *calm), log(run, tmp_path / 'wild', wild[0], calm[1])]
    drawn = losses.draw(place(tmp_path / 'figure', *runs), titles=('calm norm', 'wild norm'))
    assert drawn.numbers['calm norm: jumps'] == 0 and drawn.numbers['wild norm: jumps'] == 1
    assert drawn.numbers['calm norm: diversity'] == 0.6, 'the least of the second half'
    assert [row[:3] for row in drawn.table.rows] == [['calm norm', '0', '0'], ['wild norm', '1', '0']]
    ((path, alt),) = drawn.images
    assert 'calm norm, wild norm' in alt
    height, width = np.asarray(Image.open(path)).shape[:2]
    assert width > height > 500, 'two columns, two rows'


def test_without_a_person_the_discriminator_stands_in(run, tmp_path):
    drawn = classified.draw(place(tmp_path / 'figure', run))
    folder = tmp_path / 'figure' / 'classifier_run' / 'labelled'
    labels = {row['file']: row['label'] for row in csv.DictReader((folder / 'labels.csv').open())}
    assert len(labels) == 24 and drawn.numbers['acceptable'].startswith('not measured')
    images = np.stack([np.asarray(Image.open(folder / name)) for name in labels])
    trained = load_run(run)
    scores = np.asarray(jax.jit(lambda x: judge(trained.game, trained.state, ops.to_float(x)))(images))
    right = np.array([label == 'acceptable' for label in labels.values()])
    assert right.sum() == 8 and scores[right].min() > scores[~right].max()
    assert any('No person judged' in note for note in drawn.notes)
    assert any(f'--output={run}/to_label' in note for note in drawn.notes)

    rows = np.asarray(Image.open(drawn.images[0][0]))
    tiles = grids.tiles(rows, (96, 96))[:, :, ::6, ::6]
    np.testing.assert_array_equal(tiles[0], images[right])
    np.testing.assert_array_equal(tiles[1], images[~right][:8])


def test_two_figures_have_one_classifier_until_labels_change(made, run, tmp_path, monkeypatch):
    trained = []
    classify = classified.classify
    monkeypatch.setattr(classified, 'classify', lambda *given, **named: trained.append(1) or classify(*given, **named))
    where = place(tmp_path / 'figure', run)._replace(shared=tmp_path / 'shared')
    for kept in (False, True, False):
        classified.draw(where, kept=kept)
    assert len(trained) == 1
    (tmp_path / 'shared/classifier_run/made.json').unlink()  # as a kill leaves it
    classified.draw(where)
    assert len(trained) == 2

    plan = make_plan('birds', 'tiny', (), None, shutil.copytree(made.folder, tmp_path / 'made'))
    both = [figure for figure in plan.document.figures if figure.kind == 'classified']
    assert len(both) == 2 and all(drawing.read(plan, figure) for figure in both)
    assert len(list((plan.folder / 'shared').iterdir())) == 1
    labels = plan.runs['birds'].folder / 'to_label' / 'labels.csv'
    labels.parent.mkdir()
    labels.write_text('file,label\n')
    assert not any(drawing.read(plan, figure) for figure in both), 'they are drawn again'
    others = [figure for figure in plan.document.figures if figure.kind != 'classified']
    assert all(drawing.read(plan, figure) for figure in others)


def test_labels_of_a_person_come_first_and_samples_are_kept_by_them(run, tmp_path):
    """By the commands that the figure names."""
    mine = tmp_path / 'run'
    mine.mkdir()
    (mine / 'checkpoints').symlink_to(run / 'checkpoints')
    assert main('--mode=label', f'--workdir={mine}', f'--output={mine}/to_label', '--count=6').code == 0
    lines = [f'{i:06d}.png,{"acceptable" if i % 2 else "unacceptable"}' for i in range(6)]
    (mine / 'to_label' / 'labels.csv').write_text('\n'.join(['file,label', *lines]))
    drawn = classified.draw(place(tmp_path / 'figure', mine), kept=True)
    assert drawn.notes[0] == f'Labels of a person, in {mine}/to_label.'
    assert not (tmp_path / 'figure' / 'classifier_run' / 'labelled').exists()
    assert f'--labels={mine}/to_label/labels.csv' in drawn.commands[0]
    assert 0 <= drawn.numbers['kept'] <= 1 and '64 samples have more than 0.95' in drawn.notes[-1]
    assert np.asarray(Image.open(drawn.images[0][0])).shape[1] == 8 * 98 - 2


from reproduced import test_the_page_in_a_browser  # noqa: E402, F401  behind all others: see tests/browser.py
