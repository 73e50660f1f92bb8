"""Ours beside the peers: near-duplicates; quality with exact and near-duplicates; rule for rule."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
from bench import HERE, PEERS, Bench, Inputs, told

OURS = [sys.executable, str(HERE / "ours.py")]
THRESHOLD = "0.7"


def kept_ids(folder: Path) -> set[str]:
    """The ids of the documents that a tool has left, as JSON Lines or a saved data set."""
    found: set[str] = set()
    for path in sorted(folder.rglob("*.jsonl")):
        found |= set(pl.read_ndjson(path, schema={"id": pl.String})["id"])
    for path in sorted(folder.glob("kept/*.arrow")):
        found |= set(pl.read_ipc_stream(path, columns=["id"])["id"])
    return found


def judged(bench: Bench, inputs: Inputs, kept: set[str], least: float) -> dict[str, float | None]:
    """Of the known pairs from `least` on, those of which one side is gone; and of what is gone, the
    share that is in such a pair, if all pairs are known."""
    ids = inputs.documents["id"].implode()
    pairs = pl.read_parquet(bench.pairs)
    pairs = pairs.filter(pl.col("id_a").is_in(ids), pl.col("id_b").is_in(ids))
    alike = pairs.filter(pl.col("jaccard") >= least)
    gone = [~alike[side].is_in(list(kept)) for side in ("id_a", "id_b")]
    removed = set(inputs.documents["id"]) - kept
    known = set(alike["id_a"]) | set(alike["id_b"])
    found = (gone[0] | gone[1]).mean()
    precise = len(removed & known) / max(1, len(removed))
    return {
        "recall": None if found is None else float(found),  # type: ignore[arg-type]
        "precision": precise if bench.pairs.name == "near_pairs.parquet" else None,
    }


def near_commands(bench: Bench) -> dict[str, tuple[Inputs, list[str]]]:
    """Each peer's input and command, without the interpreter and the folder for its output."""
    whole = bench.whole
    return {
        "rensa": (whole, ["near_rensa.py", str(whole.file), "OUT", THRESHOLD]),
        "datasketch": (whole, ["near_datasketch.py", str(whole.file), "OUT", THRESHOLD]),
        "textdedup": (whole, ["near_textdedup.py", str(whole.file), "OUT", THRESHOLD]),
        "datajuicer": (whole, ["datajuicer_all.py", str(whole.file), "OUT", "near", THRESHOLD]),
        "datatrove": (whole, ["datatrove_all.py", str(whole.shards), "OUT", "near"]),
    }


def beside(
    bench: Bench, part: str, commands: dict[str, tuple[Inputs, list[str]]], times: int = 1
) -> list[dict[str, Any]]:
    """Ours and each peer that is there, in turn on the same documents; a row for each of the two.

    With `times`, ours also takes its turn with that many times the documents. A peer that fails is
    a row with its last words.
    """
    rows: list[dict[str, Any]] = []
    for peer, (inputs, words) in commands.items():
        python = bench.python(peer)
        if python is None:
            continue
        files = {1: inputs.file} | ({times: inputs.times(times)} if times > 1 else {})
        lines: dict[str, list[str]] = {}
        for number, file in files.items():
            name = f"{part}-ours-{number}"
            lines[name] = [*OURS, str(file), str(bench.folder(name)), part, THRESHOLD]
        theirs = f"{part}-{peer}"
        line = [python, str(HERE / "peers" / words[0]), *words[1:]]
        lines[theirs] = [str(bench.folder(theirs)) if word == "OUT" else word for word in line]
        try:
            costs = bench.in_turn(lines, theirs)
        except subprocess.CalledProcessError as error:
            rows.append({"tool": PEERS[peer], "failed": f"ended with {error.returncode}"})
            continue
        for name, number in zip(lines, [*files, 1], strict=True):
            tool = PEERS[peer] if name == theirs else "ours"
            row = {"tool": tool, **told(costs[name], number * inputs.megabytes)}
            if part == "near":
                kept = kept_ids(bench.folder(name))
                row |= {str(t): judged(bench, inputs, kept, t) for t in (0.7, 0.8)}
            rows.append(row)
    return rows


def part_near(bench: Bench) -> dict[str, Any]:
    """Near-duplicates from 0.7 on."""
    return {"rows": beside(bench, "near", near_commands(bench))}


def part_all(bench: Bench) -> dict[str, Any]:
    """Quality filters, exact and near-duplicates: beside the peers, ours also on 300 MB."""
    whole = bench.whole
    commands = {
        "datajuicer": (whole, ["datajuicer_all.py", str(whole.file), "OUT", "all", THRESHOLD]),
        "datatrove": (whole, ["datatrove_all.py", str(whole.shards), "OUT", "all"]),
    }
    return {"rows": beside(bench, "all", commands, times=3)}


def part_rules(bench: Bench) -> dict[str, Any]:
    """Rule for rule beside datatrove, on a tenth of the corpus."""
    python = bench.python("datatrove")
    if python is None:
        return {}
    script = str(HERE / "rules_beside_datatrove.py")
    line = [sys.executable, script, str(bench.small.file), "--datatrove", python]
    return {"table": subprocess.run(line, check=True, capture_output=True, text=True).stdout}
