"""How far a child has come: a number in memory that it shares with its parent.

A message for each unit would say the same, and wake the parent for each: with pages of some KB that
was a twentieth of what it takes to read them.
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
    """Units of the batch that the child has begun, as the child says: it is not to be believed."""

    def __init__(self, descriptor: int) -> None:
        """On a file that is open in both processes."""
        self._map = mmap.mmap(descriptor, _BYTES)

    @property
    def number(self) -> int:
        """From 0 up to 2**32 - 1."""
        return int.from_bytes(self._map[:], "little")

    @number.setter
    def number(self, number: int) -> None:
        self._map[:] = number.to_bytes(_BYTES, "little")

    def close(self) -> None:
        """Let go of the memory, and of the descriptor that it keeps."""
        self._map.close()


def shared_file() -> BinaryIO:
    """A file for `Counted` in two processes: without a name, and gone with the last of them.

    On Linux it is memory that cannot be made shorter: what is left of a file that is would end the
    process that reads on, here the parent.
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
