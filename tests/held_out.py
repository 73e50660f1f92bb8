"""Stages with evaluation sets, whose tables lie in a folder of the test session's own."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.record import frame
from pipeline.references import References
from pipeline.stages.decontaminate import Decontaminate


def asked(question: str, answer: str = "So it is.", name: str = "exam") -> dict[str, Any]:
    """An item of one turn."""
    return conversation(question, answer) | {"set": name}


def conversation(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant") * len(texts)
    turns = [{"role": role, "text": text} for role, text in zip(roles, texts, strict=False)]
    return {"source": "e.jsonl", "messages": turns}


def items_of(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Records with the name of their set; each is a line of its source."""
    told = list(rows)
    plain = [
        {name: value for name, value in row.items() if name != "set"} | {"locator": f"line={n}"}
        for n, row in enumerate(told, start=1)
    ]
    sets = pl.Series("set", [row.get("set", "exam") for row in told], dtype=pl.String)
    return frame(plain).with_columns(sets)


def holding(rows: Iterable[dict[str, Any]], **settings: Any) -> Decontaminate:
    """The stage with these items to hold records against."""
    stage = Decontaminate(**settings)
    folder = Path(tempfile.mkdtemp(prefix="evaluation-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    references = References(folder, "digest")
    for name, table in stage.prepared(items_of(rows)).items():
        references.write(name, table)
    return stage.against(references)
