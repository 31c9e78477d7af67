"""The configs that generate from noise: what their variants take from the posts' tables."""

import jax
import pytest

from gans.config.load import load
from gans.core.build import build
from gans.core.state import state_shapes

# config and variant: (size, batch, Adam's b1, b2, learning rate, latent, parameters of both players)
TABLES = {
    'dcgan.py:paper': (64, 128, 0.5, 0.999, 2e-4, 128, 36_565_764),
    'dcgan.py:flowers': (64, 128, 0.5, 0.999, 2e-4, 128, 36_565_764),
    'wgan_gp.py:paper': (64, 128, 0.0, 0.9, 1e-4, 128, 36_565_764),
    'wgan_gp.py:flowers': (64, 128, 0.0, 0.9, 1e-4, 128, 36_565_764),
    'began.py:paper': (64, 48, 0.5, 0.999, 1e-4, 64, 17_187_398),
    'began.py:flowers': (64, 48, 0.5, 0.999, 1e-4, 64, 17_187_398),
    'birds.py:paper': (192, 64, 0.0, 0.99, 1e-4, 128, 7_043_393 + 4_848_835),
}


@pytest.mark.parametrize('config_file', TABLES)
def test_variants_hold_the_tables(config_file):
    size, batch, b1, b2, rate, latent, parameters = TABLES[config_file]
    config = load(f'configs/{config_file}')
    assert (config.size, config.batch, config.task.latent, config.ema) == (size, batch, latent, 0)
    for player in (config.optimizer.gen, config.optimizer.disc):
        assert player.to_dict() == {'name': 'adam', 'b1': b1, 'b2': b2}
    game = build(config, 10_000)
    for name in ('learning_rate_gen', 'learning_rate_disc'):
        assert [float(game.schedules[name](at * config.steps)) for at in (0, 0.5, 1)] == pytest.approx([rate] * 3)
    state = state_shapes(game, config)
    counted = sum(leaf.size for leaf in jax.tree.leaves((state.gen.params, state.disc.params)))
    # The post counts both networks with batch norm; a critic's layer norm has as many.
    assert counted == parameters
    for network in (config.generator, config.discriminator):
        assert network.init_std == 0.02 and network.get('slope', 0.2) == 0.2


@pytest.mark.parametrize('config_file', ['dcgan.py', 'wgan_gp.py', 'began.py'])
def test_flowers_are_mirrored_turned_and_recoloured(config_file):
    faces, flowers = (load(f'configs/{config_file}:{variant}') for variant in ('paper', 'flowers'))
    assert (faces.data.tfds.dataset, flowers.data.tfds.dataset) == ('celeb_a', 'oxford_flowers102')
    assert flowers.task.flip and flowers.task.rotate and not faces.task.rotate
    assert min(flowers.task.hue, flowers.task.saturation, flowers.task.value) > 0 == faces.task.hue


def test_the_players_of_the_posts():
    dcgan = load('configs/dcgan.py:paper')
    assert dcgan.task.distribution == 'uniform'
    wgan, began = load('configs/wgan_gp.py:paper'), load('configs/began.py:paper')
    for config in (dcgan, wgan):
        assert (config.generator.up, config.discriminator.down) == ('transposed', 'stride')
    assert wgan.task.distribution == 'uniform' and wgan.discriminator.norm == 'layer' and wgan.objective.penalty
    assert float(build(wgan, 100).schedules['penalty'](0)) == 10 and wgan.turns.disc == 5
    assert began.task.distribution == 'normal'  # what the rules turn into their Gaussian
    assert (began.objective.gamma, began.objective.gain) == (0.5, 0.001)


def test_birds_see_clearly_after_200_of_500_epochs():
    config = load('configs/birds.py:paper')
    # 11,013 images: those of the post, all of them trained on.
    blur = build(config, 11_013).schedules['blur']
    epoch = 11_013 / 64
    assert config.steps == pytest.approx(500 * epoch, rel=0.01)
    assert [float(blur(round(at * epoch))) for at in (0, 100, 200, 500)] == pytest.approx([19.2, 9.6, 0, 0], abs=0.05)
    clear = build(load('configs/birds.py:no_blur'), 11_013).schedules['blur']
    assert float(clear(0)) == 0


def test_began_at_128_pixels_has_a_level_more():
    config = load('configs/began.py:paper_128')
    assert config.size == 128 and config.generator.levels == 4
    state_shapes(build(config, 100), config)
