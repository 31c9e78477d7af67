"""What helps to colorize: luma kept, scores for parts, augmentation, fewer operations, averaged weights?

The variants of `configs/colorize.py`, and its bare config with weights averaged by half-life (Karras et al. 2020).
"""

VARIANTS = ('luma', 'patches', 'augmented', 'fast')


def get_hyper(hyper):
    return hyper.chainit(
        [
            hyper.zipit(
                [
                    hyper.sweep('config', ['configs/colorize.py', *(f'configs/colorize.py:{v}' for v in VARIANTS)]),
                    hyper.sweep('label', ('bare', *VARIANTS)),
                ]
            ),
            hyper.product(
                [
                    hyper.fixed('config', 'configs/colorize.py'),
                    hyper.fixed('label', 'averaged'),
                    hyper.fixed('ema_half_life', 1000.0),
                ]
            ),
        ]
    )


MEASURES = (
    'ratios.chroma_error_output_gray',
    'output.chroma_error',
    'output.colourfulness',
    'output.ssim',
    'output_swd',
)
CLAIMS = tuple(
    dict(
        claim=f'{cell[0].upper()}{cell[1:]} gives colours that are nearer to the original than bare.',
        cell=cell,
        than='bare',
        measure='output.chroma_error',
        better='lower',
    )
    for cell in (*VARIANTS, 'averaged')
)
