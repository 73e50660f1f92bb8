"""Checks one file against a standard, chunk by chunk.

A chunk goes through layers: bytes, JSON, shape, content, sizes. A clean chunk costs a few calls
into C for all of its lines; lines are examined one by one only if the chunk has a fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.bedrock.card import Limits
from pipeline.checks.across import Across
from pipeline.checks.byte_rules import (
    BOM,
    HEAD_BYTES,
    byte_faults,
    head_fault,
    separator_faults,
)
from pipeline.checks.chunks import MAX_LINE_BYTES, Chunk, read_chunks
from pipeline.checks.found import FileFacts, Found
from pipeline.checks.image_references import reference_faults
from pipeline.checks.local_media import LocalMedia
from pipeline.checks.records import Records, outline_values
from pipeline.checks.shapes import shape_faults
from pipeline.checks.sizes import Sizes, caption_fault
from pipeline.checks.standard import SCHEMAS, Standard, validator
from pipeline.checks.strict_json import diagnosis, may_have_duplicates, parse
from pipeline.checks.turns import (
    RuleFault,
    conversation_faults,
    reinforcement_faults,
    takes_turns,
    turn_fault,
)
from pipeline.checks.words import WordSearch
from pipeline.outlined import list_validator

_TURNS = {"conversation", "claude3_messages"}
_LOOKED_INTO = {"reinforcement", "image_caption"}
"""Formats of which valid records are looked into, one by one."""


class NotLinesError(Exception):
    """The file is not JSON Lines at all, so there is no use in reading the rest."""


@dataclass
class FileCheck:
    """Checks one file; the results are added to `facts` and `found`."""

    path: Path
    standard: Standard
    facts: FileFacts
    found: Found
    sizes: Sizes
    across: Across
    media: LocalMedia
    words: WordSearch | None
    _faulty: set[int] = field(default_factory=set)  # lines of the current chunk
    _reported: set[tuple[int, str, str]] = field(default_factory=set)  # line, rule, detail

    def run(self) -> None:
        """Read and check the whole file."""
        with self.path.open("rb") as file:
            fault = head_fault(file.read(HEAD_BYTES))
        if fault is not None:
            rule, detail = fault
            self.facts.whole = False
            self.found.add(rule, self.facts.file, 1 if rule == "not-utf-8" else None, detail)
            return
        try:
            for chunk in read_chunks(self.path):
                self._check_chunk(chunk)
        except NotLinesError:
            self.facts.whole = False
            self.facts.lines = max(self._faulty)
            self.facts.faulty += len(self._faulty)
        self.across.report(self.found, self.facts.file)
        self.media.report(self.found, self.facts.file)

    def _add(self, line: int, fault: RuleFault) -> None:
        rule, detail, value, threshold = fault
        if (line, rule, detail) in self._reported:
            return
        self._reported.add((line, rule, detail))
        self.found.add(rule, self.facts.file, line, detail, value, threshold)
        if self.found.severity(rule) == "error":
            self._faulty.add(line)

    def _add_all(self, faults: Iterable[tuple[int, RuleFault]]) -> None:
        for line, fault in faults:
            self._add(line, fault)

    def _check_chunk(self, chunk: Chunk) -> None:
        lines = chunk.lines
        self.facts.lines += len(lines)
        faults = byte_faults(chunk, lines, self.standard)
        try:
            records = self._records(chunk, lines)
        except NotLinesError:  # lines after the fault count as not read, even in this chunk
            end = max(self._faulty)
            self._add_all(fault for fault in faults if fault[0] <= end)
            raise
        self._add_all(faults)
        if self.standard.format == "image_caption" and chunk.last and chunk.ends:
            self._add(chunk.start + len(lines) - 1, ("final-newline", "", None, None))
        if records.values:
            self._check_records(records)
        self.facts.faulty += len(self._faulty)
        self._faulty.clear()
        self._reported.clear()

    @property
    def _caption_limits(self) -> Limits | None:
        limits = self.standard.plan.limits if self.standard.plan else None
        return limits if limits and (limits.caption_chars_min or limits.caption_chars_max) else None

    @property
    def _asks_only_shapes(self) -> bool:
        """Whether a valid record is asked no more about its strings than its size and its words."""
        looked_into = self.standard.format in _LOOKED_INTO or self._caption_limits is not None
        return not looked_into and not self.media.there

    def _records(self, chunk: Chunk, lines: list[bytes]) -> Records:
        """The lines that are JSON, parsed by their outlines if that is enough for the checks."""
        numbers = list(range(chunk.start, chunk.start + len(lines)))
        if self._asks_only_shapes and not chunk.endless:
            values = outline_values(chunk.data, self.standard.format)
            if values is not None:
                return Records(numbers, lines, values, chunk.data, outlined=True)
        values = parse(lines)
        if values is None:
            return self._parse_each(chunk, lines)
        return Records(numbers, lines, values, chunk.data)

    def _parse_each(self, chunk: Chunk, lines: list[bytes]) -> Records:
        """The lines that are JSON; the others are reported."""
        records = Records([], [], [], b"")
        for number, line in enumerate(lines, chunk.start):
            if line.startswith(BOM):
                self._add(number, ("byte-order-mark", "", None, None))
                line = line.removeprefix(BOM)
            value = parse([line])
            if value is not None:
                records.add(number, line, value[0])
            elif chunk.endless and number == chunk.start + len(lines) - 1:
                self.facts.records += 1
                rule = "json-array" if line.lstrip().startswith(b"[") else "endless-line"
                told = "on a line longer than 64 MiB" if rule == "json-array" else ""
                self._add(number, (rule, told, None, MAX_LINE_BYTES))
            else:
                self._report_broken(number, line, self.facts.records + len(records.lines))
        records.data = b"\n".join(records.lines)
        return records

    def _report_broken(self, number: int, line: bytes, before: int) -> None:
        """Report a line that is not JSON; `before` is the number of records before it.

        Raises NotLinesError if no record precedes it and it shows that the file is not JSON Lines.
        """
        rule, detail = diagnosis(line)
        if rule == "pretty-printed" and before == 0:
            whole = "json-array" if line.lstrip().startswith(b"[") else rule
            self._add(number, (whole, "the rest of the file was not read", None, None))
            self._faulty.add(number)
            raise NotLinesError
        shown = "broken-json" if rule == "pretty-printed" else rule
        self._add(number, (shown, detail, None, None))
        self.facts.records += rule != "blank-line"

    def _check_records(self, records: Records) -> None:
        self.facts.records += len(records.values)
        for number, fault in separator_faults(records.data, records.numbers, records.lines):
            self._add(number, fault)
        if not records.outlined and may_have_duplicates(records.data, records.values):
            for number, key in records.duplicate_keys():
                self._add(number, ("duplicate-key", repr(key), key, None))
            records, deep = records.without_deep()
            for number in deep:
                self._add(number, ("nested-too-deep", "", None, None))
        if not records.values:
            return
        # Outlines have been validated by this schema already.
        validator = list_validator(SCHEMAS[self.standard.format])
        only_text = records.outlined or validator.is_valid(records.values)
        if only_text:
            self._check_plain(records)
        else:
            self._check_each(records)
        self._check_sizes(records, only_text)
        self._check_words(records)

    def _check_plain(self, records: Records) -> None:
        """Check records that are all valid and have no block other than text."""
        self.across.add_plain(records.numbers, records.values)
        if self.standard.format in _TURNS:
            for number, value in zip(records.numbers, records.values, strict=True):
                if not takes_turns(value["messages"]):
                    self._add(number, turn_fault(value))
        elif self.standard.format in _LOOKED_INTO or self.media.there:
            for number, value in zip(records.numbers, records.values, strict=True):
                self._check_valid(number, value)

    def _check_each(self, records: Records) -> None:
        is_valid = validator(self.standard.format).is_valid
        for number, value in zip(records.numbers, records.values, strict=True):
            if not is_valid(value):
                for rule, detail in shape_faults(value, self.standard):
                    self._add(number, (rule, detail, None, None))
                continue
            if self.standard.format in _TURNS and not takes_turns(value["messages"]):
                self._add(number, turn_fault(value))
            if self.standard.format == "conversation":
                self.across.add_rich(number, value)
            else:
                self.across.add_plain([number], [value])
            self._check_valid(number, value)

    def _check_valid(self, number: int, value: dict[str, Any]) -> None:
        """Check the rules that remain for a record whose shape is valid."""
        if self.standard.format == "conversation":
            for fault in conversation_faults(value, self.standard):
                self._add(number, fault)
        if self.standard.format == "reinforcement":
            for fault in reinforcement_faults(value, self.standard):
                self._add(number, fault)
        if self.standard.format == "image_caption":
            for fault in reference_faults(value, self.standard):
                self._add(number, fault)
        if self.media.there:
            for fault in self.media.faults(number, value):
                self._add(number, fault)

    def _check_sizes(self, records: Records, only_text: bool) -> None:
        is_ascii = records.data.isascii()
        suspects = self.sizes.suspects(records.lines, is_ascii, only_text)
        for index, fault in self.sizes.faults([records.value(i) for i in suspects]):
            self._add(records.numbers[suspects[index]], fault)
        limits = self._caption_limits
        if limits is not None:
            for number, value in zip(records.numbers, records.values, strict=True):
                caption = caption_fault(value, limits)
                if caption is not None:
                    self._add(number, caption)

    def _check_words(self, records: Records) -> None:
        if self.words is None or not self.words.may_be_in(records.data):
            return
        for index in self.words.candidates(records.lines):
            value, number = records.value(index), records.numbers[index]
            for word, place in self.words.faults(value, self.standard.format):
                shown = word.replace("\n", "\\n")
                self._add(number, ("reserved-word", f"{shown} in {place}", shown, None))
