"""How fast `check` is, beside what people would write themselves, on the same file in one run.

    python benchmarks/check_speed.py [--records 200000]

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
CONTENDERS = {
    "check, with the model card": """
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
"""Run on prompts and completions alone: written for them, or a minute long on conversations."""


def write_records(path: Path, count: int, format_name: str) -> None:
    """Varied prompts and answers of about a kilobyte a record, some not in ASCII."""
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
    """Records found good, CPU and wall seconds, peak memory in KiB, of one child."""
    words = [str(path), SCHEMAS[format_name], MODELS[format_name]]
    line = [sys.executable, "-c", TAKE + code + TELL, *words]
    child = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    good, cpu, wall, peak = child.stdout.split()
    return int(good), float(cpu), float(wall), int(peak)


def table(path: Path, records: int, format_name: str) -> str:
    """The Markdown table of all contenders on one format."""
    write_records(path, records, format_name)
    size = path.stat().st_size / MEGABYTE
    rows = [
        f"{format_name} for {MODELS[format_name]}: {records:,} records, {size:.0f} MB",
        "",
        "| | MB/s | CPU s | wall s | peak MB |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, code in CONTENDERS.items():
        if name in SIMPLE and format_name != "prompt_completion":
            continue
        good, cpu, wall, peak = measure(code, path, format_name)
        assert good == records, (name, good)
        memory = peak * 1024 / MEGABYTE
        rows.append(f"| {name} | {size / cpu:.0f} | {cpu:.2f} | {wall:.2f} | {memory:.0f} |")
    return "\n".join(rows)


def main() -> None:
    """Write the records, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for format_name in SCHEMAS:
            print(table(Path(folder) / "train.jsonl", options.records, format_name), end="\n\n")


if __name__ == "__main__":
    main()
