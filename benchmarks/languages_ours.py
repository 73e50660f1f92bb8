"""Run the stage `language` on snippets: `python languages_ours.py SNIPPETS.jsonl ANSWERS.txt`."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from pipeline.record import frame
from pipeline.stages.language import Language

with Path(sys.argv[1]).open("rb") as file:
    texts = [orjson.loads(line)["text"] for line in file]
records = frame({"source": str(n), "text": text} for n, text in enumerate(texts))
codes = Language()(records)["language"]
Path(sys.argv[2]).write_text("".join(f"{code}\n" for code in codes))
