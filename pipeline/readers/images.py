"""A folder of images with captions: an image and a caption are one record.

`text` is the caption, `images` the image's URI, and `extra` is
`{"images": [{width, height, format, bytes, mode, sha256, pixels_sha256, has_alpha, has_gps,
orientation}]}` as `pipeline.readers.pixels` measures it. An image with several captions is
several records, locator `caption=N`. How captions are found: `pipeline.readers.captions`. A row
of metadata about a file that is not there is a rejected record of the metadata file.

Reasons: those of `pipeline.readers.pixels` and `pipeline.readers.captions`, `read.no_caption`, and
`read.missing_image` (value: the file name).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from pydantic import Field

from pipeline.readers import captions, csv_table, encoding, jsonl, parquet, pixels
from pipeline.readers.captions import Caption
from pipeline.readers.image_units import Part, image_units
from pipeline.readers.rows import Row, UnreadableError, frames
from pipeline.readers.signatures import signature
from pipeline.settings import Settings
from pipeline.source import SourceFile, Unit

if TYPE_CHECKING:
    import polars as pl

REASONS = {
    **csv_table.REASONS,
    **jsonl.REASONS,
    **parquet.REASONS,
    **encoding.REASONS,
    **pixels.REASONS,
    "read.no_caption": "no metadata and no caption file has a caption for the image",
    "read.missing_image": "a row of metadata names a file that is not there",
}

EXTENSIONS = (
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif", ".svg"),  # claimed to be rejected as what they are
)
_KINDS = ("png", "jpeg", "gif", "webp", "tiff", "heif", "avif")

MAX_BYTES = 50_000_000
"""The most that any Bedrock image model takes as training data (Titan Image Generator, 50 MB)."""


class ImagesReader(Settings):
    """Images with their captions, one record for each caption."""

    name: ClassVar[str] = "images"
    sandboxed: ClassVar[bool] = True

    caption_column: str | None = Field(
        default=None, description="the column of captions in metadata; left out, caption or text"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")
    max_pixels: int = Field(
        default=pixels.MAX_PIXELS, gt=0, description="images with more pixels are rejected"
    )

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """By name (.png, .jpg, ...), or by the first bytes."""
        return file.uri.lower().endswith(EXTENSIONS) or signature(head) in _KINDS

    def units(self, files: Sequence[SourceFile]) -> list[Unit]:
        """Up to 256 images of a folder, with their captions; see `image_units`."""
        return image_units(files)

    def read(self, unit: Unit) -> Iterator[pl.DataFrame]:
        """A row for each image and caption, then one for each row of metadata without an image."""
        return frames(self._rows(unit))

    def _rows(self, unit: Unit) -> Iterator[Row]:
        part = Part.of(unit)
        found: dict[str, list[Caption]] = {image.uri: [] for image in part.images}
        left_over = [row for file in part.metadata for row in self._take(file, part, found)]
        for image in part.images:
            beside = part.captions_beside(image)
            own = found[image.uri] or [captions.read_caption(file) for file in beside]
            yield from self._image(image, own or [UnreadableError("read.no_caption")])
        yield from left_over

    def _take(
        self, metadata: SourceFile, part: Part, found: dict[str, list[Caption]]
    ) -> Iterator[Row]:
        """Puts the captions of the part's images into `found`; gives the rows without an image."""
        for locator, row in captions.rows(metadata):
            try:
                if isinstance(row, UnreadableError):
                    raise row
                uri = captions.named_image(metadata, row)
            except UnreadableError as fault:
                if part.before is None:
                    yield fault.row(metadata, locator)
                continue
            if image := part.image_at(uri):
                found[image] += captions.captions_of(row, self.caption_column)
            elif part.owns(uri):
                name = captions.file_named(row)
                yield UnreadableError("read.missing_image", name).row(metadata, locator)

    def _image(self, file: SourceFile, own: Sequence[Caption]) -> Iterator[Row]:
        row: Row = {"source": file.uri, "images": [file.uri]}
        try:
            measured = pixels.measure(file, self.max_bytes, self.max_pixels)
            row["extra"] = orjson.dumps({"images": [measured]}).decode()
        except UnreadableError as fault:
            own = [fault] * len(own)
        for number, caption in enumerate(own, 1):
            locator = f"caption={number}" if len(own) > 1 else ""
            text: dict[str, Any] = {"text": caption}
            if isinstance(caption, UnreadableError):
                text = caption.row(file, locator)
            yield {**row, "locator": locator, **text}
