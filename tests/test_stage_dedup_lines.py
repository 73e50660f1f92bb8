"""`dedup_lines`: which lines go, which occurrence stays, and that a plain rewrite agrees."""

from __future__ import annotations

import io
import json
import random
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline import deciding, execution
from pipeline.corpus_stage import RewritingStage
from pipeline.deciding_pieces import Pieces
from pipeline.memory import Share
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.record import SCHEMA, frame, rejection
from pipeline.run import Options, prepare
from pipeline.stage import Observed
from pipeline.stages.dedup_lines import BETWEEN, DedupLines
from pipeline.tables import SketchTable

quick = settings(derandomize=True, deadline=None, max_examples=150, database=None)


def applied(stage: DedupLines, *shards: pl.DataFrame, room: int = 1 << 20) -> list[Observed]:
    """What a run makes of the shards when so many bytes may be held."""
    sketches = SketchTable([stage.sketch(shard) for shard in shards])
    with tempfile.TemporaryDirectory() as folder:
        taken = dict(Pieces(sketches, Path(folder), room).taken(stage))
    return [
        stage.apply(shard, taken[part]) if part in taken else Observed(shard)
        for part, shard in enumerate(shards)
    ]


def texts(rows: list[dict[str, Any]], **fields: Any) -> dict[str, str | None]:
    """The texts by id of those that are not set aside."""
    records = applied(DedupLines(**fields), frame(rows))[0].records
    kept = records.filter(pl.col("rejected").is_null())
    return dict(kept.select("id", "text").iter_rows())


def document(name: str, text: str | None, **more: Any) -> dict[str, Any]:
    return {"id": name, "source": f"{name}.md", "text": text, **more}


def test_it_is_a_rewriting_stage() -> None:
    """What a run asks of it."""
    assert isinstance(DedupLines(), RewritingStage)


def test_navigation_goes_and_the_first_stays() -> None:
    """First by source, not by place in the frame; layout does not count, letter case does."""
    rows = [
        document("c", "Home |  About\nTea is grown on hills.\nAccept cookies?", source="1.html"),
        document("a", "Home | About\nCoffee is not.\nAccept cookies?", source="2.html"),
        document("b", "home | about\nNor is milk.\nAccept  cookies?", source="0.html"),
        document("d", "Home | About\nWater is.", source="3.html"),
    ]
    assert texts(rows) == {
        "c": "Home |  About\nTea is grown on hills.",
        "a": "Coffee is not.",
        "b": "home | about\nNor is milk.\nAccept  cookies?",
        "d": "Water is.",
    }
    assert texts(rows, keep="none")["b"] == "home | about\nNor is milk."
    assert texts(rows, min_documents=5) == {row["id"]: row["text"] for row in rows}


def test_chunks_of_one_document_count_once() -> None:
    """A refrain of one document is no boilerplate; in enough documents it stays once."""
    refrain = "And so say all of us.\nverse {}"
    song = [document(f"{'0' * 20}.000{n}", refrain.format(n)) for n in range(4)]
    assert list(texts(song).values()) == [one["text"] for one in song]
    others = [document(f"{n}" * 20, refrain.format(n)) for n in (5, 6)]
    left = texts([*song, *others])
    assert [text for text in left.values() if "all of us" in str(text)] == [song[0]["text"]]


def test_a_line_twice_in_its_first_record_stays_once() -> None:
    """The first in place."""
    rows = [document("a", "x y\nz\nx y"), document("b", "x y\nb"), document("c", "x y\nc")]
    assert texts(rows) == {"a": "x y\nz", "b": "b", "c": "c"}


STRUCTURES = ["---", "```\nmake tea\n```", "# Summary", "| Tea | Price |", "* * *", "1.", ""]


@pytest.mark.parametrize("structure", STRUCTURES)
def test_structure_stays(structure: str) -> None:
    """Rules, code, headings and tables are alike in many documents that say different things."""
    rows = [document(name, f"{structure}\n\nabout {name}\n\n{structure}") for name in "abcd"]
    assert texts(rows) == {row["id"]: row["text"] for row in rows}
    assert texts(rows, unit="paragraph") == {row["id"]: row["text"] for row in rows}


