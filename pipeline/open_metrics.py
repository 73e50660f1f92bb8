"""How an attempt ended, as OpenMetrics text: the whole file of a textfile collector.

https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ATTEMPT = "bedrock_prep_attempt"
ABOUT = {
    f"{ATTEMPT}_exit_code": "0 is good; see the table of exit codes.",
    f"{ATTEMPT}_seconds": "Wall time of the last attempt.",
    f"{ATTEMPT}_timestamp_seconds": "When the last attempt ended.",
    "bedrock_prep_run": "The last run that was published.",
    "bedrock_prep_success_timestamp_seconds": "When that was.",
    "bedrock_prep_records": "Records of a stage by what became of them.",
    "bedrock_prep_set_aside_records": "Records set aside, by stage and reason.",
    "bedrock_prep_target_records": "A target's records.",
    "bedrock_prep_target_tokens": "A target's tokens.",
    "bedrock_prep_target_bytes": "A target's bytes.",
}
"""All families, in the order of the file."""

TEXT = r'"(?:[^"\\\n]|\\.)*"'
SAMPLE = re.compile(
    rf"(?P<family>\w+)\{{(?P<labels>recipe=(?P<recipe>{TEXT})(?:,\w+={TEXT})*)\}}"
    r" (?P<number>-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
)
UNREADABLE = "\ufffd"
"""What stands for bytes that are no text."""

Samples = Iterable[tuple[str, object]]
"""(labels as they are written, number) of one family."""


@dataclass(frozen=True)
class Ended:
    """How an attempt ended."""

    recipe: str  # its name
    exit_code: int
    seconds: float
    message: str = ""
    uri: str | None = None  # of the run, if it was published
    manifest: Mapping[str, Any] | None = None


def open_metrics(ended: Ended, before: str, now: float) -> str:
    """The whole file; after a failure what it said of the last good run (`before`) stays.

    Of a damaged file those lines stay that are whole and about this recipe. `now` is in seconds
    since 1970.
    """
    own = {"recipe": ended.recipe}
    families: dict[str, Samples] = {
        f"{ATTEMPT}_exit_code": [(_labels(own), ended.exit_code)],
        f"{ATTEMPT}_seconds": [(_labels(own), round(ended.seconds, 3))],
        f"{ATTEMPT}_timestamp_seconds": [(_labels(own), round(now, 3))],
    }
    if ended.manifest is None:
        families = _said(before, ended.recipe) | families
    else:
        families |= _of_run(own, ended.manifest, now)
    lines = (line for name in ABOUT for line in _family(name, families.get(name, ())))
    return "\n".join([*lines, "# EOF"]) + "\n"


def recipe_of(metrics: str) -> str | None:
    """The name of the recipe that a file of metrics tells of."""
    found = (SAMPLE.fullmatch(line) for line in metrics.split("\n") if UNREADABLE not in line)
    named = next((one["recipe"] for one in found if one and one["family"] in ABOUT), None)
    return None if named is None else re.sub(r"\\(.)", _unescaped, named[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


def _said(before: str, recipe: str) -> dict[str, Samples]:
    """What is to be read in a file about a recipe, of each sample the first."""
    families: dict[str, dict[str, object]] = {}
    for line in before.split("\n"):
        found = SAMPLE.fullmatch(line)
        if found and found["recipe"] == _text(recipe) and UNREADABLE not in line:
            families.setdefault(found["family"], {}).setdefault(found["labels"], found["number"])
    return {name: list(samples.items()) for name, samples in families.items()}


def _of_run(own: dict[str, str], manifest: Mapping[str, Any], now: float) -> dict[str, Samples]:
    stages, targets = manifest["stages"], manifest["targets"]
    outcomes = ("came", "kept", "rejected", "merged", "divided", "chunks")
    run = own | {"run": manifest["run"], "version": manifest["version"]}
    told: dict[str, Samples] = {
        "bedrock_prep_run": [(_labels(run), 1)],
        "bedrock_prep_success_timestamp_seconds": [(_labels(own), round(now, 3))],
        "bedrock_prep_records": [
            (_labels(own | {"stage": one["stage"], "outcome": outcome}), one[outcome])
            for one in stages
            for outcome in outcomes
        ],
        "bedrock_prep_set_aside_records": [
            (_labels(own | {"stage": one["stage"], "reason": reason}), number)
            for one in stages
            for reason, number in one["reasons"].items()
        ],
    }
    for measure in ("records", "tokens", "bytes"):
        told[f"bedrock_prep_target_{measure}"] = [
            (_labels(own | {"target": name, "split": split}), number)
            for name, target in targets.items()
            for split, number in target[measure].items()
        ]
    return told


def _family(name: str, samples: Samples) -> Iterator[str]:
    rows = [f"{name}{{{labels}}} {number}" for labels, number in samples]
    if rows:
        yield f"# TYPE {name} gauge"
        yield f"# HELP {name} {ABOUT[name]}"
        yield from rows


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={_text(value)}" for key, value in labels.items())


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
