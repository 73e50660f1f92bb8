"""An image opened and decoded, so that one that was cut off is found here and not by the job."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_PIXELS = 40_000_000
"""Decoded at most: as many as `prepare` decodes; 40 M take some 160 MB of memory."""

_DECODED = {"JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP"}
"""Formats whose decoders are safe to run: an EPS would start Ghostscript. No model takes others."""

_SHRINK = 8
"""A JPEG is read to its end, too, when it is decoded at an eighth of its size."""


@dataclass(frozen=True)
class ImageFile:
    """What an image file holds."""

    format: str  # jpeg, png, gif, webp, …
    width: int  # pixels
    height: int
    decoded: bool  # False for one of more than MAX_PIXELS, or of a format that no model takes


def read_image(path: Path) -> ImageFile:
    """Measure an image and decode it to its end; of an animation the first frame.

    Raises ValueError, with the decoder's words, for what is no image or is cut off.
    """
    from PIL import Image

    with _without_limit(Image):
        try:
            with Image.open(path) as image:
                kind, width, height = str(image.format), image.width, image.height
                decodes = kind in _DECODED and width * height <= MAX_PIXELS
                if decodes:
                    image.draft(None, (max(1, width // _SHRINK), max(1, height // _SHRINK)))
                    image.load()
        # Decoders raise OSError, SyntaxError, ValueError, struct.error, IndexError, ...
        except Exception as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
    return ImageFile("jpeg" if kind == "MPO" else kind.lower(), width, height, decodes)


@contextmanager
def _without_limit(library: Any) -> Iterator[None]:
    """Pillow neither warns of large images nor refuses them: they are measured, not decoded."""
    usual = library.MAX_IMAGE_PIXELS
    library.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        library.MAX_IMAGE_PIXELS = usual
