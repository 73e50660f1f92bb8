"""Images that a data set names and that are also on this machine, opened and measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.bedrock.card import Limits
from pipeline.checks.places import blocks, media_uri
from pipeline.checks.standard import Standard
from pipeline.checks.turns import RuleFault

_KNOWN = {"jpeg", "png", "gif", "webp"}


class LocalImages:
    """Finds an image by the last part of its URI in `folder`, or in `images/` beside the file."""

    def __init__(self, standard: Standard, data_file: Path, folder: Path | None = None) -> None:
        self.standard = standard
        self.folder = folder or data_file.parent / "images"
        self.there = self.folder.is_dir()

    def faults(self, value: dict[str, Any]) -> Iterator[RuleFault]:
        """What is wrong with the images of one valid record, as far as they are here."""
        for uri, declared in _named(value, self.standard.format):
            path = self.folder / uri.rsplit("/", 1)[1]
            if path.is_file():
                for rule, detail, measured, allowed in self._measured(path, declared):
                    yield rule, f"{path.name}: {detail}", measured, allowed

    def _measured(self, path: Path, declared: str | None) -> Iterator[RuleFault]:
        try:
            width, height, found = _open(path)
        except ValueError as error:
            yield "image-unreadable", str(error), None, None
            return
        if declared is not None and declared != found:
            yield "image-signature", f"{found}, declared as {declared}", found, declared
        if self.standard.plan is not None:
            limits = self.standard.plan.limits
            yield from _format_fault(found, limits)
            yield from _limit_faults(path.stat().st_size, width, height, limits)


def _named(value: dict[str, Any], format_name: str) -> Iterator[tuple[str, str | None]]:
    """URI and declared format of each image of a valid record."""
    if format_name == "image_caption":
        yield value["image-ref"], None
    elif format_name == "conversation":
        for _, kind, held in blocks(value):
            if kind == "image":
                yield media_uri(held), held["format"]


def _open(path: Path) -> tuple[int, int, str]:
    """Width, height and format, by the file's own bytes; nothing is decoded."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            kind = str(image.format).lower()
            return image.width, image.height, "jpeg" if kind == "mpo" else kind
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _format_fault(found: str, limits: Limits) -> Iterator[RuleFault]:
    allowed = limits.image_formats.value if limits.image_formats else tuple(sorted(_KNOWN))
    if found not in allowed:
        yield "image-format", found, found, ", ".join(allowed)


def _limit_faults(size: int, width: int, height: int, limits: Limits) -> Iterator[RuleFault]:
    most = (
        ("image-too-heavy", size, limits.image_bytes_max),
        ("image-too-large", max(width, height), limits.image_side_max),
        ("image-too-many-pixels", width * height, limits.image_pixels_max),
        ("image-bad-ratio", width / height, limits.image_ratio_max),
    )
    least = (
        ("image-too-small", min(width, height), limits.image_side_min),
        ("image-bad-ratio", width / height, limits.image_ratio_min),
    )
    for rule, value, limit in most:
        if limit and value > limit.value:
            yield rule, f"{value:g}, at most {limit.value:g}", value, limit.value
    for rule, value, limit in least:
        if limit and value < limit.value:
            yield rule, f"{value:g}, at least {limit.value:g}", value, limit.value
