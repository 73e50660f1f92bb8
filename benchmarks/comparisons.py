"""Ours and the peers: near-duplicates; quality with exact and near-duplicates; rule by rule."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
from bench import HERE, PEERS, Bench, Inputs, cost_row

OURS = [sys.executable, str(HERE / "ours.py")]
THRESHOLD = "0.7"


def kept_ids(folder: Path) -> set[str]:
    """The ids of the documents that a tool has kept, as JSON Lines or a saved data set."""
    ids: set[str] = set()
    for path in sorted(folder.rglob("*.jsonl")):
        ids |= set(pl.read_ndjson(path, schema={"id": pl.String})["id"])
    for path in sorted(folder.glob("kept/*.arrow")):
        ids |= set(pl.read_ipc_stream(path, columns=["id"])["id"])
    return ids


def judged(bench: Bench, inputs: Inputs, kept: set[str], least: float) -> dict[str, float | None]:
    """Recall and precision against the known pairs with a similarity of `least` or more.

    Recall is the share of these pairs of which one side was removed, precision the share of the
    removed documents that are in such a pair; None if not all pairs are known.
    """
    ids = inputs.documents["id"].implode()
    pairs = pl.read_parquet(bench.pairs)
    pairs = pairs.filter(pl.col("id_a").is_in(ids), pl.col("id_b").is_in(ids))
    alike = pairs.filter(pl.col("jaccard") >= least)
    gone = [~alike[side].is_in(list(kept)) for side in ("id_a", "id_b")]
    removed = set(inputs.documents["id"]) - kept
    known = set(alike["id_a"]) | set(alike["id_b"])
    recall = (gone[0] | gone[1]).mean()
    precise = len(removed & known) / max(1, len(removed))
    return {
        "recall": None if recall is None else float(recall),  # type: ignore[arg-type]
        "precision": precise if bench.pairs.name == "near_pairs.parquet" else None,
    }


def near_commands(bench: Bench) -> dict[str, tuple[Inputs, list[str]]]:
    """Each peer's input and command, without the interpreter; OUT stands for its output folder."""
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
    """Run ours and each installed peer in turn on the same documents; returns a row for each.

    With `times`, ours also runs on that many times the documents. The row of a peer that fails has
    its exit code instead of figures.
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
            row = {"tool": tool, **cost_row(costs[name], number * inputs.megabytes)}
            if part == "near":
                kept = kept_ids(bench.folder(name))
                row |= {str(t): judged(bench, inputs, kept, t) for t in (0.7, 0.8)}
            rows.append(row)
    return rows


def part_near(bench: Bench) -> dict[str, Any]:
    """Near-duplicates with a similarity of 0.7 or more."""
    return {"rows": beside(bench, "near", near_commands(bench))}


def part_all(bench: Bench) -> dict[str, Any]:
    """Quality filters, exact and near-duplicates: ours and the peers, ours also on 300 MB."""
    whole = bench.whole
    commands = {
        "datajuicer": (whole, ["datajuicer_all.py", str(whole.file), "OUT", "all", THRESHOLD]),
        "datatrove": (whole, ["datatrove_all.py", str(whole.shards), "OUT", "all"]),
    }
    return {"rows": beside(bench, "all", commands, times=3)}


def part_rules(bench: Bench) -> dict[str, Any]:
    """A comparison with datatrove rule by rule, on a tenth of the corpus."""
    python = bench.python("datatrove")
    if python is None:
        return {}
    script = str(HERE / "rules_beside_datatrove.py")
    line = [sys.executable, script, str(bench.small.file), "--datatrove", python]
    return {"table": subprocess.run(line, check=True, capture_output=True, text=True).stdout}
