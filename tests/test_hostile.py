"""The collection of hostile files through `prepare`: each is kept or rejected with a reason.

The collection (1,900 files of fuzzers' and parsers' test suites, and 140 made by its `gen.py`)
stands beside the checkout; without it these tests are skipped. They take minutes: `make soak`.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from test_readers import HOSTILE

from pipeline.readers import REASONS

RECIPE = """\
name: sweep
sources: [{path: hostile}, {path: made}]
stages: [clean]
targets: {out: {format: pretraining_text}}
"""
MARK = "BEDROCK_PREP_SWEEP"

pytestmark = [
    pytest.mark.skipif("SOAK" not in os.environ, reason="takes minutes: make soak"),
    pytest.mark.skipif(not HOSTILE.is_dir(), reason="no collection of hostile files"),
    pytest.mark.skipif(sys.platform != "linux", reason="counts processes in /proc"),
]

REFUSED = {
    "read.unknown_columns": ("csv", "json", "parquet"),
    "read.no_rows": ("csv", "parquet"),
    "read.ragged_row": ("csv",),
    "read.not_an_object": ("json",),
    "read.no_text": ("docx",),
    "read.xml_entities": ("docx",),
    "read.no_text_layer": ("pdf",),
    "read.no_caption": ("img",),
    "read.binary": ("img",),
    "read.unsupported_image": ("img",),
    "read.corrupt_image": ("img",),
    "read.out_of_memory": ("parquet",),
}
"""Where a file that a parser should take gives no record, and in which suites: docs/formats.md."""

TAKEN = ("archive", "docx-poi", "img-wuffs", "json-duckdb")
"""Suites with files that their own programs refuse, and that hold text all the same."""


@dataclass(frozen=True)
class Swept:
    """What a sweep left behind."""

    folder: Path
    code: int
    log: str
    peak: int  # bytes, the most that all processes held at once
    left: list[int]  # processes that outlived the run
    records: set[str]  # sources that the readers took a record from
    reasons: dict[str, set[str]]  # the readers' reasons by source


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """One run over all files, watched from outside."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "hostile").symlink_to(HOSTILE)
    made = [sys.executable, "-W", "ignore", str(HOSTILE / "gen.py"), str(folder / "made")]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "recipe.yaml").write_text(RECIPE)
    command = ["prepare", "recipe.yaml", "--output", "out", "--workers", "2"]
    with (folder / "log").open("w") as log:
        run = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *command],
            cwd=folder,
            env={**os.environ, MARK: str(folder)},
            stdout=log,
            stderr=log,
        )
        peak = 0
        while run.poll() is None:
            peak = max(peak, sum(map(_resident, _descendants(run.pid))))
            time.sleep(0.1)
    until = time.monotonic() + 10
    while (left := _of_the_run(folder)) and time.monotonic() < until:
        time.sleep(0.1)
    told = (folder / "log").read_text()
    assert run.returncode == 0, told
    [published] = (folder / "out" / "runs").iterdir()
    rejected = pl.read_parquet(published / "rejected.parquet")
    by_reader = pl.col("reason").str.starts_with("read.")
    records = {
        *rejected.filter(~by_reader)["source"],
        *pl.read_parquet(published / "lineage.parquet")["source"],
    }
    reasons: dict[str, set[str]] = {}
    pairs = rejected.filter(by_reader).select("source", "reason").unique()
    for source, reason in pairs.iter_rows():
        reasons.setdefault(source, set()).add(reason)
    return Swept(folder, run.returncode, told, peak, left, records, reasons)


def _descendants(root: int) -> list[int]:
    """The process and all that came of it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        parents.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def _resident(pid: int) -> int:
    """Bytes that a process holds for itself alone, without the libraries it shares."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


def _of_the_run(folder: Path) -> list[int]:
    """Processes that work in the run's folder, or bear its mark."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={folder}".encode() in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


def _expected() -> dict[str, str]:
    with (HOSTILE / "MANIFEST.tsv").open(newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {f"hostile/{row['file']}": row["expected"] for row in rows}


def test_every_file_is_told(swept: Swept) -> None:
    """In the run's own words: each file has a record or a reason, and each reason is explained."""
    files = [path for name in ("hostile", "made") for path in _files(swept.folder / name)]
    named = {path.relative_to(swept.folder).as_posix() for path in files}
    assert len(named) > 1_500
    assert named - swept.records - swept.reasons.keys() == set()
    assert set().union(*swept.reasons.values()) <= REASONS.keys()


def _files(folder: Path) -> list[Path]:
    inside = Path(os.path.realpath(folder))
    return [folder / path.relative_to(inside) for path in inside.rglob("*") if path.is_file()]


def test_nothing_is_left_and_memory_is_bounded(swept: Swept) -> None:
    """No process, no file outside the output, under 2 GB for all processes together."""
    assert swept.left == []
    assert swept.peak < 2 << 30
    own = {"hostile", "made", "out", "log", "recipe.yaml"}
    assert {path.name for path in swept.folder.iterdir()} == own


def test_what_should_parse_does(swept: Swept) -> None:
    """A file that parsers should take gives a record, but where docs/formats.md says why not."""
    refused = [
        (name, reason)
        for name, expected in _expected().items()
        if expected == "parse" and name not in swept.records
        for reason in swept.reasons.get(name, ())
    ]
    suites = [(name.split("/")[1].split("-")[0], reason) for name, reason in refused]
    odd = [one for one in suites if one[0] not in REFUSED.get(one[1], ())]
    assert odd == []


def test_what_should_not_parse_does_not(swept: Swept) -> None:
    """A file that no parser should take gives no record, but in a few suites that hold text."""
    taken = [
        name
        for name, expected in _expected().items()
        if expected == "clean error" and name in swept.records
    ]
    assert [name for name in taken if not name.split("/")[1].startswith(TAKEN)] == []
    assert len(taken) < 30


def test_no_member_leads_out(swept: Swept) -> None:
    """Archives that name files of the machine give none of their text."""
    text = (swept.folder / "out" / "runs").rglob("*.jsonl")
    assert not any("root:x:0:0" in path.read_text() for path in text)
    for name in ("zip/slip.zip", "tar/traversal.tar"):
        assert "read.bad_file_name" in swept.reasons[f"made/{name}"]
    for name in ("zip/symlink.zip", "tar/symlink-write-through.tar", "tar/hardlink-out.tar"):
        assert "read.not_a_file" in swept.reasons[f"made/{name}"]


def test_bombs_and_cut_files_are_refused(swept: Swept) -> None:
    """No part of what is cut off or unpacks without end is taken for the whole."""
    for name in ("zip/bomb-100MB.zip", "gz/bomb-100MB.gz", "bz2/bomb-100MB.bz2"):
        assert swept.reasons[f"made/{name}"] == {"read.inflated"}
    for name in ("gz/truncated.jsonl.gz", "gz/trailing-garbage.jsonl.gz", "gz/bad-crc.jsonl.gz"):
        assert swept.reasons[f"made/{name}"] == {"read.damaged"}
        assert f"made/{name}" not in swept.records
