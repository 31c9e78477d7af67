"""Checkpoints: whole or not at all, newest sound one first."""

import asyncio
import gc
import threading

import numpy as np
import pytest

from gans.errors import UserError
from gans.run import checkpoint
from gans.run.checkpoint import Checkpoints

STATE = {'a': np.arange(6, dtype=np.float32).reshape(2, 3), 'b': {'c': np.int32(7)}}


def save(folder, steps, keep=9, keep_every=0):
    with Checkpoints(folder, keep, keep_every) as checkpoints:
        for step in steps:
            checkpoints.save(step, {**STATE, 'b': {'c': np.int32(step)}}, {'note': f'at {step}'})


def damage(folder, step):
    for path in (folder / checkpoint.FOLDER / str(step)).rglob('*'):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def newest(checkpoints, like):
    """(step, about, state) of the newest checkpoint that can be read whole; None without one."""
    found = checkpoint.newest(checkpoints, lambda step: (checkpoints.about(step), checkpoints.restore(step, like)))
    return found and (found[0], *found[1])


def read(folder):
    with Checkpoints(folder, read_only=True) as checkpoints:
        return newest(checkpoints, STATE)


def test_what_is_saved_comes_back(tmp_path):
    save(tmp_path, [3, 8])
    step, about, state = read(tmp_path)
    assert (step, about['note'], state['b']['c']) == (8, 'at 8', 8)
    np.testing.assert_array_equal(state['a'], STATE['a'])
    assert state['a'].dtype == np.float32


def test_what_is_saved_is_what_was_given_and_not_what_became_of_it(tmp_path):
    """The loop goes on adding to its list of metrics while the checkpoint is written in the background."""
    window, go_on = [{'loss': 1.0}], threading.Event()
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints._writer.submit(go_on.wait)
        checkpoints.save(3, STATE, {'window': window})
        window.append({'loss': 2.0})
        go_on.set()
    assert read(tmp_path)[1]['window'] == [{'loss': 1.0}]


def test_what_is_answered_late_after_a_read_is_not_printed(tmp_path, caplog):
    """Of several arrays that cannot be read Orbax waits for one; the others' errors belong to nobody."""

    def forgotten(error):
        async def fail():
            raise error

        loop = asyncio.new_event_loop()
        task = loop.create_task(fail())
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()
        del task
        gc.collect()

    save(tmp_path, [1])
    read(tmp_path)
    forgotten(ValueError('DATA_LOSS: Error decoding local file [tensorstore_spec={}]'))
    assert caplog.messages == []
    forgotten(ValueError('of somebody else'))
    assert ['Task exception was never retrieved' in message for message in caplog.messages] == [True]


def test_only_the_newest_are_kept(tmp_path):
    save(tmp_path, [1, 2, 3, 4], keep=2)
    with Checkpoints(tmp_path, read_only=True) as checkpoints:
        assert checkpoints.steps() == [3, 4]


@pytest.mark.parametrize(
    'every, kept',
    [
        (4, [2, 4, 8, 9, 10]),  # 5 is a save between two times, as before another stage of networks that grow
        (1, [2, 4, 5, 6, 8, 9, 10]),
        (100, [2, 9, 10]),
    ],
)
def test_the_first_of_every_span_is_kept_beside_the_newest_also_in_several_sittings(every, kept, tmp_path):
    for steps in ([2], [4, 5, 6, 8], [9, 10]):
        save(tmp_path, steps, keep=2, keep_every=every)
    with Checkpoints(tmp_path, read_only=True) as checkpoints:
        assert checkpoints.steps() == kept


def test_saving_a_step_again_changes_nothing(tmp_path):
    save(tmp_path, [5])
    with Checkpoints(tmp_path, 9) as checkpoints:
        checkpoints.save(5, {**STATE, 'b': {'c': np.int32(99)}}, {'note': 'other'})
    assert read(tmp_path)[1]['note'] == 'at 5'


def test_damaged_ones_are_passed_over_and_named(tmp_path, caplog):
    save(tmp_path, [1, 2, 3])
    damage(tmp_path, 3)
    damage(tmp_path, 2)
    assert read(tmp_path)[0] == 1
    assert 'step 3' in caplog.text and 'step 2' in caplog.text and 'damaged' in caplog.text


def test_nothing_readable_is_a_sentence(tmp_path):
    save(tmp_path, [1])
    damage(tmp_path, 1)
    with pytest.raises(UserError, match='None of the checkpoints'):
        read(tmp_path)


def test_a_run_without_checkpoints_is_none_and_another_folder_a_sentence(tmp_path):
    save(tmp_path / 'run', [])
    assert read(tmp_path / 'run') is None
    (tmp_path / 'other').mkdir()
    with pytest.raises(UserError, match='not a run folder'):
        read(tmp_path / 'other')
    assert list((tmp_path / 'other').iterdir()) == []


def test_a_half_written_checkpoint_does_not_count_and_is_removed_by_the_next_training(tmp_path):
    save(tmp_path, [1, 2])
    folder = tmp_path / checkpoint.FOLDER
    (folder / '2').rename(folder / '2.tmp')
    assert read(tmp_path)[0] == 1
    save(tmp_path, [4])
    assert sorted(path.name for path in folder.iterdir()) == ['1', '4']


@pytest.mark.parametrize('empty', [(), {}], ids=['tuple', 'dict'])
def test_parts_of_the_state_without_arrays_need_nothing_on_disk(empty, tmp_path):
    save(tmp_path, [3])
    with Checkpoints(tmp_path, read_only=True) as checkpoints:
        _, _, state = newest(checkpoints, {**STATE, 'b': {**STATE['b'], 'new': empty}})
    assert state['b'] == {'c': 3, 'new': empty}


@pytest.mark.parametrize(
    'change, words',
    [
        ({'a': np.zeros((3, 2), np.float32)}, r'a is float32 \[2, 3\], not float32 \[3, 2\]'),
        ({'a': np.zeros((2, 3), np.int32)}, r'a is float32 \[2, 3\], not int32'),
        ({'new': np.zeros(1)}, 'new is not in it'),
        ({'b': ()}, 'b/c is no part of this state'),
    ],
)
def test_another_state_is_not_read(change, words, tmp_path):
    save(tmp_path, [3])
    with Checkpoints(tmp_path, read_only=True) as checkpoints, pytest.raises(UserError, match=words):
        checkpoints.restore(3, STATE | change)
