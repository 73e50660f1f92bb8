"""Night after night in one process, with faults by chance: nothing grows, nothing is left.

A few nights in the suite; SOAK=1 NIGHTS=1000 for the long version.
"""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_s3 import KINDS, OWNER, Fault, Object, etag_of, seen_by_reader, serve_faults, sha256
from forked_runs import RecordedGate

from pipeline import execution
from pipeline.errors import StorageError
from pipeline.gate import gate
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare

SOAK = bool(os.environ.get("SOAK"))
SEED = int(os.environ.get("SEED", "20261125"))
NIGHTS = int(os.environ.get("NIGHTS", "1000" if SOAK else "8"))
KEPT_NIGHTS = 3
POOLED = 10  # connections that the client keeps, each with a socket here and one at the server
Property = Callable[[str, object], None]


def memory() -> int:
    """Bytes that this process holds."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def descriptors() -> tuple[int, int]:
    """How many there are, but for sockets, and how many sockets: of the client's pool, and of the
    server, which is in this process too."""
    there = (path for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    names = [str(path.readlink()) for path in there]
    sockets = sum(name.startswith("socket:") for name in names)
    return len(names) - sockets, sockets


def write_recipe(folder: Path, url: str) -> Path:
    recipe = {
        "name": "nightly",
        "sources": [{"path": "s3://nightly/in/", "reader": "jsonl"}],
        "stages": ["clean", "dedup_exact"],
        "targets": {"plain": {"format": "prompt_completion"}},
        "publish": {"uri": "s3://nightly/out", "expected_bucket_owner": OWNER},
        "aws": {"endpoint_url": url, "region": "us-east-1", "source_bucket_owner": OWNER,
                "give_up_after": 0.3, "stall_after": 0.5},
    }  # fmt: skip
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe))
    return path


def pairs(night: int) -> bytes:
    """The night's input: half of it is of the night before."""
    lines = [
        json.dumps({"prompt": f"Tea {number}?", "completion": f"{number} minutes."})
        for number in range(night * 10, night * 10 + 20)
    ]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("keeping", [False, True], ids=["", "new machines with a state"])
def test_nothing_grows_night_after_night(
    tmp_path: Path,
    keeping: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    record_property: Property,
) -> None:
    RecordedGate.records, RecordedGate.real = tmp_path / "gate", gate.GateProcess
    RecordedGate.records.mkdir()
    real = RecordedGate.hold

    def hold(self: RecordedGate, folder: Path) -> dict[str, object]:
        """The records' numbers are the same each night but their ids: one answer serves."""
        state = hashlib.sha256((folder / "suite.json").read_bytes()).hexdigest()
        record = self.records / state
        if not record.exists():
            record.write_text(json.dumps(real(self, folder)))
        told: dict[str, object] = json.loads(record.read_text())
        return told

    monkeypatch.setattr(RecordedGate, "hold", hold)
    monkeypatch.setattr(execution, "GateProcess", RecordedGate)
    monkeypatch.setattr(gate, "GateProcess", RecordedGate)
    monkeypatch.setattr("pipeline.s3.client.FIRST_WAIT", 0.005)
    chance = random.Random(SEED)
    temporary = {path.name for path in Path(tempfile.gettempdir()).iterdir()}
    ends: Counter[str] = Counter()
    levels: list[tuple[int, int, int, int]] = []
    most_sockets = descriptors()[1] + 2 * POOLED + 1  # and the one that the server listens on
    with serve_faults() as s3:
        bucket = s3.bucket("nightly")
        recipe = load_recipe(write_recipe(tmp_path, s3.url))
        state = "s3://nightly/state" if keeping else None
        options = Options("s3://nightly/out", 1, work=tmp_path / "work", state=state)
        old = None
        for night in range(NIGHTS):
            data = pairs(night)
            sums = {"x-amz-checksum-sha256": sha256(data)}  # else a flipped byte is not to be seen
            bucket.objects["in/pairs.jsonl"] = Object(data, etag_of(data), sums)
            kind, persistent = chance.choice(KINDS), chance.random() < 0.5
            bucket.asked.clear()
            bucket.possible.clear()
            caplog.clear()  # what pytest keeps of warnings holds requests and their answers
            bucket.fault = Fault(kind, chance.randrange(1, 32 if keeping else 17), persistent)
            if keeping:
                shutil.rmtree(tmp_path / "work", ignore_errors=True)
            nowhere = Lines(io.StringIO(), as_json=False)
            try:
                prepare(recipe, tmp_path, options, nowhere)
                ends["done"] += 1
            except StorageError:
                ends["failed, then done"] += 1
                if kind != "lost":
                    assert seen_by_reader(bucket, "out") == old, (night, bucket.fault)
                bucket.fault = None
                prepare(recipe, tmp_path, options, nowhere)
            bucket.fault = None
            old = seen_by_reader(bucket, "out")
            assert old
            assert len(old["plain/train.jsonl"].splitlines()) == 20, night
            assert bucket.uploads == {}
            kept = [key for key in bucket.objects if key.startswith("state/")]
            assert len(kept) < 30, (night, kept)
            runs = sorted({key.split("/")[2] for key in bucket.objects if "/runs/" in key})
            current = json.loads(bucket.objects["out/LATEST"].data)["run"]
            for run in runs:  # what a life cycle rule would do
                if run != current:
                    for key in [k for k in bucket.objects if f"/runs/{run}/" in k]:
                        del bucket.objects[key]
            gc.collect()
            files = sum(1 for path in (tmp_path / "work").rglob("*"))
            levels.append((files, *descriptors(), memory()))
    shutil.rmtree(RecordedGate.records)
    left = {path.name for path in Path(tempfile.gettempdir()).iterdir()} - temporary
    assert not [name for name in left if "bedrock" in name]
    settled = levels[len(levels) // 4 :]
    assert len({files for files, _, _, _ in settled}) == 1, levels
    assert len({others for _, others, _, _ in settled}) == 1, levels
    assert max(sockets for _, _, sockets, _ in levels) <= most_sockets, levels
    growth = settled[-1][3] - settled[0][3]
    assert growth < (24 << 20) + len(settled) * 10_000, growth
    told = ", ".join(f"{name} {number}" for name, number in ends.items())
    where = " on new machines, with a state" if keeping else ""
    record_property(
        "tried",
        f"nights{where}: {NIGHTS} ({told}); work files {settled[0][0]} to {settled[-1][0]}, "
        f"descriptors {settled[0][1]} to {settled[-1][1]}, "
        f"sockets {settled[0][2]} to {settled[-1][2]}, "
        f"memory {settled[0][3] >> 20} to {settled[-1][3] >> 20} MB",
    )
