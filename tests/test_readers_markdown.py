"""Markdown: front matter goes, its title may stay, the rest is verbatim."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_readers import put, read

from pipeline.readers.markdown import MarkdownReader, without_front_matter

FENCED = "```yaml\n---\ntitle: not front matter\n---\n# no heading\n```\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\ntext", "# A\n\ntext"),
        ("---\ntitle: Tea\n---\n\nText.\n", "# Tea\n\nText.\n"),
        ('---\ntitle: "A: b"\ntags: [x]\n---\nText.', "# A: b\n\nText."),
        ("---\r\ntitle: Tea\r\n---\r\nText.\r\n", "# Tea\n\nText.\r\n"),
        ("---\ntitle: Tea\n---\n# Green tea\n", "# Green tea\n"),
        ("---\ntitle: Tea\n---\nintro\n\n## Later\n", "intro\n\n## Later\n"),
        ("---\ntitle: Tea\n---\nGreen tea\n=========\n", "Green tea\n=========\n"),
        ("---\ntitle: Tea\n---\n" + FENCED, "# Tea\n\n" + FENCED),
        ("---\ndate: 2024-13-45\n...\nText.", "Text."),
        ("---\n---\nText.", "Text."),
        (
            "---\nA line between two rules.\n---\nText.",
            "---\nA line between two rules.\n---\nText.",
        ),
        ("---\n[unclosed\n---\nText.", "---\n[unclosed\n---\nText."),
        ("---\ntitle: never closed\nText.", "---\ntitle: never closed\nText."),
        ("Text.\n---\ntitle: Tea\n---\n", "Text.\n---\ntitle: Tea\n---\n"),
        ("---\ntitle: [a, b]\n---\nText.", "Text."),
        (FENCED, FENCED),
        ('+++\ntitle = "Tea"\ndate = 2024-01-01\n+++\n\nText.\n', "# Tea\n\nText.\n"),
        ("+++\r\ntitle = 'Tea'\r\n+++\r\nText.\r\n", "# Tea\n\nText.\r\n"),
        ('+++\ntitle = "Tea"\n[params]\na = 1\n+++\n# Green tea\n', "# Green tea\n"),
        ("+++\ntitle = 7\n+++\nText.", "Text."),
        ("+++\n+++\nText.", "Text."),
        ("+++\nno TOML\n+++\nText.", "+++\nno TOML\n+++\nText."),
        ("+++\na = 2024-13-45\n+++\nText.", "+++\na = 2024-13-45\n+++\nText."),
        ("+++\ntitle: Tea\n---\nText.", "+++\ntitle: Tea\n---\nText."),
    ],
)
def test_front_matter(text: str, expected: str) -> None:
    """A mapping at the very start is left out; its title heads a text without headings."""
    assert without_front_matter(text) == expected


def test_a_file_is_one_record(tmp_path: Path) -> None:
    """The row is like plain text's; front matter alone is nothing."""
    rows = read(
        MarkdownReader(),
        put(tmp_path, "a.md", "---\ntitle: Tea\n---\n* one\n"),
        put(tmp_path, "b.md", "---\ntitle: Tea\n---\n \n"),
        put(tmp_path, "c.md", b"\0"),
    )
    assert [row["text"] for row in rows] == ["# Tea\n\n* one\n", None, None]
    assert [row["reason"] for row in rows] == [None, "read.empty_file", "read.binary"]


def test_yaml_bombs_do_nothing() -> None:
    """Aliases are not expanded, deep nesting is no crash: the block just stays or goes."""
    aliases = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(200))
    assert without_front_matter(f"---\n{aliases}---\nText.") == "Text."
    deep = "---\na: " + "[" * 2_000 + "]" * 2_000 + "\n---\nText."
    assert without_front_matter(deep) == deep


@pytest.mark.parametrize(
    "toml",
    [
        "a = " + "[" * 8_000,
        "a." * 4_000 + "a = 1",
        "a." * 9_000 + "a = 1",
        "[[a]]\n" * 1_300,
        "a = '''" + "x" * 8_000,
        "".join(f"[{'a.' * n}b]\n" for n in range(80)),
        "a = {" + "b." * 3_000 + "b = 1}",
    ],
)
def test_toml_that_is_large_or_deep(toml: str) -> None:
    """In no time, whatever it is."""
    start = time.process_time()
    assert without_front_matter(f"+++\n{toml}\n+++\nText.").endswith("Text.")
    assert time.process_time() - start < 2


@settings(deadline=None)
@given(st.text(alphabet="+-: \n\r#ab[]{}&*!|>'\"\t`~=.", max_size=120))
def test_any_text_passes(text: str) -> None:
    """Nothing raises, and but for a title in front all that is left is the end of the text."""
    body = without_front_matter(text)
    tail = body.split("\n\n", 1)[1] if not text.endswith(body) else body
    assert text.endswith(tail)
