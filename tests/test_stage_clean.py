"""`clean`: what goes, what stays, what is repaired."""

from __future__ import annotations

import unicodedata
from typing import Any

import polars as pl
import pytest

from pipeline.record import frame, rejection
from pipeline.stages.clean import Clean
from pipeline.stages.texts import NFC_SUSPECT


def cleaned(text: str, **settings: Any) -> str | None:
    return Clean(**settings)(frame([{"source": "a", "text": text}]))["text"].item()


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("a\x00b\x07c\x7f", "abc"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("page\x0cpage\u2028line\x0bline", "page\npage\nline\nline"),
        ("\x1b[1;32mOK\x1b[0m in \x1b]8;;https://a.vn\x1b\\the log\x1b]8;;\x07", "OK in the log"),
        ("\x1b[\x1b[0m1m \x1b (\x1b]0;never closed", "[1m  (]0;never closed"),
        ("\ufeffzero\u200bwidth\u2060", "zerowidth"),
        ("\u202eright\u202c \u2066to\u2069 left\u200f", "right to left"),
        ("soft\u00adhyphen no\u00a0break\u202fspace", "softhyphen no break space"),
        ("hidden\U000e0068\U000e0069", "hidden"),
        ("blanks  \t\nat ends \n", "blanks\nat ends"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("a\n \n\t\n\nb", "a\n\nb"),
        ("  \n tabs\tstay\n    indent stays\n ", "tabs\tstay\n    indent stays"),
        ("Tie\u0302\u0301ng Vie\u0323\u0302t", "Tiếng Việt"),
        ("e\u00ad\u0301", "é"),
        ("\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m"),
    ],
)  # fmt: skip
def test_what_cleaning_does(dirty: str, clean: str) -> None:
    """Controls, breaks, invisible characters, blanks, normal form."""
    assert cleaned(dirty) == clean


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("👩\u200d💻 works", "👩\u200d💻 works"),
        ("🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"),
        ("he\u200dllo\u200c world\u200d", "hello world"),
        ("\u200dمی\u200c\u200c\u200dخ \u200dم", "می\u200cخ م"),
    ],
)
def test_joiners_stay_where_they_join(dirty: str, clean: str) -> None:
    """Persian, Indic scripts and emoji keep their joiners; English has no use for them."""
    assert cleaned(dirty) == clean


def test_what_a_joiner_parted_is_composed() -> None:
    """Taking a joiner out from between a letter and its accent leaves one letter."""
    assert cleaned("caf\u0065\u200d\u0301", mojibake=False) == "caf\u00e9"


@pytest.mark.parametrize(
    ("broken", "right"),
    [
        ("Tiáº¿ng Viá»‡t", "Tiếng Việt"),
        ("æ—¥æœ¬èªž", "日本語"),
        ("lâ€™Ã©tÃ©", "l’été"),
        ("l\u00e2\u0080\u0099\u00c3\u00a9t\u00c3\u00a9", "l’été"),
        ("\u0093quoted\u0094", "“quoted”"),
        ("РџСЂРёРІРµС‚", "Привет"),
        ("Việt Nam\nTiáº¿ng Viá»‡t", "Việt Nam\nTiếng Việt"),
    ],
)
def test_mojibake_is_repaired(broken: str, right: str) -> None:
    """Text decoded with the wrong charset comes back, a line at a time, C1 controls included."""
    assert cleaned(broken) == right


