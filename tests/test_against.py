"""Earlier data: what it holds is rejected with the name of what holds it, however much is held."""

from __future__ import annotations

import io
import json
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import latest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline import deciding, execution
from pipeline.deciding import Deciding
from pipeline.earlier import Earlier, in_order
from pipeline.engines.local import Workers
from pipeline.errors import DataError, RecipeError
from pipeline.memory import Share
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.record import frame, rejection
from pipeline.run import Options, prepare
from pipeline.shards import read_frame, sketch_path, votes_path, write_frame
from pipeline.stages.dedup_exact import DedupExact
from pipeline.stages.dedup_near import DedupNear

quick = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Workers]:
    """One worker: this process."""
    with Workers(1) as workers:
        yield workers


def written(folder: Path, stage: Any, shards: Sequence[pl.DataFrame]) -> list[Path]:
    """Shards with their sketches beside them."""
    folder.mkdir()
    paths = [folder / f"{number:05d}.kept.arrow" for number in range(len(shards))]
    for path, shard in zip(paths, shards, strict=True):
        write_frame(path, shard)
        write_frame(sketch_path(path, stage.name), stage.sketch(shard))
    return paths


def decided(
    stage: Any, own: pl.DataFrame, sets: dict[str, pl.DataFrame], engine: Workers, cut: int = 99
) -> dict[str, dict[str, Any]]:
    """The marks by id, as a run makes them of shards of so many records."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shards = written(folder / "own", stage, list(own.iter_slices(cut)) or [own])
        earlier = in_order(
            [(n, written(folder / n, stage, list(s.iter_slices(cut)))) for n, s in sets.items()]
        )
        Deciding(stage.name, shards, earlier, None, engine).decide(stage)
        paths = [votes_path(shard, stage.name) for shard in shards]
        votes = [read_frame(path).select("id", "rejected") for path in paths if path.exists()]
        return dict(row for vote in votes for row in vote.iter_rows())


def numbered(first: int, end: int) -> str:
    return " ".join(f"w{n}" for n in range(first, end))


TEXTS = ["tea", "Tea!", "te\u0301", "t\u00e9", " tea ", "", None, numbered(0, 30), numbered(0, 31)]
TEXTS += [numbered(2, 31), numbered(4, 33), numbered(0, 30).upper()]
rows = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["a.md", "b.md", "c.md"]),
            "text": st.sampled_from(TEXTS),
            "rejected": st.sampled_from([None] * 5 + [rejection("read.broken")]),
        }
    ),
    max_size=9,
).map(lambda found: [one | {"locator": f"row={n}"} for n, one in enumerate(found)])


cuts = st.sampled_from([1, 4, 99])


def places(sets: dict[str, Rows]) -> list[tuple[str, Any]]:
    """What each record of earlier data is called, and the record, in order."""
    return [
        (f"{name}: {row['source']} {row['locator']}", row)
        for name in sorted(sets)
        for row in sets[name]
    ]


def with_ids(some: Rows) -> Rows:
    return [row | {"id": name} for row, name in zip(some, frame(some)["id"], strict=True)]


def same(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\s!]+", text.lower())
    return {tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))} if words else set()


@quick
@given(
    own=rows, one=rows, two=rows, cut=st.sampled_from([1, 4, 99]), room=st.sampled_from([1, 9000])
)
def test_exact_as_a_plain_rewrite(
    engine: Workers, own: Rows, one: Rows, two: Rows, cut: int, room: int
) -> None:
    """The first of earlier data is named; the others are compared among themselves."""
    sets = {"lake": one, "shipped": two}
    there: dict[str, str] = {}
    for place, row in places(sets):
        if row["rejected"] is None and row["text"] is not None:
            there.setdefault(same(row["text"]), place)
    expected: dict[str, tuple[str, str]] = {}
    first: dict[str, str] = {}
    for row in sorted(with_ids(own), key=lambda row: (row["source"], row["id"])):
        if row["rejected"] is None and row["text"] is not None:
            text = same(row["text"])
            if text in there:
                expected[row["id"]] = ("duplicate_of_earlier", there[text])
            elif text in first:
                expected[row["id"]] = ("duplicate", first[text])
            else:
                first[text] = row["id"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deciding, "room_to_decide", lambda _: room)
        found = decided(
            DedupExact(), frame(own), {n: frame(s) for n, s in sets.items()}, engine, cut
        )
    assert {name: (mark["reason"], mark["value"]) for name, mark in found.items()} == expected
    assert all((m["merged_into"] is None) == ("earlier" in m["reason"]) for m in found.values())


@quick
@given(
    own=rows,
    one=rows,
    two=rows,
    cut=cuts,
    room=st.sampled_from([1, 1 << 20]),
    threshold=st.sampled_from([0.7, 0.8, 1.0]),
)
def test_near_as_a_plain_rewrite(
    engine: Workers, own: Rows, one: Rows, two: Rows, cut: int, room: int, threshold: float
) -> None:
    """The most alike of earlier data is named, of several the first by source and id; what is left
    has the votes that it has without earlier data."""
    sets = {"lake": one, "shipped": two}
    known = [
        (grams(row["text"]), place, row)
        for name in sorted(sets)
        for place, row in places({name: with_ids(sets[name])})
        if row["rejected"] is None and row["text"]
    ]
    expected = {}
    for row in with_ids(own):
        if row["rejected"] is None and row["text"]:
            mine = grams(row["text"])
            alike = [
                (-len(mine & other) / len(mine | other), old["source"], old["id"], n, place)
                for n, (other, place, old) in enumerate(known)
            ]
            if alike and -min(alike)[0] >= threshold:
                expected[row["id"]] = f"{min(alike)[-1]}, {round(-min(alike)[0], 3)}"
    stage = DedupNear(threshold=threshold)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deciding, "room_to_decide", lambda _: room)
        found = decided(stage, frame(own), {n: frame(s) for n, s in sets.items()}, engine, cut)
    met = {n: m["value"] for n, m in found.items() if m["reason"] == "near_duplicate_of_earlier"}
    assert met == expected
    rest = [row for row in with_ids(own) if row["id"] not in expected]
    others = {name: mark for name, mark in found.items() if name not in expected}
    assert others == decided(stage, frame(rest), {}, engine)


def test_edited_copies_are_found(engine: Workers) -> None:
    """Of 200 records half have a word changed in earlier data; none of the others is met."""
    own = [
        {"source": f"{n:03d}.md", "text": numbered(1000 * n, 1000 * n + 150)} for n in range(200)
    ]
    old = [
        {"source": f"{n:03d}.txt", "text": own[n]["text"].replace(f"w{1000 * n + n % 100}", "tea")}
        for n in range(0, 200, 2)
    ]
    found = decided(DedupNear(), frame(own), {"shipped": frame(old)}, engine, 30)
    names = dict(zip(frame(own)["id"], range(200), strict=True))
    assert sorted(names[one] for one in found) == list(range(0, 200, 2))
    for name, mark in found.items():
        assert mark["value"].startswith(f"shipped: {names[name]:03d}.txt")
        assert mark["threshold"] == "0.8"


def test_places_are_told_in_any_order() -> None:
    """Repeats too; without a locator the source alone."""
    shards = [
        frame([{"source": "a", "locator": "row=1"}, {"source": "b"}]),
        frame([{"source": "c"}]),
    ]
    earlier = Earlier(shards, ["lake", "shipped"])  # type: ignore[arg-type]
    assert earlier.height == 3
    told = earlier.places(pl.Series([2, 0, 2, 1], dtype=pl.UInt32))
    assert told.to_list() == ["shipped: c", "lake: a row=1", "shipped: c", "lake: b"]


RECIPE = """
name: nightly
sources: [{path: "data/*.jsonl"}]
stages: [clean, dedup_exact, dedup_near]
targets:
  pairs: {format: prompt_completion}
  talks: {format: conversation}
  corpus: {format: pretraining}
