"""Run folders for tests: untrained networks of a few numbers in a real checkpoint, on images made here."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import jax
import numpy as np
import pytest
from PIL import Image

from gans.config import load as config_files
from gans.core.build import build
from gans.core.state import state_shapes
from gans.run.checkpoint import Checkpoints
from gans.run.experiment import fingerprint, open_experiment
from gans.run.trained import Trained, load_run
from gans.training.loop import _Loop
from gans.types import Player, TrainState

CONFIGS = Path(__file__).parents[1] / 'configs'


def save_images(folder: Path, images) -> Path:
    """Writes uint8 images as 00.png, 01.png, ... into a new folder."""
    folder.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f'{i:02d}.png')
    return folder


def smooth_images(count: int, size: int = 64, seed: int = 0) -> list[np.ndarray]:
    """Soft random colours, uint8 [size, size, 3]."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, 5, 5, 3), dtype=np.uint8)
    return [np.asarray(Image.fromarray(s).resize((size, size), Image.Resampling.BICUBIC)) for s in small]


def make_config(task: str, images: Path, seed: int = 0, latent: int | None = None, layers: int = 2):
    """A config of very small networks, `layers`, on a folder of images; `latent` as the config has it by default."""
    config = config_files.load(f'{CONFIGS / task}.py:tiny')
    with config.unlocked():
        config.data.update(source='folder', held_out=0.4, threads=1)
        config.data.folder.path = str(images)
    config.seed, config.size, config.batch = seed, 64, 4
    config.generator.widths = config.discriminator.widths = (2,) * layers
    if latent is not None:
        config.task.latent, config.generator.noise = latent, bool(latent)
        config.generator.z_dim = latent or 8
    return config


def save_run(folder: Path, config, step: int = 3, carry=None) -> Path:
    """Writes a checkpoint with random networks of `config`; returns the folder. Nothing is compiled.

    `carry` is what the rules remember; without one, numbers at random like all others.
    """
    experiment = open_experiment(config)
    rng = np.random.default_rng(config.seed)
    state = jax.tree.map(
        lambda x: (0.2 * rng.standard_normal(x.shape)).astype(x.dtype), state_shapes(experiment.game, config)
    )
    _save(folder, experiment, step, state if carry is None else state.replace(carry=carry))
    return folder


def logged(folder: Path) -> list[dict]:
    """What training wrote into a run's metrics.jsonl: {name: number} of every line."""
    return [json.loads(line) for line in (folder / 'metrics.jsonl').read_text().splitlines()]


class Fake:
    """A generator without parameters: a function of (image, latent), of which it is given what its task has."""

    def __init__(self, make: Callable):
        self._make = make

    def apply(self, variables, image=None, latent=None, train=False):
        return self._make(image, latent)


def fake_run(folder: Path, config, make: Callable) -> Trained:
    """A run with `make` as its generator, as if read from a folder; without checkpoints in it."""
    nobody = Player(params={}, stats={}, opt_state=())
    state = TrainState(step=3, gen=nobody, disc=nobody, carry=())
    return Trained(folder, config, 3, build(config, 10)._replace(gen=Fake(make)), state)


def save_fake_run(folder: Path, config, make: Callable) -> Trained:
    """The same with a checkpoint that says what it was trained on; its arrays are nobody's."""
    _save(folder, open_experiment(config), 3, {'nothing': np.zeros(1)})
    return fake_run(folder, config, make)


def _save(folder, experiment, step, state):
    about = {'config': config_files.to_json(experiment.config), 'data': fingerprint(experiment)}
    with Checkpoints(folder) as checkpoints:
        checkpoints.save(step, state, {**about, 'train_images': len(experiment.train), 'window': []})


def outcome(folder: Path):
    """Everything that must not depend on how often a run was interrupted."""
    run = load_run(folder)
    images = {path.name: path.read_bytes() for path in (folder / 'samples').glob('*.png')}
    return run.step, jax.device_get(run.state), (folder / 'metrics.jsonl').read_bytes(), images


def assert_same_outcome(a, b):
    assert a[0] == b[0] and a[2] == b[2] and a[3] == b[3]
    jax.tree.map(np.testing.assert_array_equal, a[1], b[1])


class Gone(Exception):
    """What breaks training off in `break_after`: no error that the program knows."""


@contextlib.contextmanager
def break_after(last: int):
    """Training in this context breaks off, as if its peer were gone, when a step and what is due after it are done."""

    class Broken(_Loop):
        def at_its_time(self, step, *rest):
            super().at_its_time(step, *rest)
            if step == last:
                raise Gone

    # Not by `monkeypatch`, after which conftest.py trusts no program: this changes no arithmetic.
    with mock.patch('gans.training.loop._Loop', Broken), pytest.raises(Gone):
        yield
