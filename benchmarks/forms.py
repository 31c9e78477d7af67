"""Times every convolution of an experiment's networks, alone, in each exact form that it can be computed in.

    python -m benchmarks.forms --config=configs/inpaint.py:paper --config.dtype=bfloat16 --json=forms.json

What `gans.nn.conv.choose` chooses should be the form that is fastest here, on the backend that it is chosen for. Two
times are told: of the forward pass, and of it with the gradients by input and kernel. A form's padding of channels is
tried too: '+16' fills input and output channels with zeros up to a multiple of 16.
"""

import re
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from benchmarks.command_line import Count, check_place, run
from gans.cli.flags import Flag
from gans.errors import UserError, closest
from gans.image.files import write_json

FLAGS = {
    'only': Flag('list', 'layers to time, as in "merge_4,out"; all by default', default=()),
    'repeats': Count('calls per measurement; the best of three counts', default=20),
    'json': Flag('file', 'write the times to this file'),
}


class Call(NamedTuple):
    """One convolution: its input [N, H, W, I], its kernel [K, K, I, O], stride and upscaling."""

    x: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: int
    upscale: int


def main(words: list[str]) -> int:
    """Times the forms as the words behind the program's name say; returns the exit code."""
    return run(words, sys.modules[__name__], time_forms)


def time_forms(values: SimpleNamespace) -> None:
    """Times what `only` names, and prints each; raises UserError for a name that no convolution has."""
    check_place('json', values.json)
    rows = []
    calls = calls_of(values.config)
    parts = {names: set(re.split(', |/', names)) for names in calls}
    known = set().union(*parts.values())
    if missing := [name for name in values.only if name not in known]:
        raise UserError(f'No convolution is named {missing[0]!r}{closest(missing[0], known)}.')
    for names, call in calls.items():
        if values.only and parts[names].isdisjoint(values.only):
            continue
        chosen, times = measure(call, values.config.dtype, values.repeats)
        rows.append({'layers': names, **call._asdict(), 'chosen': chosen, 'milliseconds': times})
        print(line(rows[-1]), flush=True)
        if values.json:  # after each: what was measured stays if time runs out
            write_json(Path(values.json), {'config': values.config.name, 'dtype': values.config.dtype, 'rows': rows})


def calls_of(config) -> dict[str, Call]:
    """Every different convolution of both networks, by the names of the layers that compute it."""
    import flax.linen as nn
    import jax
    import numpy as np

    from gans.core.build import build
    from gans.core.inputs import draw
    from gans.nn.layers import Conv

    game = build(config, images=10_000)
    images = jax.ShapeDtypeStruct((game.batch_shape[1], *game.size, 3), np.uint8)
    inputs = jax.eval_shape(partial(draw, game), jax.random.key(0), images)
    found = {}

    def watch(call, arguments, keywords, context):
        layer = context.module
        if context.method_name == '__call__' and isinstance(layer, Conv) and layer.dilation == 1:
            *place, _ = arguments[0].shape
            channels = sum(x.shape[-1] for x in arguments)
            kernel = (layer.kernel, layer.kernel, channels, layer.features)
            made = Call((*place, channels), kernel, layer.stride, layer.upscale)
            found.setdefault(made, []).append('/'.join(layer.path))
        return call(*arguments, **keywords)

    with nn.intercept_methods(watch):
        for network, args, given in ((game.gen, (), inputs.gen), (game.disc, (inputs.real, inputs.cond), {})):
            jax.eval_shape(partial(network.init, train=True), jax.random.key(0), *args, **given)
    return {', '.join(dict.fromkeys(names)): call for call, names in found.items()}


def measure(call: Call, dtype: str, repeats: int) -> tuple[str, dict[str, list[float]]]:
    """(the form that is chosen for a call here, {form: [ms forward, ms with both gradients]})."""
    import jax
    import jax.numpy as jnp

    from gans.nn import conv

    chosen = conv.choose(call.x, call.kernel, call.stride, call.upscale, conv.backend())
    found, reference = {}, None
    for name, form in forms_of(call).items():
        apply = partial(form, stride=call.stride, upscale=call.upscale)
        x, kernel = (jax.random.normal(jax.random.key(i), call[i]).astype(getattr(jnp, dtype)) for i in (0, 1))
        forward = jax.jit(apply)
        grad = jnp.ones_like(forward(x, kernel))
        both = jax.jit(lambda x, kernel, grad, apply=apply: _with_gradients(apply, x, kernel, grad))
        reference = forward(x, kernel) if reference is None else reference
        _check(name, forward(x, kernel), reference)
        found[name] = [_milliseconds(partial(forward, x, kernel), repeats)]
        found[name].append(_milliseconds(partial(both, x, kernel, grad), repeats))
    return chosen, found


def forms_of(call: Call) -> dict:
    """{name: function} of the forms that compute this call, the definition first."""
    from gans.nn import conv

    size, _, inputs, outputs = call.kernel
    even = call.x[1] % 2 == 0 and call.x[2] % 2 == 0
    found = {'plain': conv.plain}
    if call.upscale == 2 and call.stride == 1 and size % 2:
        found['phases'] = conv.phases
    if call.upscale == 1 and size == 5 and even:
        found |= {'fold': conv.fold} if call.stride == 2 else {'blocks': conv.blocks, 'columns': conv.columns}
    if call.upscale == 1 and call.stride == 1 and size % 2:
        found['exchanged'] = conv.exchanged
    if call.stride > 1:
        found['trilinear'] = conv.trilinear
    if call.x[1] * call.x[2] * call.upscale**2 <= 256:
        found['patches'] = conv.patches
    wide = [name for name in ('plain', 'phases') if name in found and (inputs % 16 or outputs % 16)]
    return found | {f'{name}+16': partial(_filled, found[name]) for name in wide}


def line(row: dict) -> str:
    """A row to read: the layers, the shapes, and both times of every form; '*' marks the chosen one."""
    times = '  '.join(
        f'{"*" if name == row["chosen"] else ""}{name} {forward:.3f} {both:.3f}'
        for name, (forward, both) in row['milliseconds'].items()
    )
    return f'{row["layers"]}: {row["x"]} {row["kernel"]} / {row["stride"]} x {row["upscale"]}: {times}'


def _filled(form, x, kernel, stride, upscale, multiple=16):
    import jax.numpy as jnp

    more_in, more_out = (-count % multiple for count in kernel.shape[2:])
    x = jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, more_in)))
    kernel = jnp.pad(kernel, ((0, 0), (0, 0), (0, more_in), (0, more_out)))
    y = form(x, kernel, stride, upscale)
    return y[..., : y.shape[-1] - more_out]


def _with_gradients(apply, x, kernel, grad):
    import jax

    y, pull_back = jax.vjp(apply, x, kernel)
    return y, *pull_back(grad)


def _check(name, got, wanted):
    import jax.numpy as jnp

    got, wanted = (x.astype(jnp.float32) for x in (got, wanted))
    if not jnp.linalg.norm(got - wanted) <= 0.02 * jnp.linalg.norm(wanted):
        raise AssertionError(f'the form {name!r} differs from the definition')


def _milliseconds(act, repeats):
    import jax

    jax.block_until_ready(act())
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(repeats):
            last = act()
        jax.block_until_ready(last)
        taken.append(1e3 * (time.perf_counter() - start) / repeats)
    return min(taken)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
