"""The sandbox: whatever a parser does, its file gets a reason and the others their records."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import imported_with
from fake_parser import FakeReader
from test_readers import put

from pipeline.readers import child_process, sandbox, wire, wire_rows
from pipeline.readers.child_process import ChildProcess
from pipeline.readers.confine import _CALLS, seccomp_filter
from pipeline.readers.sandbox import Limits, Sandbox
from pipeline.record import SCHEMA, frame
from pipeline.source import Unit

NUMBERED = frame([{"source": "a" * 40, "text": "b" * 40}]).with_columns(
    pl.lit(0, pl.UInt32).alias(wire.UNIT)
)
MARK = Path("/tmp/fake-parser-was-here")
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    own = Sandbox(Limits(memory=256 << 20, cpu=1, wall=3, answer=8 << 20))
    yield own
    own.close()


def ask(box: Sandbox, folder: Path, *orders: str) -> list[dict[str, Any]]:
    """The rows of one file for each order, each with its reason."""
    files = [put(folder, f"{n}.fake", order) for n, order in enumerate(orders)]
    reader = FakeReader()
    frames = list(box.read([(n, reader, unit) for n, unit in enumerate(reader.units(files))]))
    assert all(found.drop(wire.UNIT).schema == SCHEMA for found in frames)
    rows = pl.concat(frames).to_dicts()
    assert [files[row["unit"]].uri for row in rows] == [row["source"] for row in rows]
    return [row | {"reason": (row["rejected"] or {}).get("reason")} for row in rows]


def children(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """How many units each batch asks for, and whether of a new child."""
    started = []
    ready = Sandbox._ready_child

    def noted(self: Sandbox, units: int) -> Any:
        started.append((units, self.child is None))
        return ready(self, units)

    monkeypatch.setattr(Sandbox, "_ready_child", noted)
    return started


DEEDS = [
    ("sleep", "read.timeout", "wall"),
    ("spin", "read.timeout", "CPU"),
    ("allocate", "read.out_of_memory", None),
    ("allocate_and_abort", "read.out_of_memory", None),
    ("fork", "read.parser_died", "PermissionError"),
    ("run", "read.parser_died", "PermissionError"),
    ("write", "read.parser_died", "Error"),
    ("exit", "read.parser_died", "exit 3"),
    ("leave", "read.parser_died", "SystemExit: 0"),
    ("segfault", "read.parser_died", "SIGSEGV"),
    ("abort", "read.parser_died", "SIGABRT"),
    ("raise", "read.parser_died", "ZeroDivisionError: division by zero"),
    ("kill", "read.parser_died", "PermissionError"),
    ("answer", "read.parser_died", "1125899906842624 bytes"),
    ("lie 0", "read.parser_died", "SIGABRT"),
    ("lie 2", "read.parser_died", "SIGABRT"),
    ("lie 4294967295", "read.parser_died", "SIGABRT"),
    ("shorten", "read.parser_died", "PermissionError"),
    ("times 10000000", "read.parser_died", "bytes"),
]


@linux
@pytest.mark.parametrize(("order", "reason", "value"), DEEDS, ids=[deed[0] for deed in DEEDS])
def test_a_bad_parser_costs_its_file_only(
    box: Sandbox, tmp_path: Path, order: str, reason: str, value: str | None
) -> None:
    """Its neighbours in the batch keep their records, in order, each once."""
    rows = ask(box, tmp_path, "say one", order, "say two", "say three")
    assert [row["text"] for row in rows] == ["one", None, "two", "three"]
    assert [row["reason"] for row in rows] == [None, reason, None, None]
    assert rows[1]["source"] == "1.fake"
    told = rows[1]["rejected"]["value"]
    assert told is None if value is None else value in told


def test_a_child_that_is_silent_and_lives_is_killed(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has closed its end, and does not die of it."""
    monkeypatch.setattr(child_process, "_ENDING_CHECKS", 10)
    rows = ask(box, tmp_path, "say one", "close", "say two")
    assert [row["text"] for row in rows] == ["one", None, "two"]
    assert rows[1]["reason"] == "read.parser_died"
    assert rows[1]["rejected"]["value"] == "the parser no longer answers"