"""
AGAINST = "against: {shipped: {path: %s}, lake: {path: lake/}}\n"


def run(folder: Path, recipe: str, output: str, workers: int = 1) -> Path:
    (folder / "recipe.yaml").write_text(recipe)
    options = Options(output=str(folder / output), workers=workers)
    prepare(
        load_recipe(folder / "recipe.yaml"), folder, options, Lines(io.StringIO(), as_json=False)
    )
    return latest(folder / output)


def write(path: Path, lines: Rows) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def pairs(first: int, end: int) -> Rows:
    return [
        {"prompt": f"What is tea number {n}?", "completion": numbered(50 * n, 50 * n + 40)}
        for n in range(first, end)
    ]


def documents(first: int, end: int) -> Rows:
    return [{"text": numbered(90 * n, 90 * n + 80)} for n in range(first, end)]


@pytest.mark.usefixtures("quick_gate")
def test_only_what_is_new_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is named by its folder, and read back whatever its formats; the same bytes for any
    number of workers and shards, and each rejected record names the line that holds it."""
    write(tmp_path / "data" / "pairs.jsonl", pairs(0, 6))
    write(tmp_path / "data" / "texts.jsonl", documents(100, 106))
    before = run(tmp_path, RECIPE, "out")
    write(tmp_path / "data" / "pairs.jsonl", pairs(0, 9))
    lake = [{"text": f"{documents(106, 107)[0]['text']}!!! tea"}]
    write(tmp_path / "lake" / "a.jsonl", lake)
    write(tmp_path / "data" / "texts.jsonl", documents(100, 109))
    recipe = RECIPE + AGAINST % f"out/runs/{before.name}"
    done = run(tmp_path, recipe, "new")
    counted = {
        name: (done / name / "train.jsonl").read_bytes().splitlines()
        for name in ("pairs", "corpus")
    }
    assert [len(lines) for lines in counted.values()] == [3, 2]
    rejected = pl.read_parquet(done / "rejected.parquet").sort("source", "locator")
    met = rejected.filter(pl.col("reason").str.contains("earlier"))
    assert met["reason"].value_counts().sort("count").rows() == [
        ("near_duplicate_of_earlier", 1),
        ("duplicate_of_earlier", 12),
    ]
    exact = met.filter(pl.col("reason") == "duplicate_of_earlier")["value"].to_list()
    assert sum(f"shipped: out/runs/{before.name}/corpus/train.jsonl line=" in v for v in exact) == 6
    (near,) = met.filter(pl.col("reason") != "duplicate_of_earlier")["value"]
    assert near.startswith("lake: lake/a.jsonl line=1, 0.98")
    manifest = json.loads((done / "manifest.json").read_bytes())
    assert [one["source"] for one in manifest["against"]["lake"]["inputs"]] == ["lake/a.jsonl"]
    assert manifest["duplicates"]["dedup_near"]["of_earlier"] == 1
    monkeypatch.setattr(execution, "share_memory", lambda *_: Share(2, 600))
    monkeypatch.setattr(deciding, "room_to_decide", lambda _: 500)
    again = run(tmp_path, recipe, "parts", workers=2)
    for name in ("pairs/train.jsonl", "corpus/train.jsonl", "manifest.json", "rejected.parquet"):
        assert (again / name).read_bytes() == (done / name).read_bytes(), name


