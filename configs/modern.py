"""Generate images from noise with DCGAN's networks in a relativistic game with penalties at both kinds of image.

Source: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline" (R3GAN), section 2 for the
losses; Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 3.1 for penalties in some
steps only, and section 4.1 for the networks of `:skips` and `:paper`, whose image is the sum of all levels; Karras et
al. 2018, "Progressive Growing of GANs for Improved Quality, Stability, and Variation", for the networks of `:grown`.

    python main.py --config=configs/modern.py              embedded flowers, 64 px
    python main.py --config=configs/modern.py:grown        networks that grow, as those of `progressive`
    python main.py --config=configs/modern.py:skips        the same, but nothing grows: RGB skips
    python main.py --config=configs/modern.py:paper        the paper's numbers for 64 px faces, with RGB skips
    python main.py --config=configs/modern.py:r1           non-saturating scores with R1 alone (Mescheder et al. 2018)
    python main.py --config=configs/modern.py:wasserstein  a critic with gradient penalty and drift (Karras et al. 2018)
    python main.py --config=configs/modern.py:tiny         a few steps of very small networks, for tests

Every real image is compared with a generated one, and both players minimise softplus of the difference of their scores,
each in its own direction. R1 and R2 hold the discriminator flat at real and at generated images; without both of them
such a game need not converge. There is no slope of 1 and no drift.

The networks are those of `dcgan`, with an eighth of its paper's widths. The discriminator has no norm, for with
statistics of the batch there is no slope at one image, and plain strides: of what is blurred before them it does not
see the finest lines, and there they come. The generator enlarges by nearest neighbours; with linear enlarging it got
stripes. Without norms small initial weights make small slopes: a standard deviation of 0.05 instead of 0.02 for the
discriminator, and its learning rate doubled, were better (SWD 19.9 instead of 22.4).

Measured (two AMD EPYC cores, jax 0.10.2, 2026-11-28, seed 0): 11 minutes, SWD 19.9 (19.3 to 20.6; real images 13.4),
MS-SSIM of pairs 0.081, checkerboard 0.83, where `progressive` has 31.7, 0.078 and a weave after 13 minutes; with seeds
1 and 2 SWD 21.7 and 23.7. In 12 minutes of one core each, three seeds: 23.4 against 41.5 of `progressive`. Expect one
or two blooms with lobes and a middle before meadow or sky in three of four images, in clean colours with sharp
outlines; petals are speckled inside, some blooms are torn. `:grown` has SWD 27.9 after its 6000 steps: blooms under a
fine weave with frayed edges. RGB skips in place of growing, and augmentation, were worse with other learning rates
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
        steps=11_000,
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
        networks='dcgan',
        # up: transposed, nearest or linear; down: stride, blur or pool.
        generator=dict(
            widths=(16, 32, 64, 128),
            z_dim=128,
            norm='batch',
            activation='relu',
            up='nearest',
            bias_before_norm=False,
            init_std=0.02,
        ),
        discriminator=dict(
            widths=(16, 32, 64, 128),
            norm='none',
            activation='leaky_relu',
            slope=0.2,
            down='stride',
            init_std=0.05,
        ),
        # R1 and R2 in every fourth step, four times as heavy.
        objective=dict(name='standard', form='relativistic', r1=True, r2=True, lazy=4, terms=()),
        ema=0.999,
        optimizer=dict(gen=dict(name='adam', b1=0.0, b2=0.99), disc=dict(name='adam', b1=0.0, b2=0.99)),
        # Breakpoints in fractions of training, values joined by straight lines, constant outside.
        schedules=dict(
            learning_rate_gen=dict(at=(0.7, 1.0), value=(4e-4, 4e-5)),
            learning_rate_disc=dict(at=(0.7, 1.0), value=(4e-4, 4e-5)),
            adversarial=1.0,
            # The paper's gamma, which falls as generated images become like real ones.
            r1=dict(at=(0.0, 0.5), value=(2.0, 0.2)),
            r2=dict(at=(0.0, 0.5), value=(2.0, 0.2)),
            # Standard deviation in pixels of the blur through which the discriminator sees, as a part of the size.
            blur=0.0,
        ),
    )
    return choose_variant(
        config,
        variant,
        dict(grown=_grown, skips=_skips, paper=_paper, r1=_r1, wasserstein=_wasserstein, tiny=_tiny),
    )


def _grown(config):
    """Networks, learning rates and averages of `progressive`; levels before their time must not move: b1 is 0."""
    tiny = config.size < 64  # `:tiny` came first
    config.steps, config.ema, config.log.grids = 6000, 0.99, 9
    config.networks = 'progressive'
    # Channels of the levels, from the first map on: five of them make 64 px of 4.
    # skips: nothing grows, and `schedules.growth` is left out; up: nearest or linear.
    widths = (64, 64, 48, 32, 16)
    config.generator = dict(widths=widths, z_dim=128, slope=0.2, up='nearest', skips=False)
    config.discriminator = dict(widths=widths, slope=0.2, deviation=False, skips=False)
    config.optimizer.gen.eps = config.optimizer.disc.eps = 1e-8
    config.schedules.learning_rate_gen = dict(at=(8 / 9, 1.0), value=(2e-3, 2e-4))
    config.schedules.learning_rate_disc = dict(at=(8 / 9, 1.0), value=(6e-3, 6e-4))
    config.schedules.growth = levels(4, 1 / 9, 'fraction')
    if tiny:
        _tiny(config)


def _skips(config):
    _grown(config)
    config.generator.skips = config.discriminator.skips = True
    config.generator.up = 'linear'
    del config.schedules['growth']


def _paper(config):
    _skips(config)
    config.augment = ('translation', 'cutout')
    config.size = 64
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
    config.generator.widths = config.discriminator.widths = (4, 4) if config.networks == 'dcgan' else (6, 4, 4)
    if 'growth' in config.schedules:
        config.schedules.growth = levels(2, 1 / 5, 'fraction')
    if config.objective.get('lazy'):
        config.objective.lazy = 2
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 1, 2, 4, 2