def test_a_child_that_goes_from_file_to_file_is_not_late(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one file may take is not what all of a batch may take; nothing is heard of it before."""
    box.limits = Limits(wall=0.8)
    started = children(monkeypatch)
    rows = ask(box, tmp_path, "doze 0", *["doze 0.5"] * 5)
    assert [row["text"] for row in rows] == ["done"] * 6
    assert started == [(6, True)]


def test_what_a_parser_gave_before_it_died_stands(box: Sandbox, tmp_path: Path) -> None:
    """Large frames are handed over as they come; the second try goes on after them, once."""
    lines = [f"times {5_000_000 + n}" for n in range(3)]
    rows = ask(box, tmp_path, "\n".join(["say a", *lines, "say lost", "abort"]), "say b")
    assert [len(row["text"] or "") for row in rows] == [1, 5_000_000, 5_000_001, 5_000_002, 0, 1]
    assert [row["locator"] for row in rows] == [
        *(f"line={n}" for n in range(1, 5)),
        "rest",
        "line=1",
    ]


@pytest.mark.parametrize("beside", ["say one", "times 3500000", "times 4000000"])
def test_what_stands_of_a_file_is_the_same_whatever_is_beside_it(
    box: Sandbox, tmp_path: Path, beside: str
) -> None:
    """Its frames are sent when its own are large, not when those before it were."""
    broken = "\n".join(["times 3000000", "times 2000000", "say lost", "abort"])
    rows = ask(box, tmp_path, beside, broken, "say three")
    assert [len(row["text"] or "") for row in rows[1:]] == [3_000_000, 2_000_000, 0, 5]
    assert rows[3]["locator"] == "rest"


@linux
def test_a_child_that_is_gone_holds_no_descriptor(box: Sandbox, tmp_path: Path) -> None:
    """Not of its memory either, before the collector comes by."""
    ask(box, tmp_path, "say one")
    child = box.child
    held = len(list(Path("/proc/self/fd").iterdir()))
    box.close()
    assert child is not None
    assert len(list(Path("/proc/self/fd").iterdir())) == held - 4


def test_a_unit_of_many_files_is_divided(box: Sandbox, tmp_path: Path) -> None:
    """Only the file whose parser dies is lost, when the reader can tell them apart."""
    files = [put(tmp_path, f"{n}", "abort" if n in (2, 5) else f"say {n}") for n in range(8)]
    rows = pl.concat(list(box.read([(0, FakeReader(), Unit(tuple(files)))]))).to_dicts()
    assert [row["text"] for row in rows] == ["0", "1", None, "3", "4", None, "6", "7"]


def test_a_parser_dies_alone_twice_before_it_is_believed(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first death may be a neighbour's fault: the file is tried once more in a new child."""
    started = children(monkeypatch)
    ask(box, tmp_path, "say a", "abort", "say b")
    assert started == [(3, True), (1, True), (1, True), (1, True)]


@pytest.mark.parametrize(("seen", "most"), [(True, "CHILD_UNITS"), (False, "CHILD_UNITS_UNSEEN")])
def test_many_units_take_few_children(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: bool, most: str
) -> None:
    """A child lives for many, fewer where nothing says what it holds."""
    if not seen:
        monkeypatch.setattr(ChildProcess, "resident", lambda self: None)
    monkeypatch.setattr(sandbox, most, 220)
    rows = ask(box, tmp_path, *(f"say {n}" for n in range(100)))
    first = box.child
    rows += ask(box, tmp_path, *(f"say {n}" for n in range(100)))
    assert box.child is first
    assert [row["text"] for row in rows] == 2 * [str(n) for n in range(100)]
    ask(box, tmp_path, *(f"say {n}" for n in range(50)))
    assert box.child is not first


@linux
def test_a_child_that_has_grown_is_replaced(box: Sandbox, tmp_path: Path) -> None:
    """What a parser loses is given back before the next batch."""
    rows = ask(box, tmp_path, "say a", "hold 10")
    first = box.child
    rows += ask(box, tmp_path, "hold 150")
    assert box.child is first
    rows += ask(box, tmp_path, "say b")
    assert box.child is not first
    assert [row["text"] for row in rows] == ["a", "done", "done", "b"]


READER_MODULES = "archives docx email_text epub html odt parquet pdf pptx rtf warc xlsx"


def test_a_child_starts_without_polars() -> None:
    """Importing it takes as long as all else that a child starts with."""
    modules = ", ".join(f"pipeline.readers.{name}" for name in READER_MODULES.split())
    assert imported_with(f"pipeline.readers.sandbox_child, {modules}", ["polars"]) == []


@linux
def test_no_connection_is_made(box: Sandbox, tmp_path: Path) -> None:
    """A listener of ours sees none, and the file is rejected."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        [row] = ask(box, tmp_path, f"connect {port}")
        assert row["reason"] == "read.parser_died"
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()


@linux
def test_no_file_is_made(box: Sandbox, tmp_path: Path) -> None:
    """Where the kernel has Landlock not even an empty one."""
    ask(box, tmp_path, "say x")
    assert box.child is not None
    if "landlock" not in box.child.holds:
        pytest.skip("this kernel has no Landlock")
    [row] = ask(box, tmp_path, "mark")
    assert "PermissionError" in row["rejected"]["value"]
    assert not MARK.exists()


def test_no_credential_reaches_a_parser(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is made anew, not cleaned."""
    for name in ("AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "SOME_API_KEY"):
        monkeypatch.setenv(name, "canary-7d1f")
    ask(box, tmp_path, "say x")
    assert box.child is not None
    environment = Path(f"/proc/{box.child.child.pid}/environ")
    if not environment.exists():
        pytest.skip("no /proc")
    assert b"canary" not in environment.read_bytes()


def test_closing_leaves_no_process(box: Sandbox, tmp_path: Path) -> None:
    """And a reader that stops in the middle leaves none either."""
    ask(box, tmp_path, "say x")
    assert box.child is not None
    child = box.child.child
    box.close()
    assert child.returncode is not None
    reading: Any = box.read(
        [(0, FakeReader(), Unit((put(tmp_path, "a", "times 5000000\nsleep"),)))]
    )
    next(reading)
    assert box.child is not None
    child = box.child.child
    reading.close()
    assert child.returncode is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no arrow",
        wire.pack([NUMBERED])[:-20],
        frame([]).select("id").write_ipc_stream(None).getvalue(),
    ],
    ids=["empty", "junk", "cut", "schema"],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    """With a ValueError, which costs the unit."""
    with pytest.raises(ValueError, match=r"Arrow|schema"):
        wire.unpack(data)


def test_damaged_offsets_are_found() -> None:
    """A length that lies is found here, not in Polars."""
    assert wire.unpack(wire.pack([NUMBERED])).equals(NUMBERED)
    packed = bytearray(wire.pack([NUMBERED]))
    at = packed.index(b"a" * 40)
    for place in range(max(0, at - 64), at):
        broken = bytes(packed[:place]) + b"\xff" + bytes(packed[place + 1 :])
        try:
            wire.unpack(broken)
        except ValueError:
            break
    else:
        pytest.fail("no damage was found")


WHOLE_ROW = {
    "source": "a",
    "locator": "page=1",
    "text": "Tee\u2028\ufffe\0",
    "messages": [{"role": "user", "text": "?"}, {"role": "assistant", "text": None}],
    "images": ["b.png"],
    "tokens": -(2**63),
    "rejected": {"reason": "read.damaged", "value": "1"},
}


def test_rows_come_back_as_the_frame_that_they_make() -> None:
    """Whatever columns they have, in their order, with the places of their units."""
    rows: list[dict[str, Any]] = [WHOLE_ROW, {"source": "b"}, {"source": "c", "text": "d"}]
    found = wire_rows.unpack(wire_rows.pack([0, 0, 7], rows))
    assert found.drop(wire.UNIT).equals(frame(rows))
    assert found.schema == pl.Schema([*SCHEMA.items(), (wire.UNIT, pl.UInt32())])
    assert found[wire.UNIT].to_list() == [0, 0, 7]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[[0,",
        b"{}",
        b'[[0,{"text":"no source"}]]',
        b'[[-1,{"source":"a"}]]',
        b'[["0",{"source":"a"}]]',
        b'[[4294967296,{"source":"a"}]]',
        b'[[0,{"source":"a","text":5}]]',
        b'[[0,{"source":"a","other":"b"}]]',
        b'[[0,{"source":"a","tokens":"1"}]]',
        b'[[0,{"source":"a","tokens":9223372036854775808}]]',
        b'[[0,{"source":"a","images":"b"}]]',
        b'[[0,{"source":"a","messages":[{"role":"user","text":["?"]}]}]]',
        b'[[0,{"source":"a","rejected":{"reason":"b","more":"c"}}]]',
        b'[[0,{"source":"a","text":"\\ud800"}]]',
        b'[[0,{"source":"a","text":"\xff"}]]',
    ],
)
def test_what_are_no_rows_is_refused(data: bytes) -> None:
    """With a ValueError, which costs the unit: a child may say anything."""
    with pytest.raises(ValueError, match="validation error"):
        wire_rows.unpack(data)


def test_the_rows_types_are_the_records() -> None:
    """Of each column a value can be said, and of no other."""
    assert set(wire_rows._Row.__annotations__) == set(SCHEMA)


def test_the_filter_refuses_and_allows() -> None:
    """The jumps of the seccomp program, followed by hand on both machines."""
    for calls in _CALLS.values():
        program = seccomp_filter(calls, 77)
        verdict = {
            "read": _run(program, calls.arch, 0 if calls.clone == 56 else 63, 0),
            "socket": _run(program, calls.arch, calls.refused[0], 0),
            "last": _run(program, calls.arch, calls.refused[-1], 0),
            "fork by clone": _run(program, calls.arch, calls.clone, 17),
            "thread": _run(program, calls.arch, calls.clone, 0x10000),
            "clone3": _run(program, calls.arch, calls.clone3, 0),
            "own signal": _run(program, calls.arch, calls.signals[1], 77),
            "other's signal": _run(program, calls.arch, calls.signals[0], 78),
            "x32": _run(program, calls.arch, 0x40000029, 0),
            "i386": _run(program, 0x40000003, 4, 0),
        }
        assert verdict == {
            "read": "allow",
            "socket": "EPERM",
            "last": "EPERM",
            "fork by clone": "EPERM",
            "thread": "allow",
            "clone3": "ENOSYS",
            "own signal": "allow",
            "other's signal": "EPERM",
            "x32": "EPERM",
            "i386": "EPERM",
        }


def _run(program: bytes, arch: int, number: int, argument: int) -> str:
    """A classic BPF machine for the five instructions in use."""
    import struct

    steps = list(struct.iter_unpack("=HBBI", program))
    at = loaded = 0
    while True:
        code, yes, no, value = steps[at]
        at += 1
        if code == 0x20:
            loaded = {0: number, 4: arch, 16: argument}[value]
        elif code == 0x06:
            return {0x7FFF0000: "allow", 0x50001: "EPERM", 0x50026: "ENOSYS"}[value]
        else:
            true = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
            at += yes if true else no
