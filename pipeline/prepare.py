"""The `prepare` command: options to a run, and a run to what is printed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import RecipeError
from pipeline.ledger import left_out
from pipeline.progress import open_progress
from pipeline.publish import as_json
from pipeline.recipe import Recipe, load_recipe
from pipeline.run import Options, Outcome, prepare
from pipeline.storage import is_remote
from pipeline.telemetry import watched

UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
OTHER_URI = re.compile(r"(?!s3://)[A-Za-z][A-Za-z0-9+.-]+:/")
"""What looks like a URI and is none that we can write to: `gs://…`, `s3:/…`, `S3://…`."""

SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$", re.IGNORECASE)


@dataclass(frozen=True)
class Prepared:
    """A run that has succeeded, as `prepare` prints it."""

    outcome: Outcome

    def as_json(self) -> str:
        """One JSON object."""
        manifest = self.outcome.manifest
        return as_json(
            {
                "run": self.outcome.run,
                "uri": self.outcome.uri,
                "reused": self.outcome.reused,
                "targets": {n: t["records"] for n, t in manifest["targets"].items()},
                "stages": manifest["stages"],
            }
        ).decode()

    def as_text(self) -> str:
        """Where it is, what each target holds, what was left out."""
        manifest = self.outcome.manifest
        lines = [
            f"{self.outcome.uri}" + (" (unchanged: done before)" if self.outcome.reused else "")
        ]
        for name, target in manifest["targets"].items():
            records = ", ".join(f"{split} {count}" for split, count in target["records"].items())
            lines.append(f"  {name}: {records}")
            lines += [f"    note: {note['message']}" for note in target.get("notes", [])]
        lines += [f"  left out: {line}" for line in left_out(manifest)]
        return "\n".join(lines)


def parse_size(text: str, option: str = "--memory") -> int:
    """Bytes of `4GB`, `800MB` or a bare number. Raises RecipeError."""
    match = SIZE.match(text.strip())
    if match is None:
        raise RecipeError(f"{option} {text}: is not a size such as 4GB or 800MB")
    return int(float(match[1]) * UNITS[match[2].lower()])


def checked_output(output: str) -> str:
    """A folder, `~/` of this user's home, or an s3:// prefix without a slash at its end.

    Raises RecipeError for other URIs and for a name that is not UTF-8.
    """
    if OTHER_URI.match(output):
        raise RecipeError(f"--output {output}: is neither a folder nor an s3:// prefix")
    refuse_no_text("--output", output)
    if is_remote(output):
        return output.rstrip("/")
    return str(Path(output).expanduser()) if output.startswith("~/") else output


def refuse_no_text(option: str, name: str) -> None:
    """Raise RecipeError for a name that is not UTF-8: reports, tables and S3 hold none such."""
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if shown != name:
        raise RecipeError(f"{option} {shown}: is not UTF-8; give the folder another name")


def cores() -> int:
    """Cores that this process may use; on a system that cannot say, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def prepare_recipe(
    path: Path,
    *,
    changes: Sequence[str] = (),
    output: str | None = None,
    workers: int | None = None,
    memory: str | None = None,
    work: Path | None = None,
    state: str | None = None,
    full: bool = False,
    since: str | None = None,
    log: str | None = None,
    metrics: Path | None = None,
    lineage_events: Path | None = None,
) -> Prepared:
    """Load and run a recipe as the command line asks: `pipeline.options.Options` in its words.

    `changes` are `A.B=V`, `log` is `json`, `text` or None. `metrics` and `lineage_events` are
    files that tell monitoring how the run ended, see `pipeline.telemetry`.
    """
    progress = open_progress(log)

    def run(recipe: Recipe) -> Outcome:
        refuse_no_text("--work", str(work or ""))
        options = Options(
            output=checked_output(output or f"out/{recipe.name}"),
            workers=workers or cores(),
            memory=parse_size(memory) if memory else None,
            work=work,
            full=full,
            since=since,
            state=state,
        )
        return prepare(recipe, path.resolve().parent, options, progress)

    def load() -> tuple[str, Callable[[], Outcome]]:
        recipe = load_recipe(path, list(changes))
        return recipe.name, partial(run, recipe)

    def published(outcome: Outcome) -> tuple[str, dict[str, Any]]:
        return outcome.uri, outcome.manifest

    return Prepared(watched(path.stem, load, published, metrics, lineage_events))
