"""Colours by their ICC profile: what is not sRGB becomes sRGB, as which trainers read all files."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageCms import ImageCmsTransform

NEAR = 3
"""Levels of 255 by which the many profiles of sRGB differ from each other."""

_STEPS = range(0, 256, 51)


def colour_mode(mode: str) -> str:
    """L, RGB or CMYK: the mode in which the colours of a picture of some mode are converted."""
    if mode == "CMYK":
        return mode
    return "L" if mode.startswith("I") or mode in {"1", "L", "LA", "La"} else "RGB"


def is_srgb(image: Image) -> bool:
    """Whether the levels of a gray or RGB picture are those of sRGB, or nobody says otherwise."""
    return _transform(image.info.get("icc_profile"), colour_mode(image.mode)) is None


def in_srgb(image: Image) -> Image:
    """A picture of mode RGB, L or CMYK in sRGB, as RGB or L; a broken profile says nothing."""
    from PIL import ImageCms

    transform = _transform(image.info.get("icc_profile"), image.mode)
    plain = "L" if image.mode == "L" else "RGB"
    if transform is None:
        return image.convert(plain)
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # it is not done in place
    return converted.convert(plain)


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes | None, mode: str) -> ImageCmsTransform | None:
    """What leads to sRGB; None without a profile, for a broken one, and for one of sRGB."""
    from PIL import ImageCms

    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, target, mode, "RGB")
        return None if _changes_nothing(transform, mode) else transform
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None


def _changes_nothing(transform: ImageCmsTransform, mode: str) -> bool:
    """Whether colours from all over the cube stay what they are, but for roundings."""
    from PIL import Image, ImageChops, ImageCms

    if mode == "CMYK":
        return False
    levels = bytes(level for r in _STEPS for g in _STEPS for b in _STEPS for level in (r, g, b))
    if mode == "L":
        levels = bytes(range(256))
    colours = Image.frombytes(mode, (len(levels) // len(mode), 1), levels)
    converted = ImageCms.applyTransform(colours, transform)
    assert converted is not None
    difference = ImageChops.difference(colours.convert("RGB"), converted)
    return max(high for _, high in difference.getextrema()) <= NEAR  # type: ignore[misc]
