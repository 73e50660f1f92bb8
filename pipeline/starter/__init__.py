"""The `init` command: a starter recipe with a little data, written into a new folder."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pipeline.errors import RecipeError, StorageError


def write_starter(folder: Path) -> list[Path]:
    """Copy the starter into `folder`; returns the files written.

    Raises RecipeError when something is in the folder already, StorageError when it cannot be
    written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RecipeError(f"{folder}: is not empty; name a new folder")
    written = []
    try:
        for name, source in _walk(files(__package__), ""):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read_bytes())
            written.append(path)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error
    return written


def _walk(above: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(above.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.is_file() and not entry.name.endswith((".py", ".pyc")):
            yield f"{prefix}{entry.name}", entry
