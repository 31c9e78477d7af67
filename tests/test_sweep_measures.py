"""The measures of sweeps: each by a law or a closed form, on runs that nobody trained."""

import json
import shutil

import jax.numpy as jnp
import numpy as np
import pytest
from command_line import ROOT
from saved_run import fake_run, make_config, save_fake_run, save_images, save_run, smooth_images

from gans.config.load import load
from gans.image import grids, ops
from gans.image.files import save_png
from gans.sweep.measures import (
    blur_delay,
    chroma_variety,
    chroma_variety_ratio,
    class_frechet,
    convergence_correlation,
    label_entropy,
    loss_jumps,
    output_swd,
)

TIMES = np.arange(41) / 40
RAMP = 0.1 + np.minimum(TIMES, 0.4)  # the detail of inputs whose blur ends at 0.4


def write_lines(folder, **curves):
    folder.mkdir(exist_ok=True)
    lines = [
        {'step': 10 * (i + 1)} | {name.replace('_', '/'): float(curve[i]) for name, curve in curves.items()}
        for i in range(len(next(iter(curves.values()))))
    ]
    (folder / 'metrics.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return folder


def test_loss_jumps_are_those_of_both_players(tmp_path):
    usual = 1 + 0.01 * np.random.default_rng(0).standard_normal((2, 60))
    spike, risen = usual.copy()
    spike[20] += 5
    risen[40:] += 2
    both = write_lines(tmp_path / 'both', gen_loss=spike, disc_loss=risen)
    calm = write_lines(tmp_path / 'calm', gen_loss=usual[0], disc_loss=usual[1])
    assert loss_jumps.measure(both) == loss_jumps.measure(calm) + 2


@pytest.mark.parametrize('late', [0.1, 0.25, 0.5])
def test_a_delay_of_outputs_is_found(late):
    outputs = np.interp(TIMES - late, TIMES, RAMP)
    assert blur_delay.delay(TIMES, RAMP, outputs) == pytest.approx(late)


REST_FIRST = 1 + 2 * np.maximum(TIMES - 0.5, 0)
REST_BETWEEN = 1 + np.minimum(TIMES, 0.3) + np.maximum(TIMES - 0.6, 0)


@pytest.mark.parametrize('inputs', [REST_FIRST, REST_BETWEEN], ids=['first', 'between'])
@pytest.mark.parametrize('late', [0.11, 0.31])
def test_a_delay_is_found_where_the_blur_rests(inputs, late):
    outputs = np.interp(TIMES - late, TIMES, inputs)
    outputs[np.abs(outputs - inputs[16]) < 1e-6] = np.nan  # at rest: when the inputs were so blurred is not one time
    assert blur_delay.delay(TIMES, inputs, outputs) == pytest.approx(late)


def test_a_rest_counts_from_its_end():
    """Of outputs that keep the level of the rest, or are a little above or below: continuous from above."""
    times, inputs = [0, 0.25, 0.5, 0.75, 1], [0, 1, 1, 2, 3]
    for level, then in ((1.0, 0.5), (1 + 1e-9, 0.5), (1 - 1e-9, 0.25)):
        outputs = [0, 0, 0, level, 9]
        assert blur_delay.delay(times, inputs, outputs) == pytest.approx(0.75 - then)


def test_delays_without_sense():
    earlier = np.interp(TIMES + 0.1, TIMES, RAMP)
    assert blur_delay.delay(TIMES, RAMP, earlier) == pytest.approx(-0.1)
    assert np.isnan(blur_delay.delay(TIMES, np.full(41, 0.5), RAMP))  # no blur
    assert np.isnan(blur_delay.delay(TIMES, RAMP, RAMP + 1))  # sharper than all inputs
    noise_first = np.append(0.3, np.interp(TIMES - 0.25, TIMES, RAMP)[1:])
    assert blur_delay.delay(TIMES, RAMP, noise_first) == pytest.approx(0.25)  # of an untrained generator nothing counts


def noise_images(count, radius, seed):
    """White noise, blurred, with a contrast that does not depend on the blur, uint8 [count, 64, 64, 3]."""
    noise = np.random.default_rng(seed).standard_normal((count, 64, 64, 1)).astype(np.float32)
    blurred = np.asarray(ops.gaussian_blur(noise, radius))
    return np.repeat(np.uint8(np.clip(127.5 + 40 * blurred / blurred.std(), 0, 255)), 3, axis=-1)


def test_detail_in_closed_form():
    for radius in (3.0, 4.0):
        assert blur_delay.detail(noise_images(32, radius, 0)).mean() == pytest.approx(2**0.5 / radius, rel=0.06)
    waves = np.uint8(127.5 + 100 * np.cos(2 * np.pi * np.arange(64) / 16 + 0.2) + 0.5)
    image = np.broadcast_to(waves[:, None], (1, 64, 64, 3))
    # Eight places to a period after the averages over 2 x 2 pixels; nothing changes along the other axis.
    assert blur_delay.detail(image)[0] == pytest.approx(2**0.5 * np.sin(np.pi / 8), rel=0.03)
    assert blur_delay.detail(image // 2 + 10) == pytest.approx(blur_delay.detail(image), rel=0.01)
    assert blur_delay.detail(np.full((1, 8, 8, 3), 7, np.uint8)) == 0
    dots = np.indices((64, 64)).sum(0) % 2 * 50
    assert blur_delay.detail(image + dots[..., None]) == pytest.approx(blur_delay.detail(image), rel=0.01)


def test_the_delay_of_a_run_is_that_of_its_sample_grids(tmp_path):
    config = load(f'{ROOT}/configs/birds.py:tiny').unlock()
    config.size, config.steps, config.log.grid_images = 64, 20, 15
    folder = save_run(tmp_path, config, step=20)
    for step in range(21):
        seen, made = (max(0.0, 6.4 * (1 - max(step - late, 0) / 8)) for late in (0, 5))
        free = np.full((1, 64, 64, 3), 255, np.uint8)
        images = np.concatenate([noise_images(15, made, 1), free, noise_images(4, seen, 2)])
        save_png(folder / 'samples' / f'step_{step:06d}.png', grids.grid(images, 4))
    assert blur_delay.measure(folder) == pytest.approx(5 / 20, abs=0.01)


@pytest.fixture
def images(tmp_path):
    return save_images(tmp_path / 'images', smooth_images(10, 64))


def coloured_by_noise(amount):
    """Gray and, of the first number of the latent, a colour of one of two kinds: U = +-amount in [0, 1]."""

    def make(image, latent):
        blue = 2 * amount * jnp.sign(latent[:, :1, None, None]) * jnp.ones_like(image)
        return ops.yuv_to_rgb(jnp.concatenate([0.3 * image, blue, 0 * image], axis=-1))

    return make


def test_the_variety_of_colours_grows_as_the_noise_does(tmp_path, images, monkeypatch):
    config = make_config('colorize', images, latent=8)
    found = []
    for amount in (0.05, 0.1):
        run = save_fake_run(tmp_path / f'{amount}', config, coloured_by_noise(amount))
        monkeypatch.setattr(chroma_variety, 'load_run', lambda folder, run=run: run)
        found.append(chroma_variety.measure(run.folder))
    assert found[1] == pytest.approx(2 * found[0], rel=0.05)
    assert found[0] == pytest.approx(0.05, rel=0.3)


def test_without_noise_there_is_no_variety(tmp_path, images, monkeypatch):
    config = make_config('colorize', images, latent=0)
    run = save_fake_run(tmp_path / 'run', config, lambda image, latent: jnp.repeat(0.5 * image, 3, -1))
    monkeypatch.setattr(chroma_variety, 'load_run', lambda folder: run)
    originals, outputs = zip(*chroma_variety.variants(run.folder), strict=True)
    assert len(outputs) > 1 and np.shape(outputs)[1:] == (chroma_variety.VARIANTS, 64, 64, 3)
    for original, same in zip(originals, outputs, strict=True):
        gray = np.asarray(ops.to_uint8(0.5 * ops.luma(ops.to_float(original))))
        assert (same == gray).all()
    assert chroma_variety.measure(run.folder) == 0 == chroma_variety_ratio.measure(run.folder)


def test_varieties_in_closed_form(monkeypatch):
    """Outputs of two colours, the original one of them: 8 outputs, for each image four of each colour."""
    blue = np.array([-0.1, 0.1] * 4)
    yuv = np.stack([np.zeros(8), 2 * blue, np.zeros(8)], axis=-1)[:, None, None]
    outputs = np.asarray(ops.to_uint8(ops.yuv_to_rgb(np.broadcast_to(yuv, (8, 4, 4, 3)))))
    for module in (chroma_variety, chroma_variety_ratio):
        monkeypatch.setattr(module, 'variants', lambda folder: [(outputs[0], outputs), (outputs[1], outputs)])
    assert chroma_variety.measure(None) == pytest.approx(0.1 * (8 / 7) ** 0.5, rel=0.02)
    # Two outputs differ by the root of 2 x 8 / 7 of 0.1 in the mean, output and original by the root of 2 of it.
    assert chroma_variety_ratio.measure(None) == pytest.approx((8 / 7) ** 0.5, rel=0.02)


def test_the_distance_of_outputs_grows_as_they_are_blurred(tmp_path, monkeypatch):
    gray = [np.repeat(image[..., :1], 3, axis=-1) for image in smooth_images(10, 64)]
    config = make_config('colorize', save_images(tmp_path / 'images', gray), latent=0)
    found = []
    for radius in (0.0, 1.0, 3.0):

        def make(image, latent, radius=radius):
            return jnp.repeat(ops.gaussian_blur(image, radius), 3, -1)

        run = save_fake_run(tmp_path / f'{radius}', config, make)
        monkeypatch.setattr(output_swd, 'load_run', lambda folder, run=run: run)
        found.append(output_swd.measure(run.folder))
    assert found[0] == 0 < found[1] < found[2]


def test_generators_from_noise_have_no_answers(tmp_path, monkeypatch):
    config = load(f'{ROOT}/configs/dcgan.py:tiny')
    run = fake_run(tmp_path, config, lambda image, latent: latent)
    for module in (output_swd, chroma_variety):
        monkeypatch.setattr(module, 'load_run', lambda folder: run)
    assert np.isnan([output_swd.measure(tmp_path), chroma_variety.measure(tmp_path)]).all()
    assert np.isnan(chroma_variety_ratio.measure(tmp_path))


def test_spearman_in_closed_form():
    a = [0.1, 5, 3, 70, 2]
    swapped = [1, 4, 3, 5, 2]
    assert convergence_correlation.spearman(a, np.exp(a)) == pytest.approx(1)
    assert convergence_correlation.spearman(a, np.negative(a)) == pytest.approx(-1)
    swapped[0], swapped[4] = 2, 1  # two neighbours in rank: 1 - 6 (1 + 1) / (5 (25 - 1))
    assert convergence_correlation.spearman(a, swapped) == pytest.approx(0.9)
    assert convergence_correlation.spearman([*a, np.nan], [*a, 1e9]) == pytest.approx(1)
    assert np.isnan(convergence_correlation.spearman(a, [1] * 5))
    assert np.isnan(convergence_correlation.spearman([1, 2], [1, 2]))


def test_the_correlation_is_over_the_checkpoints_that_are_kept(tmp_path, monkeypatch):
    config = load(f'{ROOT}/configs/began.py:tiny').unlock()
    folder = save_run(tmp_path / 'run', config, step=10)
    write_lines(folder, disc_convergence=[5, 9, 2, 1], disc_k=[1, 1, 1, 1])
    assert np.isnan(convergence_correlation.measure(folder))  # one checkpoint
    for step in (30, 40):
        shutil.copytree(folder / 'checkpoints' / '10', folder / 'checkpoints' / f'{step}')
    same = convergence_correlation.swd_of_checkpoints(folder, [10, 30])
    assert same[0] == same[1] > 0
    # Of the measure 5, the mean of 9 and 2, and 1.
    for swds, wanted in (([2, 3, 1], 1), ([2, 1, 3], -1), ([3, 2, 1], 0.5)):
        monkeypatch.setattr(convergence_correlation, 'swd_of_checkpoints', lambda *_, swds=swds: swds)
        assert convergence_correlation.measure(folder) == pytest.approx(wanted)


def test_numbers_of_classes_are_those_of_the_evaluation(tmp_path):
    rows = {'samples': {'Frechet distance': {'mean': 87.5}, 'label entropy': {'mean': None}}}
    (tmp_path / 'evaluation.json').write_text(json.dumps({'classes': {'rows': rows}}))
    assert class_frechet.measure(tmp_path) == 87.5 and np.isnan(label_entropy.measure(tmp_path))
    (tmp_path / 'evaluation.json').write_text('{}')
    assert np.isnan(class_frechet.measure(tmp_path))
