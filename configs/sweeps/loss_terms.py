"""Do both loss terms, with weights that change, inpaint better than either term alone, or than constant weights?

"Inpainting and Colorizing Flower Pictures via Conditional Image GANs" (2018), figures 4 and 6: L1 alone gives no
detail, the adversarial term alone distorts, both together are plausible; weights and blur that change in training
improve the results. Constant weights are the final ones of the ramps; the blur is the same in all cells.

An error of pixels favours L1, which minimises it. So what the outputs lack is measured by the sliced Wasserstein
distance of all outputs to all originals too, for which a blurred box counts as much as a distorted one.
"""

LABELS = {'both, ramps': '', 'L1 alone': ':l1', 'adversarial alone': ':cgan', 'both, constant': ':no_ramps'}


def get_hyper(hyper):
    configs = [f'configs/inpaint.py{variant}' for variant in LABELS.values()]
    return hyper.zipit([hyper.sweep('config', configs), hyper.sweep('label', LABELS)])


MEASURES = ('output_swd', 'output.l1_in_boxes', 'output.psnr_db_in_boxes', 'output.l1', 'loss_jumps')
CLAIMS = tuple(
    dict(claim=claim, cell='both, ramps', than=than, measure=measure, better='lower')
    for claim, than in (
        ('Both terms inpaint better than L1 alone.', 'L1 alone'),
        ('Both terms inpaint better than the adversarial one alone.', 'adversarial alone'),
        ('Ramps of the weights inpaint better than constant ones.', 'both, constant'),
    )
    for measure in ('output_swd', 'output.l1_in_boxes')
)
