"""The files of a run when they cannot be written, were damaged, or belong to a run that was killed: through main.py."""

import contextlib
import errno
import json
import logging
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import MAIN, config, main
from generators import generator_config
from saved_run import assert_same_outcome, logged, outcome

from gans.core.state import state_shapes
from gans.errors import UserError
from gans.image import files
from gans.run.experiment import open_experiment
from gans.run.folder import Lock
from gans.training import recorder, tensorboard
from gans.training.pace import Pace
from gans.training.recorder import Recorder

OFTEN = ['--config.log.every=1', '--config.checkpoint.every=2', '--config.log.grids=3', '--config.devices=1']


def train(folder, steps, *more):
    return main(config('inpaint:tiny'), *OFTEN, f'--config.steps={steps}', f'--workdir={folder}', *more)


class Killed(BaseException):
    """What nobody catches."""


@contextlib.contextmanager
def kill_at(last, monkeypatch):
    """Training in this context is killed after the log line of a step."""

    def report(self, step, *given, real=Recorder.report):
        real(self, step, *given)
        if step == last:
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Recorder, 'report', report)
        yield


def read_events(folder):
    """{(name, step): how often TensorBoard shows it}: what a later file declares void does not count."""
    from tensorboardX.proto.event_pb2 import Event, SessionLog

    found = []
    for path in sorted((folder / 'tensorboard').iterdir()):
        data = path.read_bytes()
        while data:
            length = int.from_bytes(data[:8], 'little')
            event, data = Event.FromString(data[12 : 12 + length]), data[16 + length :]
            if event.session_log.status == SessionLog.START:
                found = [(name, step) for name, step in found if step < event.step]
            found += [(value.tag, event.step) for value in event.summary.value]
    return found


class Full:
    """`open` of a module on a disk that is full when the file `name` is written to."""

    def __init__(self, name):
        self.name = name

    def __call__(self, path, mode='r', **given):
        full = self.name in str(path) and mode != 'r'
        return (
            open('/dev/full', mode.replace('x', 'w').replace('a', 'w'), **given) if full else open(path, mode, **given)
        )


def full_file(name, whole_file=files.whole_file):
    """`images.whole_file` where the disk has no room for the file `name`."""
    return lambda path: contextlib.nullcontext('/dev/full') if Path(path).name == name else whole_file(path)


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, monkeypatch):
    whole, run = tmp_path / 'whole', tmp_path / 'run'
    assert train(whole, 6).code == 0
    with kill_at(3, monkeypatch):
        train(run, 6)
    full = {
        'config.json': lambda patched: patched.setattr(files, 'whole_file', full_file('config.json')),
        'log.txt': lambda patched: patched.setattr(logging, 'open', Full('log.txt'), raising=False),
        'metrics.jsonl': lambda patched: patched.setattr(recorder, 'open', Full('metrics'), raising=False),
        'timing.jsonl': lambda patched: patched.setattr(recorder, 'open', Full('timing'), raising=False),
        'tfevents': lambda patched: patched.setattr(tensorboard, 'open', Full('tfevents'), raising=False),
        'step_000004.png': lambda patched: patched.setattr(files, 'whole_file', full_file('step_000004.png')),
    }
    for name, fill in full.items():
        with monkeypatch.context() as patched:
            fill(patched)
            if name == 'log.txt':
                patched.setattr('gans.training.loop.monitor_of', lambda experiment: lambda *given: ({}, 'A warning.'))
            done = train(run, 6)
        said = done.err.splitlines()[-1]
        assert done.code == 2 and 'Traceback' not in done.err and 'the disk is full' in said and name in said, done
        assert 'the same command goes on from the checkpoint of step 2, which is safe.' in said, done
    assert train(run, 6).code == 0
    assert_same_outcome(outcome(run), outcome(whole))
    steps = read_events(run)
    assert len(steps) == len(set(steps)) and set(steps) == set(read_events(whole))
    assert logging.getLogger().handlers == [h for h in logging.getLogger().handlers if not hasattr(h, 'failed')]


@pytest.mark.parametrize('name', ['tensorboard', 'log.txt', 'metrics.jsonl', 'config.json', 'samples'])
def test_a_folder_or_a_file_in_the_way_is_named(name, tmp_path):
    (tmp_path / 'run.lock').touch()  # a run's folder
    if name in ('tensorboard', 'samples'):
        (tmp_path / name).touch()
    else:
        (tmp_path / name).mkdir()
    done = train(tmp_path, 1)
    assert done.code == 2 and f'{tmp_path}/{name}' in done.err and 'Traceback' not in done.err


