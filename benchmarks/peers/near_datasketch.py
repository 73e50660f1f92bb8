"""datasketch's MinHashLSH, with signatures from two processes: JSONL in, kept JSONL out.

python near_datasketch.py DOCS.jsonl OUT THRESHOLD     -> OUT/kept.jsonl
"""

import sys
from multiprocessing import Pool
from pathlib import Path

import orjson
import xxhash
from datasketch import LeanMinHash, MinHash, MinHashLSH

PERMUTATIONS = 128


def digest(shingle):
    """A 32-bit hash of a shingle."""
    return xxhash.xxh32_intdigest(shingle)


def signature(line):
    """A document's id, its MinHash and its line."""
    document = orjson.loads(line)
    words = document["text"].lower().split()
    runs = {" ".join(words[at : at + 5]).encode() for at in range(max(1, len(words) - 4))}
    made = MinHash(num_perm=PERMUTATIONS, hashfunc=digest, seed=1)
    made.update_batch(list(runs))
    return document["id"], LeanMinHash(made), line


def main():
    """Read the documents, drop near-duplicates, write the rest."""
    source, threshold = sys.argv[1], float(sys.argv[3])
    target = Path(sys.argv[2]) / "kept.jsonl"
    index, known = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS), {}
    with Pool(2) as pool, Path(source).open("rb") as lines, target.open("wb") as out:
        for name, made, line in pool.imap(signature, lines, chunksize=64):
            if any(made.jaccard(known[other]) >= threshold for other in index.query(made)):
                continue
            index.insert(name, made, check_duplication=False)
            known[name] = made
            out.write(line)


if __name__ == "__main__":
    main()
