"""Checks the local copies of images, videos and documents that a data set names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.bedrock.card import Limits
from pipeline.checks.found import Found
from pipeline.checks.image_file import MAX_PIXELS, read_image
from pipeline.checks.places import MEDIA, blocks, media_uri
from pipeline.checks.standard import Standard
from pipeline.checks.turns import RuleFault
from pipeline.checks.video_file import read_video
from pipeline.pillow import unlimited

_KINDS = defaultdict(tuple, {"image_caption": MEDIA[:1], "conversation": MEDIA})
"""Kinds of media that a record may name, by format."""

_KNOWN_IMAGES = {"jpeg", "png", "gif", "webp"}
IMAGES_KEPT = 4096
"""Images whose measures are remembered: one that many records name is decoded once."""

_PDF_HEAD = 1024
"""Bytes in which readers look for the signature of a PDF; it need not come first."""


class LocalMedia:
    """Finds a file below `folder` by the longest end of its key in S3 that is a file there.

    Of `s3://bucket/m/cats/1.jpg` that is `m/cats/1.jpg`, or `cats/1.jpg`, or `1.jpg`; a key that
    has the folder's own name is looked for by what stands behind it alone. Without a folder: in
    `images/`, `videos/` or `documents/` beside the data.
    """

    def __init__(self, standard: Standard, data_file: Path, folder: Path | None = None) -> None:
        self.standard = standard
        beside = data_file.parent
        self.folders = {kind: folder or beside / f"{kind}s" for kind in _KINDS[standard.format]}
        self.there = any(place.is_dir() for place in self.folders.values())
        self._names = {kind: place.resolve().name for kind, place in self.folders.items()}
        self._is_given = folder is not None
        self._named = self._opened = 0
        self._first_missing: tuple[int, str] | None = None  # line and URI
        self._read_image = lru_cache(IMAGES_KEPT)(read_image)

    def faults(self, number: int, value: dict[str, Any]) -> Iterator[RuleFault]:
        """What is wrong with the media of one valid record, as far as they are here."""
        for kind, uri, declared in _named(value, self.standard.format):
            path = self._find(kind, uri)
            self._named += 1
            if path is None:
                self._first_missing = self._first_missing or (number, uri)
                continue
            self._opened += 1
            for rule, detail, measured, allowed in self._measured(kind, path, declared):
                yield rule, f"{path.name}: {detail}", measured, allowed

    def report(self, found: Found, file: str) -> None:
        """Add that some of the media are not here, or none is in the folder that was given."""
        if not self.there or self._first_missing is None:
            return
        line, uri = self._first_missing
        rule = "media-not-opened" if self._opened or not self._is_given else "media-missing"
        told = f"opened {self._opened:,} of {self._named:,}; the first that is not here: {uri}"
        found.add(rule, file, line, told, self._opened, self._named)

    def _find(self, kind: str, uri: str) -> Path | None:
        parts, folder = uri.split("/")[3:], self._names[kind]
        if ".." in parts:
            return None
        last = parts.index(folder) + 1 if folder in parts[:-1] else len(parts) - 1
        ends = (self.folders[kind].joinpath(*parts[at:]) for at in range(last + 1))
        return next((path for path in ends if path.is_file()), None)

    def _measured(self, kind: str, path: Path, declared: str | None) -> Iterator[RuleFault]:
        limits = self.standard.plan.limits if self.standard.plan else Limits()
        if kind == "image":
            yield from self._image_faults(path, declared, limits)
        elif kind == "video":
            yield from _video_faults(path, declared, limits)
        else:
            yield from _document_faults(path, declared, limits)

    def _image_faults(
        self, path: Path, declared: str | None, limits: Limits
    ) -> Iterator[RuleFault]:
        try:
            image = self._read_image(path)
        except ValueError as error:
            yield "image-unreadable", str(error), None, None
            return
        if declared is not None and declared != image.format:
            told = f"{image.format}, declared as {declared}"
            yield "image-signature", told, image.format, declared
        allowed = limits.image_formats.value if limits.image_formats else sorted(_KNOWN_IMAGES)
        if image.format not in allowed:
            yield "image-format", image.format, image.format, ", ".join(allowed)
        faults = list(_size_faults(path.stat().st_size, image.width, image.height, limits))
        yield from faults
        pixels = image.width * image.height
        if pixels > MAX_PIXELS and not faults:
            yield "image-not-decoded", f"{pixels}, at most {MAX_PIXELS}", pixels, MAX_PIXELS


def _named(value: dict[str, Any], format_name: str) -> Iterator[tuple[str, str, str | None]]:
    """Kind, URI and declared format of each file that a valid record names."""
    if format_name == "image_caption":
        yield "image", value["image-ref"], None
    elif format_name == "conversation":
        for _, kind, held in blocks(value):
            if kind in MEDIA:
                yield kind, media_uri(held), held["format"]


def _video_faults(path: Path, declared: str | None, limits: Limits) -> Iterator[RuleFault]:
    yield from _over("video-too-heavy", path.stat().st_size, limits.video_bytes_max)
    try:
        video = read_video(path)
    except ValueError as error:
        yield "video-unreadable", str(error), None, None
        return
    if declared != video.format:
        detail = f"{video.format}, declared as {declared}"
        yield "video-signature", detail, video.format, declared
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