@pytest.mark.parametrize(
    "right",
    [
        *("été à l’école", "Привет, Сергей", "ÀÉÎ «oui»", "Ä–Ö", "caf\u00e9”"),
        *("Người dân bấm nút “ĐÃ” và nhập “MÃ” hồ sơ", "XÃ–PHƯỜNG", "«UBND CẤP XÃ»", "“XÃ”, “XÃ”"),
        *("“MAÇÃ” é fruta", "x×²", "5×¹", "a ‘IRMÃ’ dela"),
    ],
)
def test_right_text_is_left_alone(right: str) -> None:
    """Proper accents and Cyrillic are no mojibake."""
    assert cleaned(right) == right


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("UBND XÃ\u00a0AN BÌNH", "UBND XÃ AN BÌNH"),
        ("ỦY BAN NHÂN DÂN XÃ\u00a0PHÚ LỘC", "ỦY BAN NHÂN DÂN XÃ PHÚ LỘC"),
        ("MÃ\u00a0SỐ THUẾ", "MÃ SỐ THUẾ"),
        ("NGÃ\u00a0BA", "NGÃ BA"),
        ("voilÃ\u00a0 tout", "voilà tout"),
        ("LÃ\u00a0 oÃ¹", "Là où"),
        ("METRÃ” DE SÃO PAULO", "METRÔ DE SÃO PAULO"),
        ("KÃ–LN", "KÖLN"),
        ("RÃ©publique", "République"),
        ("×©×œ×•×\u009d", "שלום"),
        ("hồ sơ “XÃ” vÃ\u00a0 khÃ´ng", "hồ sơ “XÃ” vÃ  không"),
    ],
)
def test_what_may_be_both_goes_by_the_text_around(given: str, right: str) -> None:
    """A capital before a no-break space or a closing quote is no misread letter."""
    assert cleaned(given) == right
    assert cleaned(right) == right


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("    if not xs:\n        return None\n", "    if not xs:\n        return None"),
        (" \n\n\treturn x\n\n", "\treturn x"),
        (" Hà Nội ", "Hà Nội"),
        ("\u3000\u3000中文\n", "中文"),
        ("\u00a0\u00a0x", "  x"),
        (" \n\n", ""),
    ],
)
def test_the_first_line_keeps_its_indentation(given: str, right: str) -> None:
    """A completion that goes on with a block of code is code still."""
    assert cleaned(given) == right
    assert cleaned(right) == right


def test_mojibake_can_be_left() -> None:
    """`mojibake: false` keeps the letters as they are."""
    assert cleaned("Tiáº¿ng", mojibake=False) == "Tiáº¿ng"


def test_next_line_is_a_line_break() -> None:
    """U+0085 breaks a line, where it is not taken for the ellipsis of Windows-1252."""
    assert cleaned("one\x85two", mojibake=False) == "one\ntwo"
    assert cleaned("one\x85two") == "one…two"


def test_mojibake_that_cleaning_brings_up_is_repaired_too() -> None:
    """An invisible character inside a broken letter does not hide it from the one pass."""
    assert cleaned("caf\u00c3\u200b\u00a9") == "café"


def test_every_text_is_cleaned() -> None:
    """Text, system prompt and each turn; what is null stays null, lists keep their length."""
    turns = [{"role": "user", "text": "a\u200b "}, {"role": "assistant", "text": None}]
    records = frame(
        [
            {"source": "a", "system": " s\r\n", "messages": turns},
            {"source": "b", "text": "t\x00", "messages": []},
            {"source": "c", "text": "u "},
        ]
    )
    after = Clean()(records)
    assert after["system"].to_list() == ["s", None, None]
    assert after["text"].to_list() == [None, "t", "u"]
    assert after["messages"].to_list() == [
        [{"role": "user", "text": "a"}, {"role": "assistant", "text": None}],
        [],
        None,
    ]


def test_documents_of_nothing_are_rejected() -> None:
    """Only documents: `label` judges turns, and a picture needs no caption here."""
    turn = {"role": "user", "text": ""}
    rows: list[dict[str, Any]] = [
        {"source": "blank", "text": " \u200b\n"},
        {"source": "none"},
        {"source": "turns", "text": "", "messages": [turn]},
        {"source": "picture", "text": "", "images": ["a.png"]},
        {"source": "gone", "text": " ", "rejected": rejection("read.broken")},
        {"source": "fine", "text": "x"},
    ]
    reasons = Clean()(frame(rows))["rejected"].struct.field("reason")
    assert reasons.to_list() == ["empty_text", "empty_text", None, None, "read.broken", None]


def test_no_character_that_nfc_touches_is_missed() -> None:
    """The quick look finds every character that changes, or joins its neighbour, under NFC."""
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    suspect = pl.Series(points).str.contains(NFC_SUSPECT)
    unsuspected = pl.Series(points).filter(~suspect)
    for before in ("a", "\u1100", "\uac00"):  # a letter, the beginnings of Korean syllables
        assert all(unicodedata.is_normalized("NFC", before + point) for point in unsuspected)
    joined = unsuspected.filter(unsuspected != unsuspected.str.normalize("NFC"))
    assert joined.to_list() == []


