"""`decontaminate`: what an evaluation set asks is found, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
from held_out import asked, conversation, holding, items_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kernels import WORD_RULES, gram_rows, passages
from pipeline.record import frame
from pipeline.stages.decontaminate import Decontaminate

TRAIN = (
    "A train leaves the station at nine in the morning and travels at sixty miles an hour; "
    "how far has it gone at noon?"
)
CHINESE = "宇宙中最大的行星是哪一个，它距离太阳有多远，为什么它的表面会有一个巨大的红斑？"
THAI = "ดาวเคราะห์ดวงใดมีขนาดใหญ่ที่สุดในระบบสุริยะ และเหตุใดพื้นผิวของมันจึงมีจุดแดงขนาดใหญ่"
VIETNAMESE = (
    "Vì sao nước trà xanh bị đắng khi pha bằng nước sôi, và nên để nguội bao lâu trước khi pha?"
)
ITEMS = [asked(text) for text in (TRAIN, "Who wrote Hamlet?", CHINESE, THAI, VIETNAMESE)]


def text(content: str) -> dict[str, Any]:
    return {"source": "a.md", "text": content}


def verdict(row: dict[str, Any], items: list[dict[str, Any]], **changes: Any) -> Any:
    """Reason, value and threshold of one record."""
    records = holding(items, **changes)(frame([row]))
    told = records["rejected"][0]
    return told and (told["reason"].removeprefix("contaminated_"), told["value"], told["threshold"])


@pytest.mark.parametrize("item", [TRAIN, CHINESE, THAI, VIETNAMESE])
def test_an_item_is_found_as_it_is_and_in_other_dress(item: str) -> None:
    """As a prompt, within a document, in any turn; and with other case, punctuation, layout."""
    exact, other = ("exact", "1", None), ("normalised", "1", None)
    assert verdict(conversation(item, "x"), ITEMS) == exact
    assert verdict(text(f"# Quiz\n\nNow: {item}\n\nGood luck."), ITEMS) == exact
    assert verdict(conversation("Hi", "Hi", "Ask me.", item), ITEMS) == exact
    dressed = re.sub("[,;，?？ ]", " —\n", item.upper())
    assert verdict(text(f"Now: «{dressed}»"), ITEMS) == other


def test_a_short_item_is_found_in_any_prompt_or_line_of_one() -> None:
    """Of fewer words than a run has: as a user's turn, as a line of it or of the system prompt."""
    exact, short = ("exact", "1", None), "Who wrote Hamlet?"
    assert verdict(conversation(short, "He.", "Thanks", "Welcome"), ITEMS) == exact
    assert verdict(conversation("Hi", "Hi", short, "He."), ITEMS) == exact
    assert verdict(conversation(f"Answer in one word:\n{short}", "He."), ITEMS) == exact
    system = conversation("Go on.", "He.") | {"system": f"You are asked:\n{short}"}
    assert verdict(system, ITEMS) == exact
    assert verdict(conversation("Go on.", "He.") | {"system": f"Say this: {TRAIN}"}, ITEMS) == exact
    assert verdict(conversation("Tell me a question.", short), ITEMS) is None


def test_a_run_of_words_and_a_share_of_them() -> None:
    """13 words in a row are a run; a share counts runs of 8 that need not stand together."""
    words = TRAIN.split()
    assert verdict(text(" ".join(["So", *words[:13], "and"])), ITEMS) == ("run", "13", "13")
    assert verdict(text(" ".join(["So", *words[:12], "and"])), ITEMS) is None
    torn = f"{' '.join(words[:12])} oh {' '.join(words[12:])}"
    kept = 17 - 7  # of the runs of eight words, those that the word between does not tear
    share = ("share", str(round(kept / 17, 3)), "0.55")
    assert verdict(text(torn), ITEMS, share=0.55) == share
    assert verdict(text(torn), ITEMS, share=0.6) is None


def test_scripts_without_spaces_have_longer_runs() -> None:
    """A Chinese character counts as half a word, a Thai letter as a quarter."""
    chinese = re.sub(r"\W", "", CHINESE)
    assert verdict(text(f"你知道吗{chinese[:26]}吗"), ITEMS) == ("run", "13", "13")
    assert verdict(text(f"你知道吗{chinese[:25]}吗"), ITEMS) is None
    thai = THAI.replace(" ", "")
    assert verdict(text(f"ก{thai[:52]}ข"), ITEMS) == ("run", "13", "13")
    assert verdict(text(f"ก{thai[:51]}ข"), ITEMS) is None


