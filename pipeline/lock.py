"""One run at a time for each output: a lock that dies with its holder, and expires without it.

The kernel frees the lock of a dead process at once. One that is alive but stopped or hung gives no
sign of life: after `EXPIRY` another run takes the lock over, and the first finds it lost before it
publishes.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import ConflictError

LOCK = "lock"
"""The name of its file."""

SIGN_EVERY = 10.0  # seconds between signs of life: the lock file's time is set anew
EXPIRY = 600.0  # seconds without one after which a lock is nobody's


class Held:
    """A lock that is held."""

    def __init__(self, path: Path, handle: int, output: str) -> None:
        self.path, self.handle, self.output = path, handle, output
        self.stopped = threading.Event()

    def confirm(self) -> None:
        """Raise ConflictError when another run has taken the lock over."""
        if not _same_file(self.handle, self.path):
            raise ConflictError(f"{self.output}: {_told(self.path)} has taken it over; run again")

    def sign(self) -> None:
        """Give signs of life until stopped."""
        while not self.stopped.wait(SIGN_EVERY):
            with suppress(OSError):
                os.utime(self.handle)


@contextmanager
def hold(folder: Path, output: str) -> Iterator[Held]:
    """Hold the work folder's lock. Raises ConflictError, naming the holder, when it is taken."""
    path = folder / LOCK
    handle = _take(path, output)
    held = Held(path, handle, output)
    signs = threading.Thread(target=held.sign, name="lock", daemon=True)
    signs.start()
    try:
        yield held
    finally:
        held.stopped.set()
        signs.join()
        os.close(handle)


def _take(path: Path, output: str) -> int:
    """An open file that holds the lock."""
    while True:
        handle = _open(path)
        if _locked(handle):
            if _signed(handle, path):
                break
            os.close(handle)  # it was taken over between opening and locking
            continue
        idle = time.time() - os.fstat(handle).st_mtime
        os.close(handle)
        if idle < EXPIRY:
            raise ConflictError(f"{output}: another run holds it ({_told(path)})")
        _take_over(path)
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": int(time.time())}
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(holder).encode(), 0)
    return handle


def _signed(handle: int, path: Path) -> bool:
    """Give a lock its first sign of life: one that is long unused looks as if it had expired."""
    with _alone(path):
        os.utime(handle)
        return _same_file(handle, path)


def _take_over(path: Path) -> None:
    """Put a new lock file in the expired one's place; of several who try, one does."""
    with _alone(path):
        if time.time() - path.stat().st_mtime >= EXPIRY:
            fresh = path.with_name(f"{LOCK}.{os.getpid()}")
            os.close(_open(fresh))
            fresh.replace(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else takes a lock over, or gives one its first sign of life, in the meantime."""
    guard = _open(path.with_name(f"{LOCK}.expired"))
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield
    finally:
        os.close(guard)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _told(path: Path) -> str:
    """Who holds the lock, as its file says."""
    try:
        holder = json.loads(path.read_bytes())
        since = datetime.fromtimestamp(holder["since"], UTC)
        return f"process {holder['pid']} on {holder['host']} since {since:%F %T} UTC"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has just started"