CHANGES = {
    "mojibake": ("Tiáº¿ng Viá»‡t trong áº¥m", "Tiếng Việt trong ấm"),
    "unicode_form": ("cafe\u0301 au lait", "café au lait"),
    "invisible": ("zero\u200bwidth", "zerowidth"),
    "line_breaks": ("one\r\ntwo", "one\ntwo"),
    "no_break_spaces": ("ten\u00a0cups", "ten cups"),
    "blanks": ("one  \ntwo", "one\ntwo"),
    "tone_marks": ("được hoà tan", "được hòa tan"),
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("turns", [False, True])
def test_each_kind_of_change_is_told(kind: str, turns: bool) -> None:
    """With the record, how it was and how it is, in documents and in turns."""
    before, after = CHANGES[kind]
    plain = {"source": "a.md", "locator": "1", "text": "nothing to do\n"}
    own = {"messages": [{"role": "user", "text": before}]} if turns else {"text": before}
    records = frame([plain, plain | {"locator": "2", "text": None} | own])
    observed = Clean().observe(records)
    assert isinstance(observed.tallies, pl.DataFrame)
    assert observed.tallies.rows() == [(records["id"][1], kind, 1)]
    assert observed.samples is not None
    [sample] = observed.samples.to_dicts()
    assert (sample["kind"], sample["before"], sample["after"]) == (kind, before, after)


def test_a_sample_is_cut_around_the_first_difference() -> None:
    """Of a long text a reader sees the place that changed."""
    text = "word " * 4000 + "ten\u00a0cups " + "word " * 4000
    observed = Clean().observe(frame([{"source": "a.md", "locator": "", "text": text}]))
    assert observed.samples is not None
    [sample] = observed.samples.to_dicts()
    assert "ten\u00a0cups" in sample["before"]
    assert "ten cups" in sample["after"]
    assert len(sample["before"]) == 1200


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("Trà hoà tan, sức khoẻ, thuỷ sản, quý vị.",
         "Trà hòa tan, sức khỏe, thủy sản, quý vị.",
         "Trà hoà tan, sức khoẻ, thuỷ sản, quý vị."),
        ("HOÀ Bình, Hoà ở Huế; hoàn toàn, huỷnh",
         "HÒA Bình, Hòa ở Huế; hoàn toàn, huỷnh",
         "HOÀ Bình, Hoà ở Huế; hoàn toàn, huỷnh"),
        ("Được thuỷ_thủ và Loè, uỷ ban",
         "Được thuỷ_thủ và Lòe, ủy ban",
         "Được thuỷ_thủ và Loè, uỷ ban"),
    ],
)  # fmt: skip
def test_tone_marks_in_one_style(text: str, old: str, new: str) -> None:
    """Open syllables alone; either style gives the other back."""
    assert cleaned(text) == cleaned(str(cleaned(text))) == old
    assert cleaned(old, tone_marks="hoà") == new
    assert cleaned(new, tone_marks="hòa") == old
    assert cleaned(text, tone_marks="keep") == text


@pytest.mark.parametrize(
    "address",
    [
        "http://hoà.vn/thuỷ", "hoà.vn", "/home/thuỷ/hoà.txt", "~/hoà", "./hoà", "hoà@trà.vn",
        "C:\\trà\\hoà.txt", "docs/hoà/thuỷ.md", "(www.hoà.com.vn)",
    ],
)  # fmt: skip
def test_tone_marks_of_addresses_stay(address: str) -> None:
    """They lead nowhere when they are written otherwise; the words beside them are written so."""
    assert cleaned(f"Được khoẻ ở {address} và hoà") == f"Được khỏe ở {address} và hòa"


def test_tone_marks_are_written_where_only_signs_stand_beside_them() -> None:
    """A slash between two words, a full stop at the end, a blank that is missing."""
    text = "Được hoà/thuỷ, khoẻ. Hoà.Được (thuỷ) hoà-thuỷ"
    assert cleaned(text) == "Được hòa/thủy, khỏe. Hòa.Được (thủy) hòa-thủy"


def test_tone_marks_of_other_languages_stay() -> None:
    """Italian has `cioè` and `Noè`; a Vietnamese word beside them does not make them Vietnamese."""
    assert cleaned("Noè, cioè lui") == "Noè, cioè lui"
    assert cleaned("cioè ở đây") == "cioè ở đây"


def test_a_line_is_repaired_whatever_stands_beside_it() -> None:
    """Its encoding is its own: another line's damage changes nothing."""
    lines = ["sÃ©same", "«Où est-il ?» — là", "Вода: 5 °C", "Äpfel", "plain"]
    alone = [str(cleaned(line)) for line in lines]
    assert cleaned("\n".join(lines)) == "\n".join(alone)
    assert alone == ["sésame", *lines[1:]]
