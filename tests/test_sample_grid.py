"""The images that the loop draws of generators: samples above what the discriminator sees."""

import numpy as np
import pytest
from generators import generator_config
from PIL import Image

from gans.image import ops
from gans.run.experiment import open_experiment, start
from gans.run.trained import load_run
from gans.training.loop import train
from gans.training.sample_grid import SampleGrids


def cells(sample_grid, size=16):
    """A sample grid's images, [rows][columns] of uint8 [size, size, 3]."""
    rows, columns = ((n + 2) // (size + 2) for n in sample_grid.shape[:2])
    assert sample_grid.shape == (rows * (size + 2) - 2, columns * (size + 2) - 2, 3)
    steps = [[slice((size + 2) * i, (size + 2) * i + size) for i in range(n)] for n in (rows, columns)]
    return [[sample_grid[y, x] for x in steps[1]] for y in steps[0]]


@pytest.mark.parametrize('grid, rows, columns', [(8, 3, 3), (9, 3, 3), (1, 1, 1)])
def test_samples_in_a_block_above_a_row_of_real_images(grid, rows, columns):
    experiment = open_experiment(generator_config(**{'log.grid_images': grid}))
    state = start(experiment)
    found = cells(SampleGrids(experiment)(state, 0))
    assert (len(found), len(found[0])) == (rows + 1, columns)
    samples = [cell for row in found[:-1] for cell in row]
    assert len({s.tobytes() for s in samples[:grid]}) == grid, 'every sample has a latent of its own'
    for empty in samples[grid:]:
        np.testing.assert_array_equal(empty, 255)
    held_out = [experiment.source[int(i)].tobytes() for i in experiment.test]
    assert found[-1][0].tobytes() == held_out[0] and {cell.tobytes() for cell in found[-1]} <= set(held_out)


def test_held_out_images_come_from_all_over_the_set():
    """Of images sorted by kind a sample grid shows more than the first kind."""
    config = generator_config(**{'log.grid_images': 4, 'data.embedded.count': 200})
    experiment = open_experiment(config)
    row = cells(SampleGrids(experiment)(start(experiment), 0))[-1]
    count = len(experiment.test)
    assert count >= 8
    for cell, place in zip(row, [0, count // 2], strict=True):
        np.testing.assert_array_equal(cell, experiment.source[int(experiment.test[place])])


def test_more_samples_than_held_out_images():
    experiment = open_experiment(generator_config(**{'log.grid_images': 36}))
    assert len(experiment.test) < 36
    found = cells(SampleGrids(experiment)(start(experiment), 0))
    assert (len(found), len(found[0])) == (7, 6)
    assert len({cell.tobytes() for row in found[:-1] for cell in row}) == 36


def test_the_row_shows_the_blur_of_its_step_and_the_samples_do_not():
    config = generator_config(**{'log.grid_images': 4, 'steps': 10})
    config.schedules = config.schedules.to_dict() | {'blur': dict(at=(0.0, 1.0), value=(3.0, 0.0))}
    experiment = open_experiment(config)
    state, sample_grids = start(experiment), SampleGrids(experiment)
    for step, radius in ((0, 3.0), (5, 1.5), (10, 0.0)):
        *samples, row = cells(sample_grids(state, step))
        image = ops.to_float(experiment.source[int(experiment.test[0])])
        expected = ops.to_uint8(ops.gaussian_blur(image[None], radius))[0]
        assert np.abs(row[0].astype(int) - np.asarray(expected)).max() <= 1
        np.testing.assert_array_equal(samples, cells(sample_grids(state, 0))[:-1])


def test_latents_are_fixed_and_changed_by_the_rules():
    experiment = open_experiment(generator_config(**{'log.grid_images': 4}))
    state = start(experiment)
    one = SampleGrids(experiment)(state, 0)
    np.testing.assert_array_equal(SampleGrids(experiment)(state, 3), one)
    still = experiment.game.objective._replace(map_latent=lambda carry, latent: 0 * latent)
    same = SampleGrids(experiment._replace(game=experiment.game._replace(objective=still)))(state, 0)
    assert len({cell.tobytes() for row in cells(same)[:-1] for cell in row}) == 1


def test_the_loop_draws_before_the_first_step_and_at_equal_times(tmp_path):
    config = generator_config(**{'steps': 4, 'log.grids': 2, 'log.grid_images': 4, 'ema': 0.5})
    assert train(open_experiment(config), tmp_path / 'run')
    names = sorted(path.name for path in (tmp_path / 'run' / 'samples').iterdir())
    assert names == ['step_000000.png', 'step_000002.png', 'step_000004.png']
    trained = load_run(tmp_path / 'run')
    experiment = open_experiment(trained.config)
    with Image.open(tmp_path / 'run/samples/step_000004.png') as last:
        np.testing.assert_array_equal(np.asarray(last), SampleGrids(experiment)(trained.state, 4))
    bare = trained.state.replace(gen=trained.state.gen.replace(ema=()))
    assert (SampleGrids(experiment)(bare, 4) != SampleGrids(experiment)(trained.state, 4)).any(), (
        'the average is what is shown'
    )
