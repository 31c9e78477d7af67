"""Every family that generates from noise goes through the same step, loop, checkpoints and verbs, memory and all."""

import json

import jax
import numpy as np
import pytest
from generators import KEY, generator_config

from gans.core.sampling import paint, sample
from gans.evaluation.evaluate import evaluate
from gans.objectives.began import draw_latent
from gans.run.experiment import open_experiment
from gans.run.trained import load_run
from gans.training.loop import train

STANDARD = dict(name='standard', form='non_saturating', terms=())
FAMILIES = {
    'dcgan': dict(
        networks='dcgan',
        generator=dict(widths=(4, 4), z_dim=5, norm='batch'),
        discriminator=dict(widths=(4, 4), norm='batch'),
        objective=STANDARD,
        ema=0.9,
    ),
    'wgan_gp': dict(
        networks='dcgan',
        generator=dict(widths=(4, 4), z_dim=5, norm='batch'),
        discriminator=dict(widths=(4, 4), norm='layer'),
        objective=dict(name='standard', form='wasserstein', terms=(), penalty=True),
        turns=dict(gen=1, disc=2),
        schedules={'penalty': 10.0},
    ),
    'began': dict(
        networks='began',
        generator=dict(width=4, levels=1, z_dim=5),
        discriminator=dict(widths=(4, 4), z_dim=5),
        objective=dict(name='began', terms=(), z_dim=5, warm_up=8),
        schedules={'adversarial': None, 'residual': 0.0},
    ),
}


def family(name, **changes):
    """The config of a family, 16 px; an `None` among its schedules takes one away."""
    parts = FAMILIES[name]
    config = generator_config()
    scheduled = config.schedules.to_dict() | parts.get('schedules', {})
    whole = (
        config.to_dict() | parts | {'name': name, 'schedules': {k: v for k, v in scheduled.items() if v is not None}}
    )
    config = type(config)(whole)
    config.update_from_flattened_dict(changes)
    return config


@pytest.fixture(scope='module', params=FAMILIES)
def whole(request, tmp_path_factory):
    """A run of four steps that was never interrupted."""
    folder = tmp_path_factory.mktemp(request.param) / 'run'
    assert train(open_experiment(family(request.param, steps=4)), folder)
    return request.param, folder


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(whole, tmp_path):
    name, folder = whole
    for steps in (1, 3, 4):
        ended = train(open_experiment(family(name, steps=4)), tmp_path / 'parts', pause=steps.__eq__)
        assert ended == (steps == 4)
    one, other = (load_run(place) for place in (folder, tmp_path / 'parts'))
    assert other.step == 4
    jax.tree.map(np.testing.assert_array_equal, one.state, other.state)
    for file in ('metrics.jsonl', 'samples/step_000004.png'):
        assert (folder / file).read_bytes() == (tmp_path / 'parts' / file).read_bytes()


def test_what_a_family_remembers_moves(whole):
    name, folder = whole
    state = load_run(folder).state
    moved = {'dcgan': (state.gen.stats, state.disc.stats, state.gen.ema), 'wgan_gp': (state.gen.stats,)}
    for part in moved.get(name, ()):
        assert jax.tree.leaves(part)
    assert bool(state.gen.ema) == (name == 'dcgan') and bool(state.disc.stats) == (name == 'dcgan')
    if name == 'began':
        assert state.carry.codes.seen == 4 * 8 and np.abs(state.carry.codes.cov).max() > 0
    last = json.loads((folder / 'metrics.jsonl').read_text().splitlines()[-1])
    assert last['step'] == 4 and last['diversity'] >= 0
    assert {'dcgan': 'disc/real_probability', 'wgan_gp': 'disc/slope', 'began': 'disc/convergence'}[name] in last


def test_every_family_is_measured(whole):
    name, folder = whole
    text = evaluate(folder)
    assert text.startswith(f'run: generate, step 4, {json.loads((folder / "evaluation.json").read_text())["images"]}')
    assert name in (folder / 'evaluation.json').read_text()


def test_samples_are_drawn_from_what_the_rules_know(tmp_path):
    experiment = open_experiment(family('began', steps=1))
    train(experiment, tmp_path / 'run')
    run = load_run(tmp_path / 'run')
    latent = jax.random.normal(KEY, (6, 5))
    latents = draw_latent(8, run.state.carry, latent)
    assert np.abs(latents - latent).max() > 0.1
    expected = paint(run.game, run.state, {'latent': latents})
    np.testing.assert_array_equal(sample(run.game, run.state, {'latent': latent}), expected)