def test_a_screen_that_takes_no_more_ends_no_training(tmp_path):
    words = [config('inpaint:tiny'), *OFTEN, '--config.steps=2', f'--workdir={tmp_path}']
    with open('/dev/full', 'wb', buffering=0) as full:
        done = subprocess.run([sys.executable, MAIN, *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    assert [line['step'] for line in logged(tmp_path)] == [1, 2]


def test_damaged_lines_between_others_are_told_and_the_others_kept(tmp_path, caplog):
    assert train(tmp_path, 6).code == 0
    files = [tmp_path / name for name in ('metrics.jsonl', 'timing.jsonl')]
    for bad in (b'\xff\xfe\0 garbage', b'{"step": "six"}', b'{"step": 2, "gen/loss": "low"}', b'\0' * 300, b'[2]'):
        for path in files:
            lines = path.read_bytes().split(b'\n')
            path.write_bytes(b'\n'.join([*lines[:2], bad, *lines[2:]]))
    before = [path.read_bytes().split(b'\n') for path in files]
    done = train(tmp_path, 8)
    assert done.code == 0
    for path, lines in zip(files, before, strict=True):
        for place in range(3, 8):
            assert f'{path}: line {place} is damaged' in caplog.text
            assert f'{path}: line {place} is damaged' in (tmp_path / 'log.txt').read_text()
        assert [json.loads(line)['step'] for line in path.read_bytes().splitlines()] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert path.read_bytes().split(b'\n')[:6] == lines[:2] + lines[7:11]


def test_tensorboard_shows_no_step_twice_after_a_kill_before_the_first_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard.time, 'time', lambda: 1.6e9)  # all in one second
    with kill_at(1, monkeypatch):
        train(tmp_path, 4)
    with kill_at(3, monkeypatch):
        train(tmp_path, 4)
    assert train(tmp_path, 4).code == 0
    assert len(list((tmp_path / 'tensorboard').iterdir())) == 3
    found = read_events(tmp_path)
    assert len(found) == len(set(found))
    assert {step for name, step in found if name == 'gen/loss'} == {1, 2, 3, 4}
    assert {step for name, step in found if name == 'held_out'} == {0, 1, 3, 4}


def test_every_run_of_a_process_has_its_own_warnings(tmp_path, monkeypatch):
    for name in 'AB':
        monitor = lambda step, fetch, name=name: ({}, f'Something is wrong in {name}.')  # noqa: E731
        monkeypatch.setattr('gans.training.loop.monitor_of', lambda experiment, monitor=monitor: monitor)
        assert train(tmp_path / name, 1).code == 0
    for name, other in ('AB', 'BA'):
        log = (tmp_path / name / 'log.txt').read_text()
        assert f'wrong in {name}' in log and f'wrong in {other}' not in log
    latents = {os.path.realpath(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')}
    assert not any(path.startswith(str(tmp_path)) and path.endswith('.txt') for path in latents)


BROKEN = ('lock', 'log.txt', 'checkpoints', 'config.json', 'metrics.jsonl', 'timing.jsonl', 'tfevents', 'nothing')


@pytest.mark.parametrize('where', BROKEN)
def test_whatever_fails_while_a_run_is_opened_every_file_is_closed(where, tmp_path, monkeypatch):
    """The lock, the handler of log.txt, the two files of numbers and TensorBoard's."""

    def refuse(*given, **more):
        raise OSError(errno.EIO, 'Input/output error', str(tmp_path / where))

    experiment = open_experiment(generator_config())
    seen = Recorder(experiment, state_shapes(experiment.game, experiment.config), tmp_path)
    monkeypatch.setattr(recorder, 'start', lambda experiment: None)
    breaks = {
        'lock': (recorder, 'Lock', refuse),
        'log.txt': (recorder, 'LogFile', refuse),
        'checkpoints': (recorder.checkpoint, 'Checkpoints', refuse),
        'config.json': (recorder, 'write_json', refuse),
        'metrics.jsonl': (recorder, 'open', Full('metrics')),
        'timing.jsonl': (recorder, 'open', lambda path, mode: refuse() if 'timing' in str(path) else open(path, mode)),
        'tfevents': (tensorboard.Events, '_write', refuse),
        'nothing': (recorder, 'none', None),
    }
    monkeypatch.setattr(*breaks[where], raising=False)
    handlers = list(logging.getLogger().handlers)
    with contextlib.suppress(UserError, OSError), seen:
        seen.begin()
        seen.report(1, {'gen/loss': 1.0, 'disc/loss': 1.0}, Pace(batch=1, steps=4, step=0).report(1))
    assert logging.getLogger().handlers == handlers
    opened = {os.path.realpath(f'/proc/self/fd/{number}') for number in os.listdir('/proc/self/fd')}
    assert not [path for path in opened if path.startswith(f'{tmp_path}/') and '/checkpoints' not in path]
    Lock(tmp_path).close()  # it was given free


def test_without_a_home_training_works_and_a_tilde_is_one_sentence(tmp_path, monkeypatch, caplog):
    def nobody(uid):
        raise KeyError(uid)

    for name in ('HOME', 'XDG_CACHE_HOME', 'GANS_CACHE', 'GANS_DECODED'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, 'getpwuid', nobody)
    done = train(tmp_path, 1)
    assert done.code == 0 and caplog.text.count('HOME is not set') == 1
    done = main(config('inpaint:tiny'), '--workdir=~/run')
    assert done.code == 2 and 'write it out' in done.err and 'Traceback' not in done.err
