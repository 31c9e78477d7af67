"""What the benchmarks say: of a backend that counts nothing, of layers, of forms, of mistakes."""

import sys
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import forms, kernels, step
from gans.config.load import load
from gans.errors import UserError
from gans.nn import conv


def test_what_a_backend_does_not_count_is_said():
    assert step.operations_line(None, 2e9) == 'not counted, least 2.00 G'
    assert step.operations_line(1e9, 2e9) == '1.00 G, least 2.00 G: what libraries compute is not counted'
    assert step.operations_line(3e9, 2e9) == '3.00 G, least 2.00 G: 1.500 times'
    assert step.memory_line(None, None) == 'not counted needed by the step'
    assert step.memory_line(2**30, None) == '1.000 GiB needed by the step'
    assert step.memory_line(2**30, 2**31) == '1.000 GiB needed by the step, 2.000 GiB taken: 2.00 times'


def test_time_goes_to_the_layer_and_the_way_that_xla_names():
    program = """
  %conv.1 = f32[2]{0} custom-call(%a), metadata={op_name="jit(_play)/jvp(Generator)/merge_4/conv/dot"}
  ROOT fusion.2 = f32[2]{0} fusion(%conv.1), kind=kLoop, metadata={op_name="jit(_play)/transpose(jvp(Generator))/out/x"}
  %add.3 = f32[] add(%b, %c), metadata={op_name="jit(_play)/add"}
"""
    layers = kernels.layers_in(program, ('Generator', 'Discriminator'))
    assert layers == {'conv.1': ('Generator', 'merge_4', False), 'fusion.2': ('Generator', 'out', True)}
    rows = [(2.0, 1, 'conv.1', 'a'), (0.5, 2, 'conv.1', 'b'), (3.0, 1, 'fusion.2', 'c'), (1.0, 4, 'add.3', 'd')]
    found = kernels.summed(rows, layers)
    assert (found.milliseconds, found.count) == (6.5, 8)
    assert list(found.layers.items()) == [
        (('Generator', 'out'), (0, 3)),
        (('Generator', 'merge_4'), (2.5, 0)),
        (('', 'other'), (1, 0)),
    ]
    assert found.longest[0] == (3.0, 1, 'fusion.2', 'c')


def test_a_program_is_watched_by_layer():
    class Layer:
        """Stands for a network: its name is the name of a scope."""

    @jax.jit
    def program(x):
        with jax.named_scope('Layer'), jax.named_scope('first'):
            x = jnp.sin(x @ x)
        return jnp.sort(x, axis=0)

    compiled = program.lower(jnp.ones((300, 300))).compile()
    x = jnp.ones((300, 300))
    jax.block_until_ready(compiled(x))
    found = kernels.profile(lambda: jax.block_until_ready(compiled(x)), 1, compiled.as_text(), ('Layer',))
    assert found.layers['Layer', 'first'][0] > 0 == found.layers['Layer', 'first'][1]
    assert np.isclose(sum(map(sum, found.layers.values())), found.milliseconds)
    assert 'Layer first' in kernels.table(found)


def test_every_convolution_is_there_once_with_the_form_that_is_chosen():
    calls = forms.calls_of(load('configs/inpaint.py'))
    assert calls['merge_4/conv'] == ((8, 64, 64, 40), (5, 5, 40, 16), 1, 1)
    assert calls['up_4/conv'] == ((8, 32, 32, 24), (5, 5, 24, 24), 1, 2)
    assert len(set(calls.values())) == len(calls)
    for call in calls.values():
        assert conv.choose(*call, 'cpu') in forms.forms_of(call), call
        assert conv.choose(*call, 'gpu') in forms.forms_of(call), call


def test_a_form_that_is_wrong_is_not_timed(monkeypatch):
    call = forms.Call((2, 4, 4, 3), (5, 5, 3, 4), 1, 1)
    chosen, times = forms.measure(call, 'float32', 1)
    assert chosen == 'patches'
    assert set(times) == {'plain', 'blocks', 'columns', 'exchanged', 'patches', 'plain+16'}
    assert all(0 < time for both in times.values() for time in both)
    monkeypatch.setattr(conv, 'patches', lambda x, kernel, stride, upscale: conv.plain(2 * x, kernel, stride, upscale))
    with np.testing.assert_raises_regex(AssertionError, "the form 'patches' differs"):
        forms.measure(call, 'float32', 1)


MISTAKES = [
    (forms, '--only=merge_1', "No convolution is named 'merge_1' (did you mean"),
    (forms, '--repeats=0', '--repeats=0 is out of range: give 1 or more.'),
    (forms, '--kernels', '--kernels is not a flag'),
    (step, '--step=3', "--step is not a flag (did you mean '--steps'?)"),
    (step, '--steps=x', "--steps is 'x': give a whole number."),
    (step, '--rounds=0', '--rounds=0 is out of range'),
    (step, '--start=-1', '--start=-1 is out of range: give 0 or more.'),
    (step, '--json=no/folder/x.json', '--json=no/folder/x.json cannot be written'),
    (step, '--json=.', '--json=. cannot be written'),
    (step, '--against=none.py', '--against=none.py is not a file'),
    (step, '--config.batch=0', 'config.batch is 0'),
    (step, '--config.bach=8', 'config.bach is not a field of configs/inpaint.py:tiny'),
    (step, '--config=configs/none.py', 'configs/none.py'),
    (step, 'steps=3', "'steps=3' is not a flag"),
]


@pytest.mark.parametrize(('benchmark', 'word', 'said'), MISTAKES, ids=[word for _, word, _ in MISTAKES])
def test_a_mistake_is_one_sentence_before_anything_is_timed(benchmark, word, said, capsys):
    words = ['--config=configs/inpaint.py:tiny', '--config.devices=1', word]
    assert benchmark.main(words) == 2
    told = capsys.readouterr()
    assert said in told.err and told.err.count('\n') == 1 and not told.out


def test_nothing_to_time_is_a_mistake_and_help_lists_every_flag(capsys):
    for benchmark in (forms, step):
        assert benchmark.main([]) == 2
        assert 'Nothing to time' in capsys.readouterr().err
        assert benchmark.main(['--help']) == 0
        assert {f'--{name}' for name in ('config', *benchmark.FLAGS)} <= set(capsys.readouterr().out.split())


@pytest.mark.parametrize('code', ["raise SystemExit('no card here')", "print('no card here')"])
def test_another_script_that_tells_no_time_is_said_with_its_last_words(tmp_path, code):
    (tmp_path / 'other.py').write_text(code)
    given = {'python': sys.executable, 'against': str(tmp_path / 'other.py'), 'steps': 1, 'arguments': ''}
    with pytest.raises(UserError, match=r'other\.py ended with code [01] and without a line .*: no card here'):
        step.time_other(SimpleNamespace(**given, config=load('configs/inpaint.py:tiny')))
    with pytest.raises(UserError, match='--python=none cannot be run'):
        step.time_other(SimpleNamespace(**{**given, 'python': 'none'}, config=load('configs/inpaint.py:tiny')))
