"""Does noise in the bottleneck give a gray image various colours?

"Inpainting and Colorizing Flower Pictures via Conditional Image GANs" (2018), remark v, figures 8a and 8b. Without
noise a gray image has one colouring, and its variety is 0. So the claim is confirmed as soon as noise is not ignored
in any seed: how much it does is said by `chroma_variety_ratio`, which is 1 for outputs that differ from each other as
much as from the original. Without noise the widths behind the bottleneck are half as large, as in the post's Table 1a.
"""


def get_hyper(hyper):
    return hyper.zipit(
        [
            hyper.sweep('config', ('configs/colorize.py', 'configs/colorize.py:no_noise')),
            hyper.sweep('label', ('noise', 'no noise')),
        ]
    )


MEASURES = (
    'chroma_variety',
    'chroma_variety_ratio',
    'output.chroma_error',
    'ratios.chroma_error_output_gray',
    'output.colourfulness',
    'output_swd',
)
CLAIMS = (
    dict(
        claim='Noise gives an image various colours.',
        cell='noise',
        than='no noise',
        measure='chroma_variety',
        better='higher',
    ),
    dict(
        claim='Noise makes outputs more realistic.',
        cell='noise',
        than='no noise',
        measure='output_swd',
        better='lower',
    ),
)
