"""Subtitles (.srt, .vtt): what is said, in order, without numbers and times.

A caption's lines are joined, a caption that repeats the one before or adds to it (roll-up
captions of broadcasts) is said once. Styling tags, notes and positions are left out; a speaker's
`<v Name>` becomes `Name:`. One file is one record; `extra` says from when to when it speaks.

Reasons: those of `pipeline.readers.encoding`, `read.no_captions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

import orjson
from pydantic import Field

from pipeline.readers import encoding
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.text import MAX_BYTES, Encoding
from pipeline.source import SourceFile

REASONS = {
    **encoding.REASONS,
    "read.no_captions": "no caption with its time was found; is this a subtitle file?",
}

EXTENSIONS = (".srt", ".vtt")

_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_CUE = re.compile(rf"^[ \t]*({_TIME})[ \t]*-->[ \t]*({_TIME})[^\n]*$", re.M)
_VOICE = re.compile(r"<v(?:\.[^\s>]+)?[ \t]+([^>]{1,80})>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|<[\d:.]{5,13}>|\{\\[^{}]{1,80}\}")
_NUMBER = re.compile(r"\n[ \t]*\d{1,6}[ \t]*\Z")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "", "&rlm;": ""}


class SubtitlesReader(PerFileReader):
    """Subtitles (.srt, .vtt), one record each: the words without the times."""

    name: ClassVar[str] = "subtitles"
    sandboxed: ClassVar[bool] = False

    encoding: Encoding | None = Field(
        default=None, description="the encoding of all files; left out, it is found for each"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """By name (.srt, .vtt), or by `WEBVTT` at the start."""
        start = head.removeprefix(b"\xef\xbb\xbf")[:7]
        return file.uri.lower().endswith(EXTENSIONS) or start.rstrip() == b"WEBVTT"

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """All captions as one text."""
        text, codec = encoding.read_document(file, self.max_bytes, self.encoding)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        cues = list(_CUE.finditer(text))
        if not cues:
            raise UnreadableError("read.no_captions")
        ends = [cue.start() for cue in cues[1:]] + [len(text)]
        told: list[str] = []
        for cue, end in zip(cues, ends, strict=True):
            _add(told, _said(text[cue.end() : end]))
        if not told:
            raise UnreadableError("read.no_captions")
        extra = {"from": cues[0][1], "to": cues[-1][2]}
        if codec not in ("utf-8", "utf-8-sig"):
            extra["encoding"] = codec
        yield {
            "source": file.uri,
            "locator": "",
            "text": "\n".join(told),
            "extra": orjson.dumps(extra).decode(),
        }


def _said(block: str) -> str:
    """A caption's words: up to the blank line that ends it, without the next one's number."""
    block = block.removeprefix("\n")
    block = "\n" + _NUMBER.sub("", block.rstrip("\n")) if "\n\n" not in block else "\n" + block
    lines = block.lstrip("\n").split("\n\n")[0]
    lines = _TAG.sub("", _VOICE.sub(r"\1: ", lines))
    for entity, character in _ENTITIES.items():
        lines = lines.replace(entity, character)
    return " ".join(lines.split())


def _add(told: list[str], said: str) -> None:
    if not said or (told and told[-1] == said):
        return
    if told and said.startswith(told[-1] + " "):
        told[-1] = said
    else:
        told.append(said)