def test_paragraphs_are_compared_whole() -> None:
    """A line of a repeated paragraph stays where the rest of the paragraph is another."""
    notice = "We use cookies.\nRead more."
    rows = [document(n, f"{notice}\n\nabout {n}\n\nRead more.\nOr not, {n}.") for n in "abc"]
    left = texts(rows, unit="paragraph")
    assert left["a"] == rows[0]["text"]
    assert left["b"] == "about b\n\nRead more.\nOr not, b."


def test_short_lines_stay_where_told() -> None:
    """White space aside."""
    rows = [document(n, f"  Yes.  \nabout {n}") for n in "abc"]
    assert texts(rows, min_characters=5) == {row["id"]: row["text"] for row in rows}
    assert texts(rows, min_characters=4)["b"] == "about b"


def test_what_is_no_document_is_neither_changed_nor_counted() -> None:
    """Labelled records, captions, and what was set aside before."""
    others = [
        document("b", "a cat", images=["b.png"]),
        document("c", "a cat", messages=[{"role": "user", "text": "a cat"}]),
        document("d", "a cat", rejected=rejection("read.broken")),
        document("e", None),
        document("f", "a cat\nf"),
    ]
    rows = frame([document("a", "a cat\na"), *others])
    assert_frame_equal(applied(DedupLines(), rows)[0].records, rows)


def test_nothing_left_is_a_reason_and_all_is_counted() -> None:
    """The value is the number of lines; tallies tell lines and characters, a sample shows both."""
    rows = [document("a", "x\ny\nz"), document("b", "x\ny"), document("c", "y\nx\n\n")]
    seen = applied(DedupLines(), frame(rows))[0]
    marks = dict(seen.records.select("id", "rejected").iter_rows())
    expected = {"reason": "only_repeated", "value": "2", "threshold": None, "merged_into": None}
    assert marks == {"a": None, "b": expected, "c": expected}
    assert isinstance(seen.tallies, pl.DataFrame)
    summed = seen.tallies.group_by("kind").agg(pl.col("number").sum())
    assert dict(summed.iter_rows()) == {"lines": 4, "characters": 4}
    assert seen.samples is not None
    assert set(seen.samples["kind"]) == {"lines"}


ALPHABET = ["tea", "Tea", " tea\t", "green  tea", "green tea", "```", "~~~x", "# tea", "| tea |",
            "\u00e9", "e\u0301", "...", "", " ", "\u00a0", "茶", "a", "b", "c"]  # fmt: skip
bodies = st.lists(st.sampled_from(ALPHABET), max_size=9).flatmap(
    lambda lines: st.sampled_from(["\n", "\n\n"]).map(lambda between: between.join(lines))
)
rows_of = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.none() | bodies), max_size=8
).map(lambda pairs: frame(
    {"source": source, "text": text, "locator": f"row={n}"}
    for n, (source, text) in enumerate(pairs)
))  # fmt: skip


def keyed(text: str, stage: DedupLines) -> Iterator[tuple[str, str | None]]:
    """Each line with what it is compared by, in plain Python."""
    inside = False
    for line in text.split(BETWEEN[stage.unit]):
        fences = len(re.findall(r"^ {0,3}(?:```|~~~)", line, re.M))
        code = inside or fences > 0
        inside ^= fences % 2 == 1
        words = " ".join(unicodedata.normalize("NFC", line).split())
        structure = re.search(r"^\s*\|[^\n]*$|^ {0,3}#{1,6} [^\n]*$", line)
        letters = any(unicodedata.category(character)[0] == "L" for character in line)
        yield line, None if code or structure or not letters else words


