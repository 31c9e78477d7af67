"""The loop: exact resume, stops, damage, divergence. test_acceptance_data trains every config."""

import os
import shutil
import signal
import subprocess
import sys

import jax
import numpy as np
import pytest
from command_line import main
from PIL import Image
from processes import heard, wait_for
from runs_on_disk import data_of
from saved_run import assert_same_outcome, break_after, logged, outcome

from gans import startup
from gans.errors import UserError
from gans.run.checkpoint import Checkpoints
from gans.run.experiment import open_experiment
from gans.run.parallel import lay_out
from gans.run.trained import load_run
from gans.training.loop import Diverged, train

CONFIG_FILE = 'configs/inpaint.py'
pytestmark = pytest.mark.usefixtures(heard.__name__)


# log.every=2 and checkpoint.every=3: a checkpoint falls between two log lines.
TIMES = ['--config.steps=6', '--config.log.every=2', '--config.checkpoint.every=3', '--config.devices=1']
COMMAND = [f'--config={CONFIG_FILE}:tiny', *TIMES]


@pytest.fixture(scope='module')
def uncut(tmp_path_factory):
    """The folder of a run of six steps that was never interrupted, by the command line."""
    folder = tmp_path_factory.mktemp('whole') / 'run'
    assert main(*COMMAND, f'--workdir={folder}').code == 0
    return folder


@pytest.fixture(scope='module')
def whole(uncut):
    return outcome(uncut)


