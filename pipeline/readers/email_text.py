"""E-mail (.eml), mailboxes (.mbox) and web pages saved as one file (.mhtml): a message is a record.

The text is the subject, the sender, the date and the body. Of alternatives, the plain one is taken
if it is not empty, else the HTML one, read in full as by the HTML reader; see
`pipeline.readers.email_parts` for which parts are text. A page without text, such as one of
pictures, counts as empty. Lines that a mail program has wrapped are joined if the message says so
(`format=flowed`). `quotes: drop` leaves out quoted earlier mail (`>` lines under "On … wrote:").
Attachments are not read; `extra` lists them, with the message's id. The locator in a mailbox is
`message=N`. Charsets mean what mail programs mean by them (`pipeline.readers.email_charsets`).
Parts with an unknown charset, or that do not decode, are decoded as by the readers of text and
HTML, and so are header bytes that are not ASCII.

A mailbox keeps deleted messages until it is compacted: mail programs do not show them, and here
they are rejected. A saved page is read as by the HTML reader, without headers; `extra` has its URL.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.no_message` (the file is not an
e-mail), `read.deleted_message` (value: the header that says so), `read.no_text`, `read.too_deep`
(threshold: levels), `read.too_many_parts` (threshold: parts), and those of
`pipeline.readers.encoding` and `pipeline.readers.html` for the body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from typing import ClassVar, Literal

import orjson
from pydantic import Field

from pipeline.readers import email_charsets, email_parts, encoding, html
from pipeline.readers.email_headers import POLICY
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.source import SourceFile

REASONS = {
    **encoding.REASONS,
    **html.REASONS,
    "read.no_message": "the file does not begin with the headers of an e-mail",
    "read.deleted_message": "the mail program has marked the message as deleted, and will remove "
    "it when it compacts the mailbox",
    "read.no_text": "it contains no text",
    "read.too_many_parts": "the message has more parts than this reader accepts",
    "read.too_deep": "it is nested more deeply than any real data or document",
}

MAX_BYTES = 50_000_000

_HEADER = re.compile(rb"(?:[!-9;-~]{1,60}:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*){2,}")
_KNOWN = re.compile(rb"^(?:From|Subject|Date|Message-ID|Received|To|Return-Path):", re.I | re.M)
_SAVED = re.compile(rb"^(?:MIME-Version|Content-Type):", re.I | re.M)
_QUOTE = re.compile(
    r"(?:^[^\n>]{0,200}(?:wrote|schrieb|écrit|viết)\s*:\s*\n+)?(?:^>[^\n]*\n?)+", re.M
)
_SENT = re.compile(
    rb"From [^\r\n]*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [^\r\n]{0,40}\b\d\d?:\d\d(?::\d\d)?\b"
)
_YEAR = re.compile(rb"\b(?:19|20)\d\d\b")
_LONGEST_SENT = 400  # bytes
_BLANK_BYTES = 4_096
_HEAD_BYTES = 65_536
_SHOWN = ("Subject", "From", "Date")
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_PAGES = (".mht", ".mhtml")
_EXPUNGED = 8  # a bit of X-Mozilla-Status

Extra = dict[str, str | list[str]]


class EmailReader(PerFileReader):
    """E-mail files (.eml), mailboxes (.mbox) and saved web pages (.mhtml), one record for each
    message."""

    name: ClassVar[str] = "email"

    quotes: Literal["keep", "drop"] = Field(
        default="keep", description="what to do with quoted lines of earlier mail"
    )
    extract: Literal["main", "full"] = Field(
        default="main", description="for a saved web page: its main content, or all its text"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger messages are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.eml, .mbox, .mhtml), or by headers that only mail starts with."""
        if file.uri.lower().endswith((".eml", ".mbox", ".mbx", *_PAGES)):
            return True
        match = _HEADER.match(head)
        return match is not None and len(_KNOWN.findall(match[0])) >= 3

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the messages in order."""
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
        """Yield the messages of a mailbox: each begins with a `From ` line after a blank line.

        A line of text may begin with `From ` too, and not all programs mark that. But if the first
        such line has a sender and a date, all lines that begin messages have them.
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
        named_page = file.uri.lower().endswith(_PAGES)
        if not (_SAVED if named_page else _KNOWN).search(data[:_HEAD_BYTES]):
            raise UnreadableError("read.no_message")
        parser = BytesParser(_class=EmailMessage, policy=POLICY)
        # On bad headers the library raises many errors: LookupError, ValueError, AttributeError ...
        try:
            message = parser.parsebytes(data)
            if place and (said := _deleted(message)):
                raise UnreadableError("read.deleted_message", said)
            if named_page or _is_saved(message):
                text, extra = self._page(message)
            else:
                text, extra = self._mail(message)
        except UnreadableError:
            raise
        except Exception as error:
            raise UnreadableError("read.no_message", f"{type(error).__name__}: {error}") from error
        return {
            "source": file.uri,
            "locator": place,
            "text": text,
            "extra": orjson.dumps({k: v for k, v in extra.items() if v}).decode(),
        }

    def _mail(self, message: EmailMessage) -> tuple[str, Extra]:
        body, attached = email_parts.body(message)
        if self.quotes == "drop":
            body = _QUOTE.sub("", body)
        if not body.strip():
            raise UnreadableError("read.no_text")
        headers = {name: _header(message, name) for name in (*_SHOWN, "Message-ID")}
        lines = [f"{name}: {' '.join(headers[name].split())}" for name in _SHOWN if headers[name]]
        extra: Extra = {"message_id": headers["Message-ID"], "attachments": attached}
        return "\n".join(lines) + "\n\n" + body.strip(), extra

    def _page(self, message: EmailMessage) -> tuple[str, Extra]:
        text, url = email_parts.page(message, self.extract)
        if not text.strip():
            raise UnreadableError("read.no_text")
        return text.strip(), {"url": url}


def _deleted(message: EmailMessage) -> str:
    """The header by which a mailbox marks a message as deleted; "" if it is not."""
    status = email_charsets.raw_header(message, "X-Mozilla-Status") or ""
    if _HEX.fullmatch(status) and int(status, 16) & _EXPUNGED:
        return f"X-Mozilla-Status: {status}"
    flags = email_charsets.raw_header(message, "X-Status") or ""  # of Pine, mutt and Dovecot
    return f"X-Status: {flags}" if "D" in flags else ""


def _is_saved(message: EmailMessage) -> bool:
    """Whether a browser saved the message: `From: <Saved by Blink>`, without an address."""
    sender = email_charsets.raw_header(message, "From") or ""
    return "Saved by " in sender and "@" not in sender


def _is_dated(line: bytes) -> bool:
    """Whether a `From ` line has a weekday, a time and a year, as mail programs write them."""
    return len(line) <= _LONGEST_SENT and bool(_SENT.match(line) and _YEAR.search(line))


def _header(message: EmailMessage, name: str) -> str:
    """A header's value; "" if there is none."""
    raw = email_charsets.raw_header(message, name)
    return "" if raw is None else str(POLICY.header_fetch_parse(name, raw))
