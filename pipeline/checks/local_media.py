"""Images, videos and documents that a data set names and that are here too, opened and measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.bedrock.card import Limits
from pipeline.checks.places import MEDIA, blocks, media_uri
from pipeline.checks.standard import Standard
from pipeline.checks.turns import RuleFault
from pipeline.checks.video_file import read_video
from pipeline.pillow import unlimited

_KINDS = defaultdict(tuple, {"image_caption": MEDIA[:1], "conversation": MEDIA})
"""Kinds of media that a record of a format may name."""

_KNOWN_IMAGES = {"jpeg", "png", "gif", "webp"}
_PDF_HEAD = 1024
"""Bytes in which readers look for the mark of a PDF; it need not stand first."""


class LocalMedia:
    """Finds a file by the last part of its URI in `folder`.

    Without a folder: in `images/`, `videos/` or `documents/` beside the data.
    """

    def __init__(self, standard: Standard, data_file: Path, folder: Path | None = None) -> None:
        self.standard = standard
        beside = data_file.parent
        self.folders = {kind: folder or beside / f"{kind}s" for kind in _KINDS[standard.format]}
        self.there = any(place.is_dir() for place in self.folders.values())

    def faults(self, value: dict[str, Any]) -> Iterator[RuleFault]:
        """What is wrong with the media of one valid record, as far as they are here."""
        for kind, uri, declared in _named(value, self.standard.format):
            path = self.folders[kind] / uri.rsplit("/", 1)[1]
            if path.is_file():
                for rule, detail, measured, allowed in self._measured(kind, path, declared):
                    yield rule, f"{path.name}: {detail}", measured, allowed

    def _measured(self, kind: str, path: Path, declared: str | None) -> Iterator[RuleFault]:
        limits = self.standard.plan.limits if self.standard.plan else Limits()
        if kind == "image":
            yield from _image_faults(path, declared, limits)
        elif kind == "video":
            yield from _video_faults(path, declared, limits)
        else:
            yield from _document_faults(path, declared, limits)


def _named(value: dict[str, Any], format_name: str) -> Iterator[tuple[str, str, str | None]]:
    """Kind, URI and declared format of each file that a valid record names."""
    if format_name == "image_caption":
        yield "image", value["image-ref"], None
    elif format_name == "conversation":
        for _, kind, held in blocks(value):
            if kind in MEDIA:
                yield kind, media_uri(held), held["format"]


def _image_faults(path: Path, declared: str | None, limits: Limits) -> Iterator[RuleFault]:
    try:
        width, height, found = _open(path)
    except ValueError as error:
        yield "image-unreadable", str(error), None, None
        return
    if declared is not None and declared != found:
        yield "image-signature", f"{found}, declared as {declared}", found, declared
    allowed = limits.image_formats.value if limits.image_formats else sorted(_KNOWN_IMAGES)
    if found not in allowed:
        yield "image-format", found, found, ", ".join(allowed)
    yield from _size_faults(path.stat().st_size, width, height, limits)


def _video_faults(path: Path, declared: str | None, limits: Limits) -> Iterator[RuleFault]:
    yield from _over("video-too-heavy", path.stat().st_size, limits.video_bytes_max)
    try:
        video = read_video(path)
    except ValueError as error:
        yield "video-unreadable", str(error), None, None
        return
    if declared != video.format:
        told = f"{video.format}, declared as {declared}"
        yield "video-signature", told, video.format, declared
    if video.seconds is not None:
        yield from _over("video-too-long", video.seconds, limits.video_seconds_max)
    elif limits.video_seconds_max:
        most = limits.video_seconds_max.value
        yield "video-length-unknown", f"at most {most:g} seconds", None, most


def _document_faults(path: Path, declared: str | None, limits: Limits) -> Iterator[RuleFault]:
    yield from _over("document-too-heavy", path.stat().st_size, limits.document_bytes_max)
    with path.open("rb") as file:
        head = file.read(_PDF_HEAD)
    if declared == "pdf" and b"%PDF-" not in head:
        yield "document-signature", f"no PDF, declared as {declared}", None, declared


def _open(path: Path) -> tuple[int, int, str]:
    """Width, height and format, by the file's own bytes; nothing is decoded."""
    from PIL import Image

    try:
        with unlimited(), Image.open(path) as image:
            kind = str(image.format).lower()
            return image.width, image.height, "jpeg" if kind == "mpo" else kind
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _over(rule: str, value: float, limit: Any) -> Iterator[RuleFault]:
    if limit and value > limit.value:
        yield rule, f"{value:g}, at most {limit.value:g}", value, limit.value


def _size_faults(size: int, width: int, height: int, limits: Limits) -> Iterator[RuleFault]:
    yield from _over("image-too-heavy", size, limits.image_bytes_max)
    yield from _over("image-too-large", max(width, height), limits.image_side_max)
    yield from _over("image-too-many-pixels", width * height, limits.image_pixels_max)
    yield from _over("image-bad-ratio", width / height, limits.image_ratio_max)
    least = (
        ("image-too-small", min(width, height), limits.image_side_min),
        ("image-bad-ratio", width / height, limits.image_ratio_min),
    )
    for rule, value, limit in least:
        if limit and value < limit.value:
            yield rule, f"{value:g}, at least {limit.value:g}", value, limit.value
