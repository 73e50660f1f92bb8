"""Tools, reasoning and reference answers: read from both shapes, kept true through the stages."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from conftest import SAMPLE
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from pipeline.bedrock.cards import find_card
from pipeline.checks.standard import Standard, validator
from pipeline.checks.turns import conversation_faults, takes_turns
from pipeline.readers.conventions import Columns, fields, layout
from pipeline.readers.jsonl import JsonlReader
from pipeline.readers.rows import UnreadableError
from pipeline.record import frame
from pipeline.source import SourceFile, Unit
from pipeline.stages import STAGES
from pipeline.stages.redact import Redact
from pipeline.targets import TARGETS
from pipeline.targets.contract import Place

PARAMETERS = {"type": "object", "properties": {"id": {"type": "string"}}}
SPEC = {"name": "look", "description": "Looks an order up.", "inputSchema": {"json": PARAMETERS}}
CONFIG = {"tools": [{"toolSpec": SPEC}]}
FUNCTION = {"name": "look", "description": "Looks an order up.", "parameters": PARAMETERS}
TOOLS = [{"type": "function", "function": FUNCTION}]


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"text": b} if type(b) is str else b for b in blocks]}


def assistant(*blocks: Any) -> dict[str, Any]:
    return user(*blocks) | {"role": "assistant"}


def call(number: str = "1", name: str = "look", **given: Any) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": number, "name": name, "input": given}}


def result(number: str = "1", *content: Any) -> dict[str, Any]:
    return {"toolResult": {"toolUseId": number, "content": list(content) or [{"text": "sent"}]}}


def thought(text: str) -> dict[str, Any]:
    return {"reasoningContent": {"reasoningText": {"text": text}}}


CONVERSE = [
    user("Where is 7?"),
    assistant("I look.", call(id="7")),
    user(result()),
    assistant("It is sent."),
]
OPENAI_CALL = {"id": "1", "type": "function", "function": {"name": "look"}}


def openai_call(arguments: Any = '{"id": "7"}', **more: Any) -> dict[str, Any]:
    function = {"name": "look", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [OPENAI_CALL | {"function": function}]} | more


OPENAI = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Where is 7?"},
    openai_call(content="I look."),
    {"role": "tool", "tool_call_id": "1", "content": "sent"},
    {"role": "assistant", "content": "It is sent.", "tool_calls": None},
]


def record(row: dict[str, Any], columns: Columns | None = None) -> dict[str, Any]:
    """The record columns of a row, `extra` parsed; nulls left out."""
    found = fields(row, layout(row.keys(), columns), "rows.jsonl")
    told = {name: value for name, value in found.items() if value is not None}
    return told | {"extra": json.loads(told["extra"])} if "extra" in told else told


def of(*messages: Any, **more: Any) -> dict[str, Any]:
    """A row of the Converse shape with its tool."""
    return {"messages": list(messages), "toolConfig": CONFIG} | more


def records(*rows: dict[str, Any]) -> pl.DataFrame:
    """The rows as the reader hands them to the stages."""
    made = [fields(row, layout(row.keys()), "a.jsonl") for row in rows]
    return frame(
        row | {"source": "a.jsonl", "locator": f"line={number}"} for number, row in enumerate(made)
    )


def lines(made: pl.DataFrame, name: str = "conversation", **settings: Any) -> list[Any]:
    """Each rendered line as JSON, or the reason why there is none."""
    rendered = TARGETS[name](**settings).render(made, Place("s3://b/", "111122223333"))
    rows = zip(rendered["line"], rendered["rejected"], strict=True)
    return [json.loads(line) if line else mark["reason"] for line, mark in rows]


def reasons(*stages: Any, of_rows: list[dict[str, Any]]) -> list[str | None]:
    made = records(*of_rows)
    for stage in stages:
        if hasattr(stage, "sketch"):
            votes = stage.decide(stage.sketch(made)).select("id", vote="rejected")
            joined = made.join(votes, on="id", how="left", maintain_order="left")
            made = joined.with_columns(rejected=pl.coalesce("rejected", "vote")).drop("vote")
        else:
            made = stage(made)
    return [mark and mark["reason"] for mark in made["rejected"]]


def test_both_shapes_are_one_record() -> None:
    """Blocks stay verbatim in `extra`; the turns are texts, calls and results among them."""
    converse = record(of(*CONVERSE, system=[{"text": "Be kind."}]))
    openai = record({"messages": OPENAI, "tools": TOOLS})
    assert converse["extra"] == {"converse_messages": CONVERSE, "toolConfig": CONFIG}
    assert openai["extra"] == {"converse_messages": CONVERSE, "tools": TOOLS}
    assert converse["system"] == openai["system"] == "Be kind."
    assert converse["messages"] == openai["messages"]
    turns = converse["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2
    said = 'I look.\n```json\n{"toolUse":{"toolUseId":1,"name":"look","input":{"id":"7"}}}\n```'
    assert [turns[0]["text"], turns[1]["text"]] == ["Where is 7?", said]
    first, second = lines(records(of(*CONVERSE), {"messages": OPENAI[1:], "tools": TOOLS}))
    assert first == second


def test_what_tools_answer_is_one_turn_of_the_user() -> None:
    """Several results, and the user's words after them; two messages by the user stay two."""
    calls = openai_call()["tool_calls"] + [openai_call()["tool_calls"][0] | {"id": "2"}]
    answers = [{"role": "tool", "tool_call_id": n, "content": n} for n in ("2", "1")]
    ask = {"role": "user", "content": "And?"}
    given = [OPENAI[1], {"role": "assistant", "content": "", "tool_calls": calls}, *answers, ask]
    turns = record({"messages": [*given, ask, OPENAI[-1]]})["extra"]["converse_messages"]
    assert turns[1]["content"] == [call("1", id="7"), call("2", id="7")]
    expected = [result("2", {"text": "2"}), result("1", {"text": "1"}), "And?"]
    assert turns[2:4] == [user(*expected), user("And?")]