def plain(records: pl.DataFrame, stage: DedupLines) -> dict[str, str | None]:
    """What is left of each text."""
    inside: dict[str, set[str]] = {}
    for row in records.sort("source", "id").to_dicts():
        for _, key in keyed(row["text"] or "", stage):
            if key:
                inside.setdefault(key, set()).add(row["document"])
    many = {key for key, documents in inside.items() if len(documents) >= stage.min_documents}
    seen: set[str] = set(many) if stage.keep == "none" else set()
    left = {}
    for row in records.sort("source", "id").to_dicts():
        lines, gone = [], 0
        for line, key in keyed(row["text"] or "", stage):
            if key in many and key in seen:
                gone += 1
            else:
                lines.append(line)
            seen |= {key} if key else set()
        between = BETWEEN[stage.unit]
        left[row["id"]] = between.join(lines).strip() if gone else row["text"]
    return left


@pytest.mark.parametrize("unit", ["line", "paragraph"])
@pytest.mark.parametrize("keep", ["first", "none"])
@quick
@given(records=rows_of, least=st.sampled_from([2, 3]), room=st.sampled_from([60, 500, 1 << 20]))
def test_a_plain_rewrite_agrees(
    unit: str, keep: str, records: pl.DataFrame, least: int, room: int
) -> None:
    """For any shards in any order; and a second time changes nothing."""
    stage = DedupLines(unit=unit, keep=keep, min_documents=least)
    expected = plain(records, stage)
    order = list(range(records.height))
    random.Random(5).shuffle(order)
    half = records.height // 2
    parts = applied(stage, records[order][half:], records[order][:half], room=room)
    done = pl.concat([one.records for one in parts])
    assert done.schema == SCHEMA
    assert dict(done.select("id", "text").iter_rows()) == expected
    emptied = done.filter(pl.col("rejected").is_not_null())["id"].to_list()
    before = dict(records.select("id", "text").iter_rows())
    assert sorted(emptied) == sorted(
        name for name, text in expected.items() if text == "" and before[name] != text
    )
    assert_frame_equal(applied(stage, done)[0].records, done)


RECIPE = """
name: pages
sources: [{path: pages}]
stages: [dedup_lines: {min_documents: 5}]
targets: {corpus: {format: pretraining}}
"""


def run(folder: Path, output: str, workers: int = 1) -> tuple[dict[str, Any], bytes]:
    """The manifest and the training file."""
    recipe = load_recipe(folder / "recipe.yaml")
    options = Options(output=str(folder / output), workers=workers)
    done = prepare(recipe, folder, options, Lines(io.StringIO(), as_json=False))
    there = folder / output / "runs" / done.run
    manifest = json.loads((there / "manifest.json").read_text())
    return manifest, (there / "corpus" / "train.jsonl").read_bytes()


def test_a_run_is_the_same_however_much_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the last stage, on one shard or many, keys decided on at once or a few at a time."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    for n in range(30):
        own = f"Page {n} tells of tea number {n}, which steeps {n} minutes.\n"
        words = "Home and more\n" + (own if n % 10 else "") + "Accept all cookies?\n"
        (tmp_path / "pages" / f"{n:02d}.txt").write_text(words)
    manifest, lines = run(tmp_path, "whole")
    texts = [json.loads(line)["input"] for line in lines.splitlines()]
    assert len(texts) == 28
    assert texts[0].split("\n") == ["Home and more", "Accept all cookies?"]
    assert sum("Home" in text or "cookies" in text for text in texts) == 1
    assert manifest["tallies"]["dedup_lines"] == {"characters": 29 * 32, "lines": 58}
    assert manifest["duplicates"]["dedup_lines"] == {"repeated": 2}
    counted = {one["stage"]: one for one in manifest["stages"]}["dedup_lines"]
    assert counted["reasons"] == {"only_repeated": 2}
    monkeypatch.setattr(execution, "share_memory", lambda *_: Share(2, 300))
    monkeypatch.setattr(deciding, "room_to_decide", lambda _: 500)
    again, others = run(tmp_path, "parts", workers=2)
    assert others == lines
    assert again == manifest
