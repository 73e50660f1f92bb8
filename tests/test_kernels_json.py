"""JSON as text: outlines that schemas take for their lines; texts as a parser has them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import outlined, render
from pipeline.kernels import json_text, plain_json

compiled = pytest.mark.skipif(not json_text.COMPILED, reason="the extension is not built")
often = settings(derandomize=True, deadline=None, max_examples=600, database=None)

PIECES = (
    *('{"a":', '{"text":"', '"', "\\", '\\"', "\\\\", "\\n", "\\u0041", "\\u00e9", "\\ud83c"),
    *("\\udf75", "\\ud83c\\udf75", "\\u", "\\u12g4", "\\x", "}", "]", "[", "{", ":", ",", " "),
    *("\t", "\r", "\x00", "\x1f", "\x7f", "é", "trà", "🍵", "\u2028", "x", "tea", "true", "null"),
    *("false", "0", "-1.5", "01", "1e5", "-", "12345678901234567", '"b":"', '","b":1}', "aaaa" * 9),
)
fragments = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
strings = st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
scalars = strings | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=6,
)


def shortened(value: Any, keep: int) -> Any:
    """What the outline of a value's JSON is the JSON of, as orjson writes it."""
    if isinstance(value, dict):
        return {key: shortened(one, keep) for key, one in value.items()}
    if isinstance(value, list):
        return [shortened(one, keep) for one in value]
    if not isinstance(value, str):
        return value
    written = orjson.dumps(value)[1:-1]
    has_ink = any(" " < each < "\x7f" and each not in '"\\' for each in value)
    return "x" if len(written) > keep and has_ink else value


@often
@given(several=st.lists(values, max_size=3), keep=st.integers(0, 30))
@example(several=[{"text": '"' * 40, "b": "\n" * 40, "": "\x01" * 40 + "a"}], keep=8)
def test_an_outline_has_x_for_long_strings(several: list[Any], keep: int) -> None:
    """Nothing else is changed: neither keys nor short strings nor what is blank."""
    try:
        lines = [orjson.dumps(one) for one in several]
    except TypeError:  # a whole number of more than 64 bits
        return
    found = json_text.outlines(pl.Series(lines).cast(pl.String), keep) if lines else []
    assert [orjson.loads(one) for one in found] == [
        shortened(orjson.loads(line), keep) for line in lines
    ]


@compiled
@often
@given(several=st.lists(fragments | st.none(), max_size=4), keep=st.integers(0, 30))
@example(several=['{"a" :"bbbbbb"}', None, "", '"\\', '"aaaa\\'], keep=3)
def test_outlines_are_those_of_the_plain_twin(several: list[str | None], keep: int) -> None:
    """Whatever the text is, JSON or not."""
    lines = [line if line is None else line.replace("\n", "") for line in several]
    found = json_text.outlines(pl.Series(lines, dtype=pl.String), keep)
    assert found == [plain_json.outline((line or "").encode(), keep) for line in lines]
    block = "\n".join(line or "" for line in lines).encode()
    strictly = plain_json.strict_outlines(block, keep)
    expected = None if strictly is None else strictly.split(b"\n")
    assert json_text.strict_outlines(block, keep) == expected
    for line in lines:
        _is_json_if_its_outline_is((line or "").encode(), keep)


