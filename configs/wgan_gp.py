"""Generate images from noise with a Wasserstein GAN and a gradient penalty.

Source: "Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018), Tables 1 and 3;
Gulrajani et al. 2017.

    python main.py --config=configs/wgan_gp.py              embedded flowers, 64 px
    python main.py --config=configs/wgan_gp.py:paper        Tables 1 and 3: faces, 64 px, batch 128
    python main.py --config=configs/wgan_gp.py:flowers      the same on flowers, mirrored, turned and recoloured
    python main.py --config=configs/wgan_gp.py:augmented    the default on flowers, mirrored, turned and recoloured
    python main.py --config=configs/wgan_gp.py:tiny         a few steps of very small networks, for tests

The default config has an eighth of the paper's widths, batches of 16 instead of 128, 6000 steps, one critic turn in
each, where Gulrajani et al. have five (the post does not say), and a faster critic instead (Heusel et al. 2017):
learning rates of 2e-4 (generator) and 4e-4 (critic) that fall to a tenth over the last 30 % of training, where Table 3
has 1e-4. Its sampling is smooth (linear, and blur before a stride), which the paper's is not; its latents are normal,
and an average of the generator's weights is shown.
"""

from ml_collections import ConfigDict

from gans.config.common import with_defaults
from gans.config.load import choose_variant


def get_config(variant: str = '') -> ConfigDict:
    """Returns the config, or the variant of it that is named."""
    config = with_defaults(
        name='wgan_gp',
        size=64,
        batch=16,
        steps=6000,
        data=dict(tfds=dict(dataset='celeb_a')),
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
        # `bias_before_norm`: the paper's count has them, and they do nothing.
        # up: transposed, nearest or linear; down: stride, blur or pool. linear and blur leave fewer dots.
        generator=dict(
            widths=(16, 32, 64, 128),
            z_dim=128,
            norm='batch',
            activation='relu',
            up='linear',
            bias_before_norm=False,
            init_std=0.02,
        ),
        # Batch norm would be refused: the penalty is on the slope at each image by itself.
        discriminator=dict(
            widths=(16, 32, 64, 128),
            norm='layer',
            activation='leaky_relu',
            slope=0.2,
            down='blur',
            init_std=0.02,
        ),
        objective=dict(name='standard', form='wasserstein', penalty=True, terms=()),
        ema=0.999,
        optimizer=dict(gen=dict(name='adam', b1=0.0, b2=0.9), disc=dict(name='adam', b1=0.0, b2=0.9)),
        # Breakpoints in fractions of training, values joined by straight lines, constant outside.
        schedules=dict(
            learning_rate_gen=dict(at=(0.7, 1.0), value=(2e-4, 2e-5)),
            learning_rate_disc=dict(at=(0.7, 1.0), value=(4e-4, 4e-5)),
            adversarial=1.0,
            penalty=10.0,
            # Standard deviation in pixels of the blur through which the discriminator sees, as a part of the size.
            blur=0.0,
        ),
    )
    return choose_variant(
        config,
        variant,
        {'paper': _paper, 'flowers': _flowers, 'augmented': _augmented, 'tiny': _tiny},
    )


def _paper(config):
    config.batch, config.steps, config.ema = 128, 40_000, 0.0
    config.data.source, config.data.threads = 'tfds', 4
    config.generator.widths = config.discriminator.widths = (128, 256, 512, 1024)
    config.generator.bias_before_norm = True
    config.generator.up, config.discriminator.down = 'transposed', 'stride'
    config.task.distribution = 'uniform'
    config.schedules.learning_rate_gen = dict(at=(0.0,), value=(1e-4,))
    config.schedules.learning_rate_disc = dict(at=(0.0,), value=(1e-4,))
    config.turns.disc = 5
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 100, 20, 64, 1000


def _flowers(config):
    _paper(config)
    _augmented(config)


def _augmented(config):
    config.data.tfds.dataset = 'oxford_flowers102'
    config.task.rotate, config.task.hue, config.task.saturation, config.task.value = True, 0.05, 0.2, 0.2


def _tiny(config):
    config.size, config.batch, config.steps = 16, 8, 4
    config.data.embedded.count = 64
    config.task.latent = config.generator.z_dim = 8
    config.generator.widths = config.discriminator.widths = (4, 4)
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 1, 2, 4, 2
