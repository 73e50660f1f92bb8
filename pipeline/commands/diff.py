"""The `diff` command: what changed between two published runs."""

from __future__ import annotations

from pathlib import Path

from pipeline.diff import Diff, compare
from pipeline.diff.page import render_diff
from pipeline.errors import StorageError
from pipeline.publish import as_json
from pipeline.published import open_run
from pipeline.shards import write_bytes


def diff_runs(before: str, after: str) -> tuple[Diff, str]:
    """Compare two runs by their URIs; returns the difference and the later recipe's name."""
    runs = [open_run(uri) for uri in (before, after)]
    return compare(*runs), str(runs[1].manifest["name"])


def write_diff(diff: Diff, name: str, folder: Path) -> Path:
    """Write diff.html and diff.json into a folder; returns the path of the page."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / "diff.json", as_json(diff.as_json()))
        write_bytes(folder / "diff.html", render_diff(diff, name).encode())
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error
    return folder / "diff.html"
