"""Generate images from noise with networks that grow, from 4 x 4 pixels to the whole size.

Source: Karras et al. 2018, "Progressive Growing of GANs" (PGGAN), sections 2, 4 and A.1.

    python main.py --config=configs/progressive.py              embedded flowers, 64 px in five levels
    python main.py --config=configs/progressive.py:paper        the paper: 1024 px, nine levels, 850,000 steps
    python main.py --config=configs/progressive.py:fixed        the control: whole networks from the start
    python main.py --config=configs/progressive.py:skips        RGB skips instead of growing (Karras et al. 2020)
    python main.py --config=configs/progressive.py:tiny         a few steps of very small networks, for tests

The schedule `growth` says which level is played: at 2.0 images of level 2 (16 px), at 2.3 level 3 is faded in and
counts 0.3. Levels that are not reached cost nothing; every level that is begun compiles a program of its own. The
critic's loss is Wasserstein's with a gradient penalty and a drift term. The paper has minibatch deviation beside it,
though the penalty takes every image by itself: `discriminator.deviation` is for the other forms of the objective.

The default config has small widths, a latent of 128 numbers, batches of 16, 4500 steps, an equal part for every fading
and every rest, and learning rates of 2e-3 (generator) and 6e-3 (critic) that fall to a tenth over the last part, where
the paper has 1e-3 for both and 50,000 steps for each part: at 1e-3 and 400 steps for each, samples were all alike at 16
px. The authors reset the optimizers at every new level, and this config does not.
"""

from ml_collections import ConfigDict

from gans.config.common import levels, with_defaults
from gans.config.load import choose_variant


def get_config(variant: str = '') -> ConfigDict:
    """Returns the config, or the variant of it that is named."""
    config = with_defaults(
        name='progressive',
        size=64,
        batch=16,
        steps=4500,
        data=dict(tfds=dict(dataset='celeb_a_hq/1024')),
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
        objective=dict(name='standard', form='wasserstein', penalty=True, drift=True, terms=()),
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
            penalty=10.0,
            drift=1e-3,
            growth=levels(4, 1 / 9, 'fraction'),
            # Standard deviation in pixels of the blur through which the discriminator sees, as a part of the size.
            blur=0.0,
        ),
        log=dict(grids=9),
        checkpoint=dict(every=125),  # a quarter of each fading and rest
    )
    return choose_variant(config, variant, {'paper': _paper, 'fixed': _fixed, 'skips': _skips, 'tiny': _tiny})


def _paper(config):
    config.size, config.steps, config.ema = 1024, 850_000, 0.999
    config.data.source, config.data.threads = 'tfds', 4
    config.task.latent = config.generator.z_dim = 512
    config.generator.widths = config.discriminator.widths = (512, 512, 512, 512, 256, 128, 64, 32, 16)
    config.schedules.learning_rate_gen = config.schedules.learning_rate_disc = dict(at=(0.0,), value=(1e-3,))
    config.schedules.growth = levels(8, 800_000, 'image')
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 100, 34, 16, 5000


def _fixed(config):
    config.schedules.growth = dict(at=(0.0,), value=(float(len(config.generator.widths) - 1),), unit='fraction')


def _skips(config):
    config.generator.skips = config.discriminator.skips = True
    config.generator.up = 'linear'
    del config.schedules['growth']


def _tiny(config):
    config.size, config.batch, config.steps = 16, 8, 5
    config.data.embedded.count = 64
    config.task.latent = config.generator.z_dim = 8
    config.generator.widths = config.discriminator.widths = (6, 4, 4)
    if not config.generator.skips:
        config.schedules.growth = levels(2, 1 / 5, 'fraction')
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 1, 2, 4, 2
