"""Colorize gray images with a conditional GAN.

Source: "Inpainting and Colorizing Flower Pictures via Conditional Image GANs" (2018), Tables 1a, 1b and 2,
figures 3, 4, 5b, 6, 8 and 10.

    python main.py --config=configs/colorize.py              embedded flowers, 64 px
    python main.py --config=configs/colorize.py:paper        Table 2: 256 px, batch 36, 50,000 batches
    python main.py --config=configs/colorize.py:luma         what is known since; livelier colours
    python main.py --config=configs/colorize.py:l1           the L1 term alone (figure 6)
    python main.py --config=configs/colorize.py:cgan         the adversarial term alone (figure 6)
    python main.py --config=configs/colorize.py:no_noise     a generator without a random vector
    python main.py --config=configs/colorize.py:augmented    the discriminator sees shifted images with squares cut out
    python main.py --config=configs/colorize.py:patches      scores for parts of the image, paired feature matching
    python main.py --config=configs/colorize.py:tiny         a few steps of very small networks, for tests

The default config has the paper's losses and schedules. What is not the paper's, so that about ten minutes of two CPU
cores suffice: 64 px, batch 16, 1840 steps; learning rates of 1e-3 (generator; falling to 1e-4 over the last fifth) and
4e-4 (discriminator) where Table 2 has 1e-4 for both; and a generator that works at half the resolution inside, with
five widths in place of six. That takes a third of the arithmetic, and the steps it leaves time for are worth more than
what it loses: with the paper's generator and 620 steps, in 6 min 28 s, chroma error was 0.65 to 0.70 of gray's.

The discriminator has a loss of its own without a weight. While the adversarial weight is 0, in the first 30 % of
training, it learns to tell real from fake all the same, and the generator does not listen; when the weight rises, it
listens to a judge that knows its trade.

Measured (two Intel Xeon cores with AVX-512, jax 0.10.2, 2026-11-28, seed 0): 8 min 55 s, and on 391 held-out images
chroma error 0.0483, which is 0.442 of gray's (0.422 to 0.464); with `--config.steps=2480` 0.414. Expect blue skies,
green leaves and flowers in colours that could be true.

`:no_noise` has a decoder of half the width. With the paper's generator the noise changed outputs by less than an eye
sees; with this one that was not measured.

`:luma` has what is known since (not in the source): the luma of the gray image is set in already in training, so that
losses and discriminator see what a person gets, and the generator chooses chroma alone. In place of L1 there are L1 of
the chroma, which counts most where the real image is saturated, and a term for colourfulness. It has no noise. Chroma
error is 0.482 of gray's (0.460 to 0.505), with `--config.steps=2480` 0.430, and colours are livelier (docs/results.md).
"""

from ml_collections import ConfigDict

from gans.config.common import with_defaults
from gans.config.load import choose_variant


def get_config(variant: str = '') -> ConfigDict:
    """Returns the config, or the variant of it that is named."""
    config = with_defaults(
        name='colorize',
        size=64,
        batch=16,
        steps=1840,
        data=dict(tfds=dict(dataset='oxford_flowers102')),
        # Gray image and a random vector in; half of the training images mirrored.
        task=dict(name='colorize', latent=128, flip=True),
        networks='unet',
        # stride: 2 works at half the resolution, behind a first layer that halves it.
        generator=dict(widths=(16, 24, 32, 40, 48), z_dim=128, noise=True, stride=2, init_std=0.02, slope=0.2),
        discriminator=dict(widths=(16, 32, 64, 128, 256, 256), hidden=256, init_std=0.02, slope=0.2),
        # 'minimax' is the form that the paper prints.
        objective=dict(name='standard', form='non_saturating', terms=('l1',)),
        optimizer=dict(gen=dict(name='adam', b1=0.0, b2=0.99), disc=dict(name='adam', b1=0.0, b2=0.99)),
        # Breakpoints in fractions of training, values joined by straight lines, constant outside.
        schedules=dict(
            learning_rate_gen=dict(at=(0.8, 1.0), value=(1e-3, 1e-4)),
            learning_rate_disc=dict(at=(0.0,), value=(4e-4,)),
            l1=dict(at=(0.3, 0.8), value=(100.0, 85.0)),
            adversarial=dict(at=(0.3, 0.8), value=(0.0, 0.15)),
            # The standard deviation in pixels, given as a fraction of the size.
            blur=dict(at=(0.0, 0.15), value=(0.1, 0.0), of='size'),
        ),
        log=dict(every=40, grid_images=8),
        checkpoint=dict(every=400),
    )
    variants = {
        'paper': _paper,
        'luma': _luma,
        'tiny': _tiny,
        'l1': _l1,
        'cgan': _cgan,
        'no_noise': _no_noise,
        'augmented': _augmented,
        'patches': _patches,
    }
    return choose_variant(config, variant, variants)


def _paper(config):
    config.size, config.batch, config.steps = 256, 36, 50_000
    config.generator.stride, config.generator.widths = 1, (16, 24, 32, 40, 48, 56)
    config.data.source, config.data.threads = 'tfds', 4
    config.schedules.learning_rate_gen = dict(at=(0.0,), value=(1e-4,))
    config.schedules.learning_rate_disc = dict(at=(0.0,), value=(1e-4,))
    config.log.every, config.checkpoint.every = 100, 1000


def _luma(config):
    _no_noise(config)
    config.task.keep_luma = True
    config.objective.terms = ('chroma', 'colourfulness')
    del config.schedules['l1']
    config.schedules.chroma = dict(at=(0.3, 0.8), value=(100.0, 85.0))  # as L1 has them
    config.schedules.colourfulness = dict(at=(0.0,), value=(0.5,))


def _tiny(config):
    config.size, config.batch, config.steps = 32, 8, 4
    config.data.embedded.count = 64
    config.generator.widths = config.discriminator.widths = (4, 4)
    config.log.every, config.log.grids, config.checkpoint.every = 1, 2, 2


def _l1(config):
    config.schedules.adversarial.value = (0.0, 0.0)


def _cgan(config):
    config.schedules.l1.value = (0.0, 0.0)
    config.schedules.adversarial.value = (0.15, 0.15)  # or the generator would stand still for 30 % of training


def _augmented(config):
    config.augment, config.schedules.augment = ('translation', 'cutout'), 1.0


def _no_noise(config):
    config.task.latent, config.generator.noise = 0, False  # then the widths behind the bottleneck are not doubled


def _patches(config):
    """Isola et al. 2017 (PatchGAN: a score sees 45 px) and Wang et al. 2018 (ten times the adversarial weight)."""
    config.discriminator = dict(widths=(32, 64), hidden=128, patches=True, init_std=0.02, slope=0.2)
    terms = dict(l1=dict(), paired_features=dict(layers=('down_0', 'down_1', 'head/hidden')))
    config.objective = dict(config.objective, terms=terms)
    config.schedules.paired_features = dict(at=(0.3, 0.8), value=(0.0, 1.5))
