"""What holds for every stage, whatever the data: the laws a run relies on."""

from __future__ import annotations

import json
import random
from typing import Any

import polars as pl
import pytest
from held_out import asked, holding
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from voting import vote

from pipeline.corpus_stage import CorpusStage, EvidenceStage, RewritingStage
from pipeline.passes import observe
from pipeline.record import SCHEMA, frame, rejection
from pipeline.stage import RecordStage
from pipeline.stages import REASONS, STAGES
from pipeline.stages.split import Split
from pipeline.tokens import token_bound

quick = settings(derandomize=True, deadline=None, max_examples=30, database=None)

HOSTILE = (
    "a", "e", "E", "tea ", "word. ", "Sentence one! ", "1", "9.", "0", " ", "  ", "\t",
    "\n", "\n\n", "\r", "\r\n", "\x00", "\x07", "\x0b", "\x0c", "\x7f", "\x80", "\x85",
    "\x93", "\xa0", "\xad", "\u0301", "\u0323", "\u0338", "\u0345", "=", "\u1161", "\u11a8",
    "\u1112", "한", "\u037e", "\u212b", "\u200b", "\u200c", "\u200d", "\u202e", "\u2066",
    "\ufeff", "\u2028", "\u2000", "\u3000", "\u061c", "\U000e0041", "\ue000", "\ufffd",
    "👩", "👩\u200d💻", "🏳\ufe0f\u200d🌈", "🇻🇳", "👍🏽", "क", "ि", "م", "ی", "你好", "。",
    "！", "こ", "ไท", "Ã©", "Ã", "©", "â€™", "â€", "Â", "áº", "»", "Ð¿", "Р", "С", "Ђ",
    "√©", "#", "# Head\n", "```", "`", "<b>", "https://x.y/z ", "a@b.co", "@", "0912345678",
    "+84 912 345 678", "(415) 555-2671", "415-555-2671", "10.0.0.1", "-", ".", "...", "”",
    ")", "x" * 90, "日" * 40,
)  # fmt: skip
"""Pieces that break careless code: marks, controls, joiners, mojibake, numbers side by side."""

texts = st.lists(st.sampled_from(HOSTILE), max_size=25).map("".join) | st.text(max_size=30)
few = st.sampled_from(["q", "a", "q ", "", None])  # so that records meet their equals
maybe_texts = few | texts
turns = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "user", "assistant", "tool", None]),
     "text": maybe_texts}
)  # fmt: skip
records = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["a.md", "b.md", "c/ü.md"]),
        "text": maybe_texts,
        "system": st.none() | texts,
        "messages": st.none() | st.lists(turns, max_size=4),
        "images": st.none() | st.lists(st.sampled_from(["x.png", "y.png"]), max_size=2),
        "language": st.none() | st.sampled_from(["en", "und"]),
        "extra": st.none()
        | st.sampled_from("abc").map(
            lambda digest: json.dumps({"images": [{"pixels_sha256": digest}]})
        ),
        "rejected": st.none() | st.none() | st.just(rejection("read.broken", "v", "t")),
    }
)
frames = st.lists(records, max_size=6).map(
    lambda rows: frame(row | {"locator": f"row={number}"} for number, row in enumerate(rows))
)

EXAMPLES: list[Any] = [
    *(stage() for stage in STAGES.values()),
    STAGES["clean"](mojibake=False),
    STAGES["language"](allow=["en"], undetermined="reject"),
    STAGES["redact"](kinds=["ipv4", "phone"]),
    STAGES["label"](merge_same_role=True),
    STAGES["chunk"](max_tokens=16, overlap=8),
    *(STAGES["dedup_exact"](on=on) for on in ("text", "prompt", "pair", "conversation")),
    STAGES["dedup_image"](on="pixels_and_caption"),
    STAGES["contradictions"](keep="first"),
    STAGES["dedup_near"](threshold=0.5, keep="longest"),
    holding(
        [asked(one) for one in ("q", "a", "tea word. tea word. tea e tea E 9. 1")],
        words=5,
        share_words=5,
    ),
]
REWRITING = [stage for stage in EXAMPLES if isinstance(stage, RewritingStage)]
CORPUS = [
    stage
    for stage in EXAMPLES
    if isinstance(stage, CorpusStage | EvidenceStage) and stage not in REWRITING
]
RECORD = [
    stage
    for stage in EXAMPLES
    if isinstance(stage, RecordStage) and stage not in CORPUS + REWRITING
]
CHUNKS = [stage for stage in RECORD if stage.name == "chunk"]
ONE_TO_ONE = [stage for stage in RECORD if stage.name != "chunk"]


