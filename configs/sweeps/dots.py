"""Do smooth up- and down-sampling take the grid of dots away, and are samples better for it?

Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"; Zhang 2019, "Making Convolutional Networks
Shift-Invariant Again". `checkerboard` is 1 where there are no dots.
"""

NAMES = ('dcgan', 'wgan_gp', 'birds')
WAYS = {', smooth': ('linear', 'blur'), '': ('transposed', 'stride')}


def get_hyper(hyper):
    return hyper.zipit(
        [
            hyper.sweep('config', [f'configs/{name}.py' for name in NAMES for _ in WAYS]),
            hyper.sweep('generator.up', [up for _ in NAMES for up, _ in WAYS.values()]),
            hyper.sweep('discriminator.down', [down for _ in NAMES for _, down in WAYS.values()]),
            hyper.sweep('label', [f'{name}{way}' for name in NAMES for way in WAYS]),
        ]
    )


MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training', 'samples.checkerboard')
CLAIMS = tuple(
    dict(claim=claim.format(name), cell=f'{name}, smooth', than=name, measure=measure, better='lower')
    for name in NAMES
    for claim, measure in (
        ('Smooth up- and down-sampling leaves fewer dots in {}.', 'samples.checkerboard'),
        ('Smooth up- and down-sampling gives better samples of {}.', 'samples.swd'),
    )
)
