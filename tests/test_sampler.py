"""Images by place: they follow from seed and place alone, whatever is asked for, on however many devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from generators import generator_config
from saved_run import fake_run, make_config, save_fake_run, save_images, save_run, smooth_images

import gans
from gans.errors import Failure, UserError
from gans.image import ops
from gans.run.generate import BATCH, Sampler, held_out
from gans.run.trained import load_run


def drawn(sampler, places):
    return np.concatenate(list(sampler(np.asarray(places))))


def spread(image, latent):
    """The first three numbers of a latent as the colour of a 16 px image."""
    return jnp.broadcast_to(latent[:, None, None, :3], (len(latent), 16, 16, 3))


def latents_of(seed, count, size=5):
    """What `spread` gets, one by one and without the code that is tested."""
    draw = jax.jit(
        lambda place: jax.random.uniform(jax.random.fold_in(jax.random.key(seed), place), (size,), minval=-1)
    )
    return np.stack([draw(place) for place in range(count)])


def test_bytes_depend_on_the_place_alone_and_not_on_the_devices(tmp_path):
    run = load_run(save_run(tmp_path / 'run', generator_config()))
    one, three = (Sampler(run, 7, devices=jax.local_devices()[:n]) for n in (1, 3))
    count = 3 * BATCH + 5
    all_of_them = drawn(one, np.arange(count))
    assert len(np.unique(all_of_them.reshape(count, -1), axis=0)) == count
    np.testing.assert_array_equal(drawn(three, np.arange(count)), all_of_them)
    places = [50, 3, 4, 20, 3, 19]
    np.testing.assert_array_equal(drawn(three, places), all_of_them[places])
    np.testing.assert_array_equal(gans.sample_images(run, count=20, seed=7), all_of_them[:20])
    assert list(one(np.arange(0))) == [] and one.most is None and one.inputs is None
    assert one.key(3) != one.key(4) and one.key(3) == three.key(3) != Sampler(run, 8).key(3)


def test_latents_are_those_of_the_keys_of_seed_and_place(tmp_path):
    run = fake_run(tmp_path, generator_config(), spread)
    found = ops.to_float(drawn(Sampler(run, 2**32 - 1), np.arange(19)))[:, 0, 0]
    np.testing.assert_allclose(found, latents_of(2**32 - 1, 19)[:, :3], atol=1.01 / 255)


def test_truncation_pulls_what_the_generator_gets_to_its_mean(tmp_path):
    run = fake_run(tmp_path, generator_config(), spread)
    mean, matrix = np.full(5, 0.25, np.float32), np.diag([0.5, -0.25, 0.1, 1, 1]).astype(np.float32)
    objective = run.game.objective._replace(map_latent=lambda carry, latent: mean + latent @ matrix)
    run = run._replace(game=run.game._replace(objective=objective))
    mapped = (mean + latents_of(3, 10) @ matrix)[:, :3]
    for t in (1.0, 0.5, 0.1):
        found = ops.to_float(drawn(Sampler(run, 3, t), np.arange(10)))[:, 0, 0]
        np.testing.assert_allclose(found, 0.25 + t * (mapped - 0.25), atol=1.01 / 255)


def test_a_generator_that_is_shown_images_gets_the_held_out_ones_round_by_round(tmp_path):
    config = make_config('inpaint', save_images(tmp_path / 'images', smooth_images(12)), latent=0)
    run = save_fake_run(tmp_path / 'run', config, lambda image, latent: image)
    sampler, shown = Sampler(run, 4), held_out(run)
    n = len(shown.ids)
    assert sampler.inputs == n and sampler.most is None
    found = drawn(sampler, np.arange(2 * n + 1))
    draw = jax.jit(lambda key, image: ops.to_uint8(run.game.task.draw(key, image).gen['image']))
    for place in range(2 * n + 1):
        image = ops.to_float(shown.source[int(shown.ids[place % n])])
        key = jax.random.fold_in(jax.random.key(4), place)
        assert np.abs(found[place].astype(int) - draw(key, image)).max() <= 1
    assert (found[0] != found[n]).any()


def test_without_anything_random_there_are_as_many_as_images_are_held_out(tmp_path):
    images = save_images(tmp_path / 'images', smooth_images(12))
    for latent in (0, 3):
        run = save_fake_run(tmp_path / f'run{latent}', make_config('colorize', images, latent=latent), lambda x, z: x)
        sampler = Sampler(run)
        assert (sampler.most is None) == bool(latent)
    run = save_fake_run(tmp_path / 'run', make_config('colorize', images, latent=0), lambda x, z: x)
    sampler = Sampler(run)
    assert len(drawn(sampler, np.arange(sampler.inputs))) == sampler.most
    with pytest.raises(UserError, match=f'up to {sampler.most}, not {sampler.most + 1}'):
        drawn(sampler, [sampler.most])


def test_what_cannot_be_drawn_gets_a_sentence(tmp_path):
    run = fake_run(tmp_path, generator_config(), lambda image, latent: spread(image, latent) / 0)
    for arguments, said in (((-1,), '--seed=-1'), ((2**32,), '--seed'), ((0, 0.0), 'above 0'), ((0, 1.1), 'up to 1')):
        with pytest.raises(UserError, match=said):
            Sampler(run, *arguments)
    with pytest.raises(Failure, match='not finite'):
        drawn(Sampler(run), [0])
    flat = fake_run(tmp_path, make_config('colorize', tmp_path, latent=0), lambda image, latent: image)
    with pytest.raises(UserError, match='no latents'):
        Sampler(flat, 0, 0.5)
    sphere = fake_run(
        tmp_path, generator_config(), lambda image, z: spread(image, z / jnp.linalg.norm(z, axis=1)[:, None])
    )
    assert drawn(Sampler(sphere), [0]).any()
    with pytest.raises(UserError, match='changes nothing'):
        Sampler(sphere, 0, 0.99)
