"""The number that watches for a collapse, and when it speaks."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from command_line import config, main
from generators import generator_config
from saved_run import break_after

from gans.data.content import by_content
from gans.image import ops
from gans.metrics.diversity import deviation
from gans.run.experiment import open_experiment, start
from gans.training import monitor
from gans.training.loop import train


def test_deviation_by_hand():
    levels = np.float32([0.1, 0.5, 0.9, 0.5])
    flat = np.broadcast_to(2 * levels[:, None, None, None] - 1, (4, 24, 16, 3))
    assert float(deviation(flat)) == pytest.approx(np.sqrt(0.08), rel=1e-5)
    assert float(deviation(flat[1::2])) == pytest.approx(0, abs=1e-7)
    small = np.random.default_rng(0).uniform(-1, 1, (6, 5, 8, 3)).astype(np.float32)
    pairs = (((small[:, None] - small[None]) / 2) ** 2).mean()
    assert float(deviation(small)) == pytest.approx(np.sqrt(pairs / 2), rel=1e-5)
    for stripes in np.indices((64, 64)) % 2 * 1.8 - 0.9:
        fine = np.stack([stripes, -stripes])[..., None].astype(np.float32)
        assert float(deviation(fine)) < 0.05, 'what is finer is left out'


def judged(told, steps=100):
    """At which of (step, diversity) the warning speaks."""
    watch = monitor.monitor_of(open_experiment(generator_config(steps=steps)))
    return [step for step, diversity in told if watch.judge(step, diversity)]


def test_it_speaks_once_when_diversity_falls_and_again_after_it_was_back():
    assert judged([(1, 0.01), (5, 0.2), (10, 0.8), (15, 0.5), (20, 0.3)]) == []
    assert judged([(1, 0.8), (5, 0.2), (6, 0.1), (7, 0.5), (8, 0.2), (9, 0.2)]) == [5, 8]


def test_it_is_silent_where_there_was_nothing_to_lose_yet():
    assert judged([(1, 0.0), (2, 0.05), (3, 0.01), (19, 0.09), (20, 0.15)]) == []


def test_what_was_above_real_images_may_come_back_to_them():
    assert judged([(1, 4.7), (5, 1.2), (6, 0.4), (7, 0.2)]) == [7]


def test_it_speaks_where_there_never_was_any_but_not_at_once():
    assert judged([(1, 0.01), (19, 0.02), (20, 0.03), (30, 0.03)]) == [20]
    assert judged([(1, 0.01), (19, 0.02), (20, 0.2)]) == []


def looked_at(experiment):
    """The training images that are measured, [-1, 1]."""
    few = by_content(experiment.source, experiment.train)[: monitor.COUNT]
    return jnp.stack([experiment.source[int(i)] for i in few]) / 127.5 - 1


def test_samples_are_measured_in_parts_of_real_images():
    experiment = open_experiment(generator_config())
    state = start(experiment)
    real = looked_at(experiment)

    class Copy:
        def apply(self, variables, latent, train=False):
            return 0.5 * real

    copying = experiment._replace(game=experiment.game._replace(gen=Copy()))
    (metrics, warning) = monitor.monitor_of(copying)(1, lambda: state)
    assert metrics['diversity'] == pytest.approx(0.5, rel=1e-4) and warning == ''


def test_colours_are_measured_in_parts_of_real_images(tiny):
    """A generator that gives the gray image back has no colours; one that gives half of them has half."""
    experiment = open_experiment(tiny('configs/colorize.py'))
    state = start(experiment)
    real = looked_at(experiment)

    class Fade:
        def __init__(self, colour):
            self.colour = colour

        def apply(self, variables, image, latent, train=False):
            gray = jnp.repeat(ops.luma(real), 3, axis=-1)
            return gray + self.colour * (real - gray)

    for colour in (0.5, 0.0):
        faded = experiment._replace(game=experiment.game._replace(gen=Fade(colour)))
        metrics, warning = monitor.monitor_of(faded)(3, lambda: state)
        assert metrics['colourfulness'] == pytest.approx(colour, rel=1e-3, abs=1e-5)
        assert ('fading to gray' in warning) == (colour == 0)


def test_the_number_does_not_know_of_interruptions(tmp_path):
    """A run that broke off between two log lines logs what one without a break logs."""
    words = (config('dcgan:tiny'), '--config.devices=1', '--config.steps=5', '--config.checkpoint.every=2')
    assert main(*words, f'--workdir={tmp_path}/whole').code == 0
    with break_after(3):
        main(*words, f'--workdir={tmp_path}/broken')
    assert main(*words, f'--workdir={tmp_path}/broken').code == 0
    whole, broken = ((tmp_path / run / 'metrics.jsonl').read_bytes() for run in ('whole', 'broken'))
    assert whole == broken and b'"diversity"' in whole


def test_nothing_is_watched_where_holes_are_filled(tiny):
    look = monitor.monitor_of(open_experiment(tiny('configs/inpaint.py')))
    assert look(5, lambda: pytest.fail('the state is not even fetched')) == ({}, '')


def test_the_loop_logs_the_number_and_goes_on_after_a_warning(tmp_path, caplog):
    experiment = open_experiment(generator_config(**{'steps': 3, 'log.grids': 0}))
    still = experiment.game.objective._replace(map_latent=lambda carry, latent: 0 * latent)
    assert train(experiment._replace(game=experiment.game._replace(objective=still)), tmp_path / 'run')
    lines = [json.loads(line) for line in (tmp_path / 'run/metrics.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines] == [1, 2, 3]
    assert all(line['diversity'] == pytest.approx(0, abs=1e-5) for line in lines)
    said = [record.getMessage() for record in caplog.records if 'may have collapsed' in record.getMessage()]
    assert len(said) == 1 and said[0].startswith('Step 1: samples differ 0.00 times')
    assert 'may have collapsed' in (tmp_path / 'run/log.txt').read_text()
