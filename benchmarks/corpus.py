"""The corpus in the forms that ours and the peers read, and larger corpora made from it.

    python benchmarks/corpus.py FOLDER OUT

FOLDER has docs.parquet (id, text, source) and near_pairs.parquet (id_a, id_b, jaccard: all pairs of
0.5 or more), for recall and precision. Or it has texts of any kind (such as /usr/share/doc on a
Debian machine): then docs.parquet is made from them with planted near-duplicates, listed in
planted.parquet, for recall only. OUT gets docs.jsonl, shards/*.jsonl, and docs-N.jsonl with N times
as much.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline import kernels

SHORTEST = 400  # bytes; smaller files are not worth comparing
EDITED = 10  # every tenth document gets an edited copy
RATES = (0.01, 0.02, 0.03, 0.05)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def enciphered(text: str, key: int) -> str:
    """Replace ASCII letters by others, which gives other words of the same lengths.

    Keys below 26 shift the alphabet, larger keys shuffle it: no two keys give the same words.
    """
    moved = LETTERS[key:] + LETTERS[:key]
    if key >= len(LETTERS):
        moved = "".join(random.Random(key).sample(LETTERS, len(LETTERS)))
    table = bytes.maketrans((LETTERS + LETTERS.upper()).encode(), (moved + moved.upper()).encode())
    return text.encode().translate(table).decode()


def times(documents: pl.DataFrame, number: int, out: Path) -> Path:
    """Write `number` copies of the documents as JSON Lines, each enciphered to differ."""
    path = out / f"docs-{number}.jsonl"
    if not path.exists():
        with path.open("wb") as file:
            for key in range(number):
                texts = pl.Series("text", [enciphered(text, key) for text in documents["text"]])
                copy = documents.select("id", "source").with_columns(
                    texts, id=pl.format("{}-{}", "id", pl.lit(key))
                )
                copy.select("id", "text", "source").write_ndjson(file)
    return path


def texts_below(folder: Path) -> Iterator[dict[str, str]]:
    """Every UTF-8 file that is long enough, in the order of names, as a row of docs.parquet."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size >= SHORTEST:
            try:
                text = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            if "\0" not in text:
                yield {"id": f"d{path}", "text": text, "source": str(path)}


def edited(text: str, rate: float, lot: random.Random) -> str:
    """Replace, remove or double `rate` of the words, drawn by `lot`."""
    words = text.split(" ")
    for place in lot.sample(range(len(words)), max(1, int(rate * len(words)))):
        words[place] = lot.choice(["", words[place] + " " + words[place], lot.choice(words)])
    return " ".join(words)


def made_of(folder: Path, out: Path) -> Path:
    """Make docs.parquet and planted.parquet from the texts below a folder; returns their folder."""
    documents = pl.DataFrame(list(texts_below(folder))).unique("text", maintain_order=True)
    lot = random.Random(1)
    planted = [
        {
            "id": f"p{row['id']}",
            "text": edited(row["text"], lot.choice(RATES), lot),
            "of": row["id"],
        }
        for row in documents.filter(pl.int_range(pl.len()) % EDITED == 0).iter_rows(named=True)
    ]
    copies = pl.DataFrame(planted)
    sets = kernels.gram_sets(pl.concat([documents["text"], copies["text"]]))
    number = dict(zip(documents["id"], range(documents.height), strict=True))
    pairs = pl.DataFrame(
        {
            "left": [number[one] for one in copies["of"]],
            "right": range(documents.height, documents.height + copies.height),
        },
        schema={"left": pl.UInt32, "right": pl.UInt32},
    )
    found = copies.select(id_a="of", id_b="id").with_columns(kernels.jaccard(sets, pairs))
    everything = pl.concat(
        [documents, copies.select("id", "text", source=pl.lit("planted"))], how="vertical"
    )
    everything.write_parquet(out / "docs.parquet")
    found.write_parquet(out / "planted.parquet")
    return out


def write_forms(documents: pl.DataFrame, out: Path) -> None:
    """Write docs.jsonl, and the same in two shards for tools that give each worker a file."""
    (out / "shards").mkdir(parents=True, exist_ok=True)
    documents.write_ndjson(out / "docs.jsonl")
    half = documents.height // 2
    documents[:half].write_ndjson(out / "shards" / "00000.jsonl")
    documents[half:].write_ndjson(out / "shards" / "00001.jsonl")


def forms(folder: Path, out: Path) -> tuple[pl.DataFrame, Path]:
    """Write the forms that ours and the peers read; returns the documents, and the pairs' file."""
    out.mkdir(parents=True, exist_ok=True)
    if not (folder / "docs.parquet").is_file():
        folder = out if (out / "planted.parquet").is_file() else made_of(folder, out)
    documents = pl.read_parquet(folder / "docs.parquet").select("id", "text", "source")
    write_forms(documents, out)
    whole = folder / "near_pairs.parquet"
    return documents, whole if whole.is_file() else folder / "planted.parquet"


def part_of(documents: pl.DataFrame, known: Path, share: float) -> pl.DataFrame:
    """A fixed random sample of the documents, with all documents known to be similar to them."""
    drawn = documents.sample(fraction=share, seed=1)["id"].implode()
    pairs = pl.read_parquet(known)
    met = pairs.filter(pl.col("id_a").is_in(drawn) | pl.col("id_b").is_in(drawn))
    like = pl.concat([met["id_a"], met["id_b"]]).implode()
    return documents.filter(pl.col("id").is_in(drawn) | pl.col("id").is_in(like))


if __name__ == "__main__":
    forms(Path(sys.argv[1]), Path(sys.argv[2]))