def test_a_short_item_is_found_as_a_whole_only() -> None:
    """As a prompt, or a line of a document; not within a sentence, and not as an answer."""
    assert verdict(conversation("who wrote hamlet", "He did."), ITEMS)[0] == "normalised"
    assert verdict(text("# FAQ\n\n  Who wrote Hamlet?\n\nHe did."), ITEMS)[0] == "exact"
    assert verdict(text("I know who wrote Hamlet and when."), ITEMS) is None
    assert verdict(conversation("Hi", "Who wrote Hamlet?"), ITEMS) is None
    assert verdict(conversation("Name a play.", "Who wrote Hamlet?"), ITEMS) is None


def test_answers_are_looked_for_if_asked() -> None:
    """An answer is no leak by itself: refusals and the like stand everywhere."""
    answer = "It left at nine, three hours pass until noon, and three times sixty is 180 miles."
    items = [asked("How far?", answer)]
    assert verdict(text(answer), items) is None
    assert verdict(text(answer), items, completions=True)[0] == "exact"
    assert verdict(text("Yes."), [asked("How far?", "Yes.")], completions=True) is None


def test_a_template_is_not_looked_for() -> None:
    """What many items have in common is an instruction, and records may have it too."""
    frame_of = "You are a careful teacher who answers in one short sentence of plain words. Why {}?"
    whys = ("is the sky blue at noon and red in the evening, when the sun stands low",
            "do cats purr when somebody strokes them softly behind their two ears",
            "does bread rise only when it stands in a warm place for an hour")  # fmt: skip
    items = [asked(frame_of.format(why)) for why in whys]
    assert verdict(conversation(frame_of.format("do birds sing"), "x"), items) is None
    assert verdict(conversation(f"Tell me why {whys[1]}", "x"), items)[0] == "share"
    assert verdict(conversation(frame_of.format(whys[1]), "x"), items)[0] == "exact"
    (told,) = holding(items).prepared(items_of(items))["sets"].to_dicts()
    assert told["common"] > 0
    assert (told["items"], told["searched"], told["passed"]) == (3, 3, 0)


def test_what_repeats_itself_is_no_evidence() -> None:
    """A row of equal words is in many texts that have nothing to do with each other."""
    assert verdict(text("no " * 30), [asked("no " * 20 + "yes")]) is None


def test_each_set_tells_its_best_match() -> None:
    """A record that two sets ask is told of in both; the plainest kind is the reason."""
    start = " ".join(TRAIN.split()[:14])
    items = [asked(TRAIN, name="a"), asked(f"{start} on the same day", name="b"), asked(start)]
    seen = holding(items).observe(frame([text(f"Now: {TRAIN}")]))
    assert seen.matches is not None
    rows = seen.matches.select("set", "kind", "words", "items").rows()
    assert rows == [("a", "exact", 24, 1), ("b", "run", 14, 1), ("exam", "exact", 14, 1)]
    assert seen.records["rejected"][0]["reason"] == "contaminated_exact"


def test_the_place_of_the_passage_is_told() -> None:
    """Characters of the record's turn and of the item's, on both sides the same words."""
    words = TRAIN.split()
    record = conversation("Hi", "Yes?", f"Cấu 中文 hỏi: {' '.join(words[3:20])}, then", "x")
    items = [asked("Who?"), asked(f"中 {TRAIN}")]
    seen = holding(items).observe(frame([record]))
    assert seen.matches is not None
    (row,) = seen.matches.to_dicts()
    assert (row["turn"], row["item_turn"], row["item_locator"]) == (3, 1, "line=2")
    passage = " ".join(words[3:20])
    assert record["messages"][2]["text"][row["start"] : row["end"]] == passage
    assert f"中 {TRAIN}"[row["item_start"] : row["item_end"]] == passage


def test_sets_are_counted() -> None:
    """Equal items are one; an item without text, or of a template alone, is passed over."""
    rows = [*ITEMS, asked(TRAIN.upper()), {"source": "e.jsonl", "images": ["x.png"]}, asked("?!")]
    (told,) = Decontaminate().prepared(items_of(rows))["sets"].to_dicts()
    assert told == {"set": "exam", "items": 8, "searched": 4, "whole": 1, "equal": 1,
                    "passed": 2, "common": 0}  # fmt: skip


