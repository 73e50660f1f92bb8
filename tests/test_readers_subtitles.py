"""Subtitles: every word that is said, once, whoever wrote the file."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from test_readers import put, read

from pipeline.readers.subtitles import SubtitlesReader


def said(folder: Path, *captions: str, head: str = "WEBVTT\n\n", name: str = "a.vtt") -> str:
    """The text of captions, each of a second."""
    cues = (f"00:0{n}.000 --> 00:0{n + 1}.000{each}" for n, each in enumerate(captions))
    file = put(folder, name, head + "".join(cues))
    return str(read(SubtitlesReader(), file)[0]["text"])


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        (("\n\n\n2\n", "\nText.\n"), "Text."),
        (("\nTea?\n42\n\n2\n", "\n7\n\n3\n", "\nHow old?\n42\n"), "Tea? 42\n7\nHow old? 42"),
        (("\nTea?\n42\n\n", "\nSo.\n\n"), "Tea? 42\nSo."),
        (("\nTea.\n2\n", "\n\nMore.\n\nNo caption.\n"), "Tea.\nMore."),
        (("\nWrite &amp;lt; or &#39;ok&#39; &quot;x&quot;.\n",), "Write &lt; or 'ok' \"x\"."),
        (("\n&lrm;R&D&nbsp;&copy=2 &amp; &lt;b&gt;\n",), "R&D &copy=2 & <b>"),
        (("\n<v.loud.first Lan>Tea <00:00:00.400><c> or</c> not\n",), "Lan: Tea or not"),
        (("\nTea\n\n", "\nTea is\n\n", "\nTea is hot.\n\n", "\nTea\n"), "Tea is hot.\nTea"),
    ],
)
def test_what_captions_say(tmp_path: Path, captions: tuple[str, ...], expected: str) -> None:
    """Numbers that are said stay, the next caption's does not; references are read once."""
    assert said(tmp_path, *captions) == expected


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        ((("0:05,000", "0:06,000", "Yes."), ("5:07,000", "5:08,000", "Yes.")), "Yes.\nYes."),
        ((("0:05,000", "0:06,000", "Yes."), ("0:06,900", "0:08,000", "Yes.")), "Yes."),
        ((("0:05,000", "0:06,000", "Yes."), ("0:05,500", "0:08,000", "Yes.")), "Yes."),
        ((("5:05,000", "5:06,000", "Yes."), ("0:01,000", "0:02,000", "Yes.")), "Yes.\nYes."),
        ((("0:05,000", "0:06,000", "I"), ("0:07,000", "0:08,000", "I am.")), "I\nI am."),
        ((("0:05,000", "0:06,000", "I"), ("0:06,000", "0:08,000", "I am.")), "I am."),
        ((("1:00:05,000", "1:00:06,000", "I"), ("0:06,1", "0:08,0", "I am.")), "I\nI am."),
        ((("0:05,000", "0:06,000", "-A\n-B"), ("0:08,000", "0:09,000", "-B\n-C")), "-A -B\n-B -C"),
        ((("0:05,0", "0:06,0", "A"), ("0:06,0", "0:06,5", " "), ("0:06,5", "0:07,0", "A")), "A"),
        ((("0:05,0", "0:06,0", "A\n\nB\n\n1984"), ("0:08,0", "0:09,0", "C")), "A B 1984\nC"),
        ((("0:05,0", "0:06,0", "\n\n\nA\n \nB"), ("0:08,0", "0:09,0", "C\n\n\n7")), "A B\nC 7"),
    ],
)
def test_what_is_said_again_and_blank_lines_in_subrip(
    tmp_path: Path, captions: tuple[tuple[str, str, str], ...], expected: str
) -> None:
    """A caption goes on only in one that follows at once; a number and a time end one."""
    cues = (f"{n}\n00:{a} --> 00:{b}\n{text}\n\n" for n, (a, b, text) in enumerate(captions, 1))
    assert said(tmp_path, head="".join(cues).replace("00:1:00", "1:00"), name="a.srt") == expected


def test_lines_that_move_up_are_said_once(tmp_path: Path) -> None:
    """YouTube shows each line twice, and alone in between for a hundredth of a second."""
    shown = ("\n \nhello\n\n", "\nhello\n \n\n", "\nhello\nto<c> the</c>\n\n", "\nto the\n \n\n")
    more = ("\nto the\nshow\n\n", "\nshow\n \n\n", "\ntoday\nwe\n\n", "\nwe\ntalk\n\n")
    told = said(tmp_path, *shown, *more)
    assert " ".join(told.split()) == "hello to the show today we talk"
    assert said(tmp_path, "\na\nb\nc\n\n", "\nb\nc\nd\n\n", "\nc\nd\nb\n\n") == "a b c\nd\nb"


@pytest.mark.parametrize("piece", ["<v.", "<v \t", "\t \t", "<v.x ", "{\\", "&#1", "\n 1 ", "<a"])
def test_damaged_tags_take_no_time(tmp_path: Path, piece: str) -> None:
    """Twice as many take twice as long, not four times."""
    started = time.process_time()
    said(tmp_path, "\nTea.\n" + piece * 60_000 + "\n")
    said(tmp_path, "\nTea.\n<v" + "\t" * 200_000 + piece)
    assert time.process_time() - started < 3
