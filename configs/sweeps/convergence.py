"""Does BEGAN's measure of convergence follow the quality of its samples during training?

"Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018), figure 5: the measure falls as training
proceeds, and its jumps tell of bad samples. Twenty checkpoints are kept, and ordered by the measure and by SWD.
"""


def get_hyper(hyper):
    cells = hyper.fixed('label', 'BEGAN')
    kept = [hyper.fixed('checkpoint.every', 150), hyper.fixed('checkpoint.keep', 20)]
    return hyper.product([hyper.fixed('config', 'configs/began.py'), cells, *kept])


MEASURES = ('convergence_correlation', 'samples.swd', 'loss_jumps')
CLAIMS = (
    dict(
        claim='The measure of convergence falls as samples come nearer to real images.',
        cell='BEGAN',
        than=0,
        measure='convergence_correlation',
        better='higher',
    ),
)
