"""`teacher`: what becomes of a document by what a model has answered, and of a quote in a text."""

from __future__ import annotations

import json
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.record import frame
from pipeline.settle import chunks_apart, settle
from pipeline.stages.grounding import Passage, plain
from pipeline.stages.teacher import Teacher
from pipeline.stages.teacher_answers import Answers, answer_line, digest_answers, read_pairs
from pipeline.stages.teacher_requests import passages, request_key

TEXT = (
    "Trà sen được ướp trong một đêm.\n\nThe tea takes the scent\n of lotus flowers in one night. "
    * 3
)
GOOD = {
    "prompt": "How long does it take?",
    "completion": "One night.",
    "quote": "lotus flowers in one night",
}


def answered(folder: Path, stage: Teacher, answers: dict[str, dict[str, Any]]) -> Teacher:
    """The stage with a file of what was answered about passages."""
    path = folder / "answers.jsonl"
    lines = {
        stage.key(passage): {"model": stage.model, "stop": "end_turn"} | answer
        for passage, answer in answers.items()
    }
    path.write_bytes(b"".join(answer_line({"key": k} | lines[k]) for k in sorted(lines)))
    return stage.placed(path, digest_answers(path))


def taught(folder: Path, answer: dict[str, Any] | list[Any], **settings: Any) -> pl.DataFrame:
    """What becomes of `TEXT` by an answer, or by a list of pairs."""
    if isinstance(answer, list):
        answer = {"text": json.dumps({"pairs": answer})}
    records = frame([{"source": "a.md", "locator": "page=3", "text": TEXT, "language": "en"}])
    stage = answered(folder, Teacher(**settings), {TEXT.strip(): answer})
    made = stage(records)
    hold(records, made)
    return made


def hold(records: pl.DataFrame, made: pl.DataFrame) -> None:
    """To the law: records are divided, then chunks of them are rejected."""
    divided, judged = chunks_apart(records, made)
    settle("teacher.chunks", settle("teacher", records, divided).kept, judged)


def reasons(made: pl.DataFrame) -> list[tuple[str, str, str] | None]:
    return [
        row and (row["reason"], row["value"], row["threshold"])
        for row in made["rejected"].to_list()
    ]


def test_a_pair_says_where_its_quote_stands(tmp_path: Path) -> None:
    """The quote's white space may differ; the locator's characters are those of the document."""
    quote = {**GOOD, "quote": "The tea takes the scent of lotus flowers"}
    made = taught(tmp_path, [quote, {**GOOD, "quote": TEXT[:20]}])
    assert reasons(made) == [None, None]
    assert made["messages"][0].to_list() == [
        {"role": "user", "text": GOOD["prompt"]},
        {"role": "assistant", "text": GOOD["completion"]},
    ]
    places = [place.removeprefix("page=3;chars=").split("-") for place in made["locator"]]
    spans = [TEXT[int(start) : int(end)] for start, end in places]
    assert [plain(span) for span in spans] == [quote["quote"], plain(TEXT[:20])]
    assert made["text"].to_list() == [None, None]
    assert made["language"].to_list() == ["en", "en"]


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ({**GOOD, "quote": "The tea takes the scent of roses"},
         ("quote_not_in_source", str(len("The tea takes the scent of ")), "32")),
        ({**GOOD, "quote": "the tea takes the scent"}, ("quote_not_in_source", "4", "23")),
        ({**GOOD, "quote": "one night"}, ("quote_too_short", "9", "12")),
        ({**GOOD, "quote": " "}, ("pair_incomplete", "quote", None)),
        ({"prompt": 3, "quote": GOOD["quote"]}, ("pair_incomplete", "prompt, completion", None)),
        ("no object", ("pair_incomplete", "prompt, completion, quote", None)),
    ],
)  # fmt: skip
def test_a_pair_that_does_not_hold_is_rejected(tmp_path: Path, pair: Any, expected: Any) -> None:
    """With the reason; the pair beside it is kept."""
    made = taught(tmp_path, [pair, GOOD])
    assert reasons(made) == [expected, None]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"text": "Here you are: {}"}, "teacher_malformed"),
        ({"text": '{"pairs": [{"prompt": "q"'}, "teacher_malformed"),
        ({"text": '{"pairs": "none"}'}, "teacher_malformed"),
        ({"text": "[" * 100_000}, "teacher_malformed"),
        ({"text": ""}, "teacher_malformed"),
        ({"text": '{"pairs": []}'}, "teacher_no_pairs"),
        ({"text": json.dumps([GOOD]), "stop": "max_tokens"}, "teacher_cut_off"),
        ({"text": "", "stop": "guardrail_intervened"}, "teacher_blocked"),
        ({"text": "", "stop": "content_filtered"}, "teacher_blocked"),
    ],
)
def test_an_answer_without_pairs_rejects_the_document(
    tmp_path: Path, answer: dict[str, Any], reason: str
) -> None:
    """Under its own name, where it is one passage."""
    made = taught(tmp_path, answer)
    assert [row["reason"] for row in made["rejected"].to_list()] == [reason]
    assert made["locator"].to_list() == ["page=3"]
    assert made["text"].to_list() == [TEXT]


