"""Two processes train as one: the same losses, one folder, one stop; and one goes on where two have ended."""

import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from command_line import ROOT, Ended, config
from processes import heard, wait_for
from saved_run import logged

from gans.errors import UserError
from gans.run import multihost
from gans.run.experiment import open_experiment
from gans.run.multihost import HEARTBEAT
from gans.run.trained import load_run
from gans.training.loop import train

CONFIG_FILE = 'configs/inpaint.py'
# A process traces its programs anew: the smallest networks.
SMALLEST = {'generator.widths': (4,), 'discriminator.widths': (4,)}
pytestmark = pytest.mark.usefixtures(heard.__name__)


def free_port():
    with socket.socket() as free:
        free.bind(('localhost', 0))
        return free.getsockname()[1]


def start_both(folder, *flags):
    """Starts two processes with one device each on one run."""
    port = free_port()
    small = [f'--config.{name}=(4,)' for name in SMALLEST]
    words = [
        f'--config={CONFIG_FILE}:tiny',
        '--config.log.every=1',
        *small,
        *flags,
        f'--workdir={folder}',
        '--processes=2',
    ]
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
    said = [process.communicate(timeout=timeout) for process in processes]
    return [Ended(process.returncode, *words) for process, words in zip(processes, said, strict=True)]


def losses(folder):
    return np.array([[line['gen/loss'], line['disc/loss']] for line in logged(folder)])


def test_two_processes_train_like_one_and_one_goes_on_and_two_again(tiny, tmp_path):
    ends = ends_of(start_both(tmp_path / 'two', '--config.steps=3'))
    assert [code for code, *_ in ends] == [0, 0], ends
    assert 'step 3/3' in ends[0][1] and 'step' not in ends[1][1]
    changes = {'steps': 3, 'log.every': 1, **SMALLEST}
    for folder, count in (('one', 1), ('two', 4)):
        assert train(open_experiment(tiny(CONFIG_FILE, **changes, devices=count)), tmp_path / folder)
        changes['steps'] = 4
    assert train(open_experiment(tiny(CONFIG_FILE, **changes)), tmp_path / 'one')
    ends = ends_of(start_both(tmp_path / 'two', '--config.steps=5', '--config.data.placement=device'))
    assert [code for code, *_ in ends] == [0, 0], ends
    assert train(open_experiment(tiny(CONFIG_FILE, **changes | {'steps': 5})), tmp_path / 'one')
    two, one = losses(tmp_path / 'two'), losses(tmp_path / 'one')
    np.testing.assert_allclose(two[:3], one[:3], rtol=2e-4)
    np.testing.assert_allclose(two, one, rtol=1e-3)


def test_a_signal_to_any_stops_both_at_the_same_step_with_one_whole_checkpoint(tmp_path):
    done = 0
    for victims, number, code in (
        ((1,), signal.SIGTERM, 143),
        ((0,), signal.SIGTERM, 143),
        ((0, 1), signal.SIGINT, 130),
    ):
        both = start_both(tmp_path / 'run', '--config.steps=100000', '--config.log.grids=0')
        wait_for(both[0], f'step {done + 2}/')
        for victim in victims:
            both[victim].send_signal(number)
        ends = ends_of(both)
        assert [end.code for end in ends] == [code, code], ends
        by = number.name if 0 in victims else f'{number.name} to another process'
        assert f'Stopped by {by} at step' in ends[0].out
        assert not any(word in end.err for end in ends for word in ('Traceback', 'Check failure', 'has ended')), ends
        before, done = done, load_run(tmp_path / 'run').step
        assert done >= before + 2


@pytest.mark.parametrize('victim', [0, 1])
def test_a_dead_process_ends_the_other_and_the_run_goes_on(victim, tiny, tmp_path):
    often = ['--config.checkpoint.every=2', '--config.log.grids=0']
    both = start_both(tmp_path / 'run', '--config.steps=100000', *often)
    wait_for(both[0], 'step 5/')
    both[victim].kill()
    end = ends_of(both, timeout=HEARTBEAT + 20)[1 - victim]
    # The first one's end is noticed by the watch on its port or by an exchange of numbers, whichever comes first.
    who = ['The first process', 'Another process'] if victim == 0 else ['Another process']
    assert end.code == 3 and any(f'{one} of this run has ended' in end.err for one in who), end
    assert len(end.err.splitlines()) == 1 or victim == 1, end  # in the first process, JAX may tell of the other one too
    assert 'Traceback' not in end.err
    done = load_run(tmp_path / 'run').step
    assert done >= 2
    assert train(
        open_experiment(tiny(CONFIG_FILE, **{'steps': done + 1, 'log.every': 1, **SMALLEST})), tmp_path / 'run'
    )
    assert load_run(tmp_path / 'run').step == done + 1


@pytest.mark.parametrize('index', [0, 1])
def test_who_waits_for_nobody_says_so_and_ends(index, tmp_path):
    code = f'import sys; sys.path.insert(0, {str(ROOT)!r}); import main; '
    code += 'from gans.run import multihost; multihost.PATIENCE = 1; '
    words = [config('colorize:tiny'), f'--coordinator=localhost:{free_port()}', '--processes=2', f'--index={index}']
    call = f'sys.exit(main.main({["main.py", *words, f"--workdir={tmp_path}/run"]!r}))'
    done = subprocess.run([sys.executable, '-c', code + call], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, 'Waiting for the other processes of this run, at most 1 seconds.\n')
    assert done.stderr.startswith('The other processes of this run did not come') and done.stderr.count('\n') == 1
    assert not (tmp_path / 'run').exists()


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
        multihost.join(*given)


def test_alone_a_wish_is_granted_at_once():
    agreed = multihost.Agreement(2)
    assert [agreed(wish) for wish in (0, 15)] == [0, 15]