def test_without_sets_nothing_is_held_against_records() -> None:
    """The stage alone leaves every record, and says that it has no sets."""
    stage = Decontaminate()
    assert stage(frame([text(TRAIN)]))["rejected"].null_count() == 1
    assert stage.evaluation_sets is None
    assert holding(ITEMS).evaluation_sets == "digest"


VOCABULARY = ["tea", "Cup", "hot,", "leaf", "the", "中", "文", "ก"]
texts = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=24).map(" ".join)


@given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, min_size=1, max_size=2))
@settings(derandomize=True, deadline=None, max_examples=150, database=None)
def test_runs_are_those_of_a_plain_search(records: list[str], items: list[str]) -> None:
    """The longest passage and the share are what a search word by word finds."""
    stage = holding((asked(one) for one in items), words=5, share_words=5, share=0.5)
    seen = stage.observe(frame(text(one) | {"locator": str(n)} for n, one in enumerate(records)))
    found = {} if seen.matches is None else {row["id"]: row for row in seen.matches.to_dicts()}
    distinct = list({tuple(plain(one)): one for one in items}.values())
    for own, record in zip(seen.records["id"], records, strict=True):
        expected = [found_by_hand(record, item) for item in distinct]
        best = max([one for one in expected if one], default=None)
        got = found.get(own)
        assert (got is None) == (best is None)
        if got is not None and best is not None and got["kind"] in {"run", "share"}:
            assert (got["kind"] == "run", got["share"], got["words"]) == best


def plain(content: str) -> list[str]:
    return content.casefold().replace(",", "").split()


def found_by_hand(record: str, item: str) -> tuple[bool, float, float] | None:
    """(whether by a run, share, words) with width 5 for words; None if there is too little."""
    own, there = plain(record), plain(item)
    signs = [sum(one in script for one in there) for script in ("teacuphotleafthe", "中文", "ก")]
    script = (1, 2, 4)[signs.index(max(signs))]
    width = 5 * script
    runs = [tuple(there[n : n + width]) for n in range(len(there) - width + 1)]
    telling = [n for n, run in enumerate(runs) if no_five_twice(run)]
    mine = [tuple(own[n : n + width]) for n in range(len(own) - width + 1)]
    if not telling:
        equal = own == there
        return (False, 1.0, len(own) / script) if equal else None
    share = round(sum(runs[n] in mine for n in telling) / len(telling), 4)
    longest = 0
    for at, first in enumerate(mine):
        for place in telling:
            size = 0
            while (
                place + size in telling
                and at + size < len(mine)
                and mine[at + size] == runs[place + size]
            ):
                size += 1
            if size and first == runs[place]:
                longest = max(longest, size + width - 1)
    if not longest or (longest < width and share < 0.5):
        return None
    return (True, share, longest / script)


def no_five_twice(run: tuple[str, ...]) -> bool:
    fives = [run[n : n + 5] for n in range(len(run) - 4)]
    return len(set(fives)) == len(fives)


def test_words_must_not_be_fewer_than_those_of_the_share() -> None:
    """A run shorter than the runs that are looked up would never be found."""
    with pytest.raises(ValueError, match="words must not be less than share_words"):
        Decontaminate(words=7)


@given(st.lists(st.text(max_size=30) | texts, max_size=6))
@settings(derandomize=True, deadline=None, max_examples=100, database=None)
def test_words_and_grams_are_those_of_the_kernel(contents: list[str]) -> None:
    """Five-word hashes made of words are the compiled kernel's, and words stand where they say."""
    known = [one.encode("utf-8", "replace").decode() for one in contents]
    words = passages.words_of(known)
    kernel = gram_rows(pl.Series(known, dtype=pl.String), WORD_RULES["unicode"])
    grams = passages.gram_hashes(words.hashes)
    for number, row in enumerate(kernel):
        first, count = int(words.firsts[number]), int(words.counts[number])
        assert len(row) // 4 == (count - 4 if count > 4 else min(count, 1))
        if count > 4:
            assert grams[first : first + count - 4].astype("<u4").tobytes() == row
    for owner, start, end in zip(words.owners, words.starts, words.ends, strict=True):
        word = known[owner][start:end]
        assert word
        assert passages.words_of([word]).counts[0] == 1
