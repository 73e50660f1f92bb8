"""Images that a line names: their formats, their file names, the rules of what names them.

`extra.images[n].format` is the format in which an image is published: `pipeline.pictures` has
prepared it and put its facts there before the lines are made.
"""

from __future__ import annotations

import polars as pl

from pipeline.stage import Broken
from pipeline.targets.contract import Place
from pipeline.targets.lines import EXTRA, IMAGES

_SPELLINGS = {"jpeg": "jpeg", "jpg": "jpeg", "mpo": "jpeg"} | {n: n for n in ("png", "gif", "webp")}


def image_format(index: int = 0) -> pl.Expr:
    """The format of one image: `jpeg`, `png`, `gif` or `webp`; null where it is none of these."""
    told = EXTRA.str.json_path_match(f"$.images[{index}].format").str.to_lowercase()
    return told.replace_strict(_SPELLINGS, default=None, return_dtype=pl.String)


def image_name(index: int = 0) -> pl.Expr:
    """The image's file name under `Place.image_prefix`: `<id>.jpg`, for a second one `<id>-2.jpg`.

    Null if the format is not known.
    """
    ending = image_format(index).replace("jpeg", "jpg")
    number = "" if index == 0 else f"-{index + 1}"
    return pl.concat_str(pl.col("id"), pl.lit(f"{number}."), ending)


def file_name(record: str, index: int, kind: str) -> str:
    """The same of one record's id and a format that is known.

    >>> file_name("3b07", 1, "jpeg")
    '3b07-2.jpg'
    """
    number = "" if index == 0 else f"-{index + 1}"
    return f"{record}{number}.{kind.replace('jpeg', 'jpg')}"


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