def test_pairs_are_read_in_the_forms_that_models_write() -> None:
    """Bare, as a list, in a fence; nothing is picked out of prose."""
    whole = json.dumps({"pairs": [GOOD]})
    for text in (whole, json.dumps([GOOD]), f"```json\n{whole}\n```", f" \n{whole}\n"):
        assert read_pairs(text) == [GOOD]
    assert read_pairs(f"Sure!\n{whole}") is None


def test_each_passage_is_answered_for_itself(tmp_path: Path) -> None:
    """Answers, missing answers and passages that are too short stand beside each other."""
    parts = [f"Passage {n} of the book says {n} things. " * 8 for n in range(3)]
    text = "\n\n".join(parts)
    stage = Teacher(max_characters=400)
    cuts = [text[start:end] for start, end in passages(text, 400)]
    assert [cut.split(" of")[0] for cut in cuts] == ["Passage 0", "Passage 1", "Passage 2"]
    told = {**GOOD, "quote": "Passage 1 of the book"}
    stage = answered(tmp_path, stage, {cuts[1]: {"text": json.dumps([told])}})
    records = frame(
        [
            {"source": "b", "text": text},
            {"source": "c", "text": "short"},
            {"source": "d", "text": " "},
        ]
    )
    made = stage(records)
    hold(records, made)
    first, second, third, short, blank = made.to_dicts()
    assert [row["rejected"] and row["rejected"]["reason"] for row in (first, second, third)] == [
        "teacher_not_asked", None, "teacher_not_asked",
    ]  # fmt: skip
    assert first["rejected"]["value"] == stage.key(cuts[0])
    start, end = map(int, second["locator"].removeprefix("chars=").split("-"))
    assert text[start:end] == "Passage 1 of the book"
    assert short["rejected"]["reason"] == "passage_too_short"
    assert short["id"] == records["id"][1]
    assert blank["rejected"] is None


def test_conversations_and_images_stay(tmp_path: Path) -> None:
    """They are nothing to ask about."""
    talk = [{"role": "user", "text": "q"}, {"role": "assistant", "text": "a"}]
    records = frame(
        [{"source": "a", "messages": talk}, {"source": "b", "text": TEXT, "images": ["c.png"]}]
    )
    assert answered(tmp_path, Teacher(), {})(records).equals(records)


