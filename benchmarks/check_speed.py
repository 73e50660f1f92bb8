"""How fast `check` is, compared with what people would write themselves, on the same file.

    python benchmarks/check_speed.py [--records 200000] [--rounds 3]

Each contender reads the file in its own process, in turn, so that CPU seconds and peak memory are
its own (resource.getrusage). MB/s is megabytes (10^6 bytes) per CPU second of that process, without
the start of Python and its imports. Rates within one table can be compared, those of two machines
cannot.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parent.parent
MEGABYTE = 1e6
SEED = 20261122

SCHEMAS = {
    "prompt_completion": "prompt_completion.schema.json",
    "conversation": "converse.schema.json",
}
MODELS = {"prompt_completion": "llama-3-1-8b", "conversation": "nova-lite"}

TAKE = """
import resource, sys, time
from pathlib import Path
path, schema_name, model = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
"""
TELL = """
start = resource.getrusage(resource.RUSAGE_SELF)
wall = time.perf_counter()
good = count(path)
wall = time.perf_counter() - wall
end = resource.getrusage(resource.RUSAGE_SELF)
cpu = end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
print(good, cpu, wall, end.ru_maxrss)
"""
SCHEMA = """
from pipeline.schemas_dir import load_schema
schema = load_schema(schema_name)
"""
OURS = "check, with the model card"
CONTENDERS = {
    OURS: """
from pipeline.check import check_files
from pipeline.bedrock.cards import find_card, with_quota
plan = with_quota(find_card(model).plan("sft"), {"records_max": 10**9})
def count(path):
    result = check_files([path], plan=plan)
    assert result.ok, result.counts
    return result.files[0].records
""",
    "orjson + jsonschema-rs": SCHEMA
    + """
import jsonschema_rs, orjson
is_valid = jsonschema_rs.validator_for(schema).is_valid
def count(path):
    with path.open("rb") as file:
        return sum(is_valid(orjson.loads(line)) for line in file)
""",
    "pydantic": """
from pydantic import BaseModel, ConfigDict, Field, ValidationError
class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    prompt: str = Field(pattern=r"\\S")
    completion: str = Field(pattern=r"\\S")
def valid(line):
    try:
        Record.model_validate_json(line)
    except ValidationError:
        return False
    return True
def count(path):
    with path.open("rb") as file:
        return sum(valid(line) for line in file)
""",
    "json + jsonschema": SCHEMA
    + """
import json, jsonschema
is_valid = jsonschema.Draft202012Validator(schema).is_valid
def count(path):
    with path.open("rb") as file:
        return sum(is_valid(json.loads(line)) for line in file)
""",
}

SIMPLE = {"pydantic", "json + jsonschema"}
"""Contenders that run only on prompts and completions: one is written for them, the other would
take a minute on conversations."""


def write_records(path: Path, count: int, format_name: str) -> None:
    """Write `count` varied records of about a kilobyte each, with some non-ASCII words."""
    chance = random.Random(SEED)
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(8000)]
    words += ["naïve", "café", "Hà", "Nội", "—", "note:", "answer:", "item:", "“so”", "3.5%"] * 20

    def said(least: int, most: int) -> str:
        text = " ".join(chance.choices(words, k=chance.randint(least, most)))
        return text.capitalize() + chance.choice([".", "?", '!"', ":\n\n- "])

    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            record = _record(format_name, said(20, 100), said(40, 150))
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def _record(format_name: str, prompt: str, answer: str) -> dict[str, Any]:
    if format_name == "prompt_completion":
        return {"prompt": prompt, "completion": answer}
    turns = [("user", prompt), ("assistant", answer)]
    return {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": "You are a careful assistant."}],
        "messages": [{"role": role, "content": [{"text": text}]} for role, text in turns],
    }


def measure(code: str, path: Path, format_name: str) -> tuple[int, float, float, int]:
    """Run one contender in a child: its valid records, CPU and wall seconds, peak memory in KiB."""
    words = [str(path), SCHEMAS[format_name], MODELS[format_name]]
    line = [sys.executable, "-c", TAKE + code + TELL, *words]
    child = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    good, cpu, wall, peak = child.stdout.split()
    return int(good), float(cpu), float(wall), int(peak)


@dataclass
class Runs:
    """What one contender took in each round, and its peak memory over all rounds."""

    cpu: list[float] = field(default_factory=list)  # seconds
    wall: list[float] = field(default_factory=list)
    peak: int = 0  # KiB


def rounds(path: Path, records: int, format_name: str, count: int) -> dict[str, Runs]:
    """Run all contenders in turn, `count` times: the machine's load differs between rounds."""
    runs: dict[str, Runs] = {}
    for _ in range(count):
        for name, code in CONTENDERS.items():
            if name in SIMPLE and format_name != "prompt_completion":
                continue
            good, cpu, wall, peak = measure(code, path, format_name)
            assert good == records, (name, good)
            own = runs.setdefault(name, Runs())
            own.cpu.append(cpu)
            own.wall.append(wall)
            own.peak = max(own.peak, peak)
    return runs


def table(path: Path, records: int, format_name: str, count: int) -> str:
    """The Markdown table of all contenders on one format: medians, and the ratio within a round."""
    write_records(path, records, format_name)
    size = path.stat().st_size / MEGABYTE
    runs = rounds(path, records, format_name, count)
    ours = runs[OURS].cpu
    what = f"{format_name} for {MODELS[format_name]}"
    rows = [
        f"{what}: {records:,} records, {size:.0f} MB, {count} rounds",
        "",
        "| | MB/s | CPU s | check takes | wall s | peak MB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, own in runs.items():
        cpu, wall = median(own.cpu), median(own.wall)
        ratio = median(mine / other for mine, other in zip(ours, own.cpu, strict=True))
        takes = "" if name == OURS else f"{ratio:.2f} times"
        peak = own.peak * 1024 / MEGABYTE
        rows.append(
            f"| {name} | {size / cpu:.0f} | {cpu:.2f} | {takes} | {wall:.2f} | {peak:.0f} |"
        )
    write_records(path, records // 10, format_name)
    peak = measure(CONTENDERS[OURS], path, format_name)[3] * 1024 / MEGABYTE
    return "\n".join([*rows, "", f"On a tenth of the records `check` peaks at {peak:.0f} MB."])


def machine() -> str:
    """The machine that the figures are for, and its load."""
    info = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (info.read_text().splitlines() if info.is_file() else [])
        if line.startswith("model name")
    ]
    load = os.getloadavg()[0]
    cores = f"{os.cpu_count()} cores of {names[0] if names else platform.machine()}"
    return f"{cores}, Python {platform.python_version()}, load {load:.0f}."


def main() -> None:
    """Write the records, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        for format_name in SCHEMAS:
            path = Path(folder) / "train.jsonl"
            print(table(path, options.records, format_name, options.rounds), end="\n\n")


if __name__ == "__main__":
    main()
