"""Compare `quality` with datatrove's own filters, rule by rule, on the same documents.

    python benchmarks/rules_beside_datatrove.py DOCS.jsonl --datatrove ENV/bin/python

DOCS.jsonl has `id` and `text`. datatrove judges in its own environment, with
`peers/datatrove_rules.py`, once with its own tokens (spaCy's) and once with words between blanks;
`--verdicts` names a file of its earlier verdicts. Prints Markdown: the number of documents that
each side rejects, and the share on which both agree.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from pipeline.record import SCHEMA
from pipeline.stages.quality import FAMILIES, Quality

SYMBOLS = ("gopher_many_hashes", "gopher_many_ellipses")  # a single threshold in datatrove


def our_verdicts(documents: pl.DataFrame) -> dict[str, set[str]]:
    """The ids that each rule rejects by itself, by reason, and those of each family, by name."""
    missing = [
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in SCHEMA.items()
        if name not in documents.columns
    ]
    records = documents.with_columns(missing).select(SCHEMA.names())
    found: dict[str, set[str]] = {}
    for family in FAMILIES:
        if family == "plain":
            continue
        stage = Quality(rules=(family,))
        measures = stage.observe(records).measures
        assert measures is not None
        for reason, rule in stage.broken().items():
            name = "gopher_many_symbols" if reason in SYMBOLS else reason
            ids = set(measures.filter(rule.where.fill_null(False))["id"])
            found[name] = found.get(name, set()) | ids
            found[family] = found.get(family, set()) | ids
    return found


def their_verdicts(path: Path) -> dict[str, dict[str, set[str]]]:
    """The ids that datatrove rejects, by kind of word and then by rule."""
    found: dict[str, dict[str, set[str]]] = {"spacy": {}, "blanks": {}}
    for line in path.read_text().splitlines():
        verdict = json.loads(line)
        for words, rules in found.items():
            for reason in verdict[words]:
                rules.setdefault(reason, set()).add(verdict["id"])
    return found


def print_table(
    documents: int, ours: dict[str, set[str]], theirs: dict[str, dict[str, set[str]]]
) -> None:
    """Print a row for each rule, then for each family."""
    print("| rule | ours rejects | datatrove, words between blanks | agree |", end="")
    print(" datatrove, spaCy's tokens | agree |\n|---|--:|--:|--:|--:|--:|")
    for reason, own in sorted(ours.items(), key=lambda one: one[0] in FAMILIES):
        row = [f"| `{reason}` | {len(own)}"]
        for words in ("blanks", "spacy"):
            other = theirs[words].get(reason, set())
            agree = 1 - len(own ^ other) / documents
            row += [f"{len(other)}", f"{agree:.2%}"]
        print(" | ".join(row), "|")


def main() -> None:
    """Collect both sides' verdicts, compare them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=Path)
    parser.add_argument("--datatrove", help="the Python of datatrove's environment")
    parser.add_argument("--verdicts", type=Path, help="what datatrove_rules.py wrote before")
    asked = parser.parse_args()
    documents = pl.read_ndjson(asked.documents).with_columns(source=pl.col("id"), document="id")
    with tempfile.TemporaryDirectory() as scratch:
        verdicts = asked.verdicts or Path(scratch, "verdicts.jsonl")
        if not asked.verdicts:
            script = Path(__file__).parent / "peers" / "datatrove_rules.py"
            line = [asked.datatrove, str(script), str(asked.documents), str(verdicts)]
            if subprocess.call(line):
                sys.exit("datatrove_rules.py failed; its message is above")
        theirs = their_verdicts(verdicts)
    print(
        f"{documents.height:,} documents, {documents['text'].str.len_bytes().sum() / 1e6:.1f} MB\n"
    )
    print_table(documents.height, our_verdicts(documents), theirs)


if __name__ == "__main__":
    main()