def test_what_is_asked_names_the_answer() -> None:
    """Another model, passage or setting is another question; where the answers lie is not."""
    keys = [
        Teacher().key("a"), Teacher().key("b"), Teacher(model="nova-lite").key("a"),
        Teacher(pairs=4).key("a"), Teacher(instruction="Be brief.").key("a"),
        Teacher(max_tokens=100).key("a"), Teacher(temperature=1).key("a"),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert Teacher(answers="b.jsonl").key("a") == Teacher().key("a")
    assert "temperature" not in Teacher(temperature=None).body("a")["inferenceConfig"]


def test_answers_that_change_during_a_run_end_it(tmp_path: Path) -> None:
    """The run's digest names the answers that it began with."""
    stage = answered(tmp_path, Teacher(), {TEXT.strip(): {"text": "[]"}})
    assert stage.answers_sha256 in stage.model_dump_json()
    (tmp_path / "answers.jsonl").write_bytes(answer_line({"key": "0" * 32, "model": "m"}))
    with pytest.raises(OSError, match="has changed since the run began"):
        stage(frame([{"source": "a", "text": TEXT}]))


@given(keys=st.sets(st.integers(0, 2**128 - 1), max_size=60), other=st.integers(0, 2**128 - 1))
def test_answers_are_found_by_bisection(
    tmp_path_factory: pytest.TempPathFactory, keys: set[int], other: int
) -> None:
    """Every one, by lines of any length, and none that is not there."""
    path = tmp_path_factory.mktemp("answers") / "answers.jsonl"
    lines = {f"{key:032x}": {"model": "m", "text": "x" * (key % 300)} for key in keys}
    path.write_bytes(b"".join(answer_line({"key": key} | lines[key]) for key in sorted(lines)))
    digest_answers(path)
    answers = Answers(path)
    for key, line in lines.items():
        assert answers.get(key) == {"key": key} | line
    if other not in keys:
        assert answers.get(f"{other:032x}") is None


BROKEN = b'{"key": "' + b"0" * 32 + b'", "model"'


@pytest.mark.parametrize("lines", [b"{}\n", b"no\n", BROKEN, BROKEN + b"}\n"])
def test_a_file_that_holds_no_answers_is_told(tmp_path: Path, lines: bytes) -> None:
    """By the line; a line without an end is none, nor one that is no JSON."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(answer_line({"key": "0" * 31 + "1", "model": "m"}) + lines)
    with pytest.raises(ValueError, match=r"a\.jsonl:2: is not an answer"):
        digest_answers(path)


WORDS = st.text(
    st.sampled_from("aeoê \n\tọ\u0301\u0323\u0302각ᄀ\u1161\u11a8\u212bé。"), max_size=40
)


@given(before=WORDS, quote=WORDS, after=WORDS, form=st.sampled_from(["NFC", "NFD"]))
def test_a_quote_is_found_however_it_is_normalised(
    before: str, quote: str, after: str, form: Any
) -> None:
    """Where the composed text holds the composed quote, the span says the same; else nothing is."""
    text = before + quote + after
    span = Passage(text).find(unicodedata.normalize(form, quote))
    holds = bool(plain(quote)) and plain(quote) in plain(text)
    if span is None:
        assert not holds
        return
    assert holds
    found = text[span[0] : span[1]]
    assert plain(quote) in plain(found)
    if unicodedata.is_normalized("NFC", text):
        assert plain(found) == plain(quote)
    assert Passage(text).common(quote) == len(plain(quote))


@given(text=st.text(st.sampled_from("ab.。 \n#é\u0301"), max_size=300), most=st.integers(1, 60))
def test_passages_hold_all_that_is_not_blank(text: str, most: int) -> None:
    """In order, without overlap, none too long."""
    cut = list(passages(text, most))
    assert all(0 < end - start <= most for start, end in cut)
    assert all(one[1] <= other[0] for one, other in pairwise(cut))
    assert "".join(text[start:end] for start, end in cut).split() == text.split() or (
        "".join("".join(text[start:end] for start, end in cut).split()) == "".join(text.split())
    )


def test_the_key_is_of_model_and_body() -> None:
    """Pinned: another key would ask everything anew."""
    assert request_key("m", {"a": "é"}) == request_key("m", json.loads('{"a": "\\u00e9"}'))
    assert request_key("m", {"a": "é"}) == "e165b7b43c2350399ed813e4682bd198"
