"""What `config.size` means."""

from ml_collections import ConfigDict

from gans.errors import UserError


def shape_of(config: ConfigDict) -> tuple[int, int]:
    """The images' (height, width) in pixels: `config.size` is a number or such a pair."""
    size = config.size
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 1:
        raise UserError(f'config.size is {size}: give the side of the images in pixels.')
    return height, width
