"""How fast `check` is, beside what people would write themselves, on the same file in one run.

    python benchmarks/check_speed.py [--records 200000] [--keep FILE]

Each contender reads the file in a process of its own, so that CPU seconds and peak memory are
its alone (resource.getrusage). MB/s is megabytes (10^6 bytes) a CPU second of that process, the
start of Python and its imports left out; rates of one table can be compared, those of two
machines cannot.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEGABYTE = 1e6
SEED = 20261122

TAKE = """
import resource, sys, time
from pathlib import Path
path = Path(sys.argv[1])
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
schema = load_schema("prompt_completion.schema.json")
"""
CONTENDERS = {
    "check, with the model card": """
from pipeline.check import check_files
from pipeline.bedrock.cards import find_card, with_quota
plan = with_quota(find_card("llama-3-1-8b").plan(), {"records_max": 10**9})
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


def write_records(path: Path, count: int) -> None:
    """Varied prompts and completions of about a kilobyte a record, some not in ASCII."""
    chance = random.Random(SEED)
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(8000)]
    words += ["naïve", "café", "Hà", "Nội", "—", "note:", "answer:", "item:", "“so”", "3.5%"] * 20

    def said(least: int, most: int) -> str:
        text = " ".join(chance.choices(words, k=chance.randint(least, most)))
        return text.capitalize() + chance.choice([".", "?", '!"', ":\n\n- "])

    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            record = {"prompt": said(20, 100), "completion": said(40, 150)}
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def measure(code: str, path: Path) -> tuple[int, float, float, int]:
    """Records found good, CPU and wall seconds, peak memory in KiB, of one child."""
    line = [sys.executable, "-c", TAKE + code + TELL, str(path)]
    child = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    good, cpu, wall, peak = child.stdout.split()
    return int(good), float(cpu), float(wall), int(peak)


def table(path: Path, records: int) -> str:
    """The Markdown table of all contenders."""
    size = path.stat().st_size / MEGABYTE
    rows = [
        f"{records:,} records, {size:.0f} MB",
        "",
        "| | MB/s | CPU s | wall s | peak MB |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, code in CONTENDERS.items():
        good, cpu, wall, peak = measure(code, path)
        assert good == records, (name, good)
        memory = peak * 1024 / MEGABYTE
        rows.append(f"| {name} | {size / cpu:.0f} | {cpu:.2f} | {wall:.2f} | {memory:.0f} |")
    return "\n".join(rows)


def main() -> None:
    """Write the records, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--keep", type=Path, help="write the records here and leave them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "train.jsonl"
        write_records(path, options.records)
        print(table(path, options.records))


if __name__ == "__main__":
    main()
