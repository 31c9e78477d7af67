"""The order of the data is a pure function of (seed, step); the split is one of the contents."""

import itertools
import os
import sys
import threading
from collections import Counter

import numpy as np
import pytest
from sources import IDS, Numbers

from gans.data import batches as lib
from gans.data.source import split
from gans.errors import UserError


def take(n, stream):
    with_end = list(itertools.islice(stream, n))
    stream.close()
    return np.stack(with_end)


def numbers_of(steps):
    """[S, turns, batch, H, W, 3] -> the numbers of the images in the order of the stream."""
    assert (steps == steps[..., :1, :1, :1]).all()
    return steps[..., 0, 0, 0].reshape(-1)


def test_every_image_once_per_epoch_and_every_epoch_anew():
    steps = take(21, lib.batches(Numbers(), [IDS], batch=4, turns=3, seed=1))
    assert steps.shape == (21, 3, 4, 2, 3, 3) and steps.dtype == np.uint8
    epochs = numbers_of(steps)[:252].reshape(36, 7)
    assert (np.sort(epochs, axis=1) == IDS).all()
    assert len({tuple(epoch) for epoch in epochs}) > 30
    first = Counter(epochs[:, 0].tolist())  # no image is always first
    assert len(first) == 7 and max(first.values()) < 18


def test_the_stream_is_one_permutation_per_epoch_drawn_from_seed_and_epoch():
    steps = take(5, lib.batches(Numbers(), [IDS], batch=4, turns=2, seed=9))
    epochs = [np.random.RandomState(np.random.MT19937(np.random.SeedSequence([9, e]))).permutation(7) for e in range(6)]
    assert np.array_equal(numbers_of(steps), IDS[np.concatenate(epochs)[:40]])


def test_numbers_name_the_images_that_batches_reads():
    read = take(9, lib.batches(Numbers(), [IDS], batch=4, turns=2, seed=9, start=5))
    named = np.stack(list(itertools.islice(lib.numbers([np.arange(len(IDS))], batch=4, turns=2, seed=9, start=5), 9)))
    assert named.dtype == np.int32 and named.shape == (9, 2, 4)
    assert np.array_equal(numbers_of(read), IDS[named].reshape(-1))


def test_order_is_a_permutation_for_every_small_size():
    for n in range(1, 40):
        assert np.array_equal(np.sort(lib.order(3, n, 5 * n + np.arange(n))), np.arange(n))


def test_seeds_do_not_share_epochs():
    """Epoch 1 of seed 0 is not epoch 0 of seed 1; negative seeds are seeds as well."""
    n = 12
    epochs = [tuple(lib.order(seed, n, e * n + np.arange(n))) for seed in (-1, 0, 1, 2) for e in range(4)]
    assert len(set(epochs)) == len(epochs)


def test_any_start_and_any_number_of_threads_give_the_same_steps():
    reference = take(12, lib.batches(Numbers(), [IDS], 4, 2, seed=5))
    for start, threads, prefetch in [(0, 1, 1), (0, 4, 8), (0, 0, 0), (1, 2, 4), (7, 3, 1), (11, 2, 9)]:
        steps = take(12 - start, lib.batches(Numbers(), [IDS], 4, 2, 5, start, threads, prefetch))
        assert np.array_equal(steps, reference[start:])
    assert not np.array_equal(take(12, lib.batches(Numbers(), [IDS], 4, 2, seed=6)), reference)


def test_far_starts_cost_nothing():
    source = Numbers()
    assert take(1, lib.batches(source, [IDS], 4, 2, 5, start=10**12, prefetch=1, threads=1)).shape[0] == 1
    assert sum(source.reads.values()) <= 16  # one step, and one or two read ahead


def test_nothing_is_read_behind_the_end():
    source = Numbers()
    steps = take(9, lib.batches(source, [IDS], 4, 2, 5, start=3, prefetch=64, stop=5))
    assert np.array_equal(steps, take(5, lib.batches(Numbers(), [IDS], 4, 2, 5))[3:])
    assert sum(source.reads.values()) <= 2 * 4 * 2 + 1  # two steps, and one image that told how large they are


def test_a_batch_larger_than_the_set():
    steps = take(2, lib.batches(Numbers(), [IDS[:2]], batch=5, turns=1, seed=0))
    assert (np.sort(numbers_of(steps).reshape(5, 2), axis=1) == IDS[:2]).all()
    one = take(2, lib.batches(Numbers(), [IDS[:1]], batch=3, turns=2, seed=0))
    assert (one == 3).all()


def test_the_shards_side_by_side_are_the_global_batch():
    whole = take(4, lib.batches(Numbers(), [IDS], batch=6, turns=2, seed=2))
    for count in (2, 3):
        parts = [take(4, lib.batches(Numbers(), [IDS], 6, 2, 2, shard=(i, count))) for i in range(count)]
        assert np.array_equal(np.concatenate(parts, axis=2), whole)


def test_wrong_numbers_get_a_sentence():
    with pytest.raises(UserError, match='batch of 6 cannot be shared by 4 processes'):
        lib.batches(Numbers(), [IDS], 6, 1, 0, shard=(0, 4))
    with pytest.raises(UserError, match='no images to train on'):
        lib.batches(Numbers(), [IDS[:0]], 6, 1, 0)
    for batch, turns, start in [(0, 1, 0), (1, 0, 0), (1, 1, -1)]:
        with pytest.raises(UserError, match='at least'):
            lib.batches(Numbers(), [IDS], batch, turns, 0, start)


