"""Several processes that train as one: how they find each other, agree, and share what the first of them has read.

Every process runs the same program and owns some of the devices. The first alone writes files and reads checkpoints.
Everything here does nothing, at no cost, in a process that is alone.
"""

import atexit
import contextlib
import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from gans import signals
from gans.errors import Failure, UserError
from gans.printing import say, tell
from gans.progress import show_none
from gans.run.relay import Relay

PATIENCE = 300  # seconds that the processes of a run have to come together
HEARTBEAT = 40  # seconds without a sign of life after which a process counts as dead, and the others end
_STATUS = ('UNKNOWN:', 'INTERNAL:', 'UNAVAILABLE:', 'ABORTED:', 'CANCELLED:', 'DEADLINE_EXCEEDED:')
_ENDED = '{}: its own message says why. The same commands go on from the last checkpoint.'
_CLUSTERS = ('SLURM_STEP_NUM_TASKS', 'OMPI_COMM_WORLD_SIZE')  # environment: how many processes were started together
_relay: Relay | None = None  # of a process that is not the first
_telling = threading.Lock()


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
    global _relay
    if index:
        _relay = Relay(coordinator, _lost_the_first)
        coordinator = _relay.address
    # Its handler of SIGTERM would take the place of ours, which means the same and more.
    jax.config.update('jax_enable_preemption_service', False)
    tell(f'Waiting for the other processes of this run, at most {PATIENCE} seconds.')
    came = threading.Event()
    threading.Thread(target=_leave_if_alone, args=[came], daemon=True).start()
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            index,
            heartbeat_timeout_seconds=HEARTBEAT,
            initialization_timeout=PATIENCE + 60,
        )
    except (RuntimeError, ValueError) as error:
        raise UserError(f'The other processes were not found ({str(error).splitlines()[0]}).') from error
    finally:
        came.set()
        atexit.register(_leave)  # after JAX's own, so that it comes before it
    if (jax.process_index() if index is None else index) > 0:
        show_none()
    if _relay is not None:
        _relay.watch()


def _leave_if_alone(came):
    """Ends the process in time, and with a sentence: JAX would abort it."""
    if not came.wait(PATIENCE):
        say(
            f'The other processes of this run did not come within {PATIENCE} seconds: start all of them with the same '
            '--coordinator and --processes, and see what they say.',
            sys.stderr,
        )
        os._exit(UserError.code)


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
    """Ends the block in all processes together, and turns the end of another process into one sentence.

    Raises:
      Failure: another process has ended; every exchange of numbers notices that.
    """
    global _relay
    try:
        yield
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices('the end')
    except (jax.errors.JaxRuntimeError, ValueError) as error:  # what is noticed at dispatch comes as a ValueError
        if jax.process_count() == 1 or not str(error).startswith(_STATUS):
            raise
        _tell_alone()
        raise Failure(
            _ENDED.format(f'Another process of this run has ended ({str(error).splitlines()[0]:.200})')
        ) from error
    if _relay is not None:
        _relay.leave()


def _lost_the_first():
    """Ends this process, in a thread of the relay: the main one may be waiting for the first process for ever."""
    _tell_alone()
    say(_ENDED.format('The first process of this run has ended'), sys.stderr)
    os._exit(Failure.code)


def _tell_alone():
    """Lets one thread go on, which tells of the other process and ends this one."""
    if not _telling.acquire(blocking=False):
        threading.Event().wait()


def _leave():
    """Ends without saying good-bye to the others, unless all end: they would be waited for until one is aborted."""
    code = signals.exit_code()
    if 0 < code < signals.code_of(0):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Agreement:
    """Turns a wish of any process, the number of a signal, into one that all of them learn at the same call."""

    def __init__(self, delay: int):
        """`delay` is after how many calls a wish is known to all, so that nobody waits for the devices."""
        self._asked: deque = deque()
        self._delay = delay
        if jax.process_count() > 1:
            self._mesh = jax.make_mesh((jax.device_count(),), ('all',), axis_types=(AxisType.Auto,))
            self._any = jax.jit(lambda x: x.max(), out_shardings=NamedSharding(self._mesh, P()))

    def __call__(self, wish: int) -> int:
        """The greatest number that any process gave `delay` calls ago; alone, at once. 0 is no wish."""
        if jax.process_count() == 1:
            return wish
        mine = np.full(jax.local_device_count(), wish, np.int32)
        self._asked.append(self._any(jax.make_array_from_process_local_data(NamedSharding(self._mesh, P('all')), mine)))
        return int(self._asked.popleft()) if len(self._asked) > self._delay else 0
