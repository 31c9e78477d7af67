"""A loss term outside of the package: a module by its dotted path. tests/test_notebooks.py trains with one."""

from functools import partial

import jax
import numpy as np
import pytest
from command_line import ROOT, config, main
from own_package import own_package

from gans.config.load import load
from gans.core.build import build
from gans.core.state import state_shapes
from gans.core.step import train_step
from gans.errors import UserError
from gans.objectives import began, standard

SMOOTHNESS = """
import jax.numpy as jnp
from gans.types import Term

def make(order: int = 1):
    return Term(lambda turn: jnp.mean(jnp.abs(jnp.diff(turn.output, n=order, axis=1))))
"""


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    own_package(tmp_path, monkeypatch, 'my_terms', {'smoothness': SMOOTHNESS, 'l1': SMOOTHNESS})


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


WITH_TERM = """
from gans.config.load import load


def get_config():
    config = load('{ROOT}/configs/EXPERIMENT.py:tiny').unlock()
    config.objective = dict(config.objective, PLAYER=('my_terms.NAME',))
    if 'NAME' not in config.schedules:
        config.schedules['NAME'] = 1.0
    return config
"""
TAKEN = [
    ('dcgan', 'terms', 'adversarial'),
    ('dcgan', 'terms', 'loss'),
    ('dcgan', 'terms', 'blur'),
    ('dcgan', 'terms', 'learning_rate_gen'),
    ('dcgan', 'terms', 'augment'),
    ('dcgan', 'disc_terms', 'real_loss'),
    ('dcgan', 'disc_terms', 'fake_probability'),
    ('modern', 'disc_terms', 'r1'),
    ('modern', 'disc_terms', 'pair_loss'),
    ('wgan_gp', 'disc_terms', 'penalty'),
    ('wgan_gp', 'disc_terms', 'slope'),
    ('progressive', 'terms', 'growth'),
    ('progressive', 'disc_terms', 'drift'),
    ('began', 'terms', 'residual'),
    ('began', 'terms', 'k'),
]


@pytest.mark.parametrize('experiment, player, name', TAKEN, ids=map('-'.join, TAKEN))
def test_a_name_that_a_schedule_or_a_metric_has_is_refused(experiment, player, name, tmp_path):
    (tmp_path / 'my_terms' / f'{name}.py').write_text(SMOOTHNESS)
    text = WITH_TERM.replace('{ROOT}', str(ROOT)).replace('EXPERIMENT', experiment)
    (tmp_path / 'mine.py').write_text(text.replace('PLAYER', player).replace('NAME', name))
    done = main('--config=mine.py', '--workdir=run')
    assert done.code == 2 and len(done.err.splitlines()) == 1, done
    assert done.err.startswith(f"config.objective.{player} has a term called '{name}', as a schedule or a metric of")
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize('experiment', ['dcgan', 'modern', 'wgan_gp', 'progressive', 'began', 'colorize', 'inpaint'])
def test_every_number_that_an_objective_logs_is_a_name_that_it_keeps(experiment):
    found = load(config(f'{experiment}:tiny').removeprefix('--config='))
    game = build(found, 10)
    state = state_shapes(game, found)
    images = jax.ShapeDtypeStruct(game.batch_shape, np.uint8)
    key = jax.eval_shape(lambda: jax.random.key(0))
    _, metrics = jax.eval_shape(partial(train_step, game), key, state, images)
    names = {name.partition('/')[2] for name in metrics if not name.startswith('schedule/')}
    own = {'standard': standard, 'began': began}[found.objective.name].METRICS
    assert names - {'loss', *game.objective.terms.gen, *game.objective.terms.disc} <= set(own)


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
