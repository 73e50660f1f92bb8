"""Rewrites a file without the faults that have only one right repair, and lists every change.

Reserved words become something that reads the same and that no validator looks for: `System:` is
written `System -`, `[EOS]` and `<image>` become `(EOS)` and `(image)`. The result is plain ASCII,
so that a model learns nothing odd, and the list of changes says where, so that it can be undone.
Faults without a single right repair (half a text, a missing key, a key twice) are left for `check`
to report.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from pipeline.bedrock.card import ReservedWords
from pipeline.checks.byte_rules import BOM, SEPARATORS
from pipeline.checks.chunks import read_chunks
from pipeline.checks.standard import SCHEMAS, Standard
from pipeline.checks.strict_json import duplicate_key
from pipeline.checks.words import rewritten
from pipeline.schemas_dir import load_schema

KEPT = 1000
"""Number of changes listed; all are counted."""

_ROLES = {"user", "assistant", "system"}
_ORDER = [
    "schemaVersion", "recordId", "id", "system", "toolConfig", "messages", "role", "content",
    "prompt", "completion", "image-ref", "caption",
]  # fmt: skip
_STRING_OR_COMMA = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|,(?=\s*[}\]])')


@dataclass(frozen=True)
class Change:
    """What was done to one line of the original."""

    line: int
    rule: str  # the rule whose fault it repairs
    detail: str


@dataclass
class Repair:
    """All changes, and the number of lines that could not be parsed and are unchanged."""

    counts: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    unread: int = 0

    def add(self, line: int, rule: str, detail: str) -> None:
        """Record one change."""
        self.counts[rule] += 1
        if len(self.changes) < KEPT:
            self.changes.append(Change(line, rule, detail))


def repair_file(path: Path, out: Path, standard: Standard) -> Repair:
    """Write `path` to a new file `out`, with the faults repaired that can be.

    Raises FileExistsError if `out` exists already, OSError if it cannot be written.
    """
    repair = Repair()
    with out.open("xb") as target:
        separator = b""
        for line in _repaired_lines(path, standard, repair):
            target.write(separator + line)
            separator = b"\n"
        if separator and standard.format != "image_caption":
            target.write(b"\n")
    return repair


def _repaired_lines(path: Path, standard: Standard, repair: Repair) -> Iterator[bytes]:
    last_newline = False
    for chunk in read_chunks(path):
        for number, line in enumerate(chunk.lines, chunk.start):
            plain = _repaired_bytes(line, number, repair)
            if not plain.strip():
                repair.add(number, "blank-line", "removed")
                continue
            yield from _repaired_line(plain, number, standard, repair)
        last_newline = chunk.ends
    if standard.format == "image_caption" and last_newline:
        repair.add(chunk.start + len(chunk.lines) - 1, "final-newline", "removed")


def _repaired_bytes(line: bytes, number: int, repair: Repair) -> bytes:
    if line.startswith(BOM):
        repair.add(number, "byte-order-mark", "removed")
        line = line.removeprefix(BOM)
    if line.endswith(b"\r"):
        repair.add(number, "carriage-return", "removed")
        line = line.removesuffix(b"\r")
    for mark, name in SEPARATORS.items():
        if mark in line:
            repair.add(number, "line-separator", f"{name} written as an escape")
            line = line.replace(mark, f"\\u{name[2:].lower()}".encode())
    return line


def _repaired_line(line: bytes, number: int, standard: Standard, repair: Repair) -> Iterator[bytes]:
    """The line's records, repaired, a line for each; the line itself if it cannot be parsed."""
    if line.strip() in {b"[", b"]"}:
        repair.add(number, "json-array", "bracket removed")
        return
    text = _without_commas(line)
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        repair.unread += 1
        yield line
        return
    if text is not line:
        repair.add(number, "trailing-comma", "removed")
    if duplicate_key(text) is not None:
        yield text
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # a number of 4,300 digits, a thousand brackets
        repair.unread += 1
        yield text
        return
    if isinstance(value, list) and not all(isinstance(item, dict) for item in value):
        yield text
        return
    if isinstance(value, list):
        repair.add(number, "json-array", f"{len(value)} records, a line each")
    for record in value if isinstance(value, list) else [value]:
        changed = _repair_record(record, number, standard, repair)
        yield _written(record) if changed or record is not value else text


def _without_commas(line: bytes) -> bytes:
    """The line without commas before a closing bracket or after its object.

    Returns `line` itself if nothing changes.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return line
    closed = _STRING_OR_COMMA.sub(lambda match: match[0] if match[0] != "," else "", text)
    bare = closed.rstrip()
    if bare.endswith("},"):
        bare = bare[:-1]
    if bare == text.rstrip():
        return line
    return bare.encode()


def _repair_record(record: Any, number: int, standard: Standard, repair: Repair) -> bool:
    """Repair one record in place; returns whether anything was changed."""
    if not isinstance(record, dict):
        return False
    before = sum(repair.counts.values())
    required = set(load_schema(SCHEMAS[standard.format])["required"]) - {"schemaVersion"}
    if not required <= record.keys():
        return False  # it has another format, or cannot be repaired
    for key in sorted(_unknown_keys(record, standard)):
        del record[key]
        repair.add(number, "unknown-key", f"{key} removed")
    version = record.get("schemaVersion")
    if "schemaVersion" in _keys(standard) and version != "bedrock-conversation-2024":
        record["schemaVersion"] = "bedrock-conversation-2024"
        repair.add(number, "schema-version", f"was {version!r}")
    for message in _messages(record):
        role = message.get("role")
        if isinstance(role, str) and role not in _ROLES and role.lower() in _ROLES:
            message["role"] = role.lower()
            repair.add(number, "unknown-role", f"{role} written {role.lower()}")
    reserved = standard.plan.reserved_words if standard.plan else None
    if reserved is not None:
        _rewrite_words(record, reserved, lambda detail: repair.add(number, "reserved-word", detail))
    return sum(repair.counts.values()) > before


def _keys(standard: Standard) -> set[str]:
    """The only keys that a record of the format may have; empty if it may have any."""
    schema = load_schema(SCHEMAS[standard.format])
    return set() if schema["additionalProperties"] else set(schema["properties"])


def _unknown_keys(record: dict[str, Any], standard: Standard) -> set[str]:
    known = _keys(standard)
    return record.keys() - known if known else set()


def _messages(record: dict[str, Any]) -> list[dict[str, Any]]:
    messages = record.get("messages")
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []


def _rewrite_words(value: Any, reserved: ReservedWords, add: Callable[[str], None]) -> None:
    """Rewrite the texts in which reserved words are searched for: text, content and system.

    `add` is called with each change as `old -> new`.
    """
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, held in list(items):
        if isinstance(held, str) and key in {"text", "content", "system"}:
            value[key] = rewritten(held, reserved, add)
        elif isinstance(held, dict | list) and key not in {"toolConfig", "input", "json"}:
            _rewrite_words(held, reserved, add)


def _written(record: Any) -> bytes:
    """The record as a compact JSON line, with its keys in the order of AWS's examples."""
    if isinstance(record, dict):
        place = {key: at for at, key in enumerate(_ORDER)}
        record = dict(sorted(record.items(), key=lambda item: place.get(item[0], len(place))))
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    for code in (0x85, 0x2028, 0x2029):
        text = text.replace(chr(code), f"\\u{code:04x}")
    return text.encode()
