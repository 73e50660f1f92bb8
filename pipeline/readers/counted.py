"""How far a child process has got: a number in memory that it shares with its parent.

A message for each unit would also report it, but would wake the parent each time: with pages of a
few KB, that cost a twentieth of the time it takes to read them.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import sys
import tempfile
from typing import BinaryIO

_BYTES = 4


class Counted:
    """The unit of the batch that the child is reading. The child writes it, so do not trust it."""

    def __init__(self, descriptor: int) -> None:
        """Use the file with this descriptor, which is open in both processes."""
        self._map = mmap.mmap(descriptor, _BYTES)

    @property
    def number(self) -> int:
        """The number, from 0 to 2**32 - 1."""
        return int.from_bytes(self._map[:], "little")

    @number.setter
    def number(self, number: int) -> None:
        self._map[:] = number.to_bytes(_BYTES, "little")

    def close(self) -> None:
        """Release the memory and the file descriptor that it keeps."""
        self._map.close()


def shared_file() -> BinaryIO:
    """Make a file for `Counted` in two processes; it has no name, and is gone when both close it.

    On Linux it is memory that cannot be truncated: reading past the end of a truncated file would
    kill the process that reads, here the parent.
    """
    if sys.platform == "linux":
        memory = os.memfd_create("counted", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        file: BinaryIO = open(memory, "r+b", buffering=0)  # noqa: PTH123, SIM115 - a descriptor
        file.write(bytes(_BYTES))
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
        return file
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
    file.write(bytes(_BYTES))
    return file
