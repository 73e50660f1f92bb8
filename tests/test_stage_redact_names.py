"""`redact` with a model: names found, marked, replaced and rejected, and nothing else touched."""

from __future__ import annotations

import io
import json
import re
import socket
import unicodedata
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import latest, read_jsonl, tree_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy_models import FAMILY, GIVEN, PLACES, ruled, sentences

from pipeline import execution
from pipeline.memory import Share
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.record import frame
from pipeline.run import Options, prepare
from pipeline.stages import names
from pipeline.stages.marks import MARKS
from pipeline.stages.names import LONGEST, outside, pieces
from pipeline.stages.redact import Redact

KEY = "a key that nobody else knows"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model is loaded and used without a connection."""

    def refuse(*_: Any) -> None:
        raise AssertionError("connected")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann, Ann Lee and Bob are people, Ty Ltd is an organization; and what follows a mark."""
    after_mark = [{"TEXT": "]"}, {"LOWER": "x"}]
    spanning = [{"LOWER": "dear"}, {"IS_ASCII": True, "OP": "{3}"}]
    patterns: list[tuple[str, Any]] = [
        ("PER", name) for name in ("Ann", "Ann Lee", "Bob", "ann@x.co", "42", "王芳")
    ]
    patterns += [("PER", [{"TEXT": {"REGEX": "5f2c91d07a44"}}])]
    patterns += [("PER", "Lê Hòa"), ("PER", unicodedata.normalize("NFD", "Lê Hòa"))]
    more = [
        ("ORG", "Ty Ltd"),
        ("PER", after_mark),
        ("PER", spanning),
        ("PER", "Bob "),
        ("LOC", "Rome"),
    ]
    return ruled(tmp_path_factory.mktemp("rules") / "model", *patterns, *more)


def redact(model: Path, *kinds: str, **more: Any) -> Redact:
    return Redact(kinds=list(kinds or ["person"]), ner_model=str(model), **more)  # type: ignore[arg-type]


def texts(stage: Redact, *given: str) -> list[str]:
    rows = [{"source": str(number), "text": text} for number, text in enumerate(given)]
    return stage(frame(rows))["text"].to_list()


def marked(text: str, entities: list[tuple[int, int, str]]) -> str:
    for start, end, label in reversed(entities):
        text = text[:start] + {"PER": "[PERSON]", "LOC": "[PLACE]"}[label] + text[end:]
    return text


def test_a_tokenizer_that_changes_the_text_is_told(
    rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The places that the model tells would be those of another text."""
    import spacy

    stage, other = redact(rules), spacy.blank("xx")
    tokenizer = other.tokenizer
    other.tokenizer = lambda text: tokenizer(text.lower())
    monkeypatch.setattr(names, "load_model", lambda _: other)
    with pytest.raises(OSError, match="its tokenizer changes the text"):
        texts(stage, "A text that no other test has: Ann.")


def test_a_trained_model_finds_names_in_two_languages(names_folder: Path) -> None:
    """What it has learnt, where it stands; places only where they are asked for."""
    own = list(sentences(200, seed=1))
    found = texts(redact(names_folder, "person", "place"), *(text for text, _ in own))
    right = sum(text == marked(*one) for text, one in zip(found, own, strict=True))
    assert right >= 195
    [only] = texts(redact(names_folder), "Ann Smith called us yesterday. They live in Leeds.")
    assert only == "[PERSON] called us yesterday. They live in Leeds."


def test_every_text_of_a_record_is_looked_at(rules: Path) -> None:
    """Text, system prompt, turns, and tools' arguments to their keys; each value is counted."""
    turns = [{"role": "user", "text": "I am Ann."}, {"role": "assistant", "text": "Hello Ann Lee."}]
    tool = {"content": [{"toolUse": {"name": "Bob", "input": {"to": "Bob", "Ann": "Ty Ltd"}}}]}
    extra = json.dumps({"converse_messages": [tool], "reasoning": "It is Ann Lee."})
    rows: list[dict[str, Any]] = [
        {"source": "a", "system": "You serve Ann.", "messages": turns, "extra": extra},
        {"source": "b", "text": "Bob of Ty Ltd, bob@x.co"},
        {"source": "c", "text": "nobody"},
    ]
    records = frame(rows)
    seen = redact(rules, "email", "person", "organization").observe(records)
    after = seen.records
    assert after["system"][0] == "You serve [PERSON]."
    told = [turn["text"] for turn in after["messages"][0]]
    assert told == ["I am [PERSON].", "Hello [PERSON]."]
    assert json.loads(after["extra"][0]) == {
        "converse_messages": [
            {"content": [{"toolUse": {
                "name": "Bob", "input": {"to": "[PERSON]", "[PERSON]": "[ORGANIZATION]"}}}]}
        ],
        "reasoning": "It is [PERSON].",
    }  # fmt: skip
    assert after["text"].to_list() == [None, "[PERSON] of [ORGANIZATION], [EMAIL]", "nobody"]
    a, b, _ = records["id"]
    assert isinstance(seen.tallies, pl.DataFrame)
    counts = [(a, "person", 6), (a, "organization", 1), (b, "person", 1)]
    counts += [(b, "organization", 1), (b, "email", 1)]
    assert sorted(seen.tallies.rows()) == sorted(counts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to ann@x.co and", "to [EMAIL] and"),  # the model takes the address for a name
        ("Bob  is", "[PERSON]  is"),  # white space is no part of a name
        ("42 is", "42 is"),  # nor is a number one
        ("[PERSON] [EMAIL_5f2c91d07a44] [PHONE]", "[PERSON] [EMAIL_5f2c91d07a44] [PHONE]"),
        ("[Ann]", "[[PERSON]]"),
        ("王芳", "[PERSON]"),  # no capital tells of it
        ("dear [PERSON] Tom", "[PERSON] [PERSON] Tom"),  # what is left of a span beside a mark
        ("Ann x x x x y", "[PERSON] [PERSON] [PERSON] [PERSON] [PERSON] y"),
    ],
)  # fmt: skip
def test_marks_and_what_has_a_form_go_before_names(rules: Path, text: str, expected: str) -> None:
    """Names never overlap them, a mark is never marked, and a second pass finds nothing."""
    stage = redact(rules, "person", "email")
    assert texts(stage, text) == [expected]
    assert texts(stage, expected) == [expected]


