"""rensa's deduplicator as its README uses it: JSONL in, kept JSONL out.

python near_rensa.py DOCS.jsonl OUT THRESHOLD     -> OUT/kept.jsonl
"""

import sys
from pathlib import Path

import orjson
import rensa

AT_ONCE = 1000


def shingles(text):
    """The runs of five lower-case words."""
    words = text.lower().split()
    return [" ".join(words[at : at + 5]) for at in range(max(1, len(words) - 4))]


def main():
    """Read the documents, drop near-duplicates, write the rest."""
    source, threshold = sys.argv[1], float(sys.argv[3])
    target = Path(sys.argv[2]) / "kept.jsonl"
    with Path(source).open("rb") as file:
        documents = [orjson.loads(line) for line in file]
    judge = rensa.RMinHashDeduplicator(
        threshold=threshold, num_perm=128, use_lsh=True, num_bands=16
    )
    with target.open("wb") as out:
        for at in range(0, len(documents), AT_ONCE):
            some = documents[at : at + AT_ONCE]
            keep = judge.add_pairs((one["id"], shingles(one["text"])) for one in some)
            for one, kept in zip(some, keep, strict=True):
                if kept:
                    out.write(orjson.dumps(one) + b"\n")


if __name__ == "__main__":
    main()
