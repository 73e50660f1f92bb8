"""What readers, targets and checks ask of Pillow alike: quiet, without its limit, upright.

Readers measure the upright picture and targets publish it. EXIF is only read, never written
again: Pillow writes no block that holds a value of the wrong type.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112


@contextmanager
def unlimited() -> Iterator[None]:
    """Pillow without its limit of pixels and without warnings, for the time of a `with`.

    For pictures whose pixels a reader has allowed, and for those of which only the header is read.
    """
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of EXIF blocks, while they are read
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def orientation_of(image: Image) -> int:
    """The EXIF tag that says how to turn the picture, 1 to 8; 1 where none can be read."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    # A picture with a broken EXIF block is still a picture; Pillow raises anything here.
    except Exception:  # noqa: BLE001
        return 1
    return orientation if orientation in range(1, 9) else 1


def upright(image: Image, orientation: int) -> Image:
    """The picture as it is meant to be seen; the same object where nothing turns."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image
