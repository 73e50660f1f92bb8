"""The `check` command: check any JSONL file, local or in S3, against a model card."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.bedrock.card import Plan
from pipeline.bedrock.cards import find_card, refuse_closed
from pipeline.bedrock.count_tokens import bedrock_counter, file_counter
from pipeline.check import RULES, CheckResult, CountTokens, Repair, check_files, fix_file
from pipeline.errors import RecipeError
from pipeline.storage import Aws, is_remote, list_sources, pin

_ORDER = ("error", "warning", "note")


@dataclass(frozen=True)
class Asked:
    """What the command line asks to check."""

    files: list[str]
    model: str | None
    customization: str | None
    format: str | None
    validation: str | None
    allow_legacy: bool
    allow: list[str]
    location: str | None
    count_tokens: bool = False
    tokenizer: Path | None = None
    media: Path | None = None

    def plan(self) -> Plan | None:
        """The model's plan, None if only a format is checked. RecipeError for a closed model."""
        if self.model is None:
            return None
        card = find_card(self.model)
        refuse_closed(card, self.allow_legacy, self.customization)
        return card.plan(self.customization)

    def counter(self) -> CountTokens | None:
        """Counts tokens exactly, if requested, else None. Raises RecipeError without a model."""
        if self.tokenizer is not None:
            return file_counter(self.tokenizer)
        if not self.count_tokens:
            return None
        if self.model is None:
            raise RecipeError("--count-tokens: name the model that counts (--model)")
        return bedrock_counter(find_card(self.model))


def check(asked: Asked) -> CheckResult:
    """Check local files in place, and S3 objects as they are now.

    Raises RecipeError for a wrong model or format, StorageError for a file that does not exist.
    """
    plan, counter, media = asked.plan(), asked.counter(), _folder(asked.media)
    uris = [*asked.files, *([asked.validation] if asked.validation else [])]
    with _local(uris) as paths:
        result = check_files(
            paths[: len(asked.files)],
            plan=plan,
            format_name=asked.format,
            validation=paths[-1] if asked.validation else None,
            location=asked.location or _location(asked.files),
            allow=asked.allow,
            count_tokens=counter,
            count_all=asked.tokenizer is not None,
            media=media,
        )
    return _renamed(result, dict(zip(map(str, paths), uris, strict=True)))


def _renamed(result: CheckResult, names: dict[str, str]) -> CheckResult:
    """The result with the names that the user gave, instead of those of local copies."""
    files = tuple(replace(facts, file=names[facts.file]) for facts in result.files)
    faults = tuple(replace(fault, file=names[fault.file]) for fault in result.faults)
    return replace(result, files=files, faults=faults)


def _folder(media: Path | None) -> Path | None:
    if media is not None and not media.is_dir():
        raise RecipeError(f"--media {media}: is not a folder")
    return media


def _location(files: list[str]) -> str | None:
    """The S3 folder of the files, None if they are local."""
    return files[0].rsplit("/", 1)[0] + "/" if is_remote(files[0]) else None


@contextmanager
def _local(uris: list[str]) -> Iterator[list[Path]]:
    """The files as local paths. S3 objects and data from a pipe are copied, under their own names,
    because files are read more than once."""
    fetched = any(is_remote(uri) or _is_stream(uri) for uri in uris)
    spool = Path(tempfile.mkdtemp(prefix="bedrock-prep-check-")) if fetched else None
    try:
        yield [_fetch(uri, spool, n) if spool and (is_remote(uri) or _is_stream(uri)) else Path(uri)
               for n, uri in enumerate(uris)]  # fmt: skip
    finally:
        if spool is not None:
            shutil.rmtree(spool)


def _is_stream(uri: str) -> bool:
    """Whether a path is that of a pipe or a terminal: `/dev/stdin`, `<(zcat …)`."""
    path = Path(uri)
    return path.exists() and not (path.is_file() or path.is_dir())


