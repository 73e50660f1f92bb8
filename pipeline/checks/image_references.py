"""What the name of an image says of it, where the file itself is not here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipeline.checks.standard import Standard
from pipeline.checks.turns import RuleFault

_NOVA_NAME = re.compile(r"s3:/(/[-_.A-Za-z0-9]+)+")
"""Nova's guide allows fewer characters than the API, whose pattern is in the schema."""

_FORMATS = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), "jpeg"),
    **{name: name for name in ("png", "gif", "webp", "svg", "bmp", "avif", "heic", "heif", "pdf")},
    **dict.fromkeys(("tif", "tiff"), "tiff"),
}
"""The format that the end of a name stands for."""


def reference_faults(value: dict[str, Any], standard: Standard) -> Iterator[RuleFault]:
    """What is wrong with the name of the image in one valid record of `image_caption`."""
    uri = value["image-ref"]
    if standard.is_nova and not _NOVA_NAME.fullmatch(uri):
        yield "media-uri", f"image-ref: {uri}", uri, None
    limit = standard.plan.limits.image_formats if standard.plan else None
    name = uri.rpartition("/")[2]
    kind = _FORMATS.get(name.rpartition(".")[2].lower()) if "." in name else None
    if limit and kind and kind not in limit.value:
        yield "image-name", name, kind, ", ".join(limit.value)
