"""A folder of images with captions: an image and a caption are one record.

`text` is the caption, `images` the image's URI, and `extra` is
`{"images": [{width, height, format, bytes, mode, sha256, pixels_sha256, has_alpha, has_gps,
orientation}]}` as measured by `pipeline.readers.pixels`. An image with several captions is several
records, with the locator `caption=N`. For how captions are found, see `pipeline.readers.captions`.
A row of metadata about a missing file is a rejected record of the metadata file.

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
    "read.no_caption": "neither metadata nor a caption file has a caption for the image",
    "read.missing_image": "a row of metadata names a file that does not exist",
}

EXTENSIONS = (
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif", ".svg"),  # claimed only to be rejected with the right reason
)
_KINDS = ("png", "jpeg", "gif", "webp", "tiff", "heif", "avif")

MAX_BYTES = 50_000_000
"""The most that any Bedrock image model accepts as training data (Titan Image Generator, 50 MB)."""


class ImagesReader(Settings):
    """Images with their captions, one record for each caption."""

    name: ClassVar[str] = "images"
    sandboxed: ClassVar[bool] = True

    caption_column: str | None = Field(
        default=None, description="the metadata column with captions; if omitted, caption or text"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")
    max_pixels: int = Field(
        default=pixels.MAX_PIXELS, gt=0, description="images with more pixels are rejected"
    )

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.png, .jpg, ...), or by the first bytes."""
        return file.uri.lower().endswith(EXTENSIONS) or signature(head) in _KINDS

    def units(self, files: Sequence[SourceFile]) -> list[Unit]:
        """Up to 256 images of a folder, with their captions; see `image_units`."""
        return image_units(files)

    def read(self, unit: Unit) -> Iterator[pl.DataFrame]:
        """Yield a row for each image and caption, then one for each metadata row without image."""
        return frames(self._rows(unit))

    def _rows(self, unit: Unit) -> Iterator[Row]:
        part = Part.of(unit)
        by_image: dict[str, list[Caption]] = {image.uri: [] for image in part.images}
        left_over = [row for file in part.metadata for row in self._take(file, part, by_image)]
        for image in part.images:
            beside = part.captions_beside(image)
            own = by_image[image.uri] or [captions.read_caption(file) for file in beside]
            yield from self._image(image, own or [UnreadableError("read.no_caption")])
        yield from left_over

    def _take(
        self, metadata: SourceFile, part: Part, by_image: dict[str, list[Caption]]
    ) -> Iterator[Row]:
        """Add the captions of the part's images to `by_image`; yield rejected rows for the rest."""
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
                by_image[image] += captions.captions_of(row, self.caption_column)
            elif part.owns(uri):
                name = captions.file_named(row)
                yield UnreadableError("read.missing_image", name).row(metadata, locator)

    def _image(self, file: SourceFile, given: Sequence[Caption]) -> Iterator[Row]:
        row: Row = {"source": file.uri, "images": [file.uri]}
        try:
            measured = pixels.measure(file, self.max_bytes, self.max_pixels)
            row["extra"] = orjson.dumps({"images": [measured]}).decode()
        except UnreadableError as fault:
            given = [fault] * len(given)
        for number, caption in enumerate(given, 1):
            locator = f"caption={number}" if len(given) > 1 else ""
            text: dict[str, Any] = {"text": caption}
            if isinstance(caption, UnreadableError):
                text = caption.row(file, locator)
            yield {**row, "locator": locator, **text}
