"""A loss term outside of the package: a module by its dotted path. tests/test_notebooks.py trains with one."""

import pytest
from command_line import config, main

from gans.config.load import load
from gans.core.build import build
from gans.errors import UserError

SMOOTHNESS = """
import jax.numpy as jnp
from gans.types import Term

def make(order: int = 1):
    return Term(lambda turn: jnp.mean(jnp.abs(jnp.diff(turn.output, n=order, axis=1))))
"""


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    """A package beside the working directory's files, as a user has it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'my_terms').mkdir()
    (tmp_path / 'my_terms' / '__init__.py').touch()
    (tmp_path / 'my_terms' / 'smoothness.py').write_text(SMOOTHNESS)
    (tmp_path / 'my_terms' / 'l1.py').write_text(SMOOTHNESS)


def with_terms(terms, **weights):
    found = load(config('dcgan:tiny').removeprefix('--config=')).unlock()
    found.objective = dict(found.objective, terms=terms)
    found.schedules.update(weights)
    return found


def test_arguments_are_in_a_section_that_names_the_module():
    game = build(with_terms({'rough': {'name': 'my_terms.smoothness', 'order': 2}}, rough=0.1), 10)
    assert list(game.objective.terms.gen) == ['rough']
    with pytest.raises(UserError, match="terms.rough.oder is not known .did you mean 'order'"):
        build(with_terms({'rough': {'name': 'my_terms.smoothness', 'oder': 2}}, rough=0.1), 10)


def test_what_is_no_term_is_refused():

    for terms, said in (
        (('my_terms.roughness',), "'my_terms.roughness', which is not found"),
        (('os.path',), 'is not found|defines no make'),
        (('l1', 'my_terms.l1'), 'two terms have one name'),
        (('smoothnes',), 'not in gans/losses/terms.py'),
    ):
        with pytest.raises(UserError, match=said):
            build(with_terms(terms), 10)


def test_their_weights_and_their_names_are_given_by_flags_in_any_order():
    words = ['--config.objective.terms=my_terms.smoothness', '--config.schedules.smoothness=0.1']
    for given in (words, words[::-1]):
        done = main(config('dcgan:tiny'), '--dry_run', *given)
        assert done.code == 0, done.err
    done = main(config('dcgan:tiny'), '--dry_run', words[1])
    assert done.code == 2 and 'config.schedules.smoothness is not a field' in done.err


@pytest.mark.parametrize('names', ['historical', "('historical',)", 'historical,my_terms.smoothness'])
def test_those_of_the_discriminator_too(names):
    weights = [f'--config.schedules.{name}=0.1' for name in ('historical', 'smoothness') if name in names]
    done = main(config('dcgan:tiny'), '--dry_run', f'--config.objective.disc_terms={names}', *weights)
    assert done.code == 0, done.err
