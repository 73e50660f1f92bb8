"""Near-duplicates planted in Vietnamese, Chinese, Japanese and Thai are found at their unit.

The unit is five syllables in Vietnamese, which are written apart, and five characters in scripts
without spaces. The truth is counted in plain Python, from what was planted. Copies have other marks
than the original, which are no characters, with the default settings too.
"""

from __future__ import annotations

import random

import pytest
from voting import vote

from pipeline.record import frame
from pipeline.stages.dedup_near import DedupNear

VIETNAMESE = (
    "anh ấy bà bán bạn bên bình bố buổi bằng cà cha chè chợ chúng cô con của cũng đã đang đất đến "
    "đi điều đồng được đường gà gạo giờ hai hà hàng học hỏi khi không là làm lên lớn lúa lại mà mẹ "
    "mình một mới mùa nào này người nhà nhiều nhưng những nội nói nước ở ông phải phê phố quê ra "
    "rất rồi sáng sau sẽ sông tay thành thấy theo thì thời thường tôi tới trà trên trong trời từ "
    "uống và vào vẫn về việc với vườn xanh xuân yêu"
)
CHINESE = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而"
    "能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高"
)
JAPANESE = (
    "あいうえおかがきぎくけげこごさざしじすずせそただちつてでとどなにぬねのはばひふへほまみむめもやゆよらりるれろわをん"
    "アイウエオカキクコサシスタテトナニハヒフマミムメモラリルレロワンー日本人大学生年月時分今行見食茶山川田中東京都会社"
)
THAI = "กขคงจชซญดตถทธนบปผพฟภมยรลวศษสหอฮะาำเแโใไ"
THAI_MARKS = ("", "", "", "ิ", "ี", "ึ", "ุ", "ู", "่", "้", "็")

MARKS = {
    "vi": (". ", ", ", "; ", "! "),
    "zh": ("。", "，", "、", "；", "——", "……", "“", "”", "《", "》", ". ", "！\n"),
    "ja": ("。", "、", "・", "「", "」", "…", "！", "（", "）", " "),
    "th": (" ", "  ", "“", "”", "…", " – ", ", ", "\n"),
}
ORIGINALS = 400
THRESHOLD = 0.8


KNOWN = {
    "vi": VIETNAMESE.split(),
    "zh": [*CHINESE],
    "ja": [*JAPANESE],
    "th": [*THAI],
}


def units_of(language: str, number: int, draw: random.Random) -> list[str]:
    """What a text is made of: syllables or characters, some of them far more often than others."""
    weights = [1 / (place + 3) for place in range(len(KNOWN[language]))]
    units = draw.choices(KNOWN[language], weights, k=number)
    return [unit + draw.choice(THAI_MARKS) for unit in units] if language == "th" else units


def edited(units: list[str], language: str, draw: random.Random) -> list[str]:
    """A copy with a few units replaced, left out or put in, so that pairs of all likeness arise."""
    copy = list(units)
    for _ in range(draw.randint(1, max(2, len(units) // 12))):
        at = draw.randrange(len(copy))
        new = units_of(language, 1, draw)
        copy[at : at + draw.randint(0, 1)] = draw.choice((new, []))
    return copy


def written(units: list[str], language: str, draw: random.Random) -> str:
    """The units as a text, with marks anywhere between them."""
    blank = " " if language == "vi" else ""
    marks = MARKS[language]
    return "".join(unit + (draw.choice(marks) if draw.random() < 0.08 else blank) for unit in units)


def grams(units: list[str]) -> set[tuple[str, ...]]:
    """Runs of five units."""
    return {tuple(units[at : at + 5]) for at in range(max(1, len(units) - 4))}


def likeness(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    """Jaccard similarity."""
    return len(one & other) / len(one | other)


def characters(units: list[str], language: str) -> list[str]:
    """What counts: syllables of Vietnamese, of Thai each vowel and tone mark by itself."""
    return [*"".join(units)] if language == "th" else units


@pytest.mark.parametrize("stage", [DedupNear(), DedupNear(words="unicode")], ids=["default", "uni"])
@pytest.mark.parametrize("language", ["vi", "zh", "ja", "th"])
def test_planted_near_duplicates_are_found(language: str, stage: DedupNear) -> None:
    """At J >= 0.8 at least 98 of 100, and nothing below that, in pairs of every likeness."""
    assert stage.threshold == THRESHOLD
    draw = random.Random(language)
    rows, truth = [], {}
    for n in range(ORIGINALS):
        units = units_of(language, draw.randint(40, 250), draw)
        copy = edited(units, language, draw)
        for name, one in ((f"{n:03d}a", units), (f"{n:03d}b", copy)):
            text = written(one, language, draw)
            rows.append({"id": name, "source": f"{name}.txt", "text": text})
        truth[f"{n:03d}b"] = likeness(*(grams(characters(one, language)) for one in (units, copy)))
    alike = {name for name, jaccard in truth.items() if jaccard >= THRESHOLD}
    assert len(alike) > ORIGINALS / 4
    assert len(truth) - len(alike) > ORIGINALS / 8
    votes = vote(stage, frame(rows))
    found = dict(votes.select("id", "rejected").iter_rows())
    assert found.keys() <= alike
    assert len(found) >= 0.98 * len(alike)
    for name, mark in found.items():
        assert mark["merged_into"] == name.replace("b", "a")
        assert float(mark["value"]) == pytest.approx(truth[name], abs=0.001)
