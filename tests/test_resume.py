"""Going on from what is on disk: damage, other configs, disks that fail, folders that are somebody's. By main.py."""

import errno
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import orbax.checkpoint as orbax
import pytest
from command_line import MAIN, config, main, process
from processes import wait_for
from runs_on_disk import contents, data_of, refused, rewrite, rewrite_config, steps_of, train, use
from saved_run import assert_same_outcome, logged, outcome

from gans.run import checkpoint_files


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A run of six steps, with checkpoints of steps 3 and 6."""
    folder = tmp_path_factory.mktemp('trained') / 'run'
    assert train(folder, '--config.steps=6').code == 0
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it, to be hurt."""
    return Path(shutil.copytree(trained, tmp_path / 'run'))


def turn_a_bit(path, at):
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 16
    path.write_bytes(bytes(data))


STRANGE = ('[x]', 'back\\slash', 'a*b?c', '{a,b}', '!~$&\'"`|<>', '100%25#?=;', 'two\nlines', ' spaces ', 'ünï-写真-🌸')
STRANGE += ('x' * 250,)


def test_a_run_folder_may_have_any_name_and_its_parents_too(tmp_path, monkeypatch):
    folder = tmp_path.joinpath(*STRANGE, *STRANGE[:2])
    assert train(folder, '--config.steps=6').code == 0
    assert outcome(folder)[0] == 6 and steps_of(folder) == ['3', '6']
    assert use(folder).code == 0
    monkeypatch.chdir(folder.parent)
    ended = train(folder.name, '--config.steps=6')
    assert ended.code == 0 and 'Going on from step 6' in ended.out


@pytest.mark.parametrize('at', [0.1, 0.5, 0.9])
def test_a_turned_bit_is_found_by_every_verb_and_kept_beside_when_training_goes_on(at, run, tmp_path, caplog):
    path = data_of(run / 'checkpoints' / '6')
    turn_a_bit(path, at)
    hurt, before = path.read_bytes(), contents(run)
    ended = use(run)
    assert ended.code == 0 and 'checkpoint of step 6' in caplog.text and 'damaged' in caplog.text
    assert re.search('(gen|disc)[./]', caplog.text)  # the array, by its name: in our words, or in those of TensorStore
    assert contents(run) == before
    ended = train(run, '--config.steps=6')
    assert ended.code == 0 and 'Going on from step 3.' in ended.out
    assert steps_of(run) == ['3', '6', '6.damaged'] and '6.damaged' in caplog.text
    assert data_of(run / 'checkpoints' / '6.damaged').read_bytes() == hurt


def test_what_was_repeated_after_damage_is_equal_to_the_bit(run, trained):
    turn_a_bit(run / 'checkpoints' / '6' / 'about.json', 0.3)  # in the config
    assert train(run, '--config.steps=6').code == 0
    assert_same_outcome(outcome(run), outcome(trained))


def test_every_damaged_one_is_kept_under_a_name_of_its_own(run):
    for name in ('6.damaged', '6.damaged-2'):
        turn_a_bit(data_of(run / 'checkpoints' / '6'), 0.5)
        assert train(run, '--config.steps=6').code == 0
        assert name in steps_of(run)


def test_where_all_are_damaged_nothing_is_touched_and_nothing_else_is_said(run):
    for step in ('3', '6'):
        turn_a_bit(data_of(run / 'checkpoints' / step), 0.5)
    before = contents(run / 'checkpoints')
    refused(train(run, '--config.steps=6'), 'None of the checkpoints', 'step 6: ', 'step 3: ', '/kernel')
    assert contents(run / 'checkpoints') == before
    for step in ('3', '6'):
        (run / 'checkpoints' / step / 'state' / 'manifest.ocdbt').write_bytes(b'')
    ended = process('--mode=evaluate', f'--workdir={run}')
    refused(ended, 'None of the checkpoints', 'step 6: ', 'step 3: ')


def test_changed_widths_are_a_changed_config_and_no_damage(run):
    before = contents(run)
    ended = train(run, '--config.steps=6', '--config.generator.widths=(2,2)')
    refused(ended, 'another config', 'config.generator.widths: [4, 4] -> [2, 2]')
    assert 'damaged' not in ended.err and contents(run) == before
    turn_a_bit(data_of(run / 'checkpoints' / '6'), 0.5)  # also where the arrays could not be read
    refused(train(run, '--config.steps=6', '--config.generator.widths=(2,2)'), 'another config')


@pytest.mark.parametrize('number', [errno.EIO, errno.EACCES, errno.ESTALE])
def test_a_read_error_that_may_pass_stops_with_a_sentence_and_changes_nothing(number, run, monkeypatch):
    before, opened = contents(run / 'checkpoints'), os.open

    def fail(path, *rest, **more):
        if path == data_of(run / 'checkpoints' / '6'):
            raise OSError(number, os.strerror(number), str(path))
        return opened(path, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, 'open', fail)
        for ended in (train(run, '--config.steps=6'), use(run)):
            refused(ended, os.strerror(number), 'checkpoints/6', 'nothing was changed')
    assert contents(run / 'checkpoints') == before
    ended = train(run, '--config.steps=6')
    assert ended.code == 0 and 'Going on from step 6.' in ended.out


