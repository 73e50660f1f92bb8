"""Validation errors as lines that tell a person what to change."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from pipeline.yaml_file import Path, Positions

KnownKeys = Callable[[Path], Iterable[str]]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`, did you mean 'chunk'?`, or an empty text if no name is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f", did you mean '{close[0]}'?" if close else ""


def explain(error: ValidationError, positions: Positions, known_keys: KnownKeys) -> list[str]:
    """One line for each fault, in the order of the file."""
    faults = []
    for detail in error.errors():
        path = _without_tag(detail["loc"])
        text = f"{positions.at(path)}{_dotted(path)}: {_say(detail, known_keys)}"
        faults.append((positions.line(path), text))
    return [text for _, text in sorted(dict.fromkeys(faults))]


def _without_tag(loc: Path) -> Path:
    """The path of a value in the file, without the branch of a union that pydantic adds.

    A stage's branch is also its key in the file, so that one is kept.
    """
    tagged = loc[:1] in {("sources",), ("targets",)} and len(loc) > 2
    return (*loc[:2], *loc[3:]) if tagged else loc


def _dotted(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "recipe"


def _say(detail: Any, known_keys: KnownKeys) -> str:
    kind, value, loc = detail["type"], detail.get("input"), detail["loc"]
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(str(loc[-1]), known_keys(loc[:-1]))}"
    if kind == "missing":
        return "is missing"
    if kind == "union_tag_invalid":
        tag = detail["ctx"]["tag"]
        names = [name.strip(" '") for name in detail["ctx"]["expected_tags"].split(",")]
        guess = did_you_mean(tag, names)
        return f"no such name: {tag}{guess or ','} known: {', '.join(names)}"
    if kind in ("model_type", "model_attributes_type"):
        return f"must be a mapping of keys to values, not {json.dumps(value, default=str)[:80]}"
    message = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return str(message)
    return f"{message[:1].lower()}{message[1:]}, not {json.dumps(value, default=str)[:80]}"
