"""Do hinge, moments and style together generate better digits than the plain loss, and which of them does it?

Curro 2016, sections 3.1, 3.2 and 3.3.1. The plain loss is the non-saturating one. 1500 steps could not tell with three
seeds; these are the config's 2500, and `--config.steps` gives more. MNIST's own digits are read with
`--config.data.source=mnist --config.data.mnist.path=PLACE`.
"""

LABELS = ('hinge, moments, style', 'plain', 'hinge', 'moments, style')


def get_hyper(hyper):
    cells = hyper.chainit(
        [
            hyper.fixed('config', 'configs/mnist.py'),
            hyper.fixed('config', 'configs/mnist.py:plain'),
            hyper.product([hyper.fixed('config', 'configs/mnist.py:plain'), hyper.fixed('objective.form', 'hinge')]),
            hyper.product([hyper.fixed('config', 'configs/mnist.py'), hyper.fixed('objective.form', 'non_saturating')]),
        ]
    )
    return hyper.zipit([cells, hyper.sweep('label', LABELS)])


MEASURES = ('class_frechet', 'label_entropy', 'samples.swd', 'samples.ms_ssim_of_pairs', 'loss_jumps')
CLAIMS = tuple(
    dict(
        claim=f'Hinge, moments and style together make better digits than: {other}.',
        cell=LABELS[0],
        than=other,
        measure=measure,
        better='lower',
    )
    for other in LABELS[1:]
    for measure in ('class_frechet', 'samples.swd')
)
