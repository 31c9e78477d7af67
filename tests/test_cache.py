"""What was decoded once is not decoded again, in this process and in the next one, and is always the same image."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from sources import IDS, Numbers

from gans.data.batches import read_all
from gans.data.cache import gather, keep, remember
from gans.errors import UserError

SIZE = 60 * 18


@pytest.fixture(params=('memory', 'disk'))
def memory_of(request, tmp_path):
    """Makes a memory of a source, of both kinds in turn."""
    return (lambda source: remember(source, SIZE)) if request.param == 'memory' else (lambda s: keep(s, tmp_path))


def test_a_memory_decodes_once_and_says_the_same(memory_of):
    source = Numbers()
    memory = memory_of(source)
    assert len(memory) == 60 and memory.where == 'numbers' and memory.key(4) == source.key(4)
    source.reads.clear()
    for _ in range(2):
        assert (np.concatenate(list(read_all(memory, IDS, chunk=3, threads=3)))[:, 0, 0, 0] == IDS).all()
        assert np.array_equal(memory[21], Numbers()[21])
    assert set(source.reads) == set(IDS.tolist())
    assert max(source.reads.values()) <= 2  # two threads may meet at one image
    with pytest.raises(ValueError, match='read-only'):
        memory[21][0, 0, 0] = 1


def test_a_memory_forgets_failures(memory_of):
    source = Numbers(broken=(5,))
    memory = memory_of(source)
    with pytest.raises(UserError):
        memory[5]
    source.broken = ()
    assert (memory[5] == 5).all()


def test_a_set_that_is_too_large_is_not_remembered():
    source = Numbers()
    assert remember(source, SIZE - 1) is source
    source.reads.clear()
    for _ in range(2):
        assert np.array_equal(gather(source, IDS)[:, 0, 0, 0], IDS)
    assert source.reads[5] == 2


def reopened(contents, folder):
    """The numbers of the images that a new memory on disk has to decode, besides the first (for its shape)."""
    source = Numbers(contents)
    memory = keep(source, folder)
    source.reads.clear()
    assert gather(memory, np.arange(len(source)))[:, 0, 0, 0].tolist() == list(contents)
    return sorted(source.reads)


def use_long_ago(contents, age, folder):
    """Opens a new set and dates it `age` seconds before all that is dated today."""
    reopened(contents, folder)
    (newest,) = (path for path in folder.glob('*.images') if path.stat().st_mtime > 1e9)
    os.utime(newest, (1e9 - age, 1e9 - age))


def test_the_next_start_decodes_only_what_was_not_asked_for(tmp_path):
    memory = keep(Numbers(), tmp_path)
    gather(memory, IDS)
    del memory
    assert reopened(range(60), tmp_path) == sorted(set(range(60)) - set(IDS.tolist()))
    assert reopened(range(60), tmp_path) == []


def test_renamed_images_are_found_again_and_others_are_not(tmp_path):
    assert reopened(range(60), tmp_path) == list(range(60))
    assert reopened(range(59, -1, -1), tmp_path) == []
    assert reopened([*range(60), 7], tmp_path) == []  # a copy
    assert reopened(range(1, 61), tmp_path) == list(range(60))
    Numbers.decoding, before = '2x3 resize', Numbers.decoding
    try:
        assert reopened(range(60), tmp_path) == list(range(60))
    finally:
        Numbers.decoding = before


_KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from sources import IDS, Numbers
from gans.data.cache import gather, keep
memory = keep(Numbers(), Path(sys.argv[1]))
gather(memory, IDS)
if sys.argv[3] == 'kill':
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize('end', ('kill', 'exit'))
def test_what_a_process_leaves_behind_is_used_and_never_a_wrong_image(tmp_path, end):
    subprocess.run([sys.executable, '-c', _KILLED, str(tmp_path), os.path.dirname(__file__), end])
    assert reopened(range(60), tmp_path) == sorted(set(range(60)) - set(IDS.tolist()))


def test_an_evicted_set_leaves_nothing_in_the_file_that_takes_its_name(tmp_path, monkeypatch):
    first = keep(Numbers(), tmp_path)
    gather(first, IDS)
    monkeypatch.setattr('gans.data.cache._DISK', SIZE + 8 * 60)
    reopened(range(100, 160), tmp_path)
    assert (first[21] == 21).all() and len(list(tmp_path.glob('*.images'))) == 1
    second = keep(Numbers(), tmp_path)  # while the first is open, and goes on
    gather(first, np.arange(60))
    del first
    assert gather(second, np.arange(60))[:, 0, 0, 0].tolist() == list(range(60))
    del second
    assert reopened(range(60), tmp_path) == []


def damage(path, how):
    """Puts something else in the place of a set's file."""
    content = path.read_bytes()
    path.unlink()
    if how == 'fifo':
        os.mkfifo(path)
    elif how == 'folder':
        path.mkdir()
    elif how == 'link to a device':
        path.symlink_to('/dev/zero')
    elif how == 'of another set':
        reopened(range(100, 160), path.parent)
        (other,) = path.parent.glob('*.images')
        other.rename(path)
    else:
        changed = {
            'cut off': content[:-1],
            'longer': content + b'x',
            'empty': b'',
            'noise': bytes(range(256)) * (len(content) // 256) + content[: len(content) % 256],
            'black': content[: 8 * 60] + bytes(SIZE),
        }
        path.write_bytes(changed[how])


@pytest.mark.parametrize(
    'how',
    ['cut off', 'longer', 'empty', 'noise', 'black', 'of another set', 'fifo', 'folder', 'link to a device'],
)
def test_foreign_and_damaged_files_cost_decoding_and_nothing_else(tmp_path, how):
    reopened(range(60), tmp_path)
    (path,) = tmp_path.glob('*.images')
    damage(path, how)
    memory = keep(Numbers(), tmp_path)
    if how in ('fifo', 'folder', 'link to a device'):
        assert memory is None
        return
    assert gather(memory, np.arange(60))[:, 0, 0, 0].tolist() == list(range(60))
    del memory
    assert reopened(range(60), tmp_path) == []


def test_two_that_make_one_set_at_once_use_one_file(tmp_path, monkeypatch):
    link, made = os.link, []

    def link_late(source, path):
        if not made:
            made.append(True)
            other = threading.Thread(target=lambda: gather(keep(Numbers(), tmp_path), IDS))
            other.start()
            other.join()
        link(source, path)

    monkeypatch.setattr('gans.data.cache.os.link', link_late)
    source = Numbers()
    memory = keep(source, tmp_path)
    source.reads.clear()
    gather(memory, np.arange(60))
    assert not set(source.reads) & set(IDS.tolist())
    assert len(list(tmp_path.iterdir())) == 1


def test_two_processes_that_read_at_once_add_up(tmp_path):
    first, second = keep(Numbers(), tmp_path), keep(Numbers(), tmp_path)
    gather(first, IDS[:3])
    gather(second, IDS[2:])
    del first, second
    assert reopened(range(60), tmp_path) == sorted(set(range(60)) - set(IDS.tolist()))


def test_a_set_that_is_opened_again_is_not_the_one_that_goes(tmp_path, monkeypatch):
    monkeypatch.setattr('gans.data.cache._DISK', 2 * (SIZE + 8 * 60) + 200)
    for age, first in ((300, 0), (200, 100)):
        use_long_ago(range(first, first + 60), age, tmp_path)
    assert reopened(range(60), tmp_path) == []
    reopened(range(60, 120), tmp_path)
    assert reopened(range(60), tmp_path) == []


def test_the_sets_not_used_for_longest_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr('gans.data.cache._DISK', 2 * (SIZE + 8 * 60) + 200)
    for age, first in ((300, 0), (200, 100), (100, 60)):
        use_long_ago(range(first, first + 60), age, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert reopened(range(100, 160), tmp_path) == reopened(range(60, 120), tmp_path) == []


def test_without_room_nothing_is_kept_and_nothing_is_lost(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr('gans.data.cache._reserve', lambda file, size: os.truncate(-1, size))
    assert keep(Numbers(), tmp_path) is None
    assert 'not kept' in caplog.text
    (tmp_path / 'file').touch()
    assert keep(Numbers(), tmp_path / 'file') is None