def test_fewer_steps_than_are_done_is_a_sentence_and_keeps_config_json(run):
    before = contents(run)
    refused(train(run, '--config.steps=4'), '6 steps done', '--config.steps=6')
    assert contents(run) == before


def test_more_steps_that_move_schedules_back_are_told_with_their_values(tmp_path, caplog):
    words = [config('progressive:tiny'), f'--workdir={tmp_path / "run"}', '--config.devices=1', '--config.log.every=1']
    words += ["--config.schedules.learning_rate_gen={'at': (0.5, 1.0), 'value': (0.004, 0.001)}"]
    assert main(*words, '--config.steps=4').code == 0
    assert main(*words, '--config.steps=4').code == 0
    assert 'Schedules' not in caplog.text
    ended = main(f'--workdir={tmp_path / "run"}', '--config.steps=8')
    assert ended.code == 0, ended.err
    now = {name.partition('/')[2]: value for name, value in logged(tmp_path / 'run')[4].items()}
    assert now['growth'] < 2, 'what is warned of'
    (told,) = [one.message for one in caplog.records if one.message.startswith('Schedules')]
    assert told == (
        'Schedules in fractions of training follow config.steps, which was 4 and is 8: at step 4 they go '
        f'growth from 2 to {now["growth"]:g}, learning_rate_disc from 0.0006 to {now["learning_rate_disc"]:g}, '
        'learning_rate_gen from 0.001 to 0.004.'
    )
    assert told in (tmp_path / 'run' / 'log.txt').read_text()


def test_more_steps_that_move_no_schedule_are_told_nothing(tmp_path, caplog):
    in_steps = "{'at': (0, 3), 'value': (0.002, 0.001), 'unit': 'step'}"
    words = [f'--config.schedules.learning_rate_{player}={in_steps}' for player in ('gen', 'disc')]
    words += [config('dcgan:tiny'), f'--workdir={tmp_path / "run"}', '--config.devices=1']
    for steps in (2, 3):
        assert main(*words, f'--config.steps={steps}').code == 0
    assert 'Schedules' not in caplog.text