def test_reasoning() -> None:
    """Before the last answer it is one text, which text formats may leave out; else a block."""
    last = {"role": "assistant", "content": "A", "reasoning_content": "hm"}
    found = record({"messages": [{"role": "user", "content": "Q"}, last]})
    assert found["extra"] == {"reasoning": "hm"}
    assert [turn["text"] for turn in found["messages"]] == ["Q", "A"]
    signed = thought("hm")
    signed["reasoningContent"]["reasoningText"] |= {"signature": "x"}
    assert record({"messages": [user("Q"), assistant(signed, "A")]}) == found
    early = [user("Q"), assistant(thought("hm"), "A"), user("R"), assistant("B")]
    assert record({"messages": early})["extra"] == {"converse_messages": early}
    late = record({"messages": [user("Q"), assistant("A", thought("hm"))]})
    assert late["extra"]["converse_messages"][1]["content"] == [{"text": "A"}, thought("hm")]
    tagged = {"messages": [user("Q"), assistant("<think>hm</think>A")]}
    assert "extra" not in record(tagged)
    assert record(tagged)["messages"][1]["text"] == "<think>hm</think>A"


def test_what_tables_and_logs_add_is_left_out() -> None:
    """Nulls for missing keys, blank texts beside calls, a status of success."""
    nulls = {"text": None, "toolUse": None, "toolResult": None}
    given = [
        user(nulls | {"text": "Where is 7?"}),
        assistant(nulls | {"text": " \n"}, nulls | call(id="7")),
        user({"toolResult": {**result()["toolResult"], "status": "success"}}),
        assistant(nulls | {"text": "It is sent."}),
    ]
    found = record(of(*given))["extra"]["converse_messages"]
    assert found == [CONVERSE[0], assistant(call(id="7")), *CONVERSE[2:]]
    plain = record({"messages": [given[0], given[3]]})
    assert "extra" not in plain
    assert plain["messages"][1]["text"] == "It is sent."


ASK, SENT = user("Q"), assistant("A")
TWICE = assistant(call(), call())
IMAGE = {"image": {"format": "png"}}
SENT_BACK = result()["toolResult"]