def test_one_person_one_stand_in(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the words are set, capitals, blanks and composed letters; by kind and key."""
    monkeypatch.setenv("BEDROCK_PREP_PSEUDONYM_KEY", KEY)
    stage = redact(rules, "person", "organization", actions={"person": "pseudonym"})
    composed = unicodedata.normalize("NFC", "Lê Hòa")
    given = ["Ann Lee", "Bob", composed, unicodedata.normalize("NFD", composed), "Ty Ltd"]
    ann, bob, one, same, firm = texts(stage, *given)
    assert re.fullmatch(r"\[PERSON_[0-9a-f]{12}\]", ann)
    assert ann != bob
    assert one == same
    assert firm == "[ORGANIZATION]"
    assert texts(stage, ann) == [ann]
    assert stage._place("person", "ANN\n  lee") == ann
    monkeypatch.setenv("BEDROCK_PREP_PSEUDONYM_KEY", KEY + "!")
    assert texts(redact(rules, action="pseudonym"), "Ann Lee") != [ann]


def test_records_can_be_rejected_for_a_name(rules: Path) -> None:
    """For the kinds that say so; an address that a model takes for a name is none."""
    stage = redact(
        rules, "person", "place", "email", "organization",
        actions={"person": "reject", "place": "reject"},
    )  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"source": "a", "text": "Ann at Ty Ltd"},
        {"source": "b", "text": "ann@x.co at Ty Ltd"},
        {"source": "c", "text": "in Rome"},
        {
            "source": "d",
            "messages": [{"role": "user", "text": "Bob"}, {"role": "assistant", "text": "?"}],
        },
    ]
    after = stage(frame(rows))
    assert after["text"].to_list() == [
        "Ann at Ty Ltd",
        "[EMAIL] at [ORGANIZATION]",
        "in Rome",
        None,
    ]
    told = [None if one is None else (one["reason"], one["value"]) for one in after["rejected"]]
    person, place = ("personal_data", "person"), ("personal_data", "place")
    assert told == [person, None, place, person]


def test_long_texts_are_cut_and_their_names_found_where_they_stand(
    names_folder: Path, rules: Path
) -> None:
    """Across 40 cuts, to the character."""
    own = list(sentences(2_000, seed=2))
    whole = "\n".join(text for text, _ in own)
    assert len(whole) > 8 * LONGEST
    [after] = texts(redact(names_folder, "person", "place"), whole)
    lines = zip(after.split("\n"), own, strict=True)
    assert sum(line == marked(*one) for line, one in lines) >= 1_950
    [after] = texts(redact(rules), "Bob met Ann Lee in Wien, " * 20_000)
    assert after == "[PERSON] met [PERSON] in Wien, " * 20_000


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("aaaaaa\n\nb\nc. d ee", 8), ("aaaaaaa\nb. c ddee", 8), ("aaaaaaa. b cccccc", 9),
        ("aaaaaaaaaa bb cc", 11), ("aaaaaaaaaaaaaaaa", 12), ("aaaaaa茶。bbbbbbb", 8),
    ],
)  # fmt: skip
def test_a_text_is_cut_at_a_line_a_sentence_or_a_word(
    monkeypatch: pytest.MonkeyPatch, text: str, cut: int
) -> None:
    """In this order, in the second half of what a model sees at once."""
    monkeypatch.setattr(names, "LONGEST", 12)
    assert next(pieces(text)) == (0, cut)


WORDS = [
    *GIVEN, *FAMILY, *PLACES, "called", "đã gọi", "tea", ".", "\n", " ", "[PERSON]", "a@b.co",
    "[EMAIL_5f2c91d07a44]", "[", "]", "0912345678", "茶", "e\u0302", "Please write to",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, longest=st.sampled_from([20, 200, LONGEST]))
def test_what_is_no_name_stays_and_a_second_pass_finds_nothing(
    names_folder: Path, text: str, longest: int
) -> None:
    """Whatever the model takes for a name, and wherever it is cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "LONGEST", longest)
        names._names.cache_clear()
        cuts = list(pieces(text))
        assert "".join(text[start:end] for start, end in cuts) == text
        assert all(end - start <= longest for start, end in cuts)
        stage = redact(names_folder, "person", "place", "phone", "email")
        [after] = texts(stage, text)
        assert texts(stage, after) == [after]
        names._names.cache_clear()
    kept = [re.escape(piece) for piece in MARKS.split(after)]
    assert re.fullmatch("(?s:.+?)".join(kept), text)
    assert len(MARKS.findall(after)) >= len(MARKS.findall(text))