def process(folder):
    """The command in a process of its own, to be stopped from outside.

    It sees as many devices as that of the tests: with another number, XLA's threads round otherwise.
    """
    return subprocess.Popen(
        [sys.executable, 'main.py', *COMMAND, f'--workdir={folder}'],
        env=os.environ | {'JAX_NUM_CPU_DEVICES': str(jax.device_count())},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_compiling_took_is_given_back_once(tiny, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(startup, 'trim_heap', lambda: told.append(len(logged(tmp_path))))
    config = tiny(CONFIG_FILE, steps=4)
    config.log.every = 2
    train(open_experiment(config), tmp_path)
    assert told == [1]


@pytest.mark.parametrize('line', ['step 2/6', 'step 4/6'])
def test_kill_9_and_the_same_command_end_as_if_nothing_had_happened(line, whole, tmp_path):
    first = process(tmp_path / 'run')
    wait_for(first, line)
    first.kill()
    first.communicate()
    assert main(*COMMAND, f'--workdir={tmp_path}/run').code == 0
    assert_same_outcome(outcome(tmp_path / 'run'), whole)


def test_steps_after_the_last_checkpoint_are_repeated_to_the_bit(tiny, tmp_path, capsys):
    masked = {'task.show_mask': True, 'task.holes': 'strokes'}
    config = tiny(CONFIG_FILE, **{'steps': 6, 'log.every': 2, 'checkpoint.every': 3}, **masked)
    with break_after(5):
        train(open_experiment(config), tmp_path / 'run')
    assert train(open_experiment(config), tmp_path / 'run')
    assert 'Going on from step 3.' in capsys.readouterr().out
    assert train(open_experiment(config), tmp_path / 'whole')
    assert_same_outcome(outcome(tmp_path / 'run'), outcome(tmp_path / 'whole'))


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_ends_with_a_message(number, whole, tmp_path):
    first = process(tmp_path / 'run')
    wait_for(first, 'step 2/6')
    first.send_signal(number)
    out, err = first.communicate()
    if first.returncode:  # it was not already past its last step
        assert first.returncode == 128 + number and f'Stopped by {signal.Signals(number).name}' in out, (out, err)
    assert main(*COMMAND, f'--workdir={tmp_path}/run').code == 0
    assert_same_outcome(outcome(tmp_path / 'run'), whole)


def test_a_damaged_checkpoint_is_passed_over(uncut, whole, tmp_path, caplog):
    folder = shutil.copytree(uncut, tmp_path / 'run')
    arrays = data_of(folder / 'checkpoints' / '6')
    arrays.write_bytes(arrays.read_bytes()[: arrays.stat().st_size // 2])
    assert load_run(folder).step == 3
    again = main(*COMMAND, f'--workdir={folder}')
    assert again.code == 0 and 'Going on from step 3' in again.out and 'is damaged' in caplog.text
    assert_same_outcome(outcome(folder), whole)


def test_other_settings_are_refused_and_named_but_for_those_that_may_change(tiny, tmp_path):
    train(open_experiment(tiny(CONFIG_FILE, steps=1)), tmp_path)
    with pytest.raises(UserError) as error:
        train(open_experiment(tiny(CONFIG_FILE, steps=1, batch=4)), tmp_path)
    assert 'config.batch: 8 -> 4' in str(error.value) and 'steps' not in str(error.value)
    assert train(open_experiment(tiny(CONFIG_FILE, **{'steps': 2, 'log.every': 2, 'checkpoint.keep': 1})), tmp_path)
    assert load_run(tmp_path).step == 2


def test_checkpoints_at_equal_distances_are_kept_by_a_flag_also_in_a_run_of_an_older_version(tiny, tmp_path):
    older = tiny(CONFIG_FILE, steps=3)
    del older.checkpoint['keep_every']
    train(open_experiment(older), tmp_path)
    assert main(f'--workdir={tmp_path}', '--config.steps=5', '--config.checkpoint.every=2').code == 0
    assert _steps(tmp_path) == [4, 5]
    kept = ('--config.checkpoint.every=1', '--config.checkpoint.keep=1', '--config.checkpoint.keep_every=4')
    longer = main(*COMMAND, f'--workdir={tmp_path}', '--config.steps=10', *kept)
    assert longer.code == 0, longer.err
    assert _steps(tmp_path) == [4, 8, 10]


def _steps(folder):
    return sorted(int(path.name) for path in (folder / 'checkpoints').iterdir())


def folder_config(tiny, images, **changes):
    config = tiny(CONFIG_FILE, **changes)
    config.data.update(source='folder', held_out=0.3, threads=1)
    config.data.folder.path = str(images)
    return config


def make_images(folder, seed):
    folder.mkdir()
    for i, image in enumerate(np.random.default_rng(seed).integers(0, 256, (8, 64, 64, 3), np.uint8)):
        Image.fromarray(image).save(folder / f'{i}.png')
    return folder


def test_networks_that_do_not_fit_leave_no_folder_behind(tiny, tmp_path, monkeypatch):
    bad, good = tiny(CONFIG_FILE, size=18), tiny(CONFIG_FILE, steps=1)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match='multiples of 4'):
        train(open_experiment(bad))
    assert not any(tmp_path.iterdir())
    assert train(open_experiment(good))
    assert (tmp_path / 'runs/00000-inpaint/config.json').exists()


def test_a_moved_folder_goes_on_and_other_images_do_not(tiny, tmp_path):
    run, images = tmp_path / 'run', make_images(tmp_path / 'a', 0)
    train(open_experiment(folder_config(tiny, images, steps=1)), run)
    moved = images.rename(tmp_path / 'moved')
    assert train(open_experiment(folder_config(tiny, moved, steps=2)), run)
    other = make_images(tmp_path / 'other', 1)
    with pytest.raises(UserError, match='trained on other images'):
        train(open_experiment(folder_config(tiny, other, steps=3)), run)


@pytest.mark.parametrize(
    'optimizer, words',
    [('adam', r'^(gen|disc)/\w+ is -?(nan|inf) at step \d'), ('sgd', r'^gen/params/\S+ is not finite')],
)
def test_divergence_is_named_and_nothing_of_it_is_saved(optimizer, words, tiny, tmp_path):
    config = tiny(CONFIG_FILE, **{'steps': 6, 'checkpoint.every': 1, 'log.every': 3, 'optimizer.gen.name': optimizer})
    config.schedules.learning_rate_gen.value = (1e38, 1e38)
    with pytest.raises(Diverged, match=words):
        train(open_experiment(config), tmp_path)
    with Checkpoints(tmp_path, read_only=True) as checkpoints:
        assert all(step < 3 for step in checkpoints.steps())
        if checkpoints.steps():
            state = load_run(tmp_path).state
            assert all(np.isfinite(x).all() for x in jax.tree.leaves(jax.device_get(state)))


def test_images_that_are_not_finite_are_divergence_though_the_losses_are(tiny, tmp_path):
    """At step 2 the losses of this game are 1e28, and the generator's images are no numbers any more."""
    config = tiny('configs/progressive.py', **{'steps': 12, 'log.every': 2, 'checkpoint.every': 3})
    config.schedules.learning_rate_gen.value = (1e30, 1e30)
    with pytest.raises(Diverged, match=r'^diversity is nan at step 2: training stopped'):
        train(open_experiment(config), tmp_path)
    assert (tmp_path / 'metrics.jsonl').read_text() == ''


def test_a_folder_of_something_else_is_refused(tiny, tmp_path):
    (tmp_path / 'thesis.tex').write_text('important')
    with pytest.raises(UserError, match='not a run folder'):
        train(open_experiment(tiny(CONFIG_FILE, steps=1)), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ['thesis.tex']


def test_metrics_of_the_whole_run_are_the_means_of_their_steps(tiny, tmp_path):
    train(open_experiment(tiny(CONFIG_FILE, **{'steps': 4, 'log.every': 1})), tmp_path / 'each')
    train(open_experiment(tiny(CONFIG_FILE, **{'steps': 4, 'log.every': 4})), tmp_path / 'all')
    each, (mean,) = logged(tmp_path / 'each'), logged(tmp_path / 'all')
    assert mean['gen/loss'] == pytest.approx(np.mean([line['gen/loss'] for line in each]), rel=1e-6)


@pytest.mark.parametrize('loop_well', [True, False])
def test_calls_of_several_steps_miss_no_log_line_image_or_checkpoint(loop_well, tiny, tmp_path, monkeypatch):
    def watched(*given):
        layout = lay_out(*given)
        return layout._replace(
            step=lambda *given, number: calls.append(len(given) - 2) or layout.step(*given, number=number)
        )

    changes, calls = {'steps': 6, 'log.every': 3, 'log.grids': 2, 'checkpoint.every': 5}, []
    monkeypatch.setattr('gans.training.loop.lay_out', watched)
    monkeypatch.setattr('gans.nn.conv.loop_well', lambda: loop_well)
    one, two = tiny(CONFIG_FILE, **changes), tiny(CONFIG_FILE, **changes, steps_per_call=2)
    for name, config in (('one', one), ('two', two)):
        train(open_experiment(config), tmp_path / name)
    assert calls == [1] * 6 + ([2, 1, 1, 1, 1] if loop_well else [1] * 6)
    if not loop_well:
        assert (tmp_path / 'one' / 'metrics.jsonl').read_bytes() == (tmp_path / 'two' / 'metrics.jsonl').read_bytes()
    one, two = logged(tmp_path / 'one'), logged(tmp_path / 'two')
    assert [line['step'] for line in two] == [3, 6]
    assert two[0] == pytest.approx(one[0], rel=1e-3)
    assert len(list((tmp_path / 'two' / 'samples').iterdir())) == 3
    with Checkpoints(tmp_path / 'two', read_only=True) as checkpoints:
        assert sorted(checkpoints.steps()) == [5, 6]


@pytest.mark.parametrize('field, value', [('log.every', 0), ('steps_per_call', 0), ('data.threads', -1), ('batch', -8)])
def test_a_number_that_is_too_small_is_named(field, value, tiny):
    with pytest.raises(UserError, match=f'config.{field} is {value}: give a whole number from'):
        open_experiment(tiny(CONFIG_FILE, **{field: value}))


def test_images_held_by_the_devices_train_like_images_that_are_streamed(tiny, tmp_path):
    """Two programs, so not bit for bit; that the batches are the same is held by test_batches.py."""
    changes, two = {'steps': 3, 'devices': 2, 'log.every': 1}, (2).__eq__
    stored = changes | {'data.placement': 'device'}
    train(open_experiment(tiny(CONFIG_FILE, **changes)), tmp_path / 'host', pause=two)
    train(open_experiment(tiny(CONFIG_FILE, **stored)), tmp_path / 'device', pause=two)
    host, device = logged(tmp_path / 'host'), logged(tmp_path / 'device')
    assert device[0] == pytest.approx(host[0], rel=1e-4)
    # Another run: were the numbers read wrongly, the first step would already see other images.
    assert host[0]['gen/l1'] != pytest.approx(host[1]['gen/l1'], rel=1e-3)
    assert train(open_experiment(tiny(CONFIG_FILE, **stored)), tmp_path / 'host')
    assert [line['step'] for line in logged(tmp_path / 'host')] == [1, 2, 3]


def test_a_place_that_does_not_exist_and_a_set_that_does_not_fit_are_refused(tiny, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="choose 'host' or 'device'"):
        train(open_experiment(tiny(CONFIG_FILE, **{'data.placement': 'gpu'})), tmp_path)
    monkeypatch.setattr('gans.run.experiment.free_memory', lambda: 1000)
    with pytest.raises(UserError, match='--config.data.placement=host'):
        train(open_experiment(tiny(CONFIG_FILE, **{'data.placement': 'device'})), tmp_path)
    assert not any(tmp_path.iterdir())
