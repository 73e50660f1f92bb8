"""E-mail (.eml) and mailboxes (.mbox): a message is a record.

The text is the subject, who wrote and when, and the body. Of alternatives the plain one is taken
if it says anything, else the HTML one as the HTML reader reads it in full; other parts that are
text stand one below the other. A page without text, such as one of pictures, is none. Quoted
earlier mail (`>` lines under "On … wrote:") can be left out, which `quotes: drop` does.
Attachments are not read; `extra` names them, with the message's id. The locator is `message=N` in
a mailbox. A charset is what mail programs take it for (`pipeline.readers.email_charsets`). Parts
with one that is not known, or that do not decode, are decoded as the readers of text and of HTML
would, and so are the bytes of headers that are not ASCII.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.no_message` (the file is no
e-mail), `read.no_text`, `read.too_deep` (threshold: levels), `read.too_many_parts` (threshold:
parts), and those of
`pipeline.readers.encoding` and `pipeline.readers.html` for the body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from email.message import EmailMessage
from email.parser import BytesParser
from typing import ClassVar, Literal

import orjson
from pydantic import Field

from pipeline.readers import email_charsets, encoding, html
from pipeline.readers.email_headers import POLICY
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.source import SourceFile

REASONS = {
    **encoding.REASONS,
    **html.REASONS,
    "read.no_message": "the file does not begin with the headers of an e-mail",
    "read.no_text": "there is no text in it",
    "read.too_many_parts": "the message has more parts than this reader takes",
    "read.too_deep": "it is nested deeper than any data or document has reason to be",
}

MAX_BYTES = 50_000_000
MAX_PARTS = 500
MAX_LEVELS = 20

_HEADER = re.compile(rb"(?:[!-9;-~]{1,60}:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*){2,}")
_KNOWN = re.compile(rb"^(?:From|Subject|Date|Message-ID|Received|To|Return-Path):", re.I | re.M)
_QUOTE = re.compile(
    r"(?:^[^\n>]{0,200}(?:wrote|schrieb|écrit|viết)\s*:\s*\n+)?(?:^>[^\n]*\n?)+", re.M
)
_SENT = re.compile(
    rb"From [^\r\n]*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [^\r\n]{0,40}\b\d\d?:\d\d(?::\d\d)?\b"
)
_YEAR = re.compile(rb"\b(?:19|20)\d\d\b")
_LONGEST_SENT = 400  # bytes
_BLANK_BYTES = 4_096
_SHOWN = ("Subject", "From", "Date")


class EmailReader(PerFileReader):
    """E-mail files (.eml) and mailboxes (.mbox), one record for each message."""

    name: ClassVar[str] = "email"

    quotes: Literal["keep", "drop"] = Field(
        default="keep", description="what to do with quoted lines of earlier mail"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger messages are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """By name (.eml, .mbox), or when it starts with headers that only mail has."""
        if file.uri.lower().endswith((".eml", ".mbox", ".mbx")):
            return True
        match = _HEADER.match(head)
        return match is not None and len(_KNOWN.findall(match[0])) >= 3

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """The messages in order."""
        if file.size == 0:
            raise UnreadableError("read.empty_file", 0)
        with file.open() as stream:
            is_mailbox = stream.read(_BLANK_BYTES).lstrip().startswith(b"From ")
        if not is_mailbox:
            yield self._message(file, "", encoding.read_bytes(file, self.max_bytes))
            return
        for number, data in enumerate(self._messages(file), 1):
            place = f"message={number}"
            try:
                if isinstance(data, UnreadableError):
                    raise data
                yield self._message(file, place, data)
            except UnreadableError as fault:
                yield fault.row(file, place)

    def _messages(self, file: SourceFile) -> Iterator[bytes | UnreadableError]:
        """The messages of a mailbox: each begins with a `From ` line after a blank one.

        Text begins so too, which not all programs mark; where the first such line has a sender
        and a date, all have.
        """
        held: list[bytes] = []
        size, blank, begun, dated = 0, True, False, False
        with file.open() as stream:
            while line := stream.readline(1 << 20):
                if blank and line.startswith(b"From ") and (not dated or _is_dated(line)):
                    if begun:
                        yield self._whole(held, size)
                    else:
                        dated = _is_dated(line)
                    held, size, begun = [], 0, True
                    continue
                size += len(line)
                if size <= self.max_bytes:
                    held.append(line[1:] if line.startswith(b">From ") else line)
                blank = line in (b"\n", b"\r\n")
        yield self._whole(held, size)

    def _whole(self, held: list[bytes], size: int) -> bytes | UnreadableError:
        if size > self.max_bytes:
            return UnreadableError("read.too_large", size, self.max_bytes)
        return b"".join(held)

    def _message(self, file: SourceFile, place: str, data: bytes) -> Row:
        if not _KNOWN.search(data[:65_536]):
            raise UnreadableError("read.no_message")
        parser = BytesParser(_class=EmailMessage, policy=POLICY)
        # The library raises much on bad headers: LookupError, ValueError, AttributeError, ...
        try:
            message = parser.parsebytes(data)
            body, attached = _body(message)
            found = ((name, _header(message, name)) for name in (*_SHOWN, "Message-ID"))
            headers = {name: value for name, value in found if value}
        except UnreadableError:
            raise
        except Exception as error:
            raise UnreadableError("read.no_message", f"{type(error).__name__}: {error}") from error
        if self.quotes == "drop":
            body = _QUOTE.sub("", body)
        if not body.strip():
            raise UnreadableError("read.no_text")
        told = [f"{name}: {' '.join(headers[name].split())}" for name in _SHOWN if name in headers]
        extra = {"message_id": headers.get("Message-ID"), "attachments": attached}
        return {
            "source": file.uri,
            "locator": place,
            "text": "\n".join(told) + "\n\n" + body.strip(),
            "extra": orjson.dumps({k: v for k, v in extra.items() if v}).decode(),
        }


def _is_dated(line: bytes) -> bool:
    """Whether a `From ` line has a weekday, a time and a year, as programs write it."""
    return len(line) <= _LONGEST_SENT and bool(_SENT.match(line) and _YEAR.search(line))


def _header(message: EmailMessage, name: str) -> str:
    """A header's value, "" where there is none."""
    raw = email_charsets.raw_header(message, name)
    return "" if raw is None else str(POLICY.header_fetch_parse(name, raw))