@given(
    st.tuples(st.integers(0, 30), st.integers(0, 30)).filter(lambda span: span[0] < span[1]),
    st.lists(st.integers(0, 30), max_size=8, unique=True),
)
def test_what_is_outside_of_marks(span: tuple[int, int], ends: list[int]) -> None:
    """Character by character."""
    ends = sorted(ends)
    marks = list(zip(ends[::2], ends[1::2], strict=False))
    left = [at for one in outside(span, marks) for at in range(*one)]
    inside = {at for one in marks for at in range(*one)}
    assert left == [at for at in range(*span) if at not in inside]


RECIPE = """
name: names
sources: [{path: docs/}]
stages:
  - clean
  - redact: {kinds: [email, person, place], ner_model: model}
targets: {corpus: {format: pretraining}}
split: {validation: 0}
"""


def test_a_run_gives_the_same_bytes_in_any_number_of_workers(
    names_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_gate: None
) -> None:
    """Each loads the model for itself; its folder is found from the recipe's."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "model").symlink_to(names_folder)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    for number in range(12):
        own = "\n".join(text for text, _ in sentences(10 + number, seed=number))
        (tmp_path / f"docs/{number}.txt").write_text(own + f"\nann{number}@x.co")
    for workers, shard_bytes in ((1, 1 << 20), (2, 1_000)):
        share = Share(workers, shard_bytes)
        monkeypatch.setattr(execution, "share_memory", lambda *_, share=share: share)
        monkeypatch.setattr(execution, "NEW_ALONE", -1)
        options = Options(str(tmp_path / str(workers)), workers)
        recipe = load_recipe(tmp_path / "recipe.yaml")
        prepare(recipe, tmp_path, options, Lines(io.StringIO(), as_json=False))
    assert tree_bytes(tmp_path / "1") == tree_bytes(tmp_path / "2")
    folder = latest(tmp_path / "1")
    lines = read_jsonl(folder / "corpus/train.jsonl")
    assert len(lines) == 12
    assert all("[PERSON]" in line["input"] and "[EMAIL]" in line["input"] for line in lines)
    told = json.loads((folder / "manifest.json").read_text())
    assert set(told["tallies"]["redact"]) == {"email", "person", "place"}
    report = json.loads((folder / "report.json").read_text())
    assert report["samples"] == "none"  # no form to mask a name by
    assert not any(name in (folder / "report.html").read_text() for name in ("Ann", "Trần"))
