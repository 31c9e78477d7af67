"""Sources -> batches. The order of the images is a pure function of (seed, position in the stream)."""

import contextlib
import functools
import itertools
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np

from gans.data.cache import gather
from gans.data.source import Source
from gans.errors import UserError
from gans.progress import counted, progress

_AHEAD = 64 * 2**20  # bytes of images that are read ahead of the step
_STARVED = 1.0  # seconds that training may wait for images before the threads that read them stop giving way


_now = time.monotonic


def order(seed: int, n: int, positions: np.ndarray) -> np.ndarray:
    """Returns which of `n` images stands at each of `positions` [P] of an endless shuffled stream: int64 [P].

    Position p lies in epoch p // n. Every epoch is a permutation of its own, drawn from (seed, epoch), so
    that an image comes exactly once per epoch, and any position can be asked for without the ones before.
    """
    epochs, places = np.divmod(np.asarray(positions, np.int64), n)
    which = np.empty_like(places)
    for epoch in np.unique(epochs).tolist():
        here = epochs == epoch
        which[here] = _permutation(seed % 2**64, n, epoch)[places[here]]
    return which


@functools.lru_cache(maxsize=4)
def _permutation(seed: int, n: int, epoch: int) -> np.ndarray:
    # RandomState, because its streams are frozen (NEP 19): a run resumes alike under another numpy. Grain's
    # index_shuffle needs no memory, but takes 20 us an image, and 6 ms where n is small.
    bits = np.random.MT19937(np.random.SeedSequence([seed, epoch]))
    permutation = np.random.RandomState(bits).permutation(n)
    permutation.flags.writeable = False
    return permutation


def positions(step: int, batch: int, turns: int, mine: np.ndarray) -> np.ndarray:
    """Returns where the examples `mine` [n] of each of a step's batches stand in the stream: int64 [turns, n]."""
    return (step * turns + np.arange(turns)[:, None]) * batch + mine


