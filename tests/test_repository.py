"""What the repository holds is what we wrote: nothing that a tool has left behind."""

from __future__ import annotations

import subprocess

import pytest
from conftest import ROOT

TOP = {
    ".ci", ".gitattributes", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "DESIGN.md",
    "LICENSE", "Makefile", "README.md", "README.vi.md", "benchmarks", "deploy", "docs", "pipeline",
    "pyproject.toml", "requirements-build.in", "requirements-build.lock", "requirements-dev.lock",
    "requirements.lock", "sample_data", "schemas", "setup.py", "tests",
}  # fmt: skip
LARGEST = 400_000
"""Bytes: the longest lock file has 300,000."""


def test_nothing_is_tracked_that_does_not_belong_here() -> None:
    """A work folder of 20 MB was committed by `git add -A`, a wheel before that."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout of git")
    line = ["git", "ls-files", "-z"]
    tracked = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    names = tracked.stdout.split("\0")[:-1]
    assert {name.split("/")[0] for name in names} == TOP
    there = [ROOT / name for name in names if (ROOT / name).is_file()]
    assert [path for path in there if path.stat().st_size > LARGEST] == []
