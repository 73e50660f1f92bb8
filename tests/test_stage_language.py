"""`language`: what is told by script, what by langdetect, what is not told."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.record import frame
from pipeline.stages.language import PROBES, Language, _codes, _langdetect

ENGLISH = "The leaves are picked early in the morning, while they are still wet with dew."
VIETNAMESE = "Lá trà được hái vào sáng sớm, khi còn ướt sương, rồi được mang xuống làng."


def language(text: str, **settings: object) -> str:
    return Language(**settings)(frame([{"source": "a", "text": text}]))["language"].item()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", ENGLISH),
        ("vi", VIETNAMESE),
        ("fr", "Les feuilles sont cueillies tôt le matin, encore humides de rosée."),
        ("ru", "Листья собирают рано утром, пока они ещё влажные от росы."),
        ("ar", "تُقطف أوراق الشاي في الصباح الباكر وهي لا تزال رطبة بالندى"),
        ("ja", "茶の葉は朝早く、まだ露に濡れているうちに摘まれます。"),
        ("ja", "ダージリンティーの収穫期は春摘み夏摘み秋摘みの三回。"),
        ("zh", "茶叶在清晨采摘，趁着露水未干，中午之前运到山下的村子里。"),
        ("zh", "顯示郵件狀態資訊，總覽與描述，執行結果：mailstats [-f file]"),
        ("ko", "찻잎은 이른 아침 아직 이슬에 젖어 있을 때 따서 마을로 옮깁니다."),
        ("th", "ใบชาถูกเก็บในตอนเช้าตรู่ขณะที่ยังเปียกน้ำค้างและนำลงไป"),
        ("el", "Τα φύλλα μαζεύονται νωρίς το πρωί, ενώ είναι ακόμα υγρά."),
        ("he", "העלים נקטפים מוקדם בבוקר בעודם רטובים מטל ומובאים לכפר."),
    ],
)
def test_language_is_told(code: str, text: str) -> None:
    """By script where one language has it, by langdetect elsewhere."""
    assert language(text) == code


@pytest.mark.parametrize(
    "text",
    ["", "OK", "12345 67890 " * 9, "🙂" * 50, "https://example.com/the/leaves/are/picked"],
)
def test_too_little_to_tell(text: str) -> None:
    """Under 20 letters of prose nothing is claimed."""
    assert language(text) == "und"


def test_code_and_addresses_do_not_count() -> None:
    """English identifiers do not make a Vietnamese page English."""
    code = "```python\nfor every_leaf in the_morning_harvest: carry_down(every_leaf)\n```\n"
    link = "https://example.com/the-leaves-are-picked-early-in-the-morning "
    assert language(code * 3 + link * 3 + VIETNAMESE) == "vi"


def test_only_allowed_languages_stay() -> None:
    """The code is the value, the list the threshold; what cannot be told is kept or not."""
    rows = [{"source": s, "text": t} for s, t in [("a", ENGLISH), ("b", VIETNAMESE), ("c", "OK")]]
    marks = Language(allow=["vi", "en-GB"])(frame(rows))["rejected"]
    assert marks.to_list() == [None, None, None]
    marks = Language(allow=["vi"], undetermined="reject")(frame(rows))["rejected"]
    expected = {"reason": "language_not_allowed", "threshold": "vi", "merged_into": None}
    assert marks.to_list() == [expected | {"value": "en"}, None, expected | {"value": "und"}]


def test_turns_are_joined() -> None:
    """Short turns are told by what they say together."""
    turns = [{"role": "user", "text": w} for w in VIETNAMESE.split(", ")] + [
        {"role": "assistant", "text": None}
    ]
    after = Language()(frame([{"source": "a", "text": None, "messages": turns}]))
    assert after["language"].to_list() == ["vi"]


def test_answers_are_langdetects() -> None:
    """Same answers as the library gives by itself with its seed set."""
    from langdetect import DetectorFactory, detect

    before, DetectorFactory.seed = DetectorFactory.seed, 0
    try:
        expected = [detect(probe) for probe in PROBES]
    finally:
        DetectorFactory.seed = before
    assert _langdetect(list(PROBES)) == expected
    assert len(set(expected)) == len(PROBES)


def test_the_rust_twin_answers_alike() -> None:
    """Where langdetect-rs is installed it says what langdetect says."""
    twin = pytest.importorskip("langdetect_rs")
    assert _codes(twin.detect_batch(list(PROBES))) == _langdetect(list(PROBES))


@pytest.mark.parametrize("name", ["English", "e", "", "e1"])
def test_names_are_no_codes(name: str) -> None:
    """`allow: [English]` would reject everything; it is a fault of the recipe."""
    with pytest.raises(ValidationError, match="no language code"):
        Language(allow=[name])
