"""Run the stage `redact` on texts: `python redaction_ours.py TEXTS.jsonl OUT.jsonl`.

Writes the places that were marked, as character offsets in the original text.
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from pipeline.record import frame
from pipeline.stages.marks import mark
from pipeline.stages.redact import DEFAULT_KINDS, Redact

KINDS = [*DEFAULT_KINDS, "ipv4", "ipv6"]
PLACES = {mark(kind) for kind in KINDS}


def spans(before: str, after: str) -> list[list[int]]:
    """The spans of `before` that marks have replaced.

    They are found by looking up the text between two marks of `after` in `before`.
    """
    replaced: list[list[int]] = []
    at, place = 0, 0
    while place < len(after):
        here = next((one for one in PLACES if after.startswith(one, place)), None)
        if here is None:
            at, place = at + 1, place + 1
            continue
        place += len(here)
        ends = [end for end in (after.find(one, place) for one in PLACES) if end >= 0]
        until = after[place : min([*ends, place + 12])]
        end = before.find(until, at) if until else len(before)
        replaced.append([at, end])
        at = end
    return replaced


with Path(sys.argv[1]).open("rb") as file:
    texts = [orjson.loads(line)["text"] for line in file]
records = frame({"source": str(n), "text": text} for n, text in enumerate(texts))
stage = Redact(kinds=KINDS, phone_regions=["DE", "GB"])
with Path(sys.argv[2]).open("wb") as out:
    for before, after in zip(texts, stage(records)["text"], strict=True):
        out.write(orjson.dumps(spans(before, after) if before != after else []) + b"\n")
