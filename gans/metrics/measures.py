"""Measures of images against their originals, as records for the evaluation of a task."""

from gans.metrics import colour, pixels, ssim
from gans.types import Measure

SSIM = 'SSIM'

# By name: over the part of each image that its mask marks, and over whole images.
IN_MASK = {
    'L1': Measure('lower', 4, pixels.l1),
    'PSNR dB': Measure('higher', 2, pixels.psnr),
    SSIM: Measure('higher', 4, ssim.ssim),
}
WHOLE = {n: m._replace(compute=lambda a, b, mask, f=m.compute: f(a, b)) for n, m in IN_MASK.items()}
CHROMA_ERROR = Measure('lower', 4, lambda a, b, mask: colour.chroma_error(a, b))
