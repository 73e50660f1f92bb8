"""Rules about all records of a file together: fields in only some of them, media of two kinds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.checks.found import Found
from pipeline.checks.places import MEDIA, blocks, media_uri
from pipeline.checks.standard import Standard

_BLOCK_FIELDS = ("image", "video", "reasoningContent", "toolUse", "toolResult")
OPTIONAL = {
    "conversation": ("system", *_BLOCK_FIELDS),
    "reinforcement": ("id", "reference_answer", "tools"),
}
"""Fields that AWS's Forge SDK requires in all records of a file or in none."""


@dataclass
class _Presence:
    with_it: int = 0
    without: int = 0
    first_with: int = 0  # line
    first_without: int = 0

    def add(self, present: int, total: int, first_with: int, first_without: int) -> None:
        if present and not self.with_it:
            self.first_with = first_with
        if present < total and not self.without:
            self.first_without = first_without
        self.with_it += present
        self.without += total - present


@dataclass
class Across:
    """Collects facts about a file's valid records as they are read, and then reports faults."""

    standard: Standard
    bucket: str | None = None  # where the data set will be uploaded, if that is known
    fields: dict[str, _Presence] = field(default_factory=dict)
    media: dict[str, int] = field(default_factory=dict)  # kind to the first line that has it
    strangers: list[tuple[int, str]] = field(default_factory=list)  # line, other bucket

    def __post_init__(self) -> None:
        wanted = OPTIONAL.get(self.standard.format, ()) if self.standard.is_nova else ()
        self.fields = {name: _Presence() for name in wanted}

    def add_plain(self, numbers: list[int], values: list[Any]) -> None:
        """Add valid records whose only blocks are text; `numbers` are their line numbers."""
        if not self.fields or not values:
            return
        for name, presence in self.fields.items():
            inside = name not in _BLOCK_FIELDS
            flags = [inside and name in value for value in values]
            present = sum(flags)
            first_with = numbers[flags.index(True)] if present else 0
            first_without = numbers[flags.index(False)] if present < len(flags) else 0
            presence.add(present, len(flags), first_with, first_without)

    def add_rich(self, number: int, value: dict[str, Any]) -> None:
        """Add one valid conversation, which may have any kind of block."""
        kinds = {kind for _, kind, _ in blocks(value)}
        for name, presence in self.fields.items():
            present = name in (kinds if name in _BLOCK_FIELDS else value)
            presence.add(int(present), 1, number, number)
        for kind in MEDIA:
            if kind in kinds:
                self.media.setdefault(kind, number)
        self._add_buckets(number, (media_uri(h) for _, k, h in blocks(value) if k in MEDIA))

    def _add_buckets(self, number: int, uris: Iterable[str]) -> None:
        for uri in uris:
            bucket = uri.split("/")[2]
            self.bucket = self.bucket or bucket
            if bucket != self.bucket and len(self.strangers) < 1000:
                self.strangers.append((number, bucket))

    def report(self, found: Found, file: str) -> None:
        """Add the faults to `found`, each at the first line that shows it."""
        for name, presence in self.fields.items():
            if presence.with_it and presence.without:
                detail = f"{name}: in {presence.with_it} records, not in {presence.without}"
                line = max(presence.first_with, presence.first_without)
                found.add("optional-fields", file, line, detail, presence.with_it, presence.without)
        tools = self.fields.get("tools")
        if tools is not None and tools.without and not tools.with_it:
            found.add("tools-absent", file)
        if self.standard.is_nova:
            for number, bucket in self.strangers:
                found.add("media-bucket", file, number, bucket, bucket, self.bucket)
        if self.standard.plan and self.standard.plan.one_media_kind and len(self.media) > 1:
            first, *others = sorted(self.media, key=lambda kind: self.media[kind])
            for kind in others:
                detail = f"{kind}, after {first} at line {self.media[first]}"
                found.add("mixed-media", file, self.media[kind], detail, kind, first)
