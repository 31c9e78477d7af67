"""Networks outside of the package: what does not fit the images is told when the experiment is opened."""

from pathlib import Path

import pytest
from command_line import ROOT, main
from own_package import own_package
from saved_run import assert_same_outcome, break_after, logged, outcome

ODD = """
import flax.linen as nn
import jax.numpy as jnp


class Generator(nn.Module):
    made: tuple[int, ...] = (16, 16, 3)

    @nn.compact
    def __call__(self, latent=None, image=None, train=False):
        given = latent if image is None else image.mean((1, 2))
        made = nn.Dense(self.made[0] * self.made[1] * self.made[2])(given)
        return jnp.tanh(made).reshape(-1, *self.made)


class Discriminator(nn.Module):
    pooled: bool = False

    @nn.compact
    def __call__(self, image, cond=None, train=False):
        x = nn.Conv(4, (3, 3))(image)
        return nn.Dense(1)(x.mean((1, 2)) if self.pooled else x.reshape(len(x), -1))[:, 0]
"""
GROWING = """
import flax.linen as nn
import jax
import jax.numpy as jnp


def of_size(images, side):
    return jax.image.resize(images, (len(images), side, side, 3), 'linear')


class Generator(nn.Module):
    needs = ('growth',)
    wrong_at: int = 9
    stage: int | None = None

    @nn.compact
    def __call__(self, latent, train=False):
        image = jnp.tanh(nn.Dense(16 * 16 * 3)(latent)).reshape(-1, 16, 16, 3)
        return of_size(image, side_of(self.stage) + (self.stage == self.wrong_at))

    @nn.nowrap
    def target(self, images, hyper):
        return of_size(images, side_of(self.stage))


def side_of(stage):
    return 16 if stage is None else 4 * 2**stage


class Discriminator(nn.Module):
    stage: int | None = None

    @nn.compact
    def __call__(self, image, cond=None, train=False):
        return nn.Dense(1)(of_size(image, 4).reshape(len(image), -1))[:, 0]
"""
DROPPING = """
import flax.linen as nn
import jax.numpy as jnp


class Generator(nn.Module):
    rate: float = 0.5

    @nn.compact
    def __call__(self, latent, train=False):
        x = nn.Dropout(self.rate)(nn.relu(nn.Dense(32)(latent)), deterministic=not train)
        return jnp.tanh(nn.Dense(16 * 16 * 3)(x)).reshape(-1, 16, 16, 3)


class Discriminator(nn.Module):
    rate: float = 0.5

    @nn.compact
    def __call__(self, image, cond=None, train=False):
        x = nn.leaky_relu(nn.Dense(32)(image.reshape(len(image), -1)), 0.2)
        return nn.Dense(1)(nn.Dropout(self.rate, deterministic=not train)(x))[:, 0]
"""
CONFIG = """
from ml_collections import ConfigDict

from gans.config.load import load


def get_config(variant):
    config = load(f'{ROOT}/configs/{variant}.py:tiny').unlock()
    config.size, config.networks = 16, 'my_networks.NETWORKS'
    config.generator, config.discriminator = ConfigDict(dict(GEN)), ConfigDict(dict(DISC))
    config.objective = ConfigDict(dict(name='standard', form='hinge', terms=()))
    config.schedules = ConfigDict(dict(learning_rate_gen=1e-3, learning_rate_disc=1e-3, adversarial=1.0, blur=0.0))
    config.schedules.update(SCHEDULES)
    return config
"""


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    own_package(tmp_path, monkeypatch, 'my_networks', {'odd': ODD, 'growing': GROWING, 'dropping': DROPPING})


def trained(experiment, *words, networks='odd', gen='', disc='', schedules='{}'):
    """Trains these networks for a config of the repository; what was printed is one line where it was refused."""
    fields = {'{ROOT}': ROOT, 'NETWORKS': networks, 'GEN': gen, 'DISC': disc, 'SCHEDULES': schedules}
    text = CONFIG
    for name, value in fields.items():
        text = text.replace(name, str(value))
    Path('mine.py').write_text(text)
    return main(f'--config=mine.py:{experiment}', '--config.devices=1', '--config.batch=8', *words)


def said(done):
    assert done.code == 2 and len(done.err.splitlines()) == 1, done
    return done.err


@pytest.mark.parametrize('experiment', ['dcgan', 'colorize', 'inpaint', 'dilated_colorize'])
def test_a_generator_of_another_size_is_told_for_every_task(experiment):
    for made in ((14, 14, 3), (16, 16, 1), (16, 12, 3)):
        told = said(trained(experiment, '--workdir=run', gen=f'made={made}', disc='pooled=True'))
        given = ' x '.join(map(str, made))
        assert told.startswith(f'The generator gives {given}, and the images are 16 x 16 x 3: '), told
    assert not Path('run').exists()
    assert trained(experiment, '--dry_run').code == 0


def test_a_stage_of_another_size_is_told_before_the_first_step():
    growth = 'dict(growth=dict(at=(0.2, 0.8), value=(0.0, 2.0)))'
    told = said(trained('dcgan', '--workdir=run', networks='growing', gen='wrong_at=2', schedules=growth))
    assert told.startswith('The generator gives 17 x 17 x 3, and the images are 16 x 16 x 3: ')
    assert not Path('run').exists()
    done = trained('dcgan', '--workdir=run', '--config.steps=4', networks='growing', schedules=growth)
    assert done.code == 0, done.err


def test_dropout_of_flax_works_and_eight_devices_and_a_stopped_run_draw_the_same():
    words = ['--config.steps=3', '--config.log.every=1', '--config.checkpoint.every=1']
    words += [f'--config.optimizer.{player}.name=sgd' for player in ('gen', 'disc')]

    def train(name, *layout, **fields):
        done = trained('dcgan', f'--workdir={name}', *words, *layout, networks='dropping', **fields)
        assert done.code == 0, done.err
        return [{key: line[key] for key in ('gen/loss', 'disc/loss')} for line in logged(Path(name))]

    whole = train('whole')
    with break_after(1):
        train('parts')
    train('parts')
    assert_same_outcome(outcome(Path('parts')), outcome(Path('whole')))
    for one, other in zip(whole, train('eight', '--config.devices=8'), strict=True):
        assert other == pytest.approx(one, rel=1e-4)
    assert train('none', gen='rate=0.0')[0] != whole[0] != train('other', disc='rate=0.0')[0], 'both drop something'

    shared = said(trained('dcgan', *words, '--config.devices=8', '--config.parallel=pmap', networks='dropping'))
    assert "Flax's dropout (that of gans.nn.noise can be shared), for which it takes all of it: give" in shared
    done = main('--mode=evaluate', '--workdir=whole')
    assert done.code == 0, done.err
