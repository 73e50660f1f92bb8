"""Measure an image by decoding it fully once, so that a truncated file is found here and not later.

Only the decoders of the listed formats can run (an EPS would start Ghostscript), no picture over
the pixel limit is decoded, and only the first frame of an animation is.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.not_an_image` (value: the kind,
if it is known), `read.unsupported_image` (value: the kind), `read.corrupt_image` (value: the
decoder's words), `read.image_too_many_pixels` (value: the decoder's words, threshold: pixels),
`read.out_of_memory`.
"""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.pillow import orientation_of, upright
from pipeline.readers.rows import UnreadableError
from pipeline.readers.signatures import signature
from pipeline.source import HEAD_BYTES, SourceFile

if TYPE_CHECKING:
    from PIL.Image import Image

REASONS = {
    "read.empty_file": "the file is empty or holds only white space",
    "read.too_large": "the file is larger than the reader accepts; split it or raise `max_bytes`",
    "read.not_an_image": "the file is not an image",
    "read.unsupported_image": "TIFF, HEIC and AVIF are not decoded; no Bedrock job accepts them",
    "read.corrupt_image": "the image is damaged or cut off: it cannot be decoded to its end",
    "read.image_too_many_pixels": "the image has more pixels than are decoded",
    "read.out_of_memory": "the file takes too much memory to parse; split it",
}

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")

MAX_PIXELS = 40_000_000
"""Bedrock's largest is 4,096 x 4,096 = 16.8 M; a 420 kB PNG can hold 144 M, which need 1.7 GB."""

_GPS = 0x8825
_STRIP_ROWS = 256
_WIDE_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def measure(file: SourceFile, max_bytes: int, max_pixels: int) -> dict[str, Any]:
    """Measure an image: its entry in `extra`; raises `UnreadableError`.

    `width` and `height` are those of the upright picture, `orientation` is the EXIF tag (1 to 8)
    by which it was turned, `pixels_sha256` is equal for equal upright pixels in any file format.
    """
    if file.size == 0:
        raise UnreadableError("read.empty_file", 0)
    if file.size > max_bytes:
        raise UnreadableError("read.too_large", file.size, max_bytes)
    with (
        warnings.catch_warnings(),
        file.open() as stream,
        _decoded(stream, max_pixels) as image,
    ):
        warnings.simplefilter("ignore")  # warnings about EXIF blocks
        return _measured(file, image)


def _decoded(stream: BinaryIO, max_pixels: int) -> Image:
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = max_pixels
    bombs = (Image.DecompressionBombWarning, Image.DecompressionBombError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(stream, formats=FORMATS)
            image.load()
    except bombs as error:
        raise UnreadableError("read.image_too_many_pixels", error, max_pixels) from error
    except UnidentifiedImageError as error:
        raise _other_kind(stream) from error
    except MemoryError as error:
        raise UnreadableError("read.out_of_memory") from error
    # Decoders raise OSError, SyntaxError, ValueError, struct.error, IndexError, ... on bad bytes.
    except Exception as error:
        raise UnreadableError("read.corrupt_image", f"{type(error).__name__}: {error}") from error
    return image


def _other_kind(stream: BinaryIO) -> UnreadableError:
    stream.seek(0)
    kind = signature(stream.read(HEAD_BYTES))
    known = kind in ("tiff", "heif", "avif")
    return UnreadableError("read.unsupported_image" if known else "read.not_an_image", kind)


def _measured(file: SourceFile, image: Image) -> dict[str, Any]:
    orientation = orientation_of(image)
    seen = upright(image, orientation)
    return {
        "width": seen.width,
        "height": seen.height,
        "format": "jpeg" if image.format == "MPO" else str(image.format).lower(),
        "bytes": file.size,
        "mode": image.mode,
        "sha256": file.sha256,
        "pixels_sha256": _pixels_sha256(seen),
        "has_alpha": image.has_transparency_data,
        "has_gps": _has_gps(image),
        "orientation": orientation,
    }


def _has_gps(image: Image) -> bool:
    """Whether there is a GPS position; a broken EXIF block has none."""
    try:
        return bool(image.getexif().get_ifd(_GPS))
    # A picture with a broken EXIF block is still a picture; Pillow raises anything here, too.
    except Exception:  # noqa: BLE001
        return False


def _pixels_sha256(image: Image) -> str:
    """The SHA-256 of size and RGBA pixels, computed in strips.

    Deep greys are not converted, because RGBA would clip them.
    """
    digest = hashlib.sha256(f"{image.width}x{image.height}".encode())
    wide = image.mode in _WIDE_MODES
    if wide:
        digest.update(image.mode.encode())
    for top in range(0, image.height, _STRIP_ROWS):
        strip = image.crop((0, top, image.width, min(top + _STRIP_ROWS, image.height)))
        digest.update((strip if wide else strip.convert("RGBA")).tobytes())
    return digest.hexdigest()
