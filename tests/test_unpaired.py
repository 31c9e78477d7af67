"""Unpaired learning: what the generator gets and the real images come from disjoint parts of the training set."""

import itertools
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from saved_run import logged
from sources import IDS, Numbers

from gans.config.load import load
from gans.core.build import build
from gans.core.inputs import training_inputs
from gans.data import batches as lib
from gans.data.source import disjoint_parts
from gans.errors import UserError
from gans.image import ops
from gans.run.experiment import open_experiment
from gans.run.trained import load_run
from gans.training.loop import train

CONFIG_FILE = 'configs/colorize.py:tiny'


def test_parts_are_disjoint_whole_and_decided_by_the_content():
    ids, source = np.arange(200), Numbers(range(200))
    parts = disjoint_parts(source, ids, 2)
    assert np.array_equal(np.sort(np.concatenate(parts)), ids) and min(map(len, parts)) > 60
    fewer = disjoint_parts(source, ids[::2], 2)
    for part, few in zip(parts, fewer, strict=True):
        assert set(ids[::2][few]) <= set(part)


def test_too_few_images_cannot_be_parted():
    with pytest.raises(UserError, match='unpaired'):
        disjoint_parts(Numbers(), IDS[:1], 2)


def test_an_example_takes_one_image_of_each_part_and_each_part_has_its_epochs():
    parts = [IDS[:3], IDS[3:]]
    stream = lib.batches(Numbers(), parts, batch=4, turns=3, seed=1)
    steps = np.stack(list(itertools.islice(stream, 5)))
    stream.close()
    assert steps.shape[:4] == (5, 3, 4, 2)
    seen = steps[..., 0, 0, 0].reshape(-1, 2)
    for part, column in zip(parts, seen.T, strict=True):
        epochs = column[: len(column) // len(part) * len(part)].reshape(-1, len(part))
        assert (np.sort(epochs, axis=1) == part).all()
    named = np.stack(list(itertools.islice(lib.numbers(parts, batch=4, turns=3, seed=1), 5)))
    assert np.array_equal(named.reshape(-1, 2), seen)


def unpaired_config(**changes):
    config = load(CONFIG_FILE).unlock()
    config.task.unpaired, config.objective.terms, config.devices = True, (), 1
    del config.schedules['l1']
    config.update_from_flattened_dict(changes)
    return config


def make_game(**changes):
    config = unpaired_config(**changes)
    return build(config, 100), config


def test_grays_are_of_the_first_part_and_real_images_of_the_second():
    game, _ = make_game(**{'task.flip': False})
    images = np.random.default_rng(0).integers(0, 256, game.batch_shape[1:], np.uint8)
    assert images.shape[1] == 2
    seen = training_inputs(game, jax.random.key(0), (), jnp.asarray(images), {'blur': jnp.float32(0)})
    floats = ops.to_float(images)
    np.testing.assert_allclose(seen.gen['image'], ops.luma(floats[:, 0]), atol=1e-6)
    np.testing.assert_allclose(seen.real, floats[:, 1], atol=1e-6)
    assert seen.cond is None


def test_an_epoch_is_a_pass_over_half_of_the_images():
    """100 images in two parts of 50, batches of 8: an epoch is 6.25 steps."""
    game, _ = make_game(**{'schedules.blur': dict(at=(0.0, 1.0), value=(1.0, 0.0), unit='epoch')})
    assert float(game.schedules['blur'](3)) == pytest.approx(1 - 3 / 6.25, abs=0.1)


def test_a_term_that_wants_pairs_is_refused():
    config = load(CONFIG_FILE).unlock()
    config.task.unpaired = True
    with pytest.raises(UserError, match="'l1'.*unpaired"):
        build(config, 100)


def test_streamed_and_stored_images_train_alike_and_a_run_goes_on(tmp_path):
    settings = {'steps': 3, 'log.every': 1, 'checkpoint.every': 2}
    experiment = open_experiment(unpaired_config(**settings))
    assert train(experiment, tmp_path / 'whole')
    whole = jax.device_get(load_run(tmp_path / 'whole').state)
    shutil.rmtree(tmp_path / 'whole/checkpoints/3')
    assert load_run(tmp_path / 'whole').step == 2 and train(experiment, tmp_path / 'whole')
    jax.tree.map(np.testing.assert_array_equal, whole, jax.device_get(load_run(tmp_path / 'whole').state))

    assert train(open_experiment(unpaired_config(**settings, **{'data.placement': 'device'})), tmp_path / 'stored')
    for streamed, held in zip(logged(tmp_path / 'whole'), logged(tmp_path / 'stored'), strict=True):
        assert held['disc/loss'] == pytest.approx(streamed['disc/loss'], rel=1e-4)
