"""Images and their captions: `{"image-ref": …, "caption": …}` (Titan, Nova Canvas).

AWS's own notebooks remove the newline after the last record, so this format ends without one.
"""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from pipeline.stage import Broken, Settings, reject
from pipeline.targets.contract import Place
from pipeline.targets.images import image_faults, image_name
from pipeline.targets.lines import IMAGES, TEXT, as_json, is_blank, one_text_losses, with_lines


class ImageCaption(Settings):
    """One image, with the text as its caption, without the spaces around it."""

    format: ClassVar[str] = "image_caption"
    schema: ClassVar[str] = "image_caption.schema.json"  # type: ignore[assignment]
    final_newline: ClassVar[bool] = False

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:
        """The records plus `line`."""
        marked = reject(
            records,
            no_image=IMAGES == 0,
            more_than_one_image=Broken(IMAGES > 1, value=IMAGES, threshold=1),
            no_caption=is_blank(TEXT),
            **image_faults(records, place),
        )
        reference = pl.lit(place.image_prefix) + image_name()
        return with_lines(marked, as_json(**{"image-ref": reference, "caption": TEXT}))

    def losses(self) -> dict[str, pl.Expr]:
        """Records that have more than an image and a caption, by kind of loss."""
        return one_text_losses()
