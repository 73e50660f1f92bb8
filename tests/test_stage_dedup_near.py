"""`dedup_near`: what counts as nearly the same, which of them stays, and what each vote tells."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from voting import vote

from pipeline.corpus_stage import EvidenceStage
from pipeline.record import SCHEMA, frame, rejection
from pipeline.stages.dedup_near import DedupNear
from pipeline.stages.near_pairs import BANDS, Graph
from pipeline.tables import SketchTable

quick = settings(derandomize=True, deadline=None, max_examples=50, database=None)


def votes(rows: list[dict[str, Any]], **fields: Any) -> dict[str, dict[str, str]]:
    """The marks by id."""
    return dict(vote(DedupNear(**fields), frame(rows)).iter_rows())


def merged(rows: list[dict[str, Any]], **fields: Any) -> dict[str, str]:
    return {name: mark["merged_into"] for name, mark in votes(rows, **fields).items()}


def numbered(first: int, end: int) -> str:
    return " ".join(f"w{n}" for n in range(first, end))


def document(name: str, text: str | None, **more: Any) -> dict[str, Any]:
    return {"id": name, "source": f"{name}.md", "text": text, **more}


def dialogue(name: str, *turns: str | None, **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant") * len(turns)
    messages = [{"role": role, "text": text} for role, text in zip(roles, turns, strict=False)]
    return {"id": name, "source": f"{name}.jsonl", "messages": messages, **more}


def test_it_is_an_evidence_stage() -> None:
    """What a run asks of it."""
    assert isinstance(DedupNear(), EvidenceStage)


def test_a_vote_tells_all() -> None:
    """The similarity to the kept one, rounded, beside the threshold."""
    rows = [document("a", numbered(0, 104)), document("b", numbered(0, 104) + " x")]
    assert votes(rows) == {
        "b": {
            "reason": "near_duplicate",
            "value": "0.99",
            "threshold": "0.8",
            "merged_into": "a",
        }
    }


def test_the_threshold_itself_is_alike() -> None:
    """100 five-word runs each, 90 in both, of 110: 0.818…; exact, where MinHash would guess."""
    rows = [document("a", numbered(0, 104)), document("b", numbered(10, 114))]
    assert list(votes(rows, threshold=90 / 110)) == ["b"]
    assert votes(rows, threshold=0.8182) == {}
    assert votes(rows, threshold=0.8)["b"]["value"] == "0.818"


def test_one_is_only_the_same_words() -> None:
    """At threshold 1 case, punctuation and layout may differ, and not a word."""
    text = numbered(0, 50)
    rows = [
        document("a", text),
        document("b", text.upper().replace(" ", ",\n")),
        document("c", text + " x"),
        document("d", "x " + text),
    ]
    assert merged(rows, threshold=1) == {"b": "a"}


def test_the_first_by_source_stays_or_the_longest() -> None:
    """Whatever their order; length is in characters, ties go to the first."""
    text = numbered(0, 104)
    rows = [
        document("c", text + " tail", source="1.md"),
        document("b", text, source="0.md"),
        document("a", text + " tail", source="2.md"),
    ]
    assert merged(rows) == {"a": "b", "c": "b"}
    assert merged(rows, keep="longest") == {"a": "c", "b": "c"}


def test_a_chain_is_one_cluster() -> None:
    """Who is alike to a rejected one only, tells how much; all point to the kept one."""
    rows = [
        document(name, numbered(at, at + 104)) for name, at in zip("abc", (0, 8, 16), strict=True)
    ]
    marks = votes(rows)
    assert {name: mark["merged_into"] for name, mark in marks.items()} == {"b": "a", "c": "a"}
    assert [marks[name]["value"] for name in "bc"] == ["0.852", "0.852"]  # c to a is 0.724
    assert merged([rows[0], rows[2]]) == {}


@pytest.mark.parametrize(
    "text", ["tea", "tea, TEA", "green tea", "你好", "Trà", "one two three four"]
)
def test_short_texts_are_alike_when_they_are_the_same(text: str) -> None:
    """Fewer than five words are compared as they are."""
    rows = [document("a", text), document("b", f"{text.upper()}!"), document("c", f"{text} more")]
    assert merged(rows) == {"b": "a"}


@pytest.mark.parametrize("text", [None, "", " ", "...", "\u200b"])
def test_texts_without_words_are_kept(text: str | None) -> None:
    """There is nothing to compare."""
    assert votes([document("a", text), document("b", text)]) == {}
    assert votes([dialogue("a", text), dialogue("b")]) == {}


def test_turns_are_compared_for_labelled_records() -> None:
    """As one text, whoever speaks; `on: text` looks at the text alone."""
    long = numbered(0, 104)
    rows = [
        dialogue("a", "What?", long, text="one"),
        dialogue("b", "What?", long + " x", text="two"),
        dialogue("c", "What?", numbered(500, 604), text="one"),
        document("d", "What? " + long),
    ]
    assert merged(rows) == {"b": "a"}
    assert merged(rows, on="text") == {"c": "a"}


def test_what_stands_around_must_be_the_same() -> None:
    """System prompt, layout aside, and image files: the same caption is not the same picture."""
    text = numbered(0, 104)
    rows = [
        dialogue("a", text, system="Be brief."),
        dialogue("b", text, system="Be long."),
        dialogue("c", text, system="Be  brief."),
        document("d", text, images=["1.png"]),
        document("e", text, images=["2.png"]),
        document("f", text, images=["1.png"]),
        document("g", text),
    ]
    assert merged(rows) == {"c": "a", "f": "d"}


def test_rejected_records_take_no_part() -> None:
    """Neither are they voted on nor kept in the place of others."""
    text = numbered(0, 104)
    rows = [
        document("a", text, rejected=rejection("empty")),
        document("b", text),
        document("c", text),
    ]
    assert merged(rows) == {"c": "b"}


def test_sketches_are_small() -> None:
    """Keys of 8 bytes for each band, and no text."""
    for threshold, bands, _ in BANDS:
        sketch = DedupNear(threshold=threshold).sketch(frame([document("a", "long " * 1000)]))
        names = [f"band{band:02d}" for band in range(bands)]
        assert sketch.columns == ["id", "source", "preference", *names]
        assert {sketch.schema[name] for name in names} == {pl.UInt64}


def test_only_candidates_are_looked_at_again() -> None:
    """Most records are unlike all others by their sketches alone."""
    stage = DedupNear()
    rows = [document(f"{n:03}", numbered(n * 200, n * 200 + 104)) for n in range(300)]
    rows += [document("x", numbered(0, 104) + " x")]
    sketches = stage.sketch(frame(rows))
    candidates = stage.candidates(SketchTable([sketches]))
    assert {"000", "x"} <= set(sketches["id"].gather(candidates))
    assert candidates.len() < 5


def test_nothing_comes_of_nothing() -> None:
    """A run without records, and shards without candidates."""
    empty = frame([])
    result = vote(DedupNear(), empty, empty)
    assert result.is_empty()
    assert result.schema == {"id": pl.String, "rejected": SCHEMA["rejected"]}
    assert vote(DedupNear(), frame([document("a", "tea")]), empty).is_empty()


def edited(words: list[str], share: float, chance: random.Random) -> str:
    changed = (chance.random() < share for _ in words)
    pieces = zip(words, changed, strict=True)
    return " ".join(f"x{chance.randrange(10**9)}" if other else word for word, other in pieces)


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
def test_recall_and_precision(threshold: float) -> None:
    """Of pairs that are alike by an independent count nearly all are found, and no other."""
    chance = random.Random(5)
    texts: dict[str, str] = {}
    for n in range(150):
        words = [f"w{chance.randrange(5000)}" for _ in range(chance.randrange(5, 300))]
        texts[f"{n:03}a"] = " ".join(words)
        texts[f"{n:03}b"] = edited(words, chance.choice([0, 0.01, 0.02, 0.04, 0.1]), chance)
    found = merged([document(*item) for item in texts.items()], threshold=threshold)
    alike = {}
    for name in (name for name in texts if name.endswith("b")):
        one, other = (grams(texts[name[:3] + side]) for side in "ab")
        if len(one & other) / len(one | other) >= threshold:
            alike[name] = name[:3] + "a"
    assert found.items() <= alike.items()
    assert len(found) >= 0.98 * len(alike)


def grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))}


def test_a_crowded_bucket_hides_nobody() -> None:
    """Where all begin alike and share their keys, those of one size are compared."""
    shared = numbered(0, 1000)
    rows = []
    for n in range(1, 61):
        own = " ".join(f"v{n}x{i}" for i in range(n))
        rows += [document(f"a{n:02}", f"{shared} {own}"), document(f"b{n:02}", f"{shared} {own}!")]
    found = merged(rows, threshold=1)
    assert found == {f"b{n:02}": f"a{n:02}" for n in range(1, 61)}


def test_all_are_compared_with_the_first() -> None:
    """Copies with one change each are alike to the original, and not to each other."""
    words = numbered(0, 104).split()
    rows = [document("a", " ".join(words))]
    for n in range(20):
        changed = [*words[: 5 * n + 2], "x", *words[5 * n + 3 :]]
        rows.append(document(f"b{n:02}", " ".join(changed)))
    marks = votes(rows, threshold=0.9)
    assert len(marks) == 20
    assert {mark["merged_into"] for mark in marks.values()} == {"a"}
    assert merged(rows[1:], threshold=0.93) == {}


few = st.sampled_from(
    ["tea", "Tea!", "", None, numbered(0, 30), numbered(0, 31), numbered(2, 31), numbered(4, 33)]
)
turns = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "text": few})
records = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["a.md", "b.md"]),
        "text": few | st.text(max_size=30),
        "system": st.none() | few,
        "messages": st.none() | st.none() | st.lists(turns, max_size=3),
        "images": st.none() | st.none() | st.just(["x.png"]),
        "rejected": st.none() | st.none() | st.just(rejection("read.broken")),
    }
)
frames = st.lists(records, max_size=12).map(
    lambda rows: frame(row | {"locator": f"row={number}"} for number, row in enumerate(rows))
)
stages = st.builds(
    DedupNear,
    threshold=st.sampled_from([0.5, 0.7, 0.8, 1.0]),
    keep=st.sampled_from(["first", "longest"]),
    on=st.sampled_from(["auto", "text"]),
)


@quick
@given(stage=stages, records=frames, cut=st.integers(0, 12), seed=st.integers(0, 9))
def test_votes_do_not_depend_on_shards_or_order(
    stage: DedupNear, records: pl.DataFrame, cut: int, seed: int
) -> None:
    """The same votes for any shards in any order."""
    whole = vote(stage, records)
    order = random.Random(seed).sample(range(records.height), records.height)
    shuffled = records[order]
    assert_frame_equal(vote(stage, shuffled[cut:], shuffled[:cut]), whole)


@quick
@given(stage=stages, records=frames)
def test_a_duplicate_names_a_kept_record(stage: DedupNear, records: pl.DataFrame) -> None:
    """One that was there, was not rejected and is not voted on; none is voted on twice."""
    result = vote(stage, records)
    kept = set(records.filter(pl.col("rejected").is_null())["id"])
    out = set(result["id"])
    assert len(out) == result.height
    assert out <= kept
    marks = result["rejected"].struct.unnest()
    assert set(marks["merged_into"]) <= kept - out
    assert set(marks["reason"]) <= stage.reasons.keys()
    assert (marks["value"].cast(pl.Float64) >= round(stage.threshold, 3)).all()
    assert (marks["value"].cast(pl.Float64) <= 1).all()


@quick
@given(stage=stages, records=frames)
def test_what_is_left_is_left(stage: DedupNear, records: pl.DataFrame) -> None:
    """A second time finds nothing more."""
    out = vote(stage, records)["id"].implode()
    assert vote(stage, records.filter(~pl.col("id").is_in(out))).is_empty()


@quick
@given(pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_clusters(pairs: list[tuple[int, int]]) -> None:
    """The least that a walk along pairs reaches."""
    edges = pl.DataFrame(pairs, schema=["left", "right"], orient="row")
    first = list(range(10))
    for _ in first:
        for left, right in pairs:
            first[left] = first[right] = min(first[left], first[right])
    graph = Graph(10)
    graph.join(edges)
    assert graph.roots().to_list() == first
