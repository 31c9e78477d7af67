"""`discriminator:RUN`: the maps of a run's discriminator, against those of the network itself, at any size."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import ROOT
from generators import generator_config
from saved_run import make_config, save_images, save_run, smooth_images

from gans.config.load import load
from gans.core.build import build
from gans.errors import UserError
from gans.features.discriminator import _maps
from gans.features.opening import open_features
from gans.run.trained import load_run


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp('images') / 'images', smooth_images(10))


def convolutional(images, seed=0):
    """The config of a discriminator with three superlayers, 64 px, whose norm has no running statistics."""
    config = make_config('dcgan', images, seed, layers=3)
    config.discriminator.norm = 'pixelwise'
    return config


@pytest.fixture(scope='module')
def run(tmp_path_factory, images):
    return save_run(tmp_path_factory.mktemp('run') / 'run', convolutional(images))


@pytest.fixture(scope='module')
def features(run):
    return open_features(f'discriminator:{run}')


def test_its_maps_are_those_of_the_network_in_its_order(run, features):
    image = jnp.asarray(smooth_images(1)[0] / 127.5 - 1, jnp.float32)[None]
    names, maps = features.about['layers'], jax.jit(features.layers)(image)
    trained = load_run(run)
    apply = jax.jit(partial(trained.game.disc.apply, capture_intermediates=True))
    _, kept = apply(trained.state.disc.variables, image)
    assert names == ['down_0', 'down_1', 'down_2'] and features.name == 'discriminator'
    for name, found in maps.items():
        np.testing.assert_allclose(found, kept['intermediates'][name]['__call__'][0], atol=1e-6)
    assert features.about['step'] == 3 and features.about['layer'].startswith('down_2')


def test_images_of_other_sizes_have_maps_of_other_sizes(features):
    """Far from the border that is repeated, what a padded image gives is what a larger one gives."""
    image = jnp.asarray(smooth_images(1, 72)[0] / 127.5 - 1, jnp.float32)[None]
    look = jax.jit(features.layers)
    maps = look(image[:, :, :45])
    assert [x.shape[1:3] for x in maps.values()] == [(36, 23), (18, 12), (9, 6)]
    np.testing.assert_allclose(maps['down_0'][:, :, :20], look(image)['down_0'][:, :, :20], atol=1e-5)
    one = jax.eval_shape(features.layers, image[:, :1, :1])
    assert [x.shape for x in one.values()] == [(1, 1, 1, 2)] * 3


def test_its_vectors_are_the_means_of_the_last_map_whatever_is_beside(features):
    several = np.stack(smooth_images(3))
    vectors = features.extract(several)
    assert vectors.shape == (3, features.size) == (3, 2) and vectors.dtype == np.float32
    last = jax.jit(features.layers)(jnp.asarray(several[1:2] / 127.5 - 1, jnp.float32))['down_2']
    np.testing.assert_allclose(vectors[1], np.asarray(last).mean((0, 1, 2)), atol=1e-5)
    np.testing.assert_array_equal(features.extract(several[1:2])[0], vectors[1])


def test_other_weights_are_another_digest(tmp_path, images, run, features):
    other = open_features(f'discriminator:{save_run(tmp_path / "other", convolutional(images, seed=1))}')
    assert other.digest != features.digest == open_features(f'discriminator:{run}').digest


@pytest.mark.parametrize('name', ['dcgan', 'progressive', 'began', 'mnist', 'wgan_gp', 'birds', 'places'])
def test_every_discriminator_of_the_configs_has_maps_before_its_head(name):
    """Traced at a size that is not its own; nothing is computed."""
    game = build(load(f'{ROOT}/configs/{name}.py:tiny'), 10)
    found = {}

    def look(image):
        variables = game.disc.init(jax.random.key(0), image, None)
        found.update(_maps(game.disc, variables, jnp.concatenate([image, image], axis=2)))

    jax.eval_shape(look, jax.ShapeDtypeStruct((1, *game.size, 3), np.float32))
    assert found and all(x.ndim == 4 and x.shape[2] > x.shape[1] for x in found.values())
    assert not any(one.startswith(f'{other}/') for one in found for other in found)


def test_what_judges_pairs_or_has_no_maps_is_one_sentence(tmp_path, images):
    pairs = save_run(tmp_path / 'pairs', make_config('colorize', images))
    with pytest.raises(UserError, match='judges pairs of an image and a condition'):
        open_features(f'discriminator:{pairs}')
    flat = save_run(tmp_path / 'flat', generator_config())
    with pytest.raises(UserError, match='has no convolutions'):
        open_features(f'discriminator:{flat}')
    with pytest.raises(UserError, match='no run folder'):
        open_features(f'discriminator:{tmp_path / "none"}')
    with pytest.raises(UserError, match='give discriminator:RUN'):
        open_features('discriminator')
