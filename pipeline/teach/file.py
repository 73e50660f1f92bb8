"""The file of a teacher's answers while it grows; each answer is on the disk once it is added.

New answers are appended to a journal beside the file. They are merged into it, in the order of
their keys, when asking ends or the next time begins. The same answers make the same file, whatever
order they came in; an answer that a kill has cut short is asked for again.
"""

from __future__ import annotations

import errno
import fcntl
import heapq
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.errors import ConflictError, RecipeError
from pipeline.stages.teacher_answers import answer_line, key_of, read_answers

JOURNAL = ".new"


class AnswersFile:
    """The answers of a file, which is locked by this process while it is open.

    Raises ConflictError if another process has locked it, RecipeError if it is not an answers file.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.journal = path, path.with_name(path.name + JOURNAL)
        self.known: set[bytes] = set()
        self._handle = -1

    def __enter__(self) -> Self:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._handle = os.open(self.journal, flags, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._handle), self.journal.stat()):
                raise BlockingIOError
            self.merge()
            self.known = {bytes.fromhex(key) for key, _ in self._answers()}
        except (BlockingIOError, FileNotFoundError):
            os.close(self._handle)
            raise ConflictError(
                f"{self.path}: another process is asking for these answers"
            ) from None
        except BaseException:
            if not os.fstat(self._handle).st_size:
                self.journal.unlink()
            os.close(self._handle)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if kind is None or issubclass(kind, Exception):  # a signal leaves the journal as it is
                self.merge()
                self.journal.unlink()
        finally:
            os.close(self._handle)

    def add(self, answer: dict[str, Any]) -> bool:
        """Write an answer to the disk; False if the request already has one."""
        key = bytes.fromhex(answer["key"])
        if key in self.known:
            return False
        line, size = answer_line(answer), os.fstat(self._handle).st_size
        if os.write(self._handle, line) != len(line):
            os.ftruncate(self._handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.journal))
        os.fsync(self._handle)
        self.known.add(key)
        return True

    def merge(self) -> None:
        """Merge the journal into the file; a line that was cut short is dropped."""
        new: dict[str, bytes] = {}
        with self.journal.open("rb") as file:
            for line in file:
                if key := key_of(line):
                    new.setdefault(key, line)
        if new:
            unfinished = self.path.with_name(self.path.name + ".part")
            merged = heapq.merge(self._answers(), sorted(new.items()), key=lambda one: one[0])
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as out:
                before = ""
                for key, line in merged:
                    if key != before:  # a kill after a merge may leave an answer in both
                        out.write(line)
                    before = key
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(self.path)
        os.ftruncate(self._handle, 0)

    def _answers(self) -> Iterator[tuple[str, bytes]]:
        try:
            yield from read_answers(self.path) if self.path.exists() else ()
        except ValueError as error:
            raise RecipeError(str(error)) from None
