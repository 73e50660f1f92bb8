"""An image file as it is published: upright, opaque, in sRGB, bare, in a format of the model's."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.pillow import orientation_of, unlimited, upright
from pipeline.targets.bare_images import is_lossless_webp, without_metadata
from pipeline.targets.colours import colour_mode, in_srgb, is_srgb

if TYPE_CHECKING:
    from PIL.Image import Image

USUAL_FORMATS = ("jpeg", "png")
"""What every model takes."""

CHANGES: dict[str, str] = {
    "image_turned": "the image is turned upright",
    "image_flattened": "what is transparent in the image became white",
    "image_first_frame": "of several pictures in the image's file, the first is taken",
    "image_colours_converted": "the image's colours are converted to sRGB",
    "image_written_again": "the image is written again, in a format and size that the model takes",
    "image_metadata_cut": "metadata are cut out of the image's file, its pixels are as they were",
}
"""What `prepare_image` does to an image, for people."""

_OPENED = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")  # never EPS, which starts Ghostscript
_SHOWN_ALIKE = {"RGB", "L", "P", "1"}
"""Modes whose pixels every library converts to the same RGB."""

_QUALITY = 95
_PRIVATE = ("exif", "xmp", "comment", "photoshop", "mp", "mpoffset")


def prepare_image(
    data: bytes, formats: Sequence[str] = USUAL_FORMATS, max_bytes: float | None = None
) -> tuple[bytes, str, dict[str, Any]]:
    """The bytes to publish, their format (one of `formats`), and facts about them.

    `formats` are of `jpeg`, `png`, `gif` and `webp`, those that the model takes; `max_bytes` is
    the most that it takes of a file. A still, upright, opaque sRGB image in one of the formats
    passes through byte for byte, without its metadata. Any other is written again: what was
    compressed with losses as a JPEG of quality 95, all else as a PNG, or as a JPEG where the PNG
    has too many bytes. Where that has too many as well, it is given: the limit is the caller's.

    Facts: `width` and `height` in pixels, `source_format`, `changed` (names of `CHANGES`; empty
    when nothing). Same bytes in, same bytes out. Raises ValueError for what is no readable image.
    """
    try:
        with unlimited(), _opened(data) as image:
            return _prepared(image, data, tuple(formats), max_bytes)
    # Decoders raise OSError, SyntaxError, ValueError, struct.error, MemoryError, ... on bad bytes.
    except Exception as error:
        raise ValueError(f"no readable image: {type(error).__name__}: {error}") from error


def _opened(data: bytes) -> Image:
    from PIL import Image as Images

    return Images.open(io.BytesIO(data), formats=_OPENED)


def _prepared(
    image: Image, data: bytes, formats: tuple[str, ...], max_bytes: float | None
) -> tuple[bytes, str, dict[str, Any]]:
    kind = "jpeg" if image.format == "MPO" else str(image.format).lower()
    more = _has_more(image, data)
    image.load()
    orientation = orientation_of(image)
    done = {
        "image_turned": orientation != 1,
        "image_flattened": image.has_transparency_data,
        "image_first_frame": more,
        "image_colours_converted": not is_srgb(image),
    }
    seen = upright(image, orientation)
    is_plain = image.mode in _SHOWN_ALIKE and not any(
        was for name, was in done.items() if name != "image_first_frame"
    )
    still = kind == "jpeg" or not more  # what stands behind a JPEG's first picture is cut off
    made = _bare(data, kind) if kind in formats and is_plain and still else None
    cut = made is not None and _fits(made, max_bytes)
    if made is None or not cut:
        made, kind = _encoded(_opaque(seen), _is_lossy(kind, data), formats, max_bytes)
    done |= {"image_written_again": not cut, "image_metadata_cut": cut and made != data}
    facts = {
        "width": seen.width,
        "height": seen.height,
        "source_format": str(image.format).lower(),
        "changed": [name for name, was in done.items() if was],
    }
    return made, kind, facts


def _fits(data: bytes, max_bytes: float | None) -> bool:
    return max_bytes is None or len(data) <= max_bytes


def _has_more(image: Image, data: bytes) -> bool:
    """Whether the file has a second picture; asked of another reader, which has to look for it."""
    if image.format == "JPEG":
        return False
    try:
        with _opened(data) as again:
            return bool(getattr(again, "is_animated", False))
    except Exception:  # noqa: BLE001 - a second picture that is damaged
        return True


def _is_lossy(kind: str, data: bytes) -> bool:
    return kind == "jpeg" or (kind == "webp" and not is_lossless_webp(data))


def _bare(data: bytes, kind: str) -> bytes | None:
    """The file without metadata, or None where some may have stayed."""
    made = without_metadata(data, kind)
    if made is None:
        return None
    with _opened(made) as image:
        told = image.info.keys() & _PRIVATE
        has_exif = kind != "png" and len(image.getexif()) > 0  # a PNG would be decoded for it
    return None if told or has_exif else made


def _encoded(
    image: Image, is_lossy: bool, formats: tuple[str, ...], max_bytes: float | None
) -> tuple[bytes, str]:
    """A file of the pixels and its format: the first of them that fits, or the last."""
    kinds = [kind for kind in (("jpeg",) if is_lossy else ("png", "jpeg")) if kind in formats]
    for kind in kinds or ("png",):
        buffer = io.BytesIO()
        if kind == "jpeg":
            image.save(buffer, format="JPEG", quality=_QUALITY)
        else:
            image.save(buffer, format="PNG", compress_level=6)
        if _fits(buffer.getvalue(), max_bytes):
            break
    return buffer.getvalue(), kind


def _opaque(image: Image) -> Image:
    """RGB or gray pixels in sRGB with nothing beside them; what was transparent is white."""
    from PIL import Image as Images

    profile, mode = image.info.get("icc_profile"), colour_mode(image.mode)
    opacity = None
    if image.mode.startswith("I"):
        opacity = _opacity_of_deep_gray(image)
        image = image.point(lambda level: level * (1 / 257))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        opacity = image.getchannel("A")
    image = image.convert(mode)
    image.info = {"icc_profile": profile} if profile else {}
    plain = in_srgb(image)
    if opacity is not None:
        white = Images.new(plain.mode, plain.size, "white")
        white.paste(plain, mask=opacity)
        plain = white
    plain.info = {}
    return plain


def _opacity_of_deep_gray(image: Image) -> Image | None:
    """Of a 16-bit picture with one level that is transparent: 0 there and 255 elsewhere."""
    from PIL import ImageMath

    level = image.info.get("transparency")
    if not isinstance(level, int):
        return None
    opacity: Image = ImageMath.lambda_eval(
        lambda args: args["convert"]((args["gray"] != level) * 255, "L"), gray=image.convert("I")
    )
    return opacity