def _body(message: EmailMessage) -> tuple[str, list[str]]:
    """The text to read and the names of what is attached."""
    attached, texts = [], set()
    for number, (part, level) in enumerate(_walk(message), 1):
        if level > MAX_LEVELS:
            raise UnreadableError("read.too_deep", None, MAX_LEVELS)
        if number > MAX_PARTS:
            raise UnreadableError("read.too_many_parts", None, MAX_PARTS)
        if part.is_multipart():
            continue
        if _is_text(part):
            texts.add(part)
        else:
            attached.append(str(part.get_filename() or part.get_content_type()))
    return _text(message, texts), attached


def _is_text(part: EmailMessage) -> bool:
    named = part.get_filename() or part.get_content_disposition() == "attachment"
    return not named and part.get_content_maintype() == "text"


def _text(part: EmailMessage, texts: Set[EmailMessage]) -> str:
    """What a part says, "" for nothing: those of `texts` say something. Levels were counted.

    A header is parsed each time that it is asked for, so that none is asked for twice.
    """
    if part.is_multipart():
        inner: list[EmailMessage] = part.get_payload()  # type: ignore[assignment]
        if part.get_content_type() != "multipart/alternative":
            return "\n\n".join(filter(None, (_text(one, texts) for one in inner)))
        plain_first = sorted(inner, key=lambda one: one.get_content_type() != "text/plain")
        return next(filter(None, (_text(one, texts) for one in plain_first)), "")
    if part not in texts:
        return ""
    if part.get_content_subtype() == "html":
        return _page_text(_decoded(part, is_page=True))
    return _decoded(part, is_page=False).strip()


def _page_text(page: str) -> str:
    try:
        return html.page_text(page, "full").strip()
    except UnreadableError as fault:
        if fault.reason == "read.no_text":
            return ""
        raise


def _walk(message: EmailMessage) -> Iterator[tuple[EmailMessage, int]]:
    """Every part with its level, the outer before the inner."""
    waiting = [(message, 0)]
    while waiting:
        part, level = waiting.pop()
        yield part, level
        if part.is_multipart():
            inner = part.get_payload()
            waiting += [(each, level + 1) for each in reversed(inner)]  # type: ignore[arg-type]


def _decoded(part: EmailMessage, *, is_page: bool) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data:
        return ""
    text = email_charsets.decoded(data, part.get_content_charset() or "utf-8")
    if text is None:
        text, _ = html.decoded(data) if is_page else encoding.decode(data, nul=True)
    return text.replace("\r\n", "\n").replace("\0", "")
