"""What the tables beside peers share: options, the peers' own environment, versions in it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def asked(about: str) -> tuple[Path, int]:
    """The folder to work in, made if it is not there, and how often to measure."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/bench"))
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    return work, given.rounds


def peers_python(folder: Path, packages: Iterable[str]) -> str:
    """The interpreter of the environment with these packages, made the first time: wheels only."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--only-binary", ":all:"]
        subprocess.run([*pip, *sorted(set(packages))], check=True)
    return str(python)


def version(python: str, package: str) -> str:
    """Of a package that an interpreter has."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()
