"""A folder as the place where runs are published: temp, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import ConflictError, StorageError
from pipeline.failpoints import step

MANIFEST = "manifest.json"
NO_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
"""How a file system says that it does not flush what it is asked to."""


class FolderPlace:
    """Runs under a local folder. Writers are kept apart by the output folder's lock."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.root = Path(uri)

    def examine(self) -> list[str]:
        """Nothing is to be noted of a folder."""
        return []

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and SHA-256 of a small file, or None."""
        try:
            data = (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StorageError(f"{self.root / name}: {error.strerror}") from error
        return data, hashlib.sha256(data).hexdigest()

    def open(self, name: str) -> BinaryIO | None:
        """A file from its start, or None."""
        try:
            return (self.root / name).open("rb", buffering=1 << 20)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StorageError(f"{self.root / name}: {error.strerror}") from error

    def sizes(self, names: Sequence[str]) -> list[int | None]:
        """Bytes of each of these files, None where there is none."""
        return [_size(self.root / name) for name in names]

    def published(self) -> list[tuple[str, float]]:
        """The runs, with when their manifests were written."""
        try:
            return [
                (path.parent.name, path.stat().st_mtime)
                for path in sorted(self.root.glob("runs/*/manifest.json"))
            ]
        except OSError as error:
            raise StorageError(f"{self.root / 'runs'}: {error.strerror}") from error

    def add_folder(self, staged: Path, name: str) -> None:
        """Rename a finished folder to its final name; copied first from another file system.

        Raises ConflictError when another manifest of that name is there.
        """
        final = self.root / name
        try:
            sync_tree(staged)
            make_folder(final.parent)
            step("rename run")
            try:
                staged.rename(final)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copy(staged, final)
            sync(final.parent)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise StorageError(f"{final}: {error.strerror}") from error
            self._refuse_other(staged, name)

    def _refuse_other(self, staged: Path, name: str) -> None:
        """What stands at a finished folder's place is the same, or is not replaced.

        Raises ConflictError where its manifest is another, StorageError where it has none.
        """
        there = self.read(f"{name}/{MANIFEST}")
        if there is None:
            told = "is there, but without its manifest; remove it and run again"
            raise StorageError(f"{self.root / name}: {told}")
        if there[0] != (staged / MANIFEST).read_bytes():
            raise ConflictError(
                f"{self.root / name}: another run has published it with another manifest; run again"
            )

    def _copy(self, staged: Path, final: Path) -> None:
        near = self._near(f"{final.name}.part")
        shutil.rmtree(near, ignore_errors=True)
        shutil.copytree(staged, near)
        sync_tree(near)
        step("rename copied run")
        try:
            near.rename(final)
        except OSError:
            shutil.rmtree(near)
            raise

    def _near(self, name: str) -> Path:
        """An unfinished file's place on the same file system, where no reader looks."""
        folder = self.root / ".work"
        make_folder(folder)
        folder.chmod(0o700)
        return folder / name

    def swap(self, name: str, data: bytes, version: str | None) -> None:
        """Replace a small file at once; the lock has kept others away, so a change is a fault."""
        current = self.read(name)
        if (current[1] if current else None) != version:
            raise ConflictError(f"{self.root / name}: another run has published; run again")
        final = self.root / name
        try:
            unfinished = self._near(f"{name}.part")
            step(f"write {name}")
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                step(f"fsync {name}")
                os.fsync(file.fileno())
            step(f"rename {name}")
            unfinished.replace(final)
            sync(self.root)
        except OSError as error:
            raise StorageError(f"{final}: {error.strerror}") from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it, each entry flushed to the disk."""
    if path.is_dir():
        return
    make_folder(path.parent)
    step("make folder")
    path.mkdir(exist_ok=True)
    sync(path.parent)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below, and the folder itself."""
    for above, _, files in os.walk(folder):
        for file in sorted(files):
            sync(Path(above, file))
        sync(Path(above))


def sync(path: Path) -> None:
    """Flush a file's or a folder's own data to the disk.

    Some file systems (SMB, FUSE) flush no folders, and say so: there it is left to them.
    """
    step("fsync")
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_FLUSH or not path.is_dir():
            raise
    finally:
        os.close(handle)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
