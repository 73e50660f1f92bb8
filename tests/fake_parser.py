"""A reader whose parser does what the file says: behaves, or does what no parser may."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import polars as pl

from pipeline.readers.rows import frames
from pipeline.source import SourceFile, Unit
from pipeline.stage import Settings


class FakeReader(Settings):
    """One record each, unless the parser is told otherwise."""

    name: ClassVar[str] = "fake"
    sandboxed: ClassVar[bool] = True

    def claims(self, file: SourceFile, head: bytes) -> bool:
        return True

    def units(self, files: Sequence[SourceFile]) -> list[Unit]:
        return [Unit((file,)) for file in files]

    def divided(self, unit: Unit) -> list[Unit]:
        return self.units(unit.files)

    def read(self, unit: Unit) -> Iterator[pl.DataFrame]:
        for file in unit.files:
            for number, order in enumerate(file.path.read_text().split("\n"), 1):
                text = parse(order)
                row = {"source": file.uri, "locator": f"line={number}", "text": text}
                yield from frames([row])


def parse(order: str) -> str:
    what, _, argument = order.partition(" ")
    if what == "say":
        return argument
    if what == "times":  # a text of so many characters
        return "x" * int(argument)
    if what == "hold":  # so many MB, for good
        HELD.append(bytearray(int(argument) << 20))
    elif what == "doze":
        time.sleep(float(argument))
    elif what == "lie":  # of the unit in work, and die
        os.pwrite(int(sys.argv[3]), int(argument).to_bytes(4, "little"), 0)
        os.abort()
    elif what == "connect":
        socket.create_connection(("127.0.0.1", int(argument)), 1)
    else:
        DEEDS[what]()
    return "done"


HELD: list[bytearray] = []


def allocate() -> None:
    held = []
    while True:
        held.append(bytearray(64 << 20))


def allocate_and_abort() -> None:
    """As a C++ library does it."""
    try:
        allocate()
    except MemoryError:
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
        os.abort()


def write_10_gb() -> None:
    with tempfile.TemporaryFile() as file:
        for _ in range(10_000):
            file.write(bytes(1 << 20))


def spin() -> None:
    while True:
        pass


def answer_much() -> None:
    """Past the library, straight to the parent: a header that announces a petabyte."""
    os.write(3, b"F" + (1).to_bytes(4, "little") * 2 + (1 << 50).to_bytes(8, "little"))
    time.sleep(60)


def close_and_live() -> None:
    """Take the way to the parent away, as if it were dead."""
    os.closerange(3, 100)
    time.sleep(600)


DEEDS = {
    "close": close_and_live,
    "sleep": lambda: time.sleep(600),
    "spin": spin,
    "allocate": allocate,
    "allocate_and_abort": allocate_and_abort,
    "fork": os.fork,
    "run": lambda: subprocess.run(["true"], check=True),
    "write": write_10_gb,
    "mark": lambda: Path("/tmp/fake-parser-was-here").write_text("x"),
    "exit": lambda: os._exit(3),
    "leave": lambda: exec("raise SystemExit(0)"),
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "raise": lambda: 1 / 0,
    "kill": lambda: os.kill(os.getppid(), 9),
    "answer": answer_much,
    "shorten": lambda: os.ftruncate(int(sys.argv[3]), 0),
    "environment": lambda: Path("/proc/self/environ").read_text(),
}
