"""A program as one StableHLO file for CPU, CUDA and TPU, which `jax.export` alone can read and run."""

import contextlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from gans.errors import UserError
from gans.export.program import NOISE, Program
from gans.nn import conv
from gans.types import Game

PLATFORMS = ('cpu', 'cuda', 'tpu')
_STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # heights and widths are tried as multiples of these


class Exported(NamedTuple):
    """A program in StableHLO.

    Attributes:
      content: the bytes of the file.
      symbols: the shape of each input as text: '(n, 8*h, 8*w, 3)'.
      step: heights and widths are multiples of it; None if there is one size alone.
      convention: the version of JAX's calling convention, by which other versions of JAX know whether they can run it.
    """

    content: bytes
    symbols: tuple[str, ...]
    step: int | None
    convention: int


def export_program(game: Game, program: Program, weights: Mapping, config_name: str) -> Exported:
    """Makes StableHLO of a program, its weights inside, for any number of examples and, where possible, any size.

    Raises:
      UserError: the generator cannot be traced for a number of examples that is not known, or flatbuffers is missing.
    """
    function = jax.jit(partial(program.function, jax.tree.map(jnp.asarray, weights)))
    step = size_step(game, program, weights)
    symbols = symbols_of(program, step)
    try:
        with conv.for_any_backend(), _without_places():
            made = export.export(function, platforms=PLATFORMS)(*shapes(program, symbols))
    except Exception as error:  # of any kind: networks may be anybody's
        line = f'{error}'.strip().partition('\n')[0][:300]
        raise UserError(
            f'The generator of {config_name} cannot be exported for any number of images at once '
            f'({type(error).__name__}: {line}): in a network of your own write x.shape[0] for len(x).'
        ) from error
    try:
        content = made.serialize()
    except ImportError as error:
        raise UserError(f'StableHLO files need flatbuffers ({error}): pip install flatbuffers.') from error
    return Exported(content, symbols, step, made.calling_convention_version)


def size_step(game: Game, program: Program, weights: Mapping) -> int | None:
    """Of what heights and widths must be multiples, 1 for any; None for a network whose size is fixed.

    A network whose parameters would be others at another size has one size. The rest is tried by tracing.
    """
    if not any(one.name == 'image' for one in program.inputs):
        return None
    if _parameters(game, 1) != _parameters(game, 2):
        return None
    for step in _STEPS:
        symbols = symbols_of(program, step)
        try:
            with conv.for_any_backend():
                jax.eval_shape(partial(program.function, weights), *shapes(program, symbols))
        except Exception:  # of any kind: networks may be anybody's, and say in many ways that a size does not fit
            continue
        return step
    return None


def symbols_of(program: Program, step: int | None) -> tuple[str, ...]:
    """The shapes of the inputs as `jax.export.symbolic_shape` reads them."""
    sides = () if step is None else ('h', 'w') if step == 1 else (f'{step}*h', f'{step}*w')
    shapes = []
    for one in program.inputs:
        shape = one.shape if one.name == NOISE or not sides else (*sides, one.shape[-1])
        shapes.append(f'({", ".join(map(str, ("n", *shape)))})')
    return tuple(shapes)


def shapes(program: Program, symbols: tuple[str, ...]) -> list[jax.ShapeDtypeStruct]:
    """The inputs as JAX takes them where it traces: with the shapes of `symbols_of`."""
    scope = export.SymbolicScope()
    pairs = zip(program.inputs, symbols, strict=True)
    return [jax.ShapeDtypeStruct(export.symbolic_shape(text, scope=scope), np.dtype(one.dtype)) for one, text in pairs]


@contextlib.contextmanager
def _without_places() -> Iterator[None]:
    """Programs get no names of source files and folders of this machine in this context."""
    before = jax.config.jax_traceback_in_locations_limit
    jax.config.update('jax_traceback_in_locations_limit', 0)
    try:
        yield
    finally:
        jax.config.update('jax_traceback_in_locations_limit', before)


def _parameters(game, times):
    """The shapes of the generator's parameters for images of so many times the size."""
    height, width = (times * side for side in game.size)
    drawn = jax.eval_shape(game.task.draw, jax.random.key(0), jax.ShapeDtypeStruct((height, width, 3), jnp.float32))
    shown = {name: jax.ShapeDtypeStruct((1, *x.shape), x.dtype) for name, x in drawn.gen.items()}
    found = jax.eval_shape(partial(game.gen.init, train=False), jax.random.key(0), **shown)
    return jax.tree.map(lambda x: x.shape, found)
