"""Do hinge, moments and style together generate better images than the plain loss?

Curro 2016, sections 3.1, 3.2 and 3.3.2: facades, with batch norm. No facades are embedded, so the images are flowers
unless `--config.data.source=folder --config.data.folder.path=PLACE` gives others.
"""


def get_hyper(hyper):
    return hyper.zipit(
        [
            hyper.sweep('config', ('configs/places.py', 'configs/places.py:plain')),
            hyper.sweep('label', ('hinge, moments, style', 'plain')),
        ]
    )


MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training', 'loss_jumps')
CLAIMS = tuple(
    dict(claim=claim, cell='hinge, moments, style', than='plain', measure=measure, better='lower')
    for claim, measure in (
        ('Hinge, moments and style make better samples than the plain loss.', 'samples.swd'),
        ('Hinge, moments and style train more stably than the plain loss.', 'loss_jumps'),
    )
)
