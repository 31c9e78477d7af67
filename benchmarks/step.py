"""Times the compiled train step of an experiment, beside what its arithmetic needs and what the machine can do.

    python -m benchmarks.step --config=configs/inpaint.py --config.batch=16
    python -m benchmarks.step --config=configs/inpaint.py --config.batch=16 --against=../shared/bench/torch_twin.py

Random images, no input pipeline. Every step is waited for; steps that are started one after the other without waiting,
as training starts them, are timed beside that. With `--against`, a script that prints one JSON line with `median_ms` is
run in turn with the step, `--rounds` times each, and the median of the rounds' ratios is printed: machines are noisy,
and a ratio of two numbers that were not measured side by side says little. `--json=FILE` writes everything. `--kernels`
says what each layer takes, by JAX's profiler. `--start=N` times the step of that number: while the blur fades, a step
takes longer. The compile time is that of reading a program that the cache already has; `GANS_CACHE=` turns the cache
off.
"""

import json
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from benchmarks.command_line import Count, check_place, run
from gans import startup
from gans.cli.flags import Flag
from gans.errors import UserError
from gans.image.files import write_json

FLAGS = {
    'steps': Count('timed steps per round', default=20),
    'rounds': Count('how often the step (and the other script) is timed', default=3),
    'against': Flag('file', 'another script to run in turn; --size, --batch, --dtype and --steps are added'),
    'python': Flag('text', 'the interpreter of the other script', default=sys.executable),
    'arguments': Flag('text', 'more arguments for the other script, as in "--device cuda --compile"', default=''),
    'json': Flag('file', 'write the report to this file'),
    'kernels': Flag('switch', 'say what the kernels of each layer take', default=False),
    'start': Count('the number of the step that is timed', default=0, least=0),
}


def main(words: list[str]) -> int:
    """Times a step as the words behind the program's name say; returns the exit code."""
    return run(words, sys.modules[__name__], time_step)


def time_step(values: SimpleNamespace) -> None:
    """Times a step and prints what was found."""
    check_place('json', values.json)
    if values.against and not Path(values.against).is_file():
        raise UserError(f'--against={values.against} is not a file: give a script that prints its median_ms.')
    config = values.config
    step, report = prepare(config, values.start)
    rounds = []
    for _ in range(values.rounds):
        rounds.append({'step_ms': step.times(values.steps), 'row_ms': step.row(values.steps)})
        if values.against:
            rounds[-1]['other_ms'] = time_other(values)
    report |= summary(rounds, report['operations_least'], report['matmul_per_second'], config)
    print(table(report))
    if values.kernels:
        report['kernels'], lines = step.kernels(5)
        print(lines)
    if values.json:
        write_json(Path(values.json), report)


class Step(NamedTuple):
    """A compiled step.

    Attributes:
      times: number of steps -> the milliseconds of each; every one is waited for.
      row: number of steps -> milliseconds a step, if only the last is waited for.
      kernels: number of steps -> (what their kernels take, longest first; what those of each layer take, as text).
    """

    times: Callable[[int], list[float]]
    row: Callable[[int], float]
    kernels: Callable[[int], tuple[list, str]]


