"""The law that no record vanishes is held by `settle` and by the ledger."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.errors import LawBroken
from pipeline.ledger import StageCount, check_chain, total
from pipeline.record import frame
from pipeline.settle import chunks_apart, settle
from pipeline.stage import Broken, reject


def records(*names: str) -> pl.DataFrame:
    return frame([{"source": name, "text": name} for name in names])


def with_ids(*ids: str) -> pl.DataFrame:
    return frame([{"id": own, "source": "s", "text": own} for own in ids])


def test_kept_and_rejected_are_parted_and_counted_by_reason() -> None:
    """What `reject` marks is set aside under its reason; the rest goes on."""
    before = records("a", "bb", "ccc")
    length = pl.col("text").str.len_chars()
    after = reject(before, too_short=Broken(length < 2, value=length, threshold=2))
    settled = settle("s", before, after)
    assert settled.kept["text"].to_list() == ["bb", "ccc"]
    assert settled.rejected["rejected"].to_list() == [
        {"reason": "too_short", "value": "1", "threshold": "2", "merged_into": None}
    ]
    assert settled.count.as_json() | {"reasons": {"too_short": 1}} == settled.count.as_json()
    assert (settled.count.came, settled.count.kept, settled.count.rejected) == (3, 2, 1)


def test_the_first_broken_rule_names_the_reason() -> None:
    """A record that breaks two rules is counted once, under the first."""
    before = records("a")
    always = pl.lit(True)
    after = reject(reject(before, first=always), second=always)
    assert settle("s", before, after).count.reasons == {"first": 1}


def test_merged_records_are_counted_apart_from_rejected_ones() -> None:
    """A duplicate is not lost: another record stands for it."""
    before = with_ids("a", "b")
    after = reject(
        before, duplicate=Broken(pl.col("id") == "b", merged_into=pl.lit("a", dtype=pl.String))
    )
    count = settle("s", before, after).count
    assert (count.kept, count.merged, count.rejected) == (1, 1, 0)


def test_chunks_that_are_rejected_at_once_are_a_step_of_their_own() -> None:
    """Records that are rejected whole have no part in it; in one step no count would be right."""
    before = with_ids("a", "b", "c")
    after = reject(with_ids("a.0001", "a.0002", "b", "c"), bad=pl.col("id").is_in(["a.0002", "c"]))
    with pytest.raises(LawBroken, match="rejected a chunk that it made itself"):
        settle("s", before, after)
    divided, judged = chunks_apart(before, after)
    first = settle("s", before, divided)
    second = settle("s.chunks", first.kept, judged)
    told = [one.count.as_json() for one in (first, second)]
    names = ("came", "kept", "rejected", "divided", "chunks")
    assert [[one[name] for name in names] for one in told] == [[3, 1, 1, 1, 2], [3, 2, 1, 0, 0]]
    assert second.kept["id"].to_list() == ["a.0001", "b"]
    check_chain([first.count, second.count])


def test_chunks_stand_for_the_record_they_came_from() -> None:
    """A record may be replaced by `<id>.<number>`."""
    before = with_ids("a", "b")
    after = with_ids("a.0001", "a.0002", "b")
    count = settle("s", before, after).count
    assert (count.kept, count.divided, count.chunks, count.went) == (1, 1, 2, 3)


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        (with_ids("a"), "lost"),
        (with_ids("a", "b", "b"), "twice"),
        (with_ids("a", "b", "c"), "nowhere"),
        (with_ids("a", "b", "x.0001"), "nowhere"),
        (with_ids("a", "a.0001", "b"), "beside its own chunks"),
        (with_ids("a", "b").drop("tokens"), "tokens is missing"),
        (with_ids("a", "b").with_columns(tokens=pl.lit("1")), "tokens"),
    ],
)
def test_a_stage_that_loses_invents_or_doubles_is_stopped(after: pl.DataFrame, fault: str) -> None:
    """Each way to break the law ends the run and names the stage."""
    with pytest.raises(LawBroken, match=fault) as caught:
        settle("chunk", with_ids("a", "b"), after)
    assert "chunk" in str(caught.value)


def test_an_empty_list_does_not_lose_its_record() -> None:
    """Explode on an empty list drops the row in Polars 2; the law finds it."""
    before = with_ids("a", "b")
    pieces = before.with_columns(
        text=pl.when(pl.col("id") == "a")
        .then(pl.lit([], dtype=pl.List(pl.String)))
        .otherwise(pl.concat_list("text"))
    ).explode("text", empty_as_null=False)
    with pytest.raises(LawBroken, match="lost"):
        settle("chunk", before, pieces.select(before.columns))


def test_sums_over_shards_must_balance() -> None:
    """A count that does not add up is refused when it is summed."""
    good = StageCount("clean", came=2, kept=2)
    assert total([good, good])[0].came == 4
    with pytest.raises(LawBroken, match="clean"):
        total([StageCount("clean", came=2, kept=1)])


def test_each_stage_gets_what_the_one_before_let_go() -> None:
    """A record that disappears between two stages is found."""
    check_chain([StageCount("read", came=3, kept=3), StageCount("clean", came=3, kept=3)])
    with pytest.raises(LawBroken, match="passed on 3 records, clean got 2"):
        check_chain([StageCount("read", came=3, kept=3), StageCount("clean", came=2, kept=2)])
