"""Do colours that were learned from unpaired images come near those from pairs?

Curro 2016, chapter 4: the discriminator sees whole colour images, and never the gray one of a colour image. With pairs
it is shown the gray image too, and the L1 term is added. How near is said by both ratios to the error of gray: 1 is
as far from the original as no colours at all.
"""


def get_hyper(hyper):
    return hyper.zipit(
        [
            hyper.sweep('config', ('configs/dilated_colorize.py', 'configs/dilated_colorize.py:paired')),
            hyper.sweep('label', ('unpaired', 'paired')),
        ]
    )


MEASURES = (
    'ratios.chroma_error_output_gray',
    'output.chroma_error',
    'output.colourfulness',
    'output_swd',
    'output.ssim',
)
CLAIMS = (
    dict(
        claim='Unpaired colours are nearer to the original than gray.',
        cell='unpaired',
        than=1,
        measure='ratios.chroma_error_output_gray',
        better='lower',
    ),
    dict(
        claim='Pairs give colours that are nearer to the original.',
        cell='paired',
        than='unpaired',
        measure='output.chroma_error',
        better='lower',
    ),
    dict(
        claim='Unpaired outputs are, as a set, nearer to the originals.',
        cell='unpaired',
        than='paired',
        measure='output_swd',
        better='lower',
    ),
)