def _fetch(uri: str, spool: Path, number: int) -> Path:
    place = spool / str(number) / uri.rstrip("/").rpartition("/")[2]
    place.parent.mkdir()
    if _is_stream(uri):
        with Path(uri).open("rb") as source, place.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        return place
    (listed, *more) = list_sources(uri, spool, Aws())
    if more or listed.uri != uri:
        place.mkdir()  # a prefix: the check reports it like a folder
        return place
    return pin(listed, place.parent, Aws()).path.rename(place)


def fix(asked: Asked, out: Path) -> Repair:
    """Write a repaired copy of the file; only faults with one right answer are repaired."""
    if len(asked.files) != 1 or is_remote(asked.files[0]) or _is_stream(asked.files[0]):
        raise RecipeError("--fix: takes one local file; name exactly one")
    return fix_file(Path(asked.files[0]), out, plan=asked.plan(), format_name=asked.format)


def told_result(result: CheckResult) -> Iterator[str]:
    """The result for people: each file, each fault with its remedy, the verdict."""
    for file in result.files:
        yield f"{file.file}: {file.records:,} records, {file.bytes:,} bytes ({file.part})"
    for fault in result.faults:
        place = f"{fault.file}:{fault.line}" if fault.line else fault.file
        yield f"{place}: {fault.severity}: {fault.rule}: {fault.message}"
    if result.faults:
        yield from ("", *_table(result), "")
    if result.tokens:
        fits, may, does_not = (
            result.tokens.get(k, 0) for k in ("fit", "may_not_fit", "do_not_fit")
        )
        yield f"tokens: {fits:,} records fit, {may:,} may not fit, {does_not:,} do not fit"
    if result.calibration:
        records, of_estimate, most = result.calibration.values()
        yield (
            f"counted: {records:,} records have {of_estimate:.0%} of the tokens estimated, "
            f"at most {most:.0%} of a bound"
        )
    yield verdict(result)


def _table(result: CheckResult) -> Iterator[str]:
    """Each broken rule with the number of its faults, and what to do about it."""
    first = {fault.rule: fault for fault in reversed(result.faults)}
    order = sorted(result.counts, key=lambda rule: (_ORDER.index(first[rule].severity), rule))
    rows = [("rule", "severity", "faults")]
    rows += [(rule, first[rule].severity, f"{result.counts[rule]:,}") for rule in order]
    rule, severity, faults = (max(map(len, column)) for column in zip(*rows, strict=True))
    remedies = [
        "what to do",
        *(f"{first[rule_id].remedy}  [{first[rule_id].source}]" for rule_id in order),
    ]
    for row, remedy in zip(rows, remedies, strict=True):
        yield f"{row[0]:<{rule}}  {row[1]:<{severity}}  {row[2]:>{faults}}  {remedy}"


def verdict(result: CheckResult) -> str:
    """One line with the model or format, `accepted` or `refused`, and counts."""
    what = f"{result.model} ({result.customization})" if result.model else result.format
    counted = f"{result.count('error'):,} errors, {result.count('warning'):,} warnings"
    return f"{what}: {'accepted' if result.ok else 'refused'}: {counted}"


def told_repair(repair: Repair, out: Path) -> Iterator[str]:
    """Every change, for people: nothing is changed silently."""
    for change in repair.changes:
        yield f"line {change.line}: {change.rule}: {change.detail}"
    if repair.newline_added:
        yield "a newline was added behind the last line"
    counted = ", ".join(f"{rule} {count:,}" for rule, count in sorted(repair.counts.items()))
    yield f"{out}: changed: {counted or 'nothing'}"


def unread_lines(repair: Repair, out: Path) -> str | None:
    """One line on the lines that stay as they were, and what to do about them."""
    first = repair.first_unread
    if first is None:
        return None
    told = f"{first.rule}: {first.detail}" if first.detail else first.rule
    return (
        f"{out}: {repair.unread:,} lines could not be read and stay as they were (the first is "
        f"line {first.line} of the original: {told}): {RULES[first.rule].remedy}"
    )
