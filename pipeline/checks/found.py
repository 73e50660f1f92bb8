"""The results of a check: faults with their place, and facts about each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.checks.rule import Severity
from pipeline.checks.rules import RULES

KEPT_EACH = 20
"""Faults of one rule kept for each file; all are counted."""


@dataclass(frozen=True)
class Fault:
    """One broken rule at one place; `line` counts from 1 and is None for the file or data set."""

    file: str
    line: int | None
    rule: str
    severity: Severity
    message: str
    remedy: str
    source: str
    value: str | None = None  # what was measured
    threshold: str | None = None  # what is allowed


@dataclass
class FileFacts:
    """Facts about one file."""

    file: str
    part: str  # training or validation
    bytes: int = 0
    lines: int = 0  # including blank ones
    records: int = 0  # lines that hold a JSON object
    faulty: int = 0  # lines with an error
    whole: bool = True  # read to its end as lines; False if it is not JSON Lines at all


@dataclass
class Found:
    """Collects faults; memory is bounded by the number of rules, not by the size of the data."""

    allowed: Collection[str] = ()  # rules that the caller accepts: their faults become notes
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    _kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    _sources: dict[str, str] = field(default_factory=dict)

    def severity(self, rule: str) -> Severity:
        """A rule's severity for this caller."""
        return "note" if rule in self.allowed else RULES[rule].severity

    def cite(self, rule: str, source: str) -> None:
        """Replace a rule's source, if the model card names a better one for its threshold."""
        self._sources[rule] = source

    def add(
        self,
        rule: str,
        file: str,
        line: int | None = None,
        detail: str = "",
        value: Any = None,
        threshold: Any = None,
        times: int = 1,
    ) -> None:
        """Add one fault, or the first of `times` faults of the same kind."""
        self.counts[rule] += times
        if self._kept[rule, file] >= KEPT_EACH:
            return
        self._kept[rule, file] += 1
        known = RULES[rule]
        self.faults.append(
            Fault(
                file,
                line,
                rule,
                self.severity(rule),
                f"{known.title}: {detail}" if detail else known.title,
                known.remedy,
                self._sources.get(rule, known.source),
                None if value is None else str(value),
                None if threshold is None else str(threshold),
            )
        )


@dataclass(frozen=True)
class CheckResult:
    """The verdict on a data set. `faults` holds the first 20 of each rule and file, in order."""

    format: str
    model: str | None
    customization: str | None
    files: tuple[FileFacts, ...]
    faults: tuple[Fault, ...]
    counts: dict[str, int]  # of faults by rule
    tokens: dict[str, int]  # records that fit, may_not_fit, do_not_fit; empty without a limit
    severities: dict[str, Severity]  # of the rules in `counts`
    # exact counts of tokens compared with estimates: records, of_estimate, most_of_bound
    calibration: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no error: such data meets the strictest reading of AWS's documents."""
        return "error" not in self.severities.values()

    def count(self, severity: Severity) -> int:
        """How many faults of a severity there are."""
        return sum(n for rule, n in self.counts.items() if self.severities[rule] == severity)

    def as_json(self) -> dict[str, Any]:
        """`ok` and all fields as plain values, for `--json` and the report."""
        return {"ok": self.ok, **asdict(self)}