@pytest.mark.parametrize('threads', [0, 2])
def test_a_user_error_comes_out_as_it_went_in(threads):
    stream = lib.batches(Numbers(broken=(21,)), [IDS], 7, 1, 0, threads=threads)
    with pytest.raises(UserError, match="^'21.png' is damaged$"):
        next(stream)  # pytest looks at notes as well: grain's remark on tracebacks must be gone
    with pytest.raises(UserError, match="'5.png'"):
        list(lib.read_all(Numbers(range(9), broken=(5,)), np.arange(9), chunk=2, threads=threads))


def test_wrapped_user_errors_are_found():
    inner = UserError('the sentence')
    try:
        try:
            raise inner
        except UserError as error:
            raise ValueError('wrapped') from error
    except ValueError as outer:
        assert lib._cause(outer) is inner
    assert isinstance(lib._cause(KeyError('other')), KeyError)


def test_closing_ends_the_threads():
    before = set(threading.enumerate())
    stream = lib.batches(Numbers(), [IDS], 4, 1, 0, threads=3)
    next(stream)
    mine = set(threading.enumerate()) - before
    assert mine
    stream.close()
    for thread in mine:
        thread.join(timeout=30)
        assert not thread.is_alive()


def test_errors_end_the_threads():
    before = set(threading.enumerate())
    stream = lib.batches(Numbers(broken=(21,)), [IDS], 7, 1, 0, threads=3)
    with pytest.raises(UserError) as kept:  # and with it everything that its traceback holds
        next(stream)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert kept.value.args == ("'21.png' is damaged",)


@pytest.mark.skipif(sys.platform != 'linux', reason='a priority of threads is what Linux has')
@pytest.mark.parametrize('threads', [0, 2])
def test_reading_ahead_gives_way_and_nobody_else_does(threads):
    def priority():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    class Watched(Numbers):
        def __getitem__(self, i):
            seen.append((threading.current_thread() is threading.main_thread(), priority()))
            return super().__getitem__(i)

    seen, mine = [], priority()
    take(3, lib.batches(Watched(), [IDS], 4, 1, 0, threads=threads, prefetch=4))
    assert {main for main, _ in seen} == {threads == 0}
    assert {given for _, given in seen} == {mine if threads == 0 else max(mine, 10)} and priority() == mine


@pytest.mark.skipif(sys.platform != 'linux', reason='a priority of threads is what Linux has')
def test_reading_no_longer_gives_way_once_the_training_has_waited_for_long(monkeypatch):
    class Watched(Numbers):
        def __getitem__(self, i):
            seen[threading.current_thread()] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            return super().__getitem__(i)

    seen, mine = {}, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    plain = take(9, lib.batches(Numbers(), [IDS], 4, 1, 3, start=2))
    times = itertools.chain([0, 0.9, 1, 1.9, 2, 3.1], itertools.repeat(4))  # the third step takes too long
    monkeypatch.setattr(lib, '_now', times.__next__)
    steps = take(9, lib.batches(Watched(), [IDS], 4, 1, 3, start=2, threads=1, prefetch=1))
    assert np.array_equal(steps, plain)
    assert list(seen.values()) == [max(mine, 10), mine], 'one thread gave way, and one came in its place'


@pytest.mark.parametrize('threads', [0, 1, 3])
def test_read_all_keeps_the_order_and_the_remainder(threads):
    ids = np.array([4, 1, 7, 7, 0, 2, 9])
    chunks = list(lib.read_all(Numbers(range(10)), ids, chunk=3, threads=threads))
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert np.array_equal(np.concatenate(chunks)[:, 0, 0, 0], ids)
    assert list(lib.read_all(Numbers(range(10)), ids[:0])) == []
    np.testing.assert_array_equal(lib.read_whole(Numbers(range(10)), ids, threads), np.concatenate(chunks))


def test_the_split_parts_the_set_at_about_a_tenth():
    train_ids, test_ids = split(Numbers(range(4000)))
    assert np.array_equal(np.sort(np.concatenate([train_ids, test_ids])), np.arange(4000))
    assert abs(len(test_ids) / 4000 - 0.1) < 0.02
    assert abs(len(split(Numbers(range(4000)), 0.5)[1]) / 4000 - 0.5) < 0.03


def test_copies_fall_on_one_side():
    contents = [f'{i % 100}'.encode() for i in range(400)]
    train_ids, test_ids = split(Numbers(range(400), contents))
    assert len(test_ids) and not {contents[i] for i in train_ids} & {contents[i] for i in test_ids}


def test_added_and_reordered_images_move_no_other():
    names = [f'{i}'.encode() for i in range(300)]
    held_out = {names[i] for i in split(Numbers(range(300), names))[1]}
    more = [f'new {i}'.encode() for i in range(77)] + names[::-1]
    assert {more[i] for i in split(Numbers(range(377), more))[1]} & set(names) == held_out


def test_tiny_sets_hold_out_the_smallest_hash():
    for n in range(2, 9):
        train_ids, test_ids = split(Numbers(range(n)))
        assert len(train_ids) and len(test_ids) and len(train_ids) + len(test_ids) == n
    # The same images in another order, with a copy: the same one is held out, and its copy with it.
    contents = [b'a', b'b', b'c']
    for held_out in (1e-9, 1 - 1e-9):
        (only,) = split(Numbers(range(3), contents), held_out)[1]
        test_ids = split(Numbers(range(6), contents[::-1] + contents), held_out)[1]
        assert test_ids.tolist() == [2 - only, 3 + only]


def test_what_cannot_be_split_gets_a_sentence():
    for contents in ([b'a'], [b'a', b'a', b'a']):
        with pytest.raises(UserError, match=rf'numbers: {len(contents)} images \(1 different\)'):
            split(Numbers(range(len(contents)), contents))
    for held_out in (0, 1, 1.5):
        with pytest.raises(UserError, match='between 0 and 1'):
            split(Numbers(range(5)), held_out)