@pytest.mark.usefixtures("quick_gate")
def test_other_earlier_data_is_another_run(tmp_path: Path) -> None:
    """By its bytes; without any the run is named as ever."""
    write(tmp_path / "data" / "texts.jsonl", documents(0, 4))
    write(tmp_path / "lake" / "a.jsonl", documents(0, 1))
    plain = RECIPE[: RECIPE.index("  pairs")] + "  corpus: {format: pretraining}\n"
    recipe = plain + "against: {lake: {path: lake/}}\n"
    names = [run(tmp_path, plain, "plain").name, run(tmp_path, recipe, "one").name]
    write(tmp_path / "lake" / "a.jsonl", documents(0, 2))
    names.append(run(tmp_path, recipe, "two").name)
    assert len(set(names)) == 3
    write(tmp_path / "lake" / "a.jsonl", [])
    with pytest.raises(DataError, match=r"against\.lake: none of its items can be read"):
        run(tmp_path, recipe, "three")


def test_earlier_data_that_nothing_compares_with_is_a_fault(tmp_path: Path) -> None:
    """With the line."""
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "name: a\nsources: [{path: b}]\nstages: [clean]\nagainst: {c: {path: d}}\n"
        "targets: {corpus: {format: pretraining}}\n"
    )
    with pytest.raises(RecipeError, match=r":4: against: only dedup_exact and dedup_near"):
        load_recipe(path)
