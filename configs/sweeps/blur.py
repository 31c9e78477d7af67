"""Does it help to blur what the discriminator sees, less and less?

"Gradually Increasing Image Resolution During GAN Training" (2018): networks of a fixed size learn coarse shapes first,
and outputs are behind inputs of the same blurriness by about 125 of 500 epochs, a quarter of training. The post shows
no run without blur: its claim is that the samples are at least as good as those of networks that grow.
"""


def get_hyper(hyper):
    cells = hyper.zipit(
        [
            hyper.sweep('config', ('configs/birds.py', 'configs/birds.py:no_blur')),
            hyper.sweep('label', ('blur', 'no blur')),
        ]
    )
    # For the delay: many sample grids while the blur shrinks, each with 64 samples and 8 real images. They show no
    # average of the generator, which is a hundred steps behind by itself. For jumps: a hundred log lines.
    more = {'log.grids': 40, 'log.grid_images': 64, 'log.every': 28, 'ema': 0.0}
    return hyper.product([cells, *(hyper.fixed(name, value) for name, value in more.items())])


MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training', 'loss_jumps', 'blur_delay')
CLAIMS = (
    dict(
        claim='Blur gives samples that are nearer to real images.',
        cell='blur',
        than='no blur',
        measure='samples.swd',
        better='lower',
    ),
    dict(
        claim='Blur gives more varied samples.',
        cell='blur',
        than='no blur',
        measure='samples.ms_ssim_of_pairs',
        better='lower',
    ),
    dict(
        claim='Samples are behind inputs of the same blurriness.',
        cell='blur',
        than=0,
        measure='blur_delay',
        better='higher',
    ),
)
