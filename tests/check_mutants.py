"""For each rule, data sets that break it and nothing else, made from ones that pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from check_edits import Edit, edits
from check_sets import (
    Record,
    Target,
    call,
    conversation,
    dumped,
    joined,
    least,
    media,
    minimal,
    reasoned,
    result,
    smallest,
    tool_config,
    turn,
)

from pipeline.bedrock.card import Plan
from pipeline.bedrock.cards import with_quota

AT = 3
"""The line that is broken, counted from 1."""


@dataclass
class Mutant:
    """A data set that breaks one rule at one line."""

    rule: str
    data: bytes
    line: int | None = AT
    name: str = "train.jsonl"
    plan: Plan | None = None  # instead of the target's own
    location: str | None = None
    validation: bytes | None = None
    second: bytes | None = None  # another training file
    images: dict[str, bytes] = field(default_factory=dict)


def mutants(target: Target) -> Iterator[Mutant]:
    """Every mutant that makes sense for a target."""
    lines = [dumped(smallest(target, n)) for n in range(1, least(target) + 1)]
    yield from _of_bytes(target, lines)
    yield from _of_json(target, lines)
    for rule, edit in edits(target):
        yield Mutant(rule, joined(_edited(lines, edit), target.format))
    yield from _of_sets(target)
    yield from _of_counts(target, lines)


def _edited(lines: list[bytes], edit: Edit) -> list[bytes]:
    record = json.loads(lines[AT - 1])
    edit(record)
    return [*lines[: AT - 1], dumped(record), *lines[AT:]]


def _of_bytes(target: Target, lines: list[bytes]) -> Iterator[Mutant]:
    import gzip

    form, data = target.format, joined(lines, target.format)

    def at(line: bytes) -> bytes:
        return joined([*lines[: AT - 1], line, *lines[AT:]], form)

    third = lines[AT - 1]
    yield Mutant("file-name", data, None, name="train.json")
    yield Mutant("gzip", gzip.compress(data), None)
    yield Mutant("empty-file", b"", None)
    yield Mutant("s3-uri", data, None, location="s3://bucket/a b/")
    yield Mutant("several-files", joined(lines[:2], form), None, second=joined(lines[2:], form))
    if target.nova:
        yield Mutant("file-name-characters", data, None, name="tra+in.jsonl")
    yield Mutant("byte-order-mark", b"\xef\xbb\xbf" + data, 1)
    yield Mutant("not-utf-8", at(third.replace(b" 3", b" \xff")))
    yield Mutant("not-utf-8", data.decode().encode("utf-16"), 1)
    yield Mutant("carriage-return", at(third + b"\r"))
    yield Mutant("line-separator", at(third.replace(b" 3", " \u2028".encode())))
    yield Mutant("blank-line", at(b"\n" + third))
    if form == "image_caption":
        yield Mutant("final-newline", data + b"\n", len(lines))


def _of_json(target: Target, lines: list[bytes]) -> Iterator[Mutant]:
    form, third = target.format, lines[AT - 1]
    pretty = b"\n".join(json.dumps(json.loads(line), indent=1).encode() for line in lines)
    yield Mutant("pretty-printed", pretty, 1)
    key, value = next(iter(json.loads(third).items()))
    first_pair = dumped({key: value})[1:-1]
    broken = {
        "json-array": b"[" + third + b"]",
        "not-an-object": b"7",
        "two-objects": third + third,
        "broken-json": third[:-2],
        "not-a-number": third[:-1] + b',"x":NaN}',
        "trailing-comma": third[:-1] + b",}",
        "comment": third + b" // no",
        "single-quotes": repr(json.loads(third)).encode(),
        "lone-surrogate": third.replace(b" 3", rb" \ud800"),
        "nested-too-deep": third[:-1] + b',"x":' + b"[" * 300 + b"]" * 300 + b"}",
        "duplicate-key": third[:-1] + b"," + first_pair + b"}",
    }
    for rule, line in broken.items():
        yield Mutant(rule, joined([*lines[: AT - 1], line, *lines[AT:]], form))


def _of_sets(target: Target) -> Iterator[Mutant]:
    """Mutants of data sets that are rich throughout, so that only one thing differs."""

    def built(make: Callable[[int], Record], edit: Edit, rule: str) -> Mutant:
        lines = [dumped(make(n)) for n in range(1, least(target) + 1)]
        return Mutant(rule, joined(_edited(lines, edit), target.format))

    content = set(target.plan.content)
    if target.format == "conversation" and target.nova:
        with_system = lambda n: minimal("conversation", n) | {"system": [{"text": "s"}]}  # noqa: E731
        yield built(with_system, lambda r: r.pop("system"), "optional-fields")
    if target.format == "reinforcement" and target.nova:
        smallest_one = lambda n: smallest(target, n)  # noqa: E731
        yield built(smallest_one, lambda r: r.pop("tools"), "optional-fields")
        data = joined([dumped(minimal("reinforcement", n)) for n in range(least(target))], "")
        yield Mutant("tools-absent", data, None)
    for kind in ("image", "video", "document"):
        if target.format != "conversation" or kind not in content:
            continue
        make: Any = lambda n, k=kind: conversation(  # type: ignore[misc]  # noqa: E731
            turn("user", media(k), f"q {n}"), turn("assistant", "a")
        )
        more: Edit = lambda r, k=kind: r["messages"][0]["content"].extend([media(k)] * 10)  # type: ignore[misc]  # noqa: E731
        if getattr(target.limits, f"{kind}s_max"):
            yield built(make, more, f"too-many-{kind}s")
        if target.nova:
            stray = media(kind, bucket="another-bucket")
            edit: Edit = lambda r, s=stray: _first_block(r, s)  # type: ignore[misc]  # noqa: E731
            yield built(make, edit, "media-bucket")
    webp = media("image", form="webp")
    formats = target.limits.image_formats
    if formats and "webp" not in formats.value and "image" in content:
        make = lambda n: conversation(turn("user", media("image")), turn("assistant", "a"))  # noqa: E731
        yield built(make, lambda r: _first_block(r, webp), "media-format")
    if "tools" in content:
        for rule, edit in _tool_edits():
            yield built(reasoned, edit, rule)


def _first_block(record: Record, block: Record) -> None:
    record["messages"][0]["content"][0] = block


def _tool_edits() -> Iterator[tuple[str, Edit]]:
    def block(record: Record, message: int) -> list[Any]:
        held: list[Any] = record["messages"][message]["content"]
        return held

    yield "tool-name-twice", lambda r: r.update(toolConfig=tool_config("look", "look"))
    yield "tool-not-declared", lambda r: r.update(toolConfig=tool_config("hear"))
    yield "tool-use-id-twice", lambda r: block(r, 1).append(call())
    yield "tool-result-unmatched", lambda r: block(r, 2).append(result("9"))
    yield "tool-result-twice", lambda r: block(r, 2).append(result())
    yield "tool-result-missing", lambda r: block(r, 1).append(call("2"))


def _of_counts(target: Target, lines: list[bytes]) -> Iterator[Mutant]:
    plan, limits, form = target.plan, target.limits, target.format
    data = joined(lines, form)
    if limits.records_min:
        yield Mutant("too-few-records", joined(lines[:-1] if len(lines) > 4 else lines, form),
                     None, plan=with_quota(plan, {"records_min": len(lines) + 1}))  # fmt: skip
        fewer = {"records_min": len(lines) - 1}
        yield Mutant("own-quota", joined(lines[:-1], form), None, plan=with_quota(plan, fewer))
    small = {"validation_records_min": 0, "validation_records_max": 10**6}
    for rule, limit in (
        ("too-many-records", "records_max"),
        ("too-many-train-records", "train_records_max"),
    ):
        if getattr(limits, limit):
            own = with_quota(plan, {limit: len(lines) - 1})
            yield Mutant(rule, data, None, plan=own)
    if limits.train_bytes_max:
        own = with_quota(plan, {"train_bytes_max": len(data) - 1})
        yield Mutant("train-file-too-heavy", data, None, plan=own)
    recommended = limits.records_recommended
    if recommended and recommended.value > len(lines):
        yield Mutant("fewer-than-recommended", data, None)
    if plan.validation.allowed is False:
        yield Mutant("validation-not-taken", data, None, validation=data)
        return
    if plan.validation.allowed == "ignored":
        yield Mutant("validation-ignored", data, None, validation=data)
        return
    for rule, limit, value in (
        ("too-few-validation-records", "validation_records_min", len(lines) + 1),
        ("too-many-validation-records", "validation_records_max", len(lines) - 1),
        ("validation-file-too-heavy", "validation_bytes_max", len(data) - 1),
    ):
        if getattr(limits, limit):
            own = with_quota(plan, small | {limit: value})
            yield Mutant(rule, data, None, plan=own, validation=data)
