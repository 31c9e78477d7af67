"""What this machine can do at best, multiply matrices and copy memory; and what memory a program takes of it."""

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp

from gans.startup import trim_heap


def matmul_rate(dtype=jnp.float32, side: int = 1024, repeats: int = 10) -> float:
    """Floating point operations per second of a large matrix product in `dtype`, median of `repeats`."""
    side = side if jax.default_backend() == 'cpu' else 8 * side
    x = jnp.ones((side, side), dtype)
    multiply = jax.jit(jnp.matmul)
    return 2 * side**3 / _median_seconds(lambda: multiply(x, x), repeats)


def copy_bandwidth(megabytes: int = 256, repeats: int = 10) -> float:
    """Bytes read and written per second by copying an array that no cache holds, median of `repeats`."""
    x = jnp.zeros((megabytes * 2**18,), jnp.float32)
    copy = jax.jit(jnp.copy)
    return 2 * x.nbytes / _median_seconds(lambda: copy(x), repeats)


def growth(act: Callable[[], None]) -> int | None:
    """Bytes by which what is in use was higher at its highest in `act` than before: the first device's, where that is
    counted, else this process' resident memory. None where nobody counts (a CPU without Linux)."""
    gc.collect()
    trim_heap()  # what lies free in the heap would hide as much of what `act` takes
    device, process = jax.local_devices()[0], Path('/proc/self/status')
    if counted := device.memory_stats():
        before = counted['bytes_in_use']
        act()
        return device.memory_stats()['peak_bytes_in_use'] - before
    if not process.exists():
        return None

    def resident(name):
        return 1024 * int(process.read_text().partition(f'{name}:')[2].split()[0])

    Path('/proc/self/clear_refs').write_text('5')  # the highest so far is forgotten (proc(5))
    before = resident('VmRSS')
    act()
    return resident('VmHWM') - before


def _median_seconds(call, repeats):
    jax.block_until_ready(call())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - start)
    return statistics.median(times)
