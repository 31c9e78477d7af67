"""Generate images from noise with a boundary equilibrium GAN: a discriminator that is an autoencoder.

Source: "Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018), Tables 2 and 3;
Berthelot et al. 2017.

    python main.py --config=configs/began.py                embedded flowers, 32 px
    python main.py --config=configs/began.py:paper          Tables 2 and 3: 17,187,398 parameters, faces, batch 48
    python main.py --config=configs/began.py:paper_128      the same at 128 px: one level more
    python main.py --config=configs/began.py:side_128       the default at 128 px: two levels more
    python main.py --config=configs/began.py:flowers        64 px, flowers, mirrored, turned and recoloured
    python main.py --config=configs/began.py:augmented      the default on flowers, mirrored, turned and recoloured
    python main.py --config=configs/began.py:tiny           a few steps of very small networks, for tests

The default config has an eighth of the paper's widths and 32 px with one level less, batches of 16 instead of 48, 3000
steps, weights that begin with a deviation of 0.06 (narrow layers without norm would swallow the signal with the
table's 0.02), learning rates of 1e-3 that fall to a tenth over the last 30 % of training, where Table 3 has 1e-4, and
shows an average of the generator's weights. The control is twenty times as fast (gain 0.02; Berthelot et al. have
0.001 for a hundred times as many steps): with 0.001 it stood at 0.02 after 700 steps on photographs of faces, and all
samples were one dim face.
"""

from ml_collections import ConfigDict

from gans.config.common import with_defaults
from gans.config.load import choose_variant


def get_config(variant: str = '') -> ConfigDict:
    """Returns the config, or the variant of it that is named."""
    config = with_defaults(
        name='began',
        size=32,
        batch=16,
        steps=3000,
        data=dict(tfds=dict(dataset='celeb_a')),
        # A latent of `latent` numbers in, an image out. Real images may be mirrored, turned by multiples of
        # 90 degrees, and changed in hue (part of the circle), saturation and value (parts of themselves).
        task=dict(
            name='generate',
            latent=64,
            distribution='normal',
            flip=True,
            rotate=False,
            hue=0.0,
            saturation=0.0,
            value=0.0,
        ),
        networks='began',
        generator=dict(width=16, levels=2, z_dim=64, init_std=0.06),
        discriminator=dict(widths=(16, 32, 48), z_dim=64, init_std=0.06),
        objective=dict(name='began', z_dim=64, gamma=0.6, gain=0.02, warm_up=1000, memory=2000, terms=()),
        ema=0.99,
        optimizer=dict(gen=dict(name='adam', b1=0.5, b2=0.999), disc=dict(name='adam', b1=0.5, b2=0.999)),
        # Breakpoints in fractions of training, values joined by straight lines, constant outside.
        schedules=dict(
            learning_rate_gen=dict(at=(0.7, 1.0), value=(1e-3, 1e-4)),
            learning_rate_disc=dict(at=(0.7, 1.0), value=(1e-3, 1e-4)),
            residual=dict(at=(0.0, 0.1), value=(1.0, 0.0)),
            # Standard deviation in pixels of the blur through which the discriminator sees, as a part of the size.
            blur=0.0,
        ),
    )
    variants = {
        'paper': _paper,
        'paper_128': _paper_128,
        'side_128': _side_128,
        'flowers': _flowers,
        'augmented': _augmented,
        'tiny': _tiny,
    }
    return choose_variant(config, variant, variants)


def _paper(config):
    config.size, config.batch, config.steps, config.ema = 64, 48, 100_000, 0.0
    config.generator.levels, config.objective.gamma, config.objective.gain = 3, 0.5, 0.001
    config.data.source, config.data.threads = 'tfds', 4
    config.generator.width, config.discriminator.widths = 128, (128, 256, 384, 512)
    config.generator.init_std = config.discriminator.init_std = 0.02
    config.schedules.learning_rate_gen = dict(at=(0.0,), value=(1e-4,))
    config.schedules.learning_rate_disc = dict(at=(0.0,), value=(1e-4,))
    config.schedules.residual = dict(at=(0.0, 0.16), value=(1.0, 0.0))
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 100, 20, 64, 1000


def _paper_128(config):
    _paper(config)
    _side_128(config)


def _side_128(config):
    # Whatever the size was, each doubling up to 128 px takes one more level, wider by the first one's width.
    while config.size < 128:
        widths = config.discriminator.widths
        config.size, config.generator.levels = 2 * config.size, config.generator.levels + 1
        config.discriminator.widths = (*widths, widths[-1] + widths[0])


def _flowers(config):
    _paper(config)
    _augmented(config)


def _augmented(config):
    config.data.tfds.dataset = 'oxford_flowers102'
    config.task.rotate, config.task.hue, config.task.saturation, config.task.value = True, 0.05, 0.2, 0.2


def _tiny(config):
    config.size, config.batch, config.steps = 16, 8, 4
    config.data.embedded.count = 64
    for section in (config.generator, config.discriminator, config.objective):
        section.z_dim = 8
    config.task.latent, config.objective.warm_up = 8, 16
    config.generator.width, config.generator.levels, config.discriminator.widths = 4, 1, (4, 4)
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 1, 2, 4, 2
