"""Inpaint pictures with a conditional GAN."""

from ml_collections import ConfigDict

from gans.config import read_as


def get_config(reading: str = '') -> ConfigDict:
    """Returns the experiment's page."""
    config = ConfigDict(
        dict(
            name='inpaint',
            seed=0,
            size=64,
            batch=16,
            steps=1000,
            data=dict(source='embedded', count=4000, held_out=0.1, threads=2),
            task=dict(name="inpaint", latent=0, flip=True, boxes=3, min_side=0.1, max_side=0.4),
            networks='unet',
            generator=dict(widths=(16, 24, 32, 40, 48, 56), z_dim=128, noise=False),
            discriminator=dict(widths=(16, 32, 64, 128, 256, 256), hidden=256),
            dtype='float32',
            objective=dict(name='standard', form='non_saturating', terms=('l1',)),
            turns=dict(gen=1, disc=1),
            optimizer=dict(name='adam', b1=0.0, b2=0.99),
            schedules=dict(
                learning_rate_gen=1e-3,
                learning_rate_disc=4e-4,
                l1=dict(at=(0.3, 0.8), value=(100.0, 85.0)),
                adversarial=dict(at=(0.3, 0.8), value=(0.0, 0.15)),
                blur=dict(at=(0.0, 0.15), value=(0.1, 0.0), of='size'),
            ),
            parallel='jit',
            devices=0,
            log=dict(every=20, pictures=8, grid=8),
            checkpoint=dict(every=200, keep=2),
        )
    )
    return read_as(config, reading, {'paper': _paper, 'tiny': _tiny, 'l1': _l1, 'cgan': _cgan})


def _paper(config):
    config.size, config.batch, config.steps = 256, 36, 75_000
    config.schedules.learning_rate_gen = config.schedules.learning_rate_disc = 1e-4
    config.data = dict(source='tfds', name='oxford_flowers102', held_out=0.1, threads=4)
    config.log.every, config.checkpoint.every = 100, 1000


def _tiny(config):
    config.batch, config.steps = 8, 4
    config.data.count = 64
    config.generator.widths, config.discriminator.widths = (4, 4, 4, 4, 4, 4), (4, 4, 4, 4, 4, 4)
    config.log.every, config.log.pictures, config.checkpoint.every = 1, 2, 2


def _l1(config):
    config.schedules.adversarial.value = (0.0, 0.0)


def _cgan(config):
    config.schedules.l1.value = (0.0, 0.0)
