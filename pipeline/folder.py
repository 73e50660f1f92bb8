"""A folder as the place where runs are published: temp, fsync, rename, fsync of the folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pipeline.errors import ConflictError, StorageError


class FolderPlace:
    """Runs under a local folder. Writers are kept apart by the output folder's lock."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.root = Path(uri)

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and SHA-256 of a small file, or None."""
        try:
            data = (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StorageError(f"{self.root / name}: {error.strerror}") from error
        return data, hashlib.sha256(data).hexdigest()

    def add_folder(self, staged: Path, name: str) -> None:
        """Rename a finished folder of the same file system to its final name."""
        final = self.root / name
        try:
            for folder, _, files in os.walk(staged):
                for file in files:
                    sync(Path(folder, file))
                sync(Path(folder))
            final.parent.mkdir(parents=True, exist_ok=True)
            staged.rename(final)
            sync(final.parent)
        except OSError as error:
            raise StorageError(f"{final}: {error.strerror}") from error

    def swap(self, name: str, data: bytes, version: str | None) -> None:
        """Replace a small file at once; the lock has kept others away, so a change is a fault."""
        current = self.read(name)
        if (current[1] if current else None) != version:
            raise ConflictError(f"{self.root / name}: another run has published; run again")
        final = self.root / name
        unfinished = self.root / ".work" / f"{name}.part"
        try:
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(final)
            sync(self.root)
        except OSError as error:
            raise StorageError(f"{final}: {error.strerror}") from error


def sync(path: Path) -> None:
    """Flush a file's or a folder's own data to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