def _is_json_if_its_outline_is(line: bytes, keep: int) -> None:
    found = json_text.strict_outlines(line, keep)
    assert (found is not None and _is_json(found[0])) == _is_json(line)


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def objects(names: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    """Lines of these keys, some of them spoiled."""
    whole = st.tuples(*(scalars for _ in names)).map(lambda row: dict(zip(names, row, strict=True)))
    spaced = st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :\r")])
    written = st.builds(
        lambda value, between, ascii: json.dumps(value, separators=between, ensure_ascii=ascii),
        whole,
        spaced,
        st.booleans(),
    )
    spoiled = st.builds(lambda line, at, bit: line[:at] + bit + line[at:], written,
                        st.integers(0, 40), st.sampled_from(PIECES))  # fmt: skip
    return (written | spoiled).map(lambda line: line.encode("utf-8", "surrogatepass"))


@often
@given(data=st.data())
def test_texts_are_what_a_parser_has(data: st.DataObject) -> None:
    """Compiled or not: every text, or nothing where one line is not like the others."""
    names = data.draw(st.sampled_from([("text",), ("id", "text"), ("text", "n", "url"), ("", "é")]))
    some = st.sets(st.integers(0, len(names) - 1), min_size=1, max_size=2)
    wanted = tuple(sorted(data.draw(some)))
    lines = data.draw(st.lists(objects(names), min_size=1, max_size=4))
    block = b"\n".join(lines) + data.draw(st.sampled_from([b"", b"\n"]))
    keys = tuple(map(str.encode, names))
    found = json_text.texts(memoryview(block), keys, wanted)
    as_lists = None if found is None else tuple(one.to_list() for one in found)
    assert plain_json.texts(block, keys, wanted) == as_lists
    if found is not None:
        parsed = [orjson.loads(line) for line in block.removesuffix(b"\n").split(b"\n")]
        assert all(tuple(one) == names for one in parsed)
        for series, number in zip(found, wanted, strict=True):
            assert series.to_list() == [one[names[number]] for one in parsed]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'{"n":1,"text":"tea"}', "tea"),
        (b' { "n" : -0.25 , "text" : "tr\xc3\xa0 \\ud83c\\udf75 \\u0000\\/" } \r', "trà 🍵 \0/"),
        (b'{"n":null,"text":"' + b"a" * 40 + b'\xf0\x9f\x8d\xb5"}', "a" * 40 + "🍵"),
        (b'{"n":"\\n","text":""}', ""),
        (b'{"text":"tea","n":1}', None),
        (b'{"n":1,"text":null}', None),
        (b'{"n":1,"text":"a","text":"b"}', None),
        (b'{"n":[1],"text":"a"}', None),
        (b'{"n":01,"text":"a"}', None),
        (b'{"n":1e999,"text":"a"}', None),
        (b'{"n":12345678901234567890,"text":"a"}', None),
        (b'{"n":NaN,"text":"a"}', None),
        (b'{"n":1,"text":"\\ud800"}', None),
        (b'{"n":1,"text":"\\udc00\\ud800"}', None),
        (b'{"n":1,"text":"\xff"}', None),
        (b'{"n":1,"text":"\xed\xa0\x80"}', None),
        (b'{"n":1,"text":"\xc0\xaf"}', None),
        (b'{"n":1,"text":"a\tb"}', None),
        (b'{"n":1,"text":"a"', None),
        (b'{"n":1,"text":"a"}}', None),
        (b'{"n":1,"text":"a"}\x0b', None),
        (b'\xef\xbb\xbf{"n":1,"text":"a"}', None),
        (b"", None),
    ],
)
def test_a_line_that_is_not_plain_is_none(line: bytes, text: str | None) -> None:
    """It costs its whole block, which is read line by line then."""
    keys = (b"n", b"text")
    good = b'{"n":1,"text":"good"}'
    for block in (line + b"\n", good + b"\n" + line + b"\n" + good):
        found = json_text.texts(block, keys, (1,))
        assert (None if found is None else found[0].to_list()[-2 if good in block else 0]) == text


LONG = "a text of more than one word, so long that an outline has an x for it. " * 2
SCHEMAS = ("pretraining_input", "pretraining_text", "prompt_completion", "batch_inference",
           "converse", "distillation", "reinforcement")  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_of_texts_are_asked_of_outlines(name: str) -> None:
    """Without this the quick way would be taken by none."""
    assert outlined.outline_validator(f"{name}.schema.json") is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"maxLength": 3},
        {"minLength": 2},
        {"pattern": "^a"},
        {"enum": [LONG]},
        {"const": "x"},
        {"format": "uri"},
        {"anyOf": [{"type": "string"}, {"properties": {"a": {"maxLength": 1}}}]},
    ],
)
def test_a_schema_that_sees_more_is_not(
    changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says of an outline it may not say of the line."""
    name = f"changed-{json.dumps(changed)}"
    schema = {"type": "object", "properties": {"maxLength": changed}}
    monkeypatch.setattr(outlined, "load_schema", {name: schema}.__getitem__)
    assert outlined.outline_validator(name) is None


SAID = st.sampled_from(["", " ", "\u3000" * 40, LONG, "x", "user", "\x85" * 60, "\\" * 60])
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": SAID | st.sampled_from(["user", "assistant"])},
        optional={"content": st.lists(st.fixed_dictionaries({"text": SAID}), max_size=2) | SAID},
    ),
    max_size=3,
)
NAMES = ("input", "text", "prompt", "completion", "schemaVersion", "id", "recordId")
SYSTEM = st.lists(st.fixed_dictionaries({"text": SAID}), max_size=1)
FIELDS = {**dict.fromkeys(NAMES, SAID), "messages": TURNS, "system": SYSTEM}


@pytest.mark.parametrize("name", SCHEMAS)
@settings(derandomize=True, deadline=None, max_examples=150, database=None)
@given(value=st.fixed_dictionaries({}, optional=FIELDS))
@example(value={"input": LONG})
@example(value={"input": "\u3000" * 90})
def test_what_an_outline_passes_the_line_passes(name: str, value: dict[str, Any]) -> None:
    """And the fault of a line is the same as without outlines."""
    schema = f"{name}.schema.json"
    lines = pl.Series([json.dumps(value, ensure_ascii=False)])
    valid = render._validator(schema).is_valid(value)
    assert not (outlined.all_valid(lines, schema) and not valid)
    assert (render._faults(lines, schema) == [None]) == valid
    if schema not in outlined.NARROWER:
        assert outlined.all_valid(lines, schema) == valid
