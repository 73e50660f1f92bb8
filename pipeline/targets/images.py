"""Prepares images for a data set: their file names, and the changes to their bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.stage import Broken
from pipeline.targets.contract import Place
from pipeline.targets.lines import EXTRA, IMAGES

if TYPE_CHECKING:
    from PIL.Image import Image

_JPEG = ["jpeg", "jpg", "mpo"]
_ORIENTATION = 0x0112
_PRIVATE = {*range(0xE3, 0xEE), 0xE1, 0xEF, 0xFE}  # APP1, APP3-13, APP15, COM: EXIF, XMP, IPTC
_START_OF_SCAN = 0xDA
_QUALITY = 95


def image_format(index: int = 0) -> pl.Expr:
    """The format that `prepare_image` gives one image: `jpeg` for a JPEG, else `png`.

    From `extra.images[index].format`, the format of the source; null if that is not known.
    """
    source = EXTRA.str.json_path_match(f"$.images[{index}].format").str.to_lowercase()
    prepared = pl.when(source.is_in(_JPEG)).then(pl.lit("jpeg")).otherwise(pl.lit("png"))
    return pl.when(source.is_not_null()).then(prepared)


def image_name(index: int = 0) -> pl.Expr:
    """The image's file name under `Place.image_prefix`: `<id>.jpg`, for a second one `<id>-2.jpg`.

    Null if the format is not known.
    """
    ending = image_format(index).replace("jpeg", "jpg")
    number = "" if index == 0 else f"-{index + 1}"
    return pl.concat_str(pl.col("id"), pl.lit(f"{number}."), ending)


def most_images(records: pl.DataFrame) -> int:
    """The largest number of images in a record."""
    return int(records.select(IMAGES.max()).item() or 0)


def image_faults(
    records: pl.DataFrame, place: Place, needs_owner: bool = False
) -> dict[str, pl.Expr | Broken]:
    """The rules for images that a line names; `needs_owner` if it names the bucket's owner too."""
    names = [(image_name(i), i < IMAGES) for i in range(most_images(records))]
    has = IMAGES > 0
    missing = pl.any_horizontal(pl.lit(False), *(exists & name.is_null() for name, exists in names))
    return {
        "images_without_prefix": has & (not place.image_prefix.startswith("s3://")),
        "images_without_owner": has & (needs_owner and place.bucket_owner is None),
        "image_not_prepared": missing,
    }


def prepare_image(data: bytes) -> tuple[bytes, str, dict[str, Any]]:
    """(the bytes to publish, their format `png` or `jpeg`, facts about them).

    A JPEG stays a JPEG: one that is upright and has no metadata is unchanged, byte for byte;
    metadata is cut out without decoding; only one that must be rotated is encoded again, at quality
    95. Every other format becomes a PNG without metadata, with transparency flattened onto white.
    Facts: `width` and `height` in pixels, `source_format`, `changed` (what was done; empty if
    nothing). The same input gives the same bytes. Raises ValueError if the image is not readable.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            turned = opened.getexif().get(_ORIENTATION, 1) != 1
    except Exception as error:
        raise ValueError(f"not a readable image: {error}") from error
    source_format = str(opened.format).lower()
    keeps = source_format == "jpeg" and not turned and opened.mode in {"RGB", "L"}
    made = without_metadata(data) if keeps else _encoded(upright, source_format)
    changed = _changes(opened, turned, data, made)
    size = {"width": upright.width, "height": upright.height}
    facts = {**size, "source_format": source_format, "changed": changed}
    return made, "jpeg" if source_format in _JPEG else "png", facts


def without_metadata(jpeg: bytes) -> bytes:
    """A JPEG without its EXIF, XMP, IPTC and comment segments; its pixels do not change."""
    kept, at = [jpeg[:2]], 2
    while jpeg[at : at + 1] == b"\xff" and at + 4 <= len(jpeg):
        marker = jpeg[at + 1]
        if marker == _START_OF_SCAN:
            break
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if marker not in _PRIVATE:
            kept.append(jpeg[at:end])
        at = end
    return b"".join([*kept, jpeg[at:]])


def _changes(image: Image, turned: bool, data: bytes, made: bytes) -> list[str]:
    """What was done to an image, in words."""
    if data == made:
        return []
    done = {
        "turned upright": turned,
        "transparency flattened onto white": image.has_transparency_data,
        f"converted from {image.mode}": image.mode not in {"RGB", "L", "RGBA", "LA"},
        "first frame taken": getattr(image, "n_frames", 1) > 1,
        "written without metadata": True,
    }
    return [words for words, was in done.items() if was]


def _encoded(image: Image, source_format: str) -> bytes:
    buffer = io.BytesIO()
    plain = _on_white(image)
    if source_format in _JPEG:
        plain.save(buffer, format="JPEG", quality=_QUALITY)
    else:
        plain.save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


def _on_white(image: Image) -> Image:
    """The image as RGB or gray, without transparency and metadata."""
    from PIL import Image as Images

    if image.has_transparency_data:
        layer = image.convert("RGBA")
        flat = Images.new("RGB", layer.size, "white")
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    if image.mode.startswith("I"):
        image = image.point(lambda level: level * (1 / 257)).convert("L")
    plain = image.copy() if image.mode in {"RGB", "L"} else image.convert("RGB")
    plain.info = {}
    return plain
