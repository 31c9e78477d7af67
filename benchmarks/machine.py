"""What this machine can do at best: multiply matrices, and copy memory."""

import statistics
import time

import jax
import jax.numpy as jnp


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


def _median_seconds(call, repeats):
    jax.block_until_ready(call())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - start)
    return statistics.median(times)
