"""SIGINT, SIGTERM and SIGHUP: one wish, told once, obeyed at every moment of a run; a second one ends at once."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from command_line import MAIN, config, main
from processes import heard, wait_for

from gans import signals
from gans.run.checkpoint import Checkpoints
from gans.run.experiment import open_experiment
from gans.run.trained import load_run
from gans.training.loop import train
from gans.training.recorder import Recorder

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}

# Runs main.py in a process whose main thread hangs in C, deaf to Python, as it does in the compiler.
HANG = """
import ctypes, runpy, sys
sys.path.insert(0, {root!r})
def hang(*_, **__):
    mutex = ctypes.create_string_buffer(64)
    print('hangs', flush=True)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(mutex)
{plan}
sys.argv = [{main!r}, *sys.argv[1:]]
runpy.run_path(sys.argv[0], run_name='__main__')
"""
WHILE_IMPORTING = """
class Hangs:
    def find_spec(self, name, *rest):
        if name == 'jax':
            hang()
sys.meta_path.insert(0, Hangs())
"""
# The call of step {at} is that of a program that takes for ever to compile. Checkpoints are written at once.
WHILE_COMPILING = """
from gans.run import checkpoint, parallel
def save(self, *given, real=checkpoint.Checkpoints.save):
    real(self, *given)
    self.wait()
checkpoint.Checkpoints.save = save
def lay_out(*given, real=parallel.lay_out):
    layout, calls = real(*given), []
    def step(*fed, **number):
        calls.append(1)
        if len(calls) == {at}:
            hang()
        return layout.step(*fed, **number)
    return layout._replace(step=step)
