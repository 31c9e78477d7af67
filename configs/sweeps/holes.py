"""What helps to fill holes: to be told where they are, or an average of the weights?

`masked`: both players see the hole, the known pixels are set in, and L1 weighs the hole more (Suvorov et al. 2022,
"Resolution-robust Large Mask Inpainting with Fourier Convolutions"). `averaged`: the weights averaged by half-life
(Karras et al. 2020).
"""


def get_hyper(hyper):
    return hyper.zipit(
        [
            hyper.sweep('config', ('configs/inpaint.py', 'configs/inpaint.py:masked', 'configs/inpaint.py')),
            hyper.sweep('label', ('bare', 'masked', 'averaged')),
            hyper.sweep('ema_half_life', (0.0, 0.0, 1000.0)),
        ]
    )


MEASURES = (
    'ratios.l1_in_boxes_output_border_mean',
    'output.l1_in_boxes',
    'output.psnr_db_in_boxes',
    'output_swd',
)
CLAIMS = tuple(
    dict(claim=claim, cell=cell, than='bare', measure='output.l1_in_boxes', better='lower')
    for cell, claim in (
        ('masked', 'A known hole is filled better.'),
        ('averaged', 'Averaged weights fill holes better.'),
    )
)