def part(batch: int, shard: tuple[int, int]) -> np.ndarray:
    """Returns which examples of a batch a process sees, for `shard` = (index, count): int64 [batch / count].

    Raises:
      UserError: the processes cannot share the batch evenly.
    """
    index, count = shard
    if batch % count or not 0 <= index < count:
        raise UserError(
            f'a batch of {batch} cannot be shared by {count} processes (this is number {index}): '
            f'make --config.batch a multiple of {count}.'
        )
    return np.arange(batch // count) + index * (batch // count)


class _Steps:
    """What each step of the training eats, by its number: a random access source for grain."""

    def __init__(
        self, source: Source, parts: Sequence, batch: int, turns: int, seed: int, shard: tuple[int, int], stop
    ):
        self.source, self.parts, self.seed = source, parts, seed
        self.batch, self.turns, self.stop = batch, turns, stop
        self.mine, self.gives_way = part(batch, shard), True

    def __len__(self) -> int:
        return 2**62 // (self.batch * self.turns) if self.stop is None else self.stop

    def __getitem__(self, step: int) -> np.ndarray:
        """Returns what this process sees in one step, uint8 [turns, batch / count (, parts), H, W, 3]."""
        if self.gives_way:
            _give_way()
        which = _choose(self.parts, self.seed, positions(step, self.batch, self.turns, self.mine))
        images = gather(self.source, which.reshape(-1))
        return images.reshape(*which.shape, *images.shape[1:])


def _choose(parts: Sequence[np.ndarray], seed: int, places: np.ndarray) -> np.ndarray:
    """Which images stand at `places` [turns, n] of the streams: [turns, n], or of several parts [turns, n, parts]."""
    of_parts = [
        np.asarray(ids)[order(seed + i, len(ids), places.reshape(-1))].reshape(places.shape)
        for i, ids in enumerate(parts)
    ]
    return of_parts[0] if len(parts) == 1 else np.stack(of_parts, axis=-1)


class _Chunks:
    """Successive chunks of a list of images: a random access source for grain."""

    gives_way = False

    def __init__(self, source: Source, ids: np.ndarray, chunk: int):
        self.source, self.ids, self.chunk = source, ids, chunk

    def __len__(self) -> int:
        return -(-len(self.ids) // self.chunk)

    def __getitem__(self, k: int) -> np.ndarray:
        return gather(self.source, self.ids[k * self.chunk : (k + 1) * self.chunk])


def batches(
    source: Source,
    parts: Sequence[np.ndarray],
    batch: int,
    turns: int,
    seed: int,
    start: int = 0,
    threads: int = 2,
    prefetch: int | None = None,
    shard: tuple[int, int] = (0, 1),
    stop: int | None = None,
) -> Iterator[np.ndarray]:
    """Returns an iterator over steps from number `start` on: uint8 [turns, batch / count, H, W, 3].

    It is endless or, with `stop`, ends before that step, of which nothing is read ahead either.

    `parts` are arrays of the numbers of images, usually one. Of several, every part is a stream of its own, an
    example takes one image from each, and a step is uint8 [turns, batch / count, parts, H, W, 3].

    Step k is the same whatever `start`, `threads` and `prefetch`: a resumed run sees what it would have
    seen. Batches follow each other in one stream and may cross the border of two epochs; a batch may be
    larger than the set. With several processes, `batch` is the global one and `shard = (index, count)` gives
    each its contiguous part of every batch: side by side they are what one process would have read.

    `threads` read whole steps, `prefetch` steps ahead (by default as many as 64 MiB hold, from 4 to 512: the first
    images are drawn or decoded while the step is being compiled). Close the iterator (`contextlib.closing`, or
    letting go of it) to stop them. Raises UserError for an empty part, a batch that `count` does not divide, and
    whatever the source raises.
    """
    if not all(len(ids) for ids in parts):
        raise UserError(f'{source.where}: there are no images to train on.')
    if batch < 1 or turns < 1 or start < 0:
        raise UserError(
            f'a batch of {batch}, {turns} turns and a start at step {start}: batch and turns must '
            'be at least 1, and the start at least 0.'
        )
    steps = _Steps(source, parts, batch, turns, seed, shard, stop)
    if prefetch is None:
        examples = turns * len(steps.mine) * len(parts)
        prefetch = min(max(4, _AHEAD // (examples * source[int(parts[0][0])].nbytes)), 512)
    return _stream(steps, start, threads, prefetch)


def numbers(
    parts: Sequence[np.ndarray], batch: int, turns: int, seed: int, start: int = 0, shard: tuple[int, int] = (0, 1)
) -> Iterator[np.ndarray]:
    """Returns an endless iterator over steps from number `start` on: which images of `parts`, int32.

    [turns, batch / count (, parts)], as `shard` says: `source[numbers]` are the batches that `batches` reads.
    """
    mine = part(batch, shard)
    for step in itertools.count(start):
        yield _choose(parts, seed, positions(step, batch, turns, mine)).astype(np.int32)


def read_all(
    source: Source, ids: np.ndarray, chunk: int = 64, threads: int = 2, prefetch: int = 4
) -> Iterator[np.ndarray]:
    """Returns an iterator over the images `ids`, in that order, in chunks of uint8 [n, H, W, 3].

    Every image comes once; n is `chunk`, or less at the end. Raises whatever the source raises.
    """
    return _stream(_Chunks(source, np.asarray(ids, np.int64), chunk), 0, threads, prefetch)


def read_whole(source: Source, ids: np.ndarray, threads: int = 2) -> np.ndarray:
    """The images `ids`, one or more, in that order: uint8 [n, H, W, 3]. Raises whatever the source raises."""
    with progress('reading', len(ids)) as advance:
        return np.concatenate(list(counted(read_all(source, ids, threads=threads), advance)))


def _stream(steps: _Steps | _Chunks, start: int, threads: int, prefetch: int) -> Iterator[np.ndarray]:
    """Yields steps[start], steps[start + 1], ..., read ahead by grain's threads; closing it ends them.

    Threads that give way do so until somebody has waited longer than `_STARVED` for them.
    """
    import grain

    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=max(prefetch, threads))
    dataset = grain.MapDataset.source(steps)
    while True:
        with contextlib.closing(iter(dataset[start:].to_iter_dataset(options))) as iterator:
            try:
                for item, waited in _timed(iterator):
                    start += 1
                    yield item
                    if steps.gives_way and waited > _STARVED:
                        break
                else:
                    return
            except Exception as error:
                raise _cause(error) from None
        steps.gives_way = False  # a thread's priority only falls: others read on


def _timed(iterator):
    """Yields (item, the seconds that it was waited for)."""
    asked = _now()
    for item in iterator:
        yield item, _now() - asked
        asked = _now()


def _give_way() -> None:
    """Lets the calling thread, one that reads ahead, run when those that compute leave a core free.

    On two cores a step whose threads are interrupted by drawing or decoding loses more time than these take. Only Linux
    knows a priority of threads. Where other programs keep all cores busy, a thread of this priority gets a fiftieth of
    one: `_stream` ends that once the training has waited for long.
    """
    if sys.platform == 'linux' and threading.current_thread() is not threading.main_thread():
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(10, os.getpriority(os.PRIO_PROCESS, thread)))


def _cause(error: BaseException) -> BaseException:
    """Returns the UserError inside an exception that the reading threads have wrapped, or the exception."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, UserError):
            inner.__dict__.pop('__notes__', None)  # grain adds advice on its own tracebacks
            return inner
        inner = inner.__cause__ or inner.__context__
    return error