parallel.lay_out = lay_out
"""


pytestmark = pytest.mark.usefixtures(heard.__name__)


def hanging(plan, *words):
    """A process that hangs at a planned place, and is there now."""
    code = HANG.format(root=os.path.dirname(MAIN), main=MAIN, plan=plan)
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child = subprocess.Popen([sys.executable, '-c', code, *map(str, words)], **pipes)
    wait_for(child, 'hangs')
    return child


def run_flags(folder, *more):
    often = ['--config.steps=6', '--config.log.every=1', '--config.checkpoint.every=2', '--config.devices=1']
    smallest = ['--config.generator.widths=(4,)', '--config.discriminator.widths=(4,)']  # processes trace anew
    return [config('inpaint:tiny'), *often, *smallest, f'--workdir={folder}', *more]


@pytest.mark.parametrize('number', CODES)
def test_before_the_work_begins_every_signal_ends_at_once_with_one_line(number):
    child = hanging(WHILE_IMPORTING, '--mode=evaluate', '--workdir=x')
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == CODES[number]
    assert err == f'Stopped by {number.name}: there was nothing to save.\n'


def test_a_signal_does_not_wait_for_the_compiler_where_nothing_is_lost(tmp_path):
    for at, kept in ((1, []), (3, [2])):  # the first step; a program that is new just after a checkpoint
        child = hanging(WHILE_COMPILING.format(at=at), *run_flags(tmp_path / f'{at}'))
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=60)
        assert child.returncode == 143 and err.count('Stopped by SIGTERM') == 1 and 'Traceback' not in err
        with Checkpoints(tmp_path / f'{at}', read_only=True) as checkpoints:
            assert checkpoints.steps() == kept


def test_where_steps_would_be_lost_the_first_signal_waits_and_a_second_ends_at_once(tmp_path):
    child = hanging(WHILE_COMPILING.format(at=4), *run_flags(tmp_path))
    child.send_signal(signal.SIGINT)
    assert 'Stopping (SIGINT)' in child.stderr.readline()
    with pytest.raises(subprocess.TimeoutExpired):  # two within `SAME` seconds are one wish
        child.wait(3 * signals.SAME)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 143 and err.startswith('Ended at once by SIGTERM') and len(err.splitlines()) == 1
    assert load_run(tmp_path).step == 2


def strike(number, monkeypatch, owner, name, at=1):
    """Sends this process a signal during call `at` of `owner.name`."""
    real, calls = getattr(owner, name), []

    def struck(*given, **named):
        calls.append(1)
        if len(calls) == at:
            signal.raise_signal(number)
        return real(*given, **named)

    monkeypatch.setattr(owner, name, struck)


def test_training_stops_saved_and_the_handlers_are_given_back(tmp_path, monkeypatch):
    before = [signal.getsignal(number) for number in CODES]
    for step, number in zip((2, 4, 5), CODES, strict=True):
        with monkeypatch.context() as patched:
            strike(number, patched, Recorder, 'report', at=2 if step < 5 else 1)
            done = main(*run_flags(tmp_path))
        assert done.code == CODES[number]
        assert f'Stopped by {number.name} at step {step}; saved.' in done.out
        assert done.err.count('Stopping') == 1 and 'Traceback' not in done.err
        assert load_run(tmp_path).step == step
        with monkeypatch.context() as patched:
            strike(number, patched, Checkpoints, 'steps')  # before the first step
            done = main(*run_flags(tmp_path))
        assert (done.code, done.err) == (CODES[number], f'Stopped by {number.name}.\n')
    assert [signal.getsignal(number) for number in CODES] == before
    assert main(*run_flags(tmp_path)).code == 0


def test_a_notebook_gets_its_interrupt_and_another_thread_none(tiny, tmp_path, monkeypatch):
    experiment = open_experiment(tiny('configs/inpaint.py', **{'steps': 2, 'checkpoint.every': 9}))
    with monkeypatch.context() as patched:
        strike(signal.SIGINT, patched, Checkpoints, 'save')
        assert train(experiment, tmp_path) is True  # it was the last one, and came too late to stop anything
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patched:
        strike(signal.SIGINT, patched, Checkpoints, 'steps')
        with pytest.raises(KeyboardInterrupt):
            train(experiment, tmp_path)
    assert signal.getsignal(signal.SIGINT) is before
    seen = []
    with monkeypatch.context() as patched:
        patched.setattr('gans.training.loop._train', lambda *given: seen.append(signal.getsignal(signal.SIGINT)))
        thread = threading.Thread(target=train, args=[experiment, tmp_path])
        thread.start()
        thread.join()
    assert seen == [before]


def test_after_a_training_a_signal_ends_other_work_as_before_it():
    with signals.stopping() as stop:
        stop.train(lambda: False)
        signal.raise_signal(signal.SIGINT)  # noted by the loop
        stop.answer()
        with pytest.raises(signals.Stopped) as stopped:
            stop.go_on()
        assert stopped.value.code == 130
    with signals.stopping() as stop:
        for _ in range(2):  # trainings
            stop.train(lambda: False)
            stop.answer()
            stop.go_on()
        with pytest.raises(signals.Stopped):
            signal.raise_signal(signal.SIGTERM)


def test_an_owned_process_unwinds_only_outside_of_trainings():
    stop = signals._Owner()
    stop.unwind()
    stop.train(lambda: False)
    stop.handle(signal.SIGTERM, None)  # the loop's, and the watcher may not have told it yet
    stop.answer()
    with pytest.raises(signals.Stopped):
        stop.go_on()
    stop = signals._Owner()
    stop.unwind()
    stop.train(lambda: False)
    stop.answer()
    stop.go_on()
    with pytest.raises(signals.Stopped):
        stop.handle(signal.SIGTERM, None)


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.stopping():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_other_verbs_end_with_one_line_and_no_half_file(tmp_path, monkeypatch):
    from PIL import Image

    run, image = tmp_path / 'run', tmp_path / 'image.png'
    assert main(*run_flags(run, '--config.steps=2', '--config.checkpoint.every=9')).code == 0
    Image.new('RGB', (64, 64), 'red').save(image)
    Image.new('L', (32, 32), 255).crop((0, 0, 64, 64)).save(tmp_path / 'image_mask.png')  # a white corner
    words = {
        'evaluate': [],
        'history': [f'--output={tmp_path}/drawn'],
        'translate': [f'--input={image}', f'--output={tmp_path}/made'],
    }
    before = set(run.rglob('*'))
    for mode, more in words.items():
        with monkeypatch.context() as patched:
            strike(signal.SIGINT, patched, os, 'replace')  # a file is written and does not have its name yet
            done = main(f'--mode={mode}', f'--workdir={run}', *more)
        assert (done.code, done.err.splitlines()[-1]) == (130, 'Stopped by SIGINT.'), (mode, done)
        assert 'Traceback' not in done.err
        now = list(tmp_path.rglob('*'))
        assert before <= set(now) and not [path for path in now if path.name.endswith('.tmp')], mode
