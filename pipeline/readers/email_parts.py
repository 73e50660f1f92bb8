"""Which parts of a message are read, and as what.

Plain text and HTML pages are read; other kinds of text, such as invitations, styles and AMP pages,
are listed like attachments. Of alternatives, the plain one is taken if it is not empty, else the
next that is not. Of related parts, the root is taken; the others are its pictures, styles and
frames. All other parts follow each other.

Reasons: `read.too_deep` (threshold: levels), `read.too_many_parts` (threshold: parts), and those of
`pipeline.readers.html` and `pipeline.readers.encoding` for a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from email.message import EmailMessage

from pipeline.readers import email_charsets, encoding, html
from pipeline.readers.email_flowed import unwrapped
from pipeline.readers.rows import UnreadableError

MAX_PARTS = 500
MAX_LEVELS = 20

_READ = {"plain", "html", "enriched", "richtext", "markdown", "x-markdown", "x-patch", "x-diff"}
"""The kinds of text to be read; all except `html` are taken as they are."""


def body(message: EmailMessage) -> tuple[str, list[str]]:
    """The text of a message and the names of its attachments; raises `UnreadableError`."""
    attached, texts = [], set()
    for part in _leaves(message):
        if _is_text(part):
            texts.add(part)
        else:
            attached.append(str(part.get_filename() or part.get_content_type()))
    return _text(message, texts), attached


def page(message: EmailMessage, extract: str) -> tuple[str, str]:
    """The text of a web page that was saved as a message, and its URL ("" if it has none).

    `extract` is `main` or `full`. Raises `UnreadableError`.
    """
    texts = {part for part in _leaves(message) if _is_text(part)}
    root = message
    while root.is_multipart() and (inner := _parts(root)):
        root = inner[0]
    place = message["Snapshot-Content-Location"] or root["Content-Location"] or ""
    url = place if place.startswith(("http://", "https://")) else ""
    if root in texts and root.get_content_subtype() == "html":
        return html.page_text(_decoded(root, is_page=True), extract), url
    return _text(message, texts), url


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """Yield the parts without parts of their own, in order; raises `UnreadableError`."""
    waiting, number = [(message, 0)], 0
    while waiting:
        part, level = waiting.pop()
        number += 1
        if level > MAX_LEVELS:
            raise UnreadableError("read.too_deep", None, MAX_LEVELS)
        if number > MAX_PARTS:
            raise UnreadableError("read.too_many_parts", None, MAX_PARTS)
        if part.is_multipart():
            waiting += [(each, level + 1) for each in reversed(part.get_payload())]  # type: ignore[arg-type]
        else:
            yield part


def _is_text(part: EmailMessage) -> bool:
    """Whether a part is text to be read, and not an attachment."""
    if part.get_filename() or part.get_content_disposition() == "attachment":
        return False
    return part.get_content_maintype() == "text" and part.get_content_subtype() in _READ


def _text(part: EmailMessage, texts: Set[EmailMessage]) -> str:
    """The text of a part, "" if it has none; only the parts in `texts` are read.

    `_leaves` has checked the depth. A header is parsed each time it is read, so none is read twice.
    """
    if part.is_multipart():
        inner = _parts(part)
        if part.get_content_type() not in ("multipart/alternative", "multipart/related"):
            return "\n\n".join(filter(None, (_text(each, texts) for each in inner)))
        return next(filter(None, (_text(each, texts) for each in inner)), "")
    if part not in texts:
        return ""
    if part.get_content_subtype() == "html":
        return _page_text(_decoded(part, is_page=True))
    text = _decoded(part, is_page=False)
    kind = part["Content-Type"]
    given = kind.params if kind else {}
    if given.get("format", "").lower() == "flowed":
        text = unwrapped(text, delsp=given.get("delsp", "").lower() == "yes")
    return text.strip()


def _parts(part: EmailMessage) -> list[EmailMessage]:
    """The parts of a part; among alternatives and related parts, the one to take comes first."""
    inner: list[EmailMessage] = part.get_payload()  # type: ignore[assignment]
    kind = part.get_content_type()
    if kind == "multipart/alternative":
        return sorted(inner, key=lambda each: each.get_content_type() != "text/plain")
    if kind == "multipart/related" and (start := part.get_param("start")):
        return sorted(inner, key=lambda each: (each["Content-ID"] or "").strip() != start)
    return inner


def _page_text(page: str) -> str:
    try:
        return html.page_text(page, "full", titled=False).strip()
    except UnreadableError as fault:
        if fault.reason == "read.no_text":
            return ""
        raise


def _decoded(part: EmailMessage, *, is_page: bool) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data:
        return ""
    text = email_charsets.decoded(data, part.get_content_charset() or "utf-8")
    if text is None:
        text, _ = html.decoded(data) if is_page else encoding.decode(data, nul=True)
    return text.replace("\r\n", "\n").replace("\0", "")
