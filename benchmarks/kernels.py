"""Where the time of a compiled step goes: what each layer's kernels take, as JAX's profiler counts it."""

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax

_HOLDERS = ('while', 'conditional', 'call')  # their time is that of what they hold, which is counted too


class Kernels(NamedTuple):
    """What the kernels of a step take.

    Attributes:
      milliseconds: of all of them, a step. On a CPU that of all threads together, waiting for a processor included.
      count: how many start in a step.
      layers: {(network, layer): (milliseconds forward, backward)}, longest first; the name of what is in no layer is
        ('', 'other').
      longest: [(milliseconds, how often a step, instruction of XLA's, name of the kernel)], longest first.
    """

    milliseconds: float
    count: float
    layers: dict[tuple[str, str], tuple[float, float]]
    longest: list[tuple[float, float, str, str]]


def profile(play: Callable[[], None], steps: int, program: str, networks: tuple[str, ...]) -> Kernels:
    """Watches `steps` steps of a compiled program while `play` runs them and waits for them.

    Args:
      play: plays all of them.
      steps: how many those are.
      program: the compiled program as text, `compiled.as_text()`: it says which layer an instruction is of.
      networks: the class names of the networks, as they stand in it.
    """
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            play()
        (file,) = Path(folder).rglob('*.xplane.pb')
        planes = list(jax.profiler.ProfileData.from_file(str(file)).planes)
    on_device = [plane for plane in planes if plane.name.startswith('/device:')]
    times = defaultdict(lambda: [0.0, 0])
    for plane in on_device or planes:
        for line in plane.lines:
            if on_device and not line.name.startswith('Stream'):
                continue  # the same time again, by instruction or by program
            for event in line.events:
                instruction = dict(event.stats).get('hlo_op')
                if instruction is not None and not str(instruction).startswith(_HOLDERS):
                    found = times[str(instruction), event.name]
                    found[0] += event.duration_ns / 1e6 / steps
                    found[1] += 1
    return summed(
        [(spent, count / steps, *names) for names, (spent, count) in times.items()], layers_in(program, networks)
    )


def summed(rows: list[tuple[float, float, str, str]], layers: dict[str, tuple[str, str, bool]]) -> Kernels:
    """What rows as `Kernels.longest` has them come to; `layers` as `layers_in` gives them."""
    by_layer = defaultdict(lambda: [0.0, 0.0])
    for spent, _, instruction, _ in rows:
        network, layer, backward = layers.get(instruction, ('', 'other', False))
        by_layer[network, layer][backward] += spent
    ordered = sorted(by_layer.items(), key=lambda item: -sum(item[1]))
    return Kernels(
        sum(row[0] for row in rows),
        sum(row[1] for row in rows),
        {name: tuple(spent) for name, spent in ordered},
        sorted(rows, reverse=True),
    )


def layers_in(program: str, networks: tuple[str, ...]) -> dict[str, tuple[str, str, bool]]:
    """{instruction: (network, layer, whether it is of the way back)} of a compiled program's text."""
    names = '|'.join(map(re.escape, networks))
    found = {}
    for instruction, path in re.findall(r'%?([\w.\-]+) = .*?op_name="([^"]*)"', program):
        layer = re.search(rf'\b({names})\)*/(\w+)', path)
        if layer:
            found.setdefault(instruction, (layer[1], layer[2], 'transpose(' in path))
    return found


def table(kernels: Kernels, layers: int = 12) -> str:
    """The layers that take most, as lines to read."""
    lines = [f'kernels                {kernels.milliseconds:.2f} ms in {kernels.count:.0f} of them']
    for (network, layer), (forward, backward) in list(kernels.layers.items())[:layers]:
        lines.append(f'  {f"{network} {layer}".strip():32s} {forward:8.3f} ms forward {backward:8.3f} ms back')
    return '\n'.join(lines)