def named(stage: Any) -> str:
    changed = stage.model_dump(exclude_defaults=True)
    return stage.name + "".join(f"-{name}={value}" for name, value in changed.items())


def each(stages: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", stages, ids=named)


def shuffled(records: pl.DataFrame) -> pl.DataFrame:
    order = list(range(records.height))
    random.Random(7).shuffle(order)
    return records[order]


def by_id(records: pl.DataFrame) -> pl.DataFrame:
    return records.sort("id")


def test_every_stage_is_one_kind() -> None:
    """The examples cover every stage, and none is both of a record and of the corpus."""
    assert {stage.name for stage in EXAMPLES} == set(STAGES)
    assert len(RECORD) + len(CORPUS) + len(REWRITING) == len(EXAMPLES)


@each(RECORD)
@quick
@given(records=frames)
def test_no_record_vanishes(stage: Any, records: pl.DataFrame) -> None:
    """Same columns, same rows in the same order; only chunks may stand for a record."""
    before = records.clone()
    after = stage(records)
    assert_frame_equal(records, before)
    assert after.schema == SCHEMA
    if stage.name == "chunk":
        own = after["id"].is_in(records["id"].implode())
        parents = after["id"].str.replace(r"\.\d{4,}$", "").zip_with(~own, after["id"])
        assert parents.unique(maintain_order=True).to_list() == records["id"].to_list()
        assert after["id"].n_unique() == after.height
    else:
        assert after["id"].to_list() == records["id"].to_list()


@each(RECORD)
@quick
@given(records=frames)
def test_what_is_observed_is_what_was_done(stage: Any, records: pl.DataFrame) -> None:
    """`observe` gives the same records; measures are numbers of records that came in.

    Tallies are by record: else no later run takes over what this one has made of a source.
    """
    observed = observe(stage, records)
    assert_frame_equal(observed.records, stage(records))
    if observed.measures is not None:
        own, *numbers = observed.measures.schema.items()
        assert own == ("id", pl.String)
        assert numbers
        assert all(kind.is_numeric() for _, kind in numbers)
        assert observed.measures["id"].is_in(records["id"].implode()).all()
    kinds: set[str] = set()
    if observed.tallies is not None:
        assert observed.tallies["id"].is_in(records["id"].implode()).all()
        kinds.update(observed.tallies["kind"])
    if observed.samples is not None:
        assert set(observed.samples["kind"]) <= kinds


@each(RECORD)
@quick
@given(records=frames)
def test_shards_and_order_do_not_matter(stage: Any, records: pl.DataFrame) -> None:
    """A record's result depends on that record alone."""
    whole = by_id(stage(records))
    half = records.height // 2
    parts = pl.concat([stage(records[:half]), stage(records[half:])])
    assert_frame_equal(by_id(parts), whole)
    assert_frame_equal(by_id(stage(shuffled(records))), whole)


@each(ONE_TO_ONE)
@quick
@given(records=frames)
def test_twice_is_once(stage: Any, records: pl.DataFrame) -> None:
    """A second time changes nothing."""
    once = stage(records)
    assert_frame_equal(stage(once), once)


@each(RECORD)
@quick
@given(records=frames)
def test_rejected_rows_stay(stage: Any, records: pl.DataFrame) -> None:
    """What was set aside before is passed on untouched."""
    aside = records.filter(pl.col("rejected").is_not_null())
    after = stage(records).filter(pl.col("id").is_in(aside["id"].implode()))
    assert_frame_equal(after, aside)


@each(RECORD)
@quick
@given(records=frames)
def test_reasons_are_declared(stage: Any, records: pl.DataFrame) -> None:
    """Each reason a stage gives has its line of plain English."""
    fresh = records.with_columns(pl.lit(None, dtype=SCHEMA["rejected"]).alias("rejected"))
    given_reasons = stage(fresh)["rejected"].struct.field("reason").drop_nulls()
    assert set(given_reasons) <= stage.reasons.keys() <= REASONS.keys()


@each(CORPUS)
@quick
@given(records=frames)
def test_votes_do_not_depend_on_shards_or_order(stage: Any, records: pl.DataFrame) -> None:
    """A sketch is one row a record; the vote is the same for any shards in any order."""
    assert stage.sketch(records)["id"].to_list() == records["id"].to_list()
    half = records.height // 2
    order = shuffled(records)
    assert_frame_equal(vote(stage, order[half:], order[:half]), vote(stage, records))


@each(CORPUS)
@quick
@given(records=frames)
def test_a_vote_speaks_of_its_records(stage: Any, records: pl.DataFrame) -> None:
    """Votes set aside records that were there and kept, once, for declared reasons."""
    votes = vote(stage, records)
    kept = set(records.filter(pl.col("rejected").is_null())["id"])
    assert votes["id"].n_unique() == votes.height
    assert set(votes["id"]) <= kept
    assert votes.schema["rejected"] == SCHEMA["rejected"]
    assert set(votes["rejected"].struct.field("reason")) <= stage.reasons.keys()


@each([stage for stage in CORPUS if stage.name in {"dedup_exact", "dedup_image"}])
@quick
@given(records=frames)
def test_a_duplicate_names_a_kept_record(stage: Any, records: pl.DataFrame) -> None:
    """The record that a duplicate is merged into is not itself set aside; none is left without."""
    doubled = pl.concat(
        [records, records.with_columns(pl.format("{}x", "id").alias("id"), source=pl.lit("z.md"))]
    )
    sketches = stage.sketch(doubled)
    votes = stage.decide(sketches)
    named = votes["rejected"].struct.field("merged_into")
    kept = doubled.filter(pl.col("rejected").is_null() & ~pl.col("id").is_in(votes["id"].implode()))
    assert named.is_in(kept["id"].implode()).all()
    assert named.equals(votes["rejected"].struct.field("value"))
    keys = dict(sketches.select("id", "key").iter_rows())
    assert all(keys[one] == keys[other] for one, other in zip(votes["id"], named, strict=True))
    compared = sketches.filter(pl.col("key").is_not_null())
    assert compared.height - votes.height == compared["key"].n_unique()


def spans(chunks: pl.DataFrame) -> list[tuple[int, int]]:
    numbers = chunks["locator"].str.extract_groups(r"chars=(\d+)-(\d+)$").struct.unnest()
    return [(int(start), int(end)) for start, end in numbers.iter_rows()]


@each([*CHUNKS, STAGES["chunk"](max_tokens=40), STAGES["chunk"](max_tokens=60, overlap=30)])
@settings(quick, max_examples=80)
@given(text=st.lists(st.sampled_from(HOSTILE), max_size=120).map("".join))
def test_chunks_join_back(stage: Any, text: str) -> None:
    """Chunks are slices of the text, each inside the bound; without repeats they are the text."""
    chunks = stage(frame([{"source": "a.md", "locator": "page=1", "text": text}]))
    places = spans(chunks)
    assert chunks["text"].to_list() == [text[start:end] for start, end in places]
    ends = [0, *(end for _, end in places)]
    joined = "".join(text[done:end] for done, (_, end) in zip(ends, places, strict=False))
    assert joined == text
    assert ends[-1] == len(text)
    assert (
        all(start <= done < end for done, (start, end) in zip(ends, places, strict=False))
        or not text
    )
    if not stage.overlap:
        assert "".join(chunks["text"]) == text
    bounds = chunks.select(token_bound(pl.col("text"))).to_series()
    assert bounds.max() <= stage.max_tokens
    assert bounds.equals(chunks["tokens"])


@quick
@given(records=frames, validation=st.floats(0, 0.49), test=st.floats(0, 0.49))
def test_split_tears_no_group_apart(records: pl.DataFrame, validation: float, test: float) -> None:
    """Every kept record has one split, the same for its whole group, in any order."""
    stage = Split(validation=validation, test=test, group_by="source")
    votes = vote(stage, records)
    assert_frame_equal(vote(stage, shuffled(records)), votes)
    kept = records.filter(pl.col("rejected").is_null())
    assert votes["id"].to_list() == sorted(kept["id"])
    together = kept.select("id", "source").join(votes, on="id")
    assert together.group_by("source").agg(pl.col("split").n_unique())["split"].eq(1).all()
    assert votes.is_empty() or "train" in votes["split"]
