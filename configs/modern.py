"""Generate images from noise with networks that grow, in a relativistic game with penalties at both kinds of image.

Source: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline" (R3GAN), section 2 for the
losses; Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 3.1 for penalties in some
steps only, and section 4.1 for the networks of `:skips` and `:paper`, whose image is the sum of all levels; Karras et
al. 2018, "Progressive Growing of GANs for Improved Quality, Stability, and Variation", for the networks that grow.

    python main.py --config=configs/modern.py              embedded flowers, 64 px
    python main.py --config=configs/modern.py:skips        nothing grows: RGB skips
    python main.py --config=configs/modern.py:paper        the paper's numbers for 64 px faces, with RGB skips
    python main.py --config=configs/modern.py:r1           non-saturating scores with R1 alone (Mescheder et al. 2018)
    python main.py --config=configs/modern.py:wasserstein  a critic with gradient penalty and drift (Karras et al. 2018)
    python main.py --config=configs/modern.py:tiny         a few steps of very small networks, for tests

Every real image is compared with a generated one, and both players minimise softplus of the difference of their scores,
each in its own direction. R1 and R2 hold the discriminator flat at real and at generated images; without both of them
such a game need not converge. There is no norm of batches, no slope of 1 and no drift.

Networks, learning rates and averages are those of `progressive`; a step has 0.90 times its operations in the mean, as
the penalties come every fourth step. Measured (two AMD EPYC cores shared with other work, jax 0.10.2, 2026-11-28, seed
0): SWD 27.9 (27.0 to 29.4) where `progressive` with its 4500 steps has 31.7, MS-SSIM of pairs 0.065, checkerboard 1.34.
One seed, and 1.2 times the operations: whether it is better is not settled. Expect blooms in clean, different colours
before meadow or sky, under a fine weave, with frayed edges and no petals to count; before the learning rate falls, in
the last ninth, they are blotches. RGB skips in place of growing, and augmentation, were worse with other learning rates
(docs/results.md, "What did not work first").
"""

from ml_collections import ConfigDict

from gans.config.common import levels, with_defaults
from gans.config.load import choose_variant


def get_config(variant: str = '') -> ConfigDict:
    """Returns the config, or the variant of it that is named."""
    config = with_defaults(
        name='modern',
        size=64,
        batch=16,
        steps=6000,
        data=dict(tfds=dict(dataset='celeb_a_hq/64')),
        # A latent of `latent` numbers in, an image out. Real images may be mirrored, turned by multiples of
        # 90 degrees, and changed in hue (part of the circle), saturation and value (parts of themselves).
        task=dict(
            name='generate',
            latent=128,
            distribution='normal',
            flip=True,
            rotate=False,
            hue=0.0,
            saturation=0.0,
            value=0.0,
        ),
        networks='progressive',
        # Channels of the levels, from the first map on: five of them make 64 px of 4.
        # skips: nothing grows, and `schedules.growth` is left out; up: nearest or linear.
        generator=dict(widths=(64, 64, 48, 32, 16), z_dim=128, slope=0.2, up='nearest', skips=False),
        discriminator=dict(widths=(64, 64, 48, 32, 16), slope=0.2, deviation=False, skips=False),
        # R1 and R2 in every fourth step, four times as heavy.
        objective=dict(name='standard', form='relativistic', r1=True, r2=True, lazy=4, terms=()),
        ema=0.99,
        # With b1 at 0, what gets no gradient does not move: levels before their time.
        optimizer=dict(
            gen=dict(name='adam', b1=0.0, b2=0.99, eps=1e-8), disc=dict(name='adam', b1=0.0, b2=0.99, eps=1e-8)
        ),
        # Breakpoints in fractions of training, values joined by straight lines, constant outside.
        schedules=dict(
            learning_rate_gen=dict(at=(8 / 9, 1.0), value=(2e-3, 2e-4)),
            learning_rate_disc=dict(at=(8 / 9, 1.0), value=(6e-3, 6e-4)),
            adversarial=1.0,
            # The paper's gamma, which falls as generated images become like real ones.
            r1=dict(at=(0.0, 0.5), value=(2.0, 0.2)),
            r2=dict(at=(0.0, 0.5), value=(2.0, 0.2)),
            growth=levels(4, 1 / 9, 'fraction'),
            # Standard deviation in pixels of the blur through which the discriminator sees, as a part of the size.
            blur=0.0,
        ),
        log=dict(grids=9),
    )
    variants = {'skips': _skips, 'paper': _paper, 'r1': _r1, 'wasserstein': _wasserstein, 'tiny': _tiny}
    return choose_variant(config, variant, variants)


def _skips(config):
    config.generator.skips = config.discriminator.skips = True
    config.generator.up = 'linear'
    del config.schedules['growth']


def _paper(config):
    _skips(config)
    config.augment = ('translation', 'cutout')
    config.batch, config.steps = 256, 590_000
    config.ema, config.ema_half_life = 0.0, 500_000.0
    config.data.source, config.data.threads = 'tfds', 4
    config.task.latent = config.generator.z_dim = 64
    config.objective.lazy = 1
    config.generator.widths = config.discriminator.widths = (512, 512, 512, 512, 256)
    config.schedules.learning_rate_gen = config.schedules.learning_rate_disc = _fall(2e-4, 5e-5)
    config.schedules.r1 = config.schedules.r2 = _fall(2.0, 0.2)
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 100, 34, 64, 5000


def _fall(first, last):
    """Over the first twenty million images, as the authors' code has it (by a cosine there)."""
    return dict(at=(0.0, 2e7), value=(first, last), unit='image')


def _r1(config):
    config.objective.form, config.objective.r2 = 'non_saturating', False
    del config.schedules['r2']


def _wasserstein(config):
    config.objective = dict(name='standard', form='wasserstein', penalty=True, drift=True, terms=())
    del config.schedules['r1'], config.schedules['r2']
    config.schedules.penalty, config.schedules.drift = 10.0, 0.001


def _tiny(config):
    config.size, config.batch, config.steps = 16, 8, 5
    config.data.embedded.count = 64
    config.task.latent = config.generator.z_dim = 8
    config.generator.widths = config.discriminator.widths = (6, 4, 4)
    if not config.generator.skips:
        config.schedules.growth = levels(2, 1 / 5, 'fraction')
    if config.objective.get('lazy'):
        config.objective.lazy = 2
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 1, 2, 4, 2