def test_a_second_training_in_a_folder_is_told_so_and_a_kill_leaves_it_free(tmp_path):
    folder = tmp_path / 'run'
    words = [config('colorize:tiny'), '--config.devices=1', '--config.steps=100000', '--config.log.grids=0']
    words += ['--config.log.every=2', '--config.checkpoint.every=3', f'--workdir={folder}']
    first = subprocess.Popen([sys.executable, MAIN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(first, 'step 8/')  # step 6 was saved after the writing of step 3 had ended
        refused(main(*words), 'Another training is going on', str(folder))
        assert use(folder).code == 0  # verbs that read need no lock
        assert first.poll() is None
        first.send_signal(signal.SIGKILL)
    finally:
        first.kill()
        first.communicate()
    refused(main(*words, '--config.steps=1'), 'steps done')  # it came to look into the folder


@pytest.mark.parametrize(
    'number, words', [(errno.ENOSPC, 'free some space'), (errno.EROFS, 'read-only'), (errno.EIO, 'Input')]
)
def test_a_write_that_fails_is_told_as_what_it_is_and_loses_nothing(number, words, run, monkeypatch):
    def fail(*unused):
        raise OSError(number, os.strerror(number))

    before = contents(run / 'checkpoints')
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint_files, 'write', fail)
        ended = train(run, '--config.steps=8')
    refused(ended, words, str(run / 'checkpoints'), 'checkpoint of step 6, which is safe')
    assert ('free some space' in ended.err) == (number == errno.ENOSPC)
    assert contents(run / 'checkpoints') == before
    assert train(run, '--config.steps=8').code == 0


def test_a_file_that_may_not_grow_leaves_no_half_checkpoint(tmp_path, caplog):
    words = '--config.steps=3', '--config.discriminator.hidden=4096'  # arrays of 1 MiB, each in one file
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, hard))
    try:
        ended = train(tmp_path / 'run', *words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    refused(ended, 'larger than allowed', 'no checkpoint is on disk')
    assert not [record for record in caplog.records if record.exc_info]  # a traceback of Orbax's own
    # Threads of TensorStore may put something back into the unfinished folder; the next start removes it.
    assert steps_of(tmp_path / 'run') in ([], ['3.tmp'])
    assert train(tmp_path / 'run', *words).code == 0 and steps_of(tmp_path / 'run') == ['3']


def test_whatever_orbax_raises_while_it_writes_is_one_sentence(run, monkeypatch):
    """When somebody removes checkpoints/ meanwhile, TensorStore tells of a file that is not there, without a number."""

    def refuse(self, *given, **more):
        raise ValueError('NOT_FOUND: Error writing "gen/0"')

    with monkeypatch.context() as patched:
        patched.setattr(orbax.Checkpointer, 'save', refuse)
        ended = train(run, '--config.steps=8')
    refused(ended, str(run / 'checkpoints'), 'NOT_FOUND', 'checkpoint of step 6, which is safe')


def test_a_checkpoint_that_cannot_be_read_back_ends_training(tmp_path, monkeypatch):
    """A disk that keeps other bytes than it was given; told at the next log line, not at the end."""
    write = checkpoint_files.write

    def write_badly(folder, state, about):
        write(folder, state, about)
        turn_a_bit(data_of(folder), 0.5)

    monkeypatch.setattr(checkpoint_files, 'write', write_badly)
    ended = train(tmp_path / 'run', '--config.steps=100000')
    assert ended.code == 3 and 'cannot be read back' in ended.err and 'Traceback' not in ended.err


@pytest.mark.parametrize('hold', ['photo.jpg', 'config.json', 'checkpoints/mine.txt', 'run/config.json'])
def test_a_folder_that_is_not_ours_is_left_alone(hold, tmp_path):
    theirs = tmp_path / 'theirs'
    (theirs / hold).parent.mkdir(parents=True)
    (theirs / hold).write_text('{}')
    before = contents(theirs)
    refused(train(theirs, '--config.steps=1'), str(theirs), 'not a run folder')
    refused(use(theirs), str(theirs))
    refused(main(f'--workdir={theirs}'), str(theirs))
    assert contents(theirs) == before


def test_a_file_an_endless_link_and_a_name_that_is_too_long_are_no_folders(tmp_path):
    (tmp_path / 'file').write_text('x')
    (tmp_path / 'loop').symlink_to('loop')
    for name in ('file', 'file/run', 'loop', 'loop/run', 'x' * 300, 'x' * 300 + '/run'):
        folder = tmp_path / name
        translate = ('--mode=translate', f'--input={tmp_path / "file"}', f'--output={tmp_path / "out"}')
        for words in ((config('colorize:tiny'), '--config.devices=1'), (), translate):
            refused(main(*words, f'--workdir={folder}'), name)
    assert sorted(os.listdir(tmp_path)) == ['file', 'loop']


@pytest.mark.parametrize(
    'change, words',
    [
        (lambda c: c.update(networks='vit'), "config.networks is 'vit'"),
        (lambda c: c['generator'].update(heads=8), 'config.generator.heads'),
        (lambda c: c.update(turns=None), 'config.turns'),
    ],
    ids=['networks', 'field', 'section'],
)
def test_a_config_of_another_version_of_the_code_is_told_as_that(change, words, run):
    for step in ('3', '6'):
        rewrite_config(run / 'checkpoints' / step, change)
    before = contents(run)
    refused(use(run), words, 'another version of the code')
    refused(main(f'--workdir={run}'), words, 'another version of the code')
    assert contents(run) == before


def test_another_format_is_told_as_that(run):
    rewrite(run / 'checkpoints' / '6', lambda whole: whole.update(format=2))
    before = contents(run / 'checkpoints')
    for ended in (use(run), train(run, '--config.steps=6')):
        refused(ended, 'format 2', 'format 1', 'version')
    assert contents(run / 'checkpoints') == before


def test_the_arrays_of_another_version_of_the_code_are_no_damage(run):
    def rename(whole):
        arrays = whole['arrays']
        arrays['gen/params/other'] = arrays.pop('gen/params/bottom/conv/kernel')

    rewrite(run / 'checkpoints' / '6', rename)
    before = contents(run / 'checkpoints')
    for ended in (use(run), train(run, '--config.steps=6')):
        refused(ended, 'gen/params/', 'another version of the code')
    assert contents(run / 'checkpoints') == before


def test_orbax_opens_the_arrays_without_this_code(run):
    with orbax.StandardCheckpointer() as checkpointer:
        state = checkpointer.restore(run / 'checkpoints' / '6' / 'state')
    assert state['step'] == 6 and set(state) >= {'gen', 'disc', 'step'}


def test_metrics_of_another_version_of_the_code_do_not_end_in_a_traceback(tmp_path):
    folder = tmp_path / 'run'
    assert train(folder, '--config.steps=4', '--config.log.every=3', '--config.checkpoint.every=2').code == 0
    shutil.rmtree(folder / 'checkpoints' / '4')
    rewrite(folder / 'checkpoints' / '2', lambda whole: whole['about'].update(window=[{'loss': 1.0}] * 2))
    before = contents(folder / 'checkpoints')
    refused(train(folder, '--config.steps=4', '--config.log.every=3', '--config.checkpoint.every=2'), 'another version')
    assert contents(folder / 'checkpoints') == before
