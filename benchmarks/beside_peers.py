"""What the comparisons with peers share: options, the peers' own environment, versions in it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def asked(about: str) -> tuple[Path, int]:
    """Read the options: the folder to work in (created if missing) and the number of rounds.

    `about` is the script's docstring; its first line describes the command.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/bench"))
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    return work, given.rounds


def peers_python(folder: Path, packages: Iterable[str]) -> str:
    """The Python of an environment with these packages; the first call makes it (wheels only)."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--only-binary", ":all:"]
        subprocess.run([*pip, *sorted(set(packages))], check=True)
    return str(python)


def version(python: str, package: str) -> str:
    """The version of a package that is installed for an interpreter."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()
