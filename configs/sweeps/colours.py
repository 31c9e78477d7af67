"""What helps to colorize: luma kept, no noise, scores for parts, augmentation, averaged weights?

The variants of `configs/colorize.py`, and its bare config with weights averaged by half-life (Karras et al. 2020).
"""

VARIANTS = ('luma', 'no_noise', 'patches', 'augmented')


def get_hyper(hyper):
    variants = ['', *(f':{variant}' for variant in VARIANTS), '']
    return hyper.zipit(
        [
            hyper.sweep('config', [f'configs/colorize.py{variant}' for variant in variants]),
            hyper.sweep('label', ['bare', *VARIANTS, 'averaged']),
            hyper.sweep('ema_half_life', [0.0] * (len(variants) - 1) + [1000.0]),
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
