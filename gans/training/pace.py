"""How fast training goes, as numbers, as the progress line and as words behind a bar."""

import resource
import sys
import time
from collections.abc import Mapping

_TELLING = 0.1  # seconds of compiling that are worth a word
LOSSES = ('gen/loss', 'disc/loss')  # what people see of the metrics while training goes on


class Pace:
    """How fast training goes: images per second, time spent compiling and waiting for data, memory, time left."""

    def __init__(self, batch: int, steps: int, step: int):
        self._batch, self._steps, self._step = batch, steps, step
        self._since = time.perf_counter()
        self._waited = self._compiled = 0.0
        self._calls = 0  # steps of the calls that compiled

    def compiled(self, seconds: float, steps: int) -> None:
        """Counts a call of so many steps that had to compile its program first. What is left will not take that."""
        self._compiled += seconds
        self._calls += steps

    def waited(self, seconds: float) -> None:
        """Counts time that the step stood still for want of images."""
        self._waited += seconds

    def report(self, step: int) -> dict[str, float]:
        """The numbers since the last report."""
        now = time.perf_counter()
        elapsed, done = max(now - self._since, 1e-9), max(step - self._step, 1)
        rate = done * self._batch / elapsed
        usual = (elapsed - self._compiled) / (done - self._calls) if done > self._calls else elapsed / done
        numbers = {
            'images_per_second': rate,
            'seconds_per_1000_images': 1000 / rate,
            'data_wait_fraction': self._waited / elapsed,
            'compile_seconds': self._compiled,
            'memory_gib': peak_memory_gib(),
            'seconds_left': (self._steps - step) * usual,
        }
        self._since, self._step, self._waited, self._compiled, self._calls = now, step, 0.0, 0.0, 0
        return numbers


def peak_memory_gib() -> float:
    """The most memory in use so far, in GiB: of the first device if it counts its own, else of this process."""
    import jax

    counted = jax.local_devices()[0].memory_stats() or {}
    if 'peak_bytes_in_use' in counted:
        return counted['peak_bytes_in_use'] / 2**30
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def bar_note(metrics: Mapping[str, float], images_per_second: float) -> str:
    """A few words behind a bar, of numbers as far as they are known: {} and 0 before the first step."""
    words = [_losses(metrics)] if metrics else []
    words += [f'{images_per_second:.1f} images/s'] if images_per_second else []
    return ', '.join(words) or 'compiling'


def progress_line(step: int, steps: int, metrics: Mapping[str, float], timing: Mapping[str, float]) -> str:
    """One line for people."""
    left = int(timing['seconds_left'])
    clock = f'{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}'
    compiling = timing['compile_seconds']
    return (
        f'step {step}/{steps}  {_losses(metrics)}  {timing["images_per_second"]:.1f} images/s'
        f'  {timing["seconds_per_1000_images"]:.2f} s/1000'
        f'  data wait {100 * timing["data_wait_fraction"]:.1f} %'
        f'  memory {timing["memory_gib"]:.2f} GiB  left {clock}'
    ) + (f'  ({compiling:.1f} s were compiling)' if compiling >= _TELLING else '')


def _losses(metrics):
    return '  '.join(f'{name} {metrics[name]:.4g}' for name in LOSSES)
