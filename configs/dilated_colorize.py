"""Colorize gray images with residual dilated convolutions, learned from unpaired images.

Source: Curro 2016, "Alternative Architectures for Image Generation and Residual Dilated Convolutions for Image
Colorization with Adversarial Networks", chapter 4.

    python main.py --config=configs/dilated_colorize.py            embedded flowers, 64 px
    python main.py --config=configs/dilated_colorize.py:paired     the discriminator is shown the gray image; L1 added
    python main.py --config=configs/dilated_colorize.py:paper      chapter 4: faces, 178 x 218 px
    python main.py --config=configs/dilated_colorize.py:tiny       a few steps of very small networks, for tests

Luminance in, colour differences out: a colour image has the brightness of its gray one, always. Gray images and
colour images come from disjoint halves of the training set, and the discriminator sees whole colour images alone.
Two generator turns for each of the discriminator's; layer norm, ELU, noise of 0.3 in the discriminator. The thesis
gives no widths, depth, batch or learning rates for this experiment: those of its code's other experiments stand in
`:paper`.
"""

from ml_collections import ConfigDict

from gans.config.common import with_defaults
from gans.config.load import choose_variant


def get_config(variant: str = '') -> ConfigDict:
    """Returns the config, or the variant of it that is named."""
    config = with_defaults(
        name='dilated_colorize',
        size=64,
        batch=16,
        steps=800,
        data=dict(tfds=dict(dataset='celeb_a')),
        # Gray image in, without a random vector; half of the training images mirrored.
        task=dict(name='colorize', latent=0, flip=True, unpaired=True),
        networks='dilated',
        # Dilations 2 to 2^depth; the receptive field is 2^(depth + 2) - 1 pixels wide.
        generator=dict(width=24, depth=5, norm='layer', activation='elu'),
        discriminator=dict(
            widths=(16, 32, 64, 128), hidden=(256,), minibatch=0, norm='layer', activation='elu', noise=0.3
        ),
        objective=dict(name='standard', form='non_saturating', terms=()),
        turns=dict(gen=2, disc=1),
        ema=0.99,
        optimizer=dict(gen=dict(name='adam', b1=0.5, b2=0.999), disc=dict(name='adam', b1=0.5, b2=0.999)),
        # Breakpoints in fractions of training, values joined by straight lines, constant outside.
        schedules=dict(
            learning_rate_gen=5e-4,
            learning_rate_disc=5e-4,
            adversarial=1.0,
            # Standard deviation in pixels of the blur through which both players see, as a part of the size.
            blur=0.0,
        ),
        log=dict(every=20, grid_images=8),
        checkpoint=dict(every=200),
    )
    return choose_variant(config, variant, {'paired': _paired, 'paper': _paper, 'tiny': _tiny})


def _paired(config):
    config.task.unpaired = False
    config.objective.terms = ('l1',)
    config.schedules.l1 = 20.0


def _paper(config):
    with config.ignore_type():
        config.size = (218, 178)  # height, width
    config.batch, config.steps, config.ema = 32, 50_000, 0.0
    config.data.source, config.data.threads = 'tfds', 4
    config.generator.width, config.generator.depth = 32, 6
    config.discriminator.widths, config.discriminator.hidden = (32, 64, 128, 256, 256), (512,)
    config.schedules.learning_rate_disc = 5e-5
    config.log.every, config.log.grids, config.checkpoint.every = 100, 20, 1000


def _tiny(config):
    config.size, config.batch, config.steps = 16, 8, 4
    config.data.embedded.count = 64
    config.generator.width, config.generator.depth = 4, 3
    config.discriminator.widths, config.discriminator.hidden = (4, 4), (8,)
    config.log.every, config.log.grids, config.checkpoint.every = 1, 2, 2