@pytest.mark.parametrize(
    ("messages", "reason", "value"),
    [
        ([ASK, assistant(call()), user(result("2")), SENT], "read.tool_result_without_call", "2"),
        ([user(result()), assistant(call())], "read.tool_result_without_call", "1"),
        ([ASK, TWICE, user(result()), SENT], "read.tool_use_id_twice", "1"),
        ([ASK, assistant(call()), user(result(), result()), SENT], "read.tool_result_twice", "1"),
        ([ASK, assistant(call()), user("?"), SENT], "read.tool_result_missing", "1"),
        ([ASK, assistant(call("1", "hear"))], "read.tool_not_declared", "hear"),
        ([user(call())], "read.block_in_wrong_turn", "toolUse"),
        ([ASK, assistant(result())], "read.block_in_wrong_turn", "toolResult"),
        ([user(thought("hm"))], "read.block_in_wrong_turn", "reasoningContent"),
        ([ASK, assistant(call("1", " "))], "read.bad_tool_call", "no name"),
        ([ASK, assistant(call(""))], "read.bad_tool_call", "look: no id"),
        ([ASK, assistant({"toolUse": 7})], "read.bad_tool_call", "toolUse: number"),
        ([ASK, openai_call("{id: 7}")], "read.bad_arguments", "look"),
        ([ASK, openai_call("[7]")], "read.bad_arguments", "look"),
        ([ASK, openai_call('{"id": 1, "id": 2}')], "read.bad_arguments", "look"),
        ([ASK, openai_call('{"a":' * 70 + "1" + "}" * 70)], "read.bad_arguments", "look"),
        ([ASK, openai_call(None)], "read.bad_arguments", "look"),
        ([user(IMAGE), assistant(call())], "read.unsupported_content", "image"),
        ([ASK, assistant(call()), user(result("1", IMAGE))], "read.unsupported_content", "image"),
        ([ASK, assistant({"toolUse": call()["toolUse"] | {"type": "server"}})],
         "read.unsupported_content", "toolUse.type"),
        ([ASK, assistant({"toolUse": {}, "text": "x"})], "read.unsupported_content", "toolUse"),
        ([ASK, assistant(call()), user({"toolResult": SENT_BACK | {"status": "error"}})],
         "read.unsupported_content", "toolResult.status: error"),
        ([ASK, assistant({"reasoningContent": {"redactedContent": "x"}})],
         "read.unsupported_content", "reasoningContent.redactedContent"),
        ([ASK, {"role": "assistant", "audio": {"id": "x"}, "content": "A"}],
         "read.unsupported_content", "audio"),
        ([ASK, assistant(call()), {"role": "tool", "tool_call_id": "1", "content": None}],
         "read.not_text", "content: null"),
        ([ASK, assistant(thought("hm"), "A"), {"role": "system", "content": "S"}],
         "read.extra_system", None),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_a_fault_by_name(
    messages: list[Any], reason: str, value: str | None
) -> None:
    """Each fault of blocks costs the record, with what is at fault and no text of it."""
    with pytest.raises(UnreadableError) as raised:
        record(of(*messages))
    assert (raised.value.reason, raised.value.value) == (reason, value)


def test_tools_beside_the_turns() -> None:
    """They stand in the line also where none is called; what is none is told."""
    plain = [ASK, SENT]
    told = lines(records(of(*plain), {"messages": plain, "tools": TOOLS}, {"messages": plain}))
    assert [one.get("toolConfig") for one in told] == [CONFIG, CONFIG, None]
    assert [one["messages"] for one in told] == [plain] * 3
    named = record({"chat": plain, "t": TOOLS, "tools": 7}, Columns(messages="chat", tools="t"))
    assert named["extra"] == {"tools": TOOLS}
    as_text = record({"messages": plain, "tools": json.dumps(TOOLS, indent=1)})
    assert as_text["extra"] == {"tools": TOOLS}
    empty: tuple[Any, ...] = ([], "[]", "")
    for none in empty:
        assert "extra" not in record({"messages": plain, "tools": none})
    assert lines(records({"messages": plain, "tools": [{"type": "function"}]})) == ["broken_tools"]
    assert lines(records({"messages": CONVERSE})) == ["broken_tools"]
    for bad, value in (("look", "tools: string"), ({"a": 1}, "tools: object"), (TOOLS * 2, "look")):
        with pytest.raises(UnreadableError) as raised:
            record({"messages": plain, "tools": bad})
        assert (raised.value.reason, raised.value.value) == ("read.bad_tools", value)


def test_reference_answers_and_metadata_reach_the_grader() -> None:
    """A `reference_answer` is known by its name; metadata is what the recipe asks for."""
    row = {"prompt": "6 x 7?", "reference_answer": {"answer": 42}, "level": 2, "hint": None}
    assert record(row)["extra"] == {"reference_answer": {"answer": 42}}
    assert record({"messages": [ASK], "reference_answer": "A"})["extra"]["reference_answer"] == "A"
    assert "extra" not in record({"prompt": "Q", "reference_answer": None})
    assert record({"text": "t", "reference_answer": "A"}) == {"text": "t"}
    columns = Columns(prompt="prompt", reference_answer="key", metadata=["level", "hint", "none"])
    found = fields(row | {"key": "42", "tools": TOOLS}, columns, "a.jsonl")
    assert json.loads(found["extra"]) == {"reference_answer": "42", "metadata": {"level": 2}}
    [line] = lines(frame([found | {"source": "a"}]), "reinforcement")
    assert (line["reference_answer"], line["level"]) == ("42", 2)
    for bad, reason in (({"key": 42}, "read.not_text"), ({"level": [2]}, "read.not_scalar")):
        with pytest.raises(UnreadableError, match=reason):
            record({"prompt": "Q"} | bad, columns)
    for more in ({"reference_answer": "a"}, {"metadata": ["a"]}, {"tools": "a"}):
        with pytest.raises(ValidationError):
            Columns(text="text", **more)


def test_label_judges_turns_by_what_they_hold() -> None:
    """A call or a result is a turn, also the last; reasoning or blanks alone are no answer."""
    rows = [
        of(*CONVERSE),
        of(ASK, assistant(call())),
        of(ASK, assistant(thought("hm"))),
        of(ASK, assistant(call()), user(result()), assistant(thought("hm"), " ")),
        of(*CONVERSE[:3]),
    ]
    none = "empty_completion"
    assert reasons(STAGES["label"](), of_rows=rows) == [None, None, none, none,
                                                        "last_turn_not_assistant"]  # fmt: skip


MAIL = "ann@example.com"


def test_redaction_reaches_every_text_of_a_line() -> None:
    """Reasoning, arguments, results to their keys, tools, references; names and ids stay."""
    mailed = {"to": [MAIL], MAIL: "a", "b@example.com": {"c": MAIL}}
    described = SPEC | {"description": f"Ask {MAIL}.", "name": "0912345678"}
    talk = [
        user(f"I am {MAIL}."),
        assistant(thought(f"It is {MAIL}."), call("0912 345 678", "0912345678", **mailed)),
        user(result("0912 345 678", {"text": f"Sent to {MAIL}."}, {"json": mailed})),
        assistant(thought(MAIL), "A"),
    ]
    rows: list[dict[str, Any]] = [
        {"messages": talk, "toolConfig": {"tools": [{"toolSpec": described}]}},
        {"messages": [ASK, assistant(thought(f"Say {MAIL}."), "A")]},
        {"messages": [ASK], "reference_answer": {"mail": MAIL, MAIL: 1}},
    ]
    made = records(*rows)
    whole = Redact()(made)
    assert MAIL not in str(whole.to_dicts())
    tools, reasoned = lines(whole[:2])
    assert tools["toolConfig"]["tools"][0]["toolSpec"] == described | {
        "description": "Ask [EMAIL]."
    }
    used = tools["messages"][1]["content"][1]["toolUse"]
    assert (used["name"], used["toolUseId"]) == ("0912345678", "0912 345 678")
    assert used["input"] == {"to": ["[EMAIL]"], "[EMAIL]": "a", "[EMAIL]'": {"c": "[EMAIL]"}}
    assert tools["messages"][2]["content"][0]["toolResult"]["content"][1] == {"json": used["input"]}
    assert reasoned["messages"][1]["content"][0] == thought("Say [EMAIL].")
    [answer] = lines(whole[2:], "reinforcement")
    assert answer["reference_answer"] == {"mail": "[EMAIL]", "[EMAIL]": 1}
    aside = made.with_columns(rejected=pl.struct(reason=pl.lit("x")))
    assert Redact()(aside)["extra"].equals(made["extra"])


def test_cleaning_reaches_results_and_reasoning() -> None:
    """As it does turns: nothing invisible, one kind of line break."""
    talk = [
        ASK,
        assistant(thought("a\u200b\r\nb"), call()),
        user(result("1", {"text": "x \x07"})),
        SENT,
    ]
    [line] = lines(STAGES["clean"]()(records(of(*talk))))
    assert line["messages"][1]["content"][0] == thought("a\nb")
    assert line["messages"][2] == user(result("1", {"text": "x"}))


def test_only_what_says_the_same_is_a_duplicate() -> None:
    """Ids do not count; results, reasoning and the tools at hand do."""
    other = [*CONVERSE[:2], user(result("1", {"text": "lost"})), CONVERSE[3]]
    renamed = json.loads(json.dumps(CONVERSE).replace('"1"', '"call_x"'))
    reasoned = [ASK, assistant(thought("hm"), "A")]
    described = {"tools": [{"toolSpec": SPEC | {"description": "d"}}]}
    rows = [
        of(*CONVERSE),
        of(*other),
        of(*renamed),
        {"messages": CONVERSE, "toolConfig": described},
        {"messages": reasoned},
        {"messages": [ASK, assistant(thought("no"), "A")]},
        {"messages": [ASK, SENT]},
    ]
    expected = [None, None, "duplicate", None, None, None, None]
    exact, against = STAGES["dedup_exact"], STAGES["contradictions"]()
    assert reasons(exact(), of_rows=rows) == expected
    assert reasons(exact(on="conversation"), of_rows=rows) == expected
    assert reasons(against, of_rows=rows) == [None] * 7
    answered = [of(ASK, assistant("B")), of(ASK, SENT), {"messages": [ASK, SENT]}]
    assert reasons(against, of_rows=answered) == ["contradiction", "contradiction", None]


def test_language_is_that_of_the_words() -> None:
    """Not of the JSON between them."""
    talk = [user("Đơn hàng của mình đến đâu rồi ạ?"), assistant(call(text="an English sentence")),
            user(result("1", {"text": "The parcel is waiting in the main post office."})),
            assistant("Dạ, đơn hàng sẽ đến tay bạn vào sáng mai ạ.")]  # fmt: skip
    assert STAGES["language"]()(records(of(*talk)))["language"].to_list() == ["vi"]


def test_the_planted_faults_of_the_samples_are_found_and_no_others() -> None:
    """By file and line, as sample_data/planted.json lists them."""
    planted = json.loads((SAMPLE / "planted.json").read_text(encoding="utf-8"))
    found: dict[str, set[tuple[str, str]]] = {}
    for name, counts in planted["counts"]["agents"].items():
        file = SourceFile(name, SAMPLE / name, (SAMPLE / name).stat().st_size, "")
        [made] = JsonlReader().read(Unit((file,)))
        assert made.height == counts["records"]
        text = (SAMPLE / name).read_text(encoding="utf-8")
        mails = [one["value"] for one in planted["agents"]["emails"] if one["file"] == name]
        assert text.count("@") == len(mails) == sum(mail in text for mail in mails)
        assert not Redact()(made)["extra"].str.contains("@", literal=True).any()
        for row in made.filter(pl.col("rejected").is_not_null()).to_dicts():
            found.setdefault(row["rejected"]["reason"], set()).add((name, row["locator"]))
    kinds = ("tool_result_without_call", "tool_use_id_twice", "bad_arguments")
    assert found == {
        f"read.{kind}": {(one["file"], f"line={one['line']}") for one in planted["agents"][kind]}
        for kind in kinds
    }


TEXT = st.sampled_from(["a", " ", "a@b.co", "x\u200b", "ca\u0301", "+84 912 345 678"])
VALUES = st.recursive(
    TEXT | st.none() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
SAID = st.sampled_from(["a", "a", "b@c.de", " "])
CONTENT = SAID.map(lambda text: {"text": text}) | VALUES.map(lambda value: {"json": {"v": value}})
SLIPS = st.sampled_from(["", "", '"0.0"', '"1.0"', "toolUse", "user", "look"])
"""What is written in another's place; mostly nothing."""


@st.composite
def talks(draw: st.DrawFn) -> list[Any]:
    """Conversations with rounds of calls and results, most of them in order."""
    messages = [user("Q")]
    for number in range(draw(st.integers(0, 3))):
        ids = [f"{number}.{each}" for each in range(draw(st.integers(0, 2)))]
        calls = [call(one, id=draw(VALUES)) for one in ids]
        before = draw(st.lists(SAID.map(thought), max_size=1))
        answers = [result(one, draw(CONTENT)) for one in draw(st.permutations(ids))]
        messages += [assistant(*before, draw(SAID), *calls), user(*answers, draw(SAID))]
    slip = draw(SLIPS)
    text = json.dumps([*messages, assistant("A")])
    told: list[Any] = json.loads(
        text.replace(slip, '"0.1"' if "." in slip else "x") if slip else text
    )
    return told


NOVA = Standard("conversation", find_card("nova-2-lite").plan("FINE_TUNING"))


@settings(deadline=None, max_examples=150, derandomize=True, database=None)
@given(talks())
def test_what_is_read_breaks_no_rule_of_the_check(messages: list[Any]) -> None:
    """Whatever blocks come, there is a reason, or a line without a fault of its tools."""
    try:
        made = records(of(*messages))
    except UnreadableError as error:
        assert error.reason.startswith("read.")
        return
    for name in ("clean", "redact"):
        once = STAGES[name]()(made)
        assert_frame_equal(STAGES[name]()(once), once)
    for line in lines(made):
        if isinstance(line, dict) and validator("conversation").is_valid(line):
            assert takes_turns(line["messages"])
            assert list(conversation_faults(line, NOVA)) == []
