"""Two processes train as one: the same losses, one folder, one stop; and one goes on where two have ended."""

import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from processes import wait_for
from saved_run import logged

from gans import hosts
from gans.errors import UserError
from gans.hosts import HEARTBEAT
from gans.runs import load_run, open_experiment
from gans.train import train

PAGE = 'configs/inpaint.py'


def start_both(folder, *flags):
    """Starts two processes with one device each on one run."""
    with socket.socket() as free:
        free.bind(('localhost', 0))
        port = free.getsockname()[1]
    words = [f'--config={PAGE}:tiny', '--config.log.every=1', *flags, f'--workdir={folder}', '--processes=2']
    return [
        subprocess.Popen(
            [sys.executable, 'main.py', *words, f'--coordinator=localhost:{port}', f'--index={index}'],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]


def ends_of(processes, timeout=300):
    """[(exit code, what was printed, what was complained about)]."""
    said = [process.communicate(timeout=timeout) for process in processes]
    return [(process.returncode, *words) for process, words in zip(processes, said, strict=True)]


def losses(folder):
    return np.array([[line['gen/loss'], line['disc/loss']] for line in logged(folder)])


def test_two_processes_train_like_one_and_one_goes_on_and_two_again(tiny, tmp_path):
    ends = ends_of(start_both(tmp_path / 'two', '--config.steps=3'))
    assert [code for code, *_ in ends] == [0, 0], ends
    assert 'step 3/3' in ends[0][1] and 'step' not in ends[1][1]
    changes = {'steps': 3, 'log.every': 1}
    for folder, count in (('one', 1), ('two', 4)):
        assert train(open_experiment(tiny(PAGE, **changes, devices=count)), tmp_path / folder)
        changes['steps'] = 4
    assert train(open_experiment(tiny(PAGE, **changes)), tmp_path / 'one')
    ends = ends_of(start_both(tmp_path / 'two', '--config.steps=5', '--config.data.placement=device'))
    assert [code for code, *_ in ends] == [0, 0], ends
    assert train(open_experiment(tiny(PAGE, **changes | {'steps': 5})), tmp_path / 'one')
    two, one = losses(tmp_path / 'two'), losses(tmp_path / 'one')
    np.testing.assert_allclose(two[:3], one[:3], rtol=2e-4)
    np.testing.assert_allclose(two, one, rtol=1e-3)


def test_a_signal_to_one_stops_both_at_the_same_step(tmp_path):
    both = start_both(tmp_path / 'run', '--config.steps=100000', '--config.log.pictures=0')
    wait_for(both[0], 'step 2/')
    both[1].send_signal(signal.SIGTERM)
    ends = ends_of(both)
    assert [code for code, *_ in ends] == [130, 130], ends
    assert 'Stopped by another process at step' in ends[0][1]
    assert load_run(tmp_path / 'run').step >= 2


def test_a_dead_process_ends_the_other_and_the_run_goes_on(tiny, tmp_path):
    both = start_both(
        tmp_path / 'run', '--config.steps=100000', '--config.checkpoint.every=2', '--config.log.pictures=0'
    )
    wait_for(both[0], 'step 5/')
    both[1].kill()
    (code, _, complaint), _ = ends_of(both, timeout=HEARTBEAT + 20)
    assert code == 3 and 'Another process of this run has ended' in complaint, complaint[:3000]
    assert 'Traceback' not in complaint
    done = load_run(tmp_path / 'run').step
    assert done >= 2
    assert train(open_experiment(tiny(PAGE, **{'steps': done + 1, 'log.every': 1})), tmp_path / 'run')
    assert load_run(tmp_path / 'run').step == done + 1


def test_what_is_wrong_in_the_first_ends_both(tmp_path):
    (tmp_path / 'holiday.txt').touch()
    (first, _, complaint), (second, _, other) = ends_of(start_both(tmp_path))
    assert first == 2 and 'not a run folder' in complaint and 'Traceback' not in complaint
    assert second == 3 and 'first process' in other and 'Traceback' not in other


@pytest.mark.parametrize(
    'given, expected', [(('localhost:1', 2, None), 'all three'), (('localhost:1', 2, 2), 'count from 0')]
)
def test_flags_that_do_not_fit_together(given, expected):
    with pytest.raises(UserError, match=expected):
        hosts.join(*given)


def test_alone_a_wish_is_granted_at_once():
    agreed = hosts.Agreement(2)
    assert [agreed(wish) for wish in (False, True)] == [False, True]
