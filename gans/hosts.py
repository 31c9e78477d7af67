"""Several processes that train as one: how they find each other, agree, and share what the first of them has read.

Every process runs the same program and owns some of the devices. The first alone writes files and reads checkpoints.
Everything here does nothing, at no cost, in a process that is alone.
"""

import atexit
import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from gans.errors import Failure, UserError

HEARTBEAT = 40  # seconds without a sign of life after which a process counts as dead, and the others end
_STATUS = ('UNKNOWN:', 'INTERNAL:', 'UNAVAILABLE:', 'ABORTED:', 'CANCELLED:', 'DEADLINE_EXCEEDED:')
_CLUSTERS = ('SLURM_STEP_NUM_TASKS', 'OMPI_COMM_WORLD_SIZE')  # environment: how many processes were started together


def join(coordinator: str | None = None, processes: int | None = None, index: int | None = None) -> None:
    """Joins the other processes; must come before anything else touches a device.

    Args:
      coordinator: host:port of the first process, the same for all; None if there is no other process, or if a cluster
        that JAX knows (a TPU pod, Slurm, Open MPI) has started this one and tells the rest.
      processes: how many there are.
      index: which one this is, from 0.

    Raises:
      UserError: only some of the three are given, or the others do not come.
    """
    given = [value is not None for value in (coordinator, processes, index)]
    if any(given) and not all(given):
        raise UserError('Several processes need all three of --coordinator, --processes and --index.')
    if all(given) and not 0 <= index < processes:
        raise UserError(f'--index={index} is not one of {processes} processes: they count from 0.')
    if not any(given) and not _started_by_a_cluster():
        return
    try:
        jax.distributed.initialize(coordinator, processes, index, heartbeat_timeout_seconds=HEARTBEAT)
    except (RuntimeError, ValueError) as error:
        raise UserError(f'The other processes were not found ({str(error).splitlines()[0]}).') from error


def _started_by_a_cluster():
    hosts = os.environ.get('TPU_WORKER_HOSTNAMES', '').split(',')
    return len(hosts) > 1 or any(int(os.environ.get(name) or 1) > 1 for name in _CLUSTERS)


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return jax.process_index() == 0


def from_first(make: Callable[[], tuple[Any, Any]], shapes: Any) -> tuple[Any, Any]:
    """What the first process reads, for all of them.

    Args:
      make: () -> (JSON value, tree of arrays), called in the first process alone; what it raises ends the others too.
      shapes: the tree's shapes and types.

    Raises:
      Failure: the first process could not make it, and says why.
    """
    if jax.process_count() == 1:
        return make()
    text, tree, problem = b'', None, None
    if is_first():
        try:
            value, tree = make()
            text = json.dumps(value).encode()
        except Exception as error:
            problem = error
    length = int(multihost_utils.broadcast_one_to_all(np.int32(-1 if problem else len(text))))
    if problem:
        raise problem
    if length < 0:
        raise Failure('The first process has stopped: its message says why.')
    letters = np.frombuffer(text.ljust(length), np.uint8) if is_first() else np.zeros(length, np.uint8)
    value = json.loads(bytes(multihost_utils.broadcast_one_to_all(letters)))
    if tree is None:
        tree = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
    return value, multihost_utils.broadcast_one_to_all(tree)


@contextlib.contextmanager
def peers() -> Iterator[None]:
    """Turns the end of another process, which every exchange of numbers notices, into one sentence.

    Raises:
      Failure: another process has ended.
    """
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:  # what is noticed at dispatch comes as a ValueError
        if jax.process_count() == 1 or not str(error).startswith(_STATUS):
            raise
        atexit.register(_leave)
        raise Failure(
            f'Another process of this run has ended ({str(error).splitlines()[0]:.200}). The same commands go on from '
            'the last checkpoint.'
        ) from error


def _leave():
    """Ends without saying good-bye to the others, who would be waited for until the process is aborted."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(Failure.code)


class Agreement:
    """Turns a wish of any process into one that all of them learn at the same call."""

    def __init__(self, delay: int):
        """`delay` is after how many calls a wish is known to all, so that nobody waits for the devices."""
        self._asked: deque = deque()
        self._delay = delay
        if jax.process_count() > 1:
            self._mesh = jax.make_mesh((jax.device_count(),), ('all',), axis_types=(AxisType.Auto,))
            self._any = jax.jit(lambda x: x.max(), out_shardings=NamedSharding(self._mesh, P()))

    def __call__(self, wish: bool) -> bool:
        """Whether any process had the wish, `delay` calls ago; alone, at once."""
        if jax.process_count() == 1:
            return wish
        mine = np.full(jax.local_device_count(), wish, np.int32)
        self._asked.append(self._any(jax.make_array_from_process_local_data(NamedSharding(self._mesh, P('all')), mine)))
        return len(self._asked) > self._delay and bool(self._asked.popleft())
