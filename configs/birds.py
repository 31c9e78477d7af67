"""Generate images from noise while the discriminator learns to see: everything that it is shown is blurred at first.

Source: "Gradually Increasing Image Resolution During GAN Training" (2018), Tables 1 and 2, figures 3 and 4.

    python main.py --config=configs/birds.py                embedded flowers, 64 px
    python main.py --config=configs/birds.py:paper          Tables 1 and 2: birds, 192 px, batch 64, 500 epochs
    python main.py --config=configs/birds.py:no_blur        the control: the same without blur
    python main.py --config=configs/birds.py:augmented      the discriminator sees every image changed at random
    python main.py --config=configs/birds.py:smooth         smooth up- and down-sampling: no grid of dots
    python main.py --config=configs/birds.py:tiny           a few steps of very small networks, for tests

The default config has half of the paper's widths, 64 px instead of 192, batches of 32 instead of 64, 2800 steps, a
generator's learning rate of 4e-4 that falls to a tenth over the last 30 % of training (Table 2 has 1e-4 for both
players), and shows an average of the generator's weights. `:augmented` is for few images, which the discriminator
learns by heart otherwise (Zhao et al. 2020). With 5e-4 for both players the generator collapsed within
500 steps on photographs of birds: all samples alike. `:smooth` on the embedded flowers has no dots, and few different
samples (MS-SSIM of pairs 0.37, one seed, averages of 0.999; docs/results.md).
"""

from ml_collections import ConfigDict

from gans.config.common import with_defaults
from gans.config.load import choose_variant


def get_config(variant: str = '') -> ConfigDict:
    """Returns the config, or the variant of it that is named."""
    config = with_defaults(
        name='birds',
        size=64,
        batch=32,
        steps=2800,
        data=dict(tfds=dict(dataset='caltech_birds2011')),
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
        networks='birds',
        # norm: pixelwise, batch or layer; activation: leaky_relu, relu, elu or tanh.
        # up: transposed, nearest or linear; down: stride, blur or pool. linear and blur leave no grid of dots.
        generator=dict(
            outer=(16, 32, 64),
            inner=(128, 256),
            z_dim=128,
            norm='pixelwise',
            activation='leaky_relu',
            slope=0.2,
            up='transposed',
            init_std=0.02,
        ),
        discriminator=dict(
            outer=(16, 32, 64),
            inner=(128, 256),
            hidden=128,
            norm='pixelwise',
            activation='leaky_relu',
            slope=0.2,
            down='stride',
            init_std=0.02,
        ),
        # form: non_saturating, minimax, hinge, least_squares; wasserstein has a config of its own.
        objective=dict(name='standard', form='non_saturating', terms=()),
        ema=0.99,
        optimizer=dict(gen=dict(name='adam', b1=0.0, b2=0.99), disc=dict(name='adam', b1=0.0, b2=0.99)),
        # Breakpoints in fractions of training, values joined by straight lines, constant outside.
        schedules=dict(
            learning_rate_gen=dict(at=(0.7, 1.0), value=(4e-4, 4e-5)),
            learning_rate_disc=dict(at=(0.7, 1.0), value=(1e-4, 1e-5)),
            adversarial=1.0,
            # Standard deviation in pixels of the blur through which the discriminator sees, as a part of the size.
            blur=dict(at=(0.0, 0.4), value=(0.1, 0.0), of='size'),
        ),
    )
    variants = {
        'paper': _paper,
        'no_blur': _no_blur,
        'augmented': _augmented,
        'smooth': _smooth,
        'tiny': _tiny,
    }
    return choose_variant(config, variant, variants)


def _paper(config):
    config.size, config.batch, config.steps, config.ema = 192, 64, 86_000, 0.0
    config.data.source, config.data.threads = 'tfds', 4
    config.data.tfds.upscale = True  # photographs of the set may have a side below 192 px
    config.generator.outer = config.discriminator.outer = (32, 64, 128)
    config.generator.inner = config.discriminator.inner = (256, 512)
    config.schedules.learning_rate_gen = dict(at=(0.0,), value=(1e-4,))
    config.schedules.learning_rate_disc = dict(at=(0.0,), value=(1e-4,))
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 100, 20, 64, 1000


def _no_blur(config):
    config.schedules.blur.value = (0.0, 0.0)


def _augmented(config):
    config.augment, config.schedules.augment = ('colour', 'translation', 'cutout'), 1.0


def _smooth(config):
    config.generator.up, config.discriminator.down = 'linear', 'blur'


def _tiny(config):
    config.size, config.batch, config.steps = 16, 8, 4
    config.data.embedded.count = 64
    config.task.latent = config.generator.z_dim = 8
    for section in (config.generator, config.discriminator):
        section.outer, section.inner = (4,), (4,)
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 1, 2, 4, 2
