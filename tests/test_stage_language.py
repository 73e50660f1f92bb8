"""`language`: what is told by script, what by langdetect, what is not told."""

from __future__ import annotations

import polars as pl
import pytest
from pydantic import ValidationError

from pipeline.record import frame
from pipeline.stages.language import Language, detected

ENGLISH = "The leaves are picked early in the morning, while they are still wet with dew."
VIETNAMESE = "Lá trà được hái vào sáng sớm, khi còn ướt sương, rồi được mang xuống làng."

THAI = "ใบชาถูกเก็บในตอนเช้าตรู่ขณะที่ยังเปียกน้ำค้างและนำลงไป"


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
        ("th", THAI),
        ("el", "Τα φύλλα μαζεύονται νωρίς το πρωί, ενώ είναι ακόμα υγρά."),
        ("he", "העלים נקטפים מוקדם בבוקר בעודם רטובים מטל ומובאים לכפר."),
        ("zh", "今天天气很好，我们去公园散步吧。"),
        ("ja", "ありがとうございます。"),
        ("ko", "안녕하세요, 무엇을 도와드릴까요?"),
        ("vi", "Cảm ơn bạn nhé"),
        ("vi", "Anh restart lại modem wifi giúp em nhé."),
        ("vi", "Bạn cần deploy microservice lên Kubernetes cluster, sau đó config ingress."),
        ("en", "Mr Nguyễn Văn Bình went to meet the director, who comes from the town of Cần Thơ."),
        ("en", "The bowl of phở that they serve at the corner is by far the best one in the city."),
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


@pytest.mark.parametrize(
    "text", ["Write a poem about autumn leaves.", "Do you ship to Canada or Mexico?"]
)
def test_a_guess_outside_the_allowed_is_no_verdict(text: str) -> None:
    """langdetect takes them for Romanian and Spanish, with little confidence."""
    after = Language(allow=["en", "vi"])(frame([{"source": "a", "text": text}]))
    assert after["language"].to_list() == ["und"]
    assert after["rejected"].to_list() == [None]
    french = "Où est la gare de Lyon, s'il vous plaît, et quand part le train ?"
    after = Language(allow=["en", "vi"])(frame([{"source": "a", "text": french}]))
    assert after["rejected"].struct.field("value").to_list() == ["fr"]


def test_turns_are_joined() -> None:
    """Short turns are told by what they say together."""
    turns = [{"role": "user", "text": w} for w in VIETNAMESE.split(", ")] + [
        {"role": "assistant", "text": None}
    ]
    after = Language()(frame([{"source": "a", "text": None, "messages": turns}]))
    assert after["language"].to_list() == ["vi"]


def test_what_is_told_is_observed() -> None:
    """A count for each language, a confidence for each record that has one."""
    rows = [ENGLISH, VIETNAMESE, "OK", THAI]
    seen = Language(allow=["vi"]).observe(frame([{"source": t, "text": t} for t in rows]))
    assert isinstance(seen.tallies, pl.DataFrame)
    assert sorted(seen.tallies["kind"]) == ["en", "th", "und", "vi"]
    assert seen.tallies["number"].to_list() == [1] * 4
    assert seen.measures is not None
    assert seen.measures.columns == ["id", "confidence"]
    assert seen.measures["confidence"].min() > 0.99
    assert seen.measures.height == 3


def test_confidence_is_of_the_answer() -> None:
    """What a script tells is sure, what is not told has none, the rest is langdetect's."""
    answers = detected(pl.Series("sample", [ENGLISH, "OK", THAI, None, ENGLISH]))
    assert answers["language"].to_list() == ["en", "und", "th", "und", "en"]
    first, *others = answers["confidence"].to_list()
    assert 0.99 < first < 1.0
    assert others == [None, 1.0, None, first]


@pytest.mark.parametrize("name", ["English", "e", "", "e1"])
def test_names_are_no_codes(name: str) -> None:
    """`allow: [English]` would reject everything; it is a fault of the recipe."""
    with pytest.raises(ValidationError, match="not a language code"):
        Language(allow=[name])