def prepare(config, start: int = 0) -> tuple[Step, dict]:
    """(the compiled step of a config, whose next step has the number `start`; what is known before any is timed)."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from benchmarks import kernels as watched
    from benchmarks.least import least_operations
    from benchmarks.machine import copy_bandwidth, growth, matmul_rate
    from gans.config.shapes import shape_of
    from gans.core.build import build
    from gans.core.state import init
    from gans.run.parallel import lay_out

    game = build(config, images=10_000)
    layout = lay_out(config.parallel, game, config.batch, config.devices)
    images = np.random.default_rng(0).integers(0, 256, game.batch_shape, np.uint8)
    state = startup.jit_seldom(partial(init, game))(jax.random.key(0), images[0, :1])
    state = state.replace(step=state.step + start)
    key = jax.random.key(config.seed)
    began = time.perf_counter()
    compiled = layout.lower(key, state, images).compile()
    seconds = time.perf_counter() - began
    cost, memory = compiled.cost_analysis() or {}, compiled.memory_analysis()  # some backends count nothing
    needed = None if memory is None else memory.temp_size_in_bytes + memory.argument_size_in_bytes
    holder, batches = [layout.place(state)], layout.feed(images)

    def dispatch():  # the program that was just compiled: `layout.step` would read it once more
        holder[0], metrics = compiled(key, holder[0], *layout.kept, (batches,))
        return metrics, holder[0]

    def play(count):
        for _ in range(count):
            jax.block_until_ready(dispatch())

    grown = growth(lambda: play(3))

    def times(count):
        taken = []
        for _ in range(count):
            start = time.perf_counter()
            jax.block_until_ready(dispatch())
            taken.append(1e3 * (time.perf_counter() - start))
        return taken

    def row(count):
        start = time.perf_counter()
        for _ in range(count):
            last = dispatch()
        jax.block_until_ready(last)
        return 1e3 * (time.perf_counter() - start) / count

    def kernels(count):
        networks = tuple({type(network).__name__ for network in (game.gen, game.disc)})
        found = watched.profile(lambda: play(count), count, compiled.as_text(), networks)
        return found.longest, watched.table(found)

    report = {
        'config': config.name,
        'size': list(shape_of(config)),
        'batch': config.batch,
        'dtype': config.dtype,
        'date': time.strftime('%Y-%m-%d'),
        'machine': f'{len(jax.devices())} x {jax.devices()[0].device_kind}, {platform.machine()}',
        'versions': f'Python {platform.python_version()}, jax {jax.__version__}',
        'command': shlex.join(sys.argv),
        'compile_seconds': seconds,
        'operations': cost.get('flops'),
        'operations_least': least_operations(game, config),
        'bytes': cost.get('bytes accessed'),
        'memory_needed': needed,
        'memory_taken': None if None in (grown, needed) else grown + memory.argument_size_in_bytes,
        'matmul_per_second': matmul_rate(getattr(jnp, config.dtype)),
        'copy_bytes_per_second': copy_bandwidth(),
    }
    return Step(times, row, kernels), report


def time_other(values) -> float:
    """The median step of the other script in milliseconds; raises UserError where it tells none."""
    config = values.config
    command = [
        values.python, values.against, '--size', str(config.size), '--batch', str(config.batch),
        '--dtype', config.dtype, '--steps', str(values.steps), *shlex.split(values.arguments),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise UserError(f'--python={values.python} cannot be run ({error.strerror}): give an interpreter.') from error
    try:
        return float(json.loads(done.stdout.splitlines()[-1])['median_ms'])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        said = (done.stderr.strip() or done.stdout.strip() or 'it said nothing').splitlines()[-1]
        raise UserError(
            f'{values.against} ended with code {done.returncode} and without a line {{"median_ms": ...}}: {said}'
        ) from error


def summary(rounds, least, matmul, config) -> dict:
    """Medians over the rounds, and what follows from them."""
    medians = [statistics.median(r['step_ms']) for r in rounds]
    everything = sorted(t for r in rounds for t in r['step_ms'])
    median = statistics.median(medians)
    found = {
        'step_ms': median,
        'step_ms_range': [everything[0], everything[-1]],
        'row_ms': statistics.median(r['row_ms'] for r in rounds),
        'images_per_second': 1e3 * config.batch / median,
        'seconds_per_1000_images': median / config.batch,
        'share_of_roofline': least / (median / 1e3) / matmul,
        'rounds': rounds,
    }
    if 'other_ms' in rounds[0]:
        found['other_ms'] = statistics.median(r['other_ms'] for r in rounds)
        found['other_over_ours'] = statistics.median(r['other_ms'] / m for r, m in zip(rounds, medians, strict=True))
    return found


def table(report) -> str:
    """The report as lines to read."""
    low, high = report['step_ms_range']
    lines = [
        f'{report["config"]}, {report["size"][0]} x {report["size"][1]} px, batch {report["batch"]}, {report["dtype"]}',
        f'{report["machine"]}; {report["versions"]}; {report["date"]}',
        f'compiled (or read)     {report["compile_seconds"]:.1f} s',
        f'step                   {report["step_ms"]:.1f} ms (all steps: {low:.1f} to {high:.1f})',
        f'  not waited for       {report["row_ms"]:.1f} ms',
        f'images per second    {report["images_per_second"]:.1f}',
        f'seconds per 1000       {report["seconds_per_1000_images"]:.2f}',
        f'operations             {operations_line(report["operations"], report["operations_least"])}',
        f'bytes accessed         {told(report["bytes"], 1e9, "G")}',
        f'matrix products        {report["matmul_per_second"] / 1e9:.1f} G operations/s; copies '
        f'{report["copy_bytes_per_second"] / 1e9:.1f} GB/s',
        f'share of that rate     {report["share_of_roofline"]:.1%}',
        f'memory                 {memory_line(report["memory_needed"], report["memory_taken"])}',
    ]  # fmt: skip
    if 'other_ms' in report:
        lines.append(
            f'the other script       {report["other_ms"]:.1f} ms: {report["other_over_ours"]:.2f} times our step'
        )
    return '\n'.join(lines)


def operations_line(counted: float | None, least: float) -> str:
    """What XLA counts beside the least; a backend that leaves convolutions to libraries does not count those."""
    line = f'{told(counted, 1e9, "G")}, least {least / 1e9:.2f} G'
    if counted is None:
        return line
    if counted < least:
        return f'{line}: what libraries compute is not counted'
    return f'{line}: {counted / least:.3f} times'


def memory_line(needed: int | None, taken: int | None) -> str:
    """What the compiled step needs by XLA's account, and what it took while it ran."""
    line = f'{told(needed, 2**30, "GiB", 3)} needed by the step'
    return line if taken is None else f'{line}, {told(taken, 2**30, "GiB", 3)} taken: {taken / needed:.2f} times'


def told(number: float | None, unit: float, name: str, digits: int = 2) -> str:
    """A number in units; words, where the backend does not count it."""
    return 'not counted' if number is None else f'{number / unit:.{digits}f} {name}'


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
