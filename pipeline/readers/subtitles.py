"""Subtitles (.srt, .vtt): what is said, in order, without numbers and times.

A caption's lines are joined. Text that the next caption repeats is given once: if the caption
repeats the one before or adds to it, and if lines move up (roll-up captions of broadcasts and of
YouTube). A caption counts as the next one if it begins within a second of the other's end: text
repeated later was said twice. In SubRip, a blank line does not end a caption; only a number with a
time below it does. Styling tags, notes and positions are left out; a speaker's `<v Name>` becomes
`Name:`. One file is one record; `extra` has the times when its speech begins and ends.

Reasons: those of `pipeline.readers.encoding`, `read.no_captions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
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
    "read.no_captions": "no caption with a time was found; check that this is a subtitle file",
}

EXTENSIONS = (".srt", ".vtt")

_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_CUE = re.compile(rf"^[ \t]*({_TIME})[ \t]*-->[ \t]*({_TIME})[^\n]*$", re.M)
_VOICE = re.compile(r"<v(?:\.[^\s<>]{1,80})?[ \t]++([^<>]{1,80})>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|<[\d:.]{5,13}>|\{\\[^{}]{1,80}\}")
_NEXT_NUMBER = re.compile(r"\n[ \t]*\d{1,6}[ \t]*\n\Z")
_DIRECTION = re.compile(r"&[lr]rm;")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][a-zA-Z\d]{1,30});")
_MOST_ROLLED = 4  # lines that are on a screen at once
_PAUSE = 1.0  # seconds; after a longer pause, repeated words were said again


class SubtitlesReader(PerFileReader):
    """Subtitles (.srt, .vtt), one record each: the words without the times."""

    name: ClassVar[str] = "subtitles"
    sandboxed: ClassVar[bool] = False

    encoding: Encoding | None = Field(
        default=None, description="the encoding of all files; if omitted, detected for each file"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.srt, .vtt), or by `WEBVTT` at the start."""
        start = head.removeprefix(b"\xef\xbb\xbf")[:7]
        return file.uri.lower().endswith(EXTENSIONS) or start.rstrip() == b"WEBVTT"

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield all captions as one record."""
        text, codec = encoding.read_document(file, self.max_bytes, self.encoding)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        cues = list(_CUE.finditer(text))
        if not cues:
            raise UnreadableError("read.no_captions")
        ends = [cue.start() for cue in cues[1:]] + [len(text)]
        is_vtt = text.startswith("WEBVTT") or file.uri.lower().endswith(".vtt")
        texts: list[str] = []
        shown: list[str] = []
        until = 0.0
        for cue, end in zip(cues, ends, strict=True):
            block = text[cue.end() : end]
            lines = _lines(block if cue is cues[-1] else _NEXT_NUMBER.sub("", block), is_vtt)
            if not lines:
                continue
            start, stop = _seconds(cue[1]), _seconds(cue[2])
            if start < until + _PAUSE and stop > until - _PAUSE:
                _add(texts, shown, lines)
            else:
                texts.append(" ".join(lines))
            shown, until = lines, stop
        if not texts:
            raise UnreadableError("read.no_captions")
        extra = {"from": cues[0][1], "to": cues[-1][2]}
        if codec not in ("utf-8", "utf-8-sig"):
            extra["encoding"] = codec
        yield {
            "source": file.uri,
            "locator": "",
            "text": "\n".join(texts),
            "extra": orjson.dumps(extra).decode(),
        }


def _seconds(time: str) -> float:
    *hours, minutes, seconds = time.replace(",", ".").split(":")
    return int(hours[0] if hours else 0) * 3600 + int(minutes) * 60 + float(seconds)


def _lines(block: str, is_vtt: bool) -> list[str]:
    """A caption's lines that are not blank; in WebVTT, a blank line ends the caption."""
    text = block.strip("\n")
    if is_vtt:  # notes, styles and names of captions may follow
        text = text.partition("\n\n")[0]
    text = _DIRECTION.sub("", _TAG.sub("", _VOICE.sub(r"\1: ", text)))
    text = _ENTITY.sub(lambda entity: unescape(entity[0]), text)
    return [" ".join(line.split()) for line in text.split("\n") if line.strip()]


def _add(texts: list[str], shown: list[str], lines: list[str]) -> None:
    """Add to `texts` what a caption's lines say beyond the lines `shown` in the one before."""
    said = " ".join(lines)
    if not said or (texts and texts[-1] == said):
        return
    if texts and said.startswith(texts[-1]) and said[len(texts[-1])] == " ":
        texts[-1] = said
    elif new := " ".join(lines[_rolled(shown, lines) :]):
        texts.append(new)


def _rolled(shown: list[str], lines: list[str]) -> int:
    """How many of the last lines that were shown are again the first lines."""
    most = min(len(shown), len(lines), _MOST_ROLLED)
    return next((n for n in range(most, 0, -1) if shown[-n:] == lines[:n]), 0)
