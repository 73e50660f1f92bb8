"""`quality`: Gopher's, C4's and FineWeb's rules, and whom they spare."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kernels import statistics
from pipeline.record import frame
from pipeline.stages.quality import FAMILIES, Quality

ENGLISH = (
    "The leaves are picked early in the morning, while they are still wet with dew. They are "
    "carried down to the village before noon, and spread on trays of bamboo in the shade. The "
    "women turn them every hour until they smell of fresh apples. Nobody hurries, for a leaf "
    "that is bruised turns bitter. When evening comes, the trays are taken in and counted.\n"
    "A good day gives four baskets to a family. Rain halves that number, but the price rises."
)
VIETNAMESE = (
    "Lá trà được hái vào sáng sớm, khi còn ướt sương. Người ta mang lá xuống làng trước buổi "
    "trưa và trải ra nong tre trong bóng râm. Cứ mỗi giờ họ lại đảo lá một lần, cho đến khi có "
    "mùi táo chín. Không ai vội vàng cả, vì lá bị dập sẽ có vị đắng. Đến tối, nong được đem vào "
    "nhà và đếm lại từng chiếc một.\nMột ngày tốt cho mỗi nhà bốn sọt. Trời mưa thì chỉ còn nửa."
)
CHINESE = "茶叶在清晨采摘，趁着露水未干。中午之前运到山下的村子里，摊在竹盘上晾。妇女们每个小时翻一次，直到闻见苹果的香气。没有人着急，因为碰伤的叶子会变苦。到了傍晚，竹盘收进屋里清点。好的日子一家能收四筐。下雨天只有一半，价钱却会涨。"  # noqa: E501
JAPANESE = "茶の葉は朝早く、まだ露に濡れているうちに摘まれます。昼前に村まで運ばれ、日陰で竹の盆に広げられます。女たちは一時間ごとに葉を返し、りんごのような香りがするまで続けます。急ぐ人はいません。傷んだ葉は苦くなるからです。夕方になると盆は家に入れられ、数えられます。"  # noqa: E501
THAI = "ใบชาถูกเก็บในตอนเช้าตรู่ขณะที่ยังเปียกน้ำค้างอยู่ แล้วนำลงไปที่หมู่บ้านก่อนเที่ยง ผู้หญิงจะแผ่ใบชาบนถาดไม้ไผ่ในที่ร่ม และกลับใบทุกชั่วโมงจนมีกลิ่นหอมเหมือนแอปเปิล ไม่มีใครรีบร้อน เพราะใบที่ช้ำจะมีรสขม"  # noqa: E501
KOREAN = (
    "찻잎은 이슬이 마르기 전 이른 아침에 딴다. 정오 전에 마을로 옮겨 그늘에서 대나무 채반에 "
    "펼쳐 놓는다. 여자들은 한 시간마다 잎을 뒤집고, 사과 향이 날 때까지 계속한다. 서두르는 "
    "사람은 없다. 상한 잎은 쓴맛이 나기 때문이다. 저녁이 되면 채반을 들여놓고 수를 센다. 좋은 "
    "날에는 한 집이 네 바구니를 얻는다. 비가 오면 그 절반뿐이지만 값은 오른다. 그래서 비 오는 "
    "날에도 사람들은 웃는다. 아이들은 남은 잎으로 논다. 할머니는 물을 끓인다. 모두가 둘러앉는다."
)


TWICE = ENGLISH + "\n\nx\n\ny\n\nz\n\n" + ENGLISH
LINE_TWICE = "a\nb\nc\nd\n" + 2 * (ENGLISH.replace("\n", " ") + "\n")
CUT = "the tea of that hill…\nand of this one too\n" * 8
MENU = "A menu of teas\n" * 3 + "Green, white and black ones"
LISTED = "Unreasonablylongwordsstandhere.\n\n\n\n" + "x" * 40 + ".\n" * 2


def mark(text: str, *rules: str, language: str | None = None, **changed: Any) -> str | None:
    stage = Quality(rules=rules, **changed)
    row = {"source": "a", "text": text, "language": language}
    found = stage(frame([row]))["rejected"].item()
    return found and found["reason"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", ENGLISH),
        ("vi", VIETNAMESE),
        ("zh", CHINESE),
        ("ja", JAPANESE),
        ("th", THAI),
        ("ko", KOREAN),
    ],
)
@pytest.mark.parametrize("family", [*FAMILIES])
def test_prose_is_kept_in_every_language(language: str, text: str, family: str) -> None:
    """With the language known, and without."""
    least: Any = {"gopher_quality": {"min_words": 40}} if language in {"ja", "th"} else {}
    assert mark(text, family, language=language, **least) is None
    assert mark(text, family, **least) is None


@pytest.mark.parametrize(
    ("family", "text", "reason"),
    [
        ("gopher_quality", "The tea is of the hill.", "gopher_too_few_words"),
        ("gopher_quality", "a b " * 30, "gopher_short_words"),
        ("gopher_quality", "/usr/share/documents/of/the " * 60, "gopher_long_words"),
        ("gopher_quality", (ENGLISH + " # # # #") * 2 + " #" * 40, "gopher_many_hashes"),
        ("gopher_quality", ENGLISH + " ... " * 20, "gopher_many_ellipses"),
        ("gopher_quality", "- the leaves of that hillside\n" * 20, "gopher_bullet_lines"),
        ("gopher_quality", CUT, "gopher_ellipsis_lines"),
        ("gopher_quality", ENGLISH + " 1000" * 60, "gopher_few_alpha_words"),
        ("gopher_quality", "tea hill leaf green " * 20, "gopher_few_stop_words"),
        ("gopher_repetition", "One.\n\nTwo.\n\nOne.\n\nTwo.\n\nOne.", "repeated_paragraphs"),
        ("gopher_repetition", TWICE, "repeated_paragraph_chars"),
        ("gopher_repetition", "a b\nc d\na b\nc d\na b", "repeated_lines"),
        ("gopher_repetition", LINE_TWICE, "repeated_line_chars"),
        ("gopher_repetition", "green tea and green tea or green tea", "frequent_2_gram"),
        ("gopher_repetition", ENGLISH + " - " + ENGLISH, "repeated_5_grams"),
        ("c4", "Lorem ipsum dolor sit amet.", "c4_lorem_ipsum"),
        ("c4", "Then type { into the field.", "c4_curly_bracket"),
        ("c4", "No stop here\n" * 20, "c4_too_few_sentences"),
        ("fineweb", MENU, "fineweb_few_ended_lines"),
        ("fineweb", "Green tea.\nWhite tea.\nBlack tea.", "fineweb_short_lines"),
        ("fineweb", (ENGLISH.replace("\n", " ") + "\n") * 2, "fineweb_repeated_chars"),
        ("fineweb", LISTED, "fineweb_many_newlines"),
    ],
)  # fmt: skip
def test_each_rule(family: str, text: str, reason: str) -> None:
    """A text that breaks it, and is kept where the rule is moved out of the way."""
    assert mark(text, family) == reason
    rule = next(rule for rule in FAMILIES[family] if rule.reason == reason)
    moved: Any = {
        family: {rule.setting: 0 if rule.least else 1_000_000 if "ratio" in rule.setting else 1}
    }
    if rule.setting in {"max_words", "max_word_length", "max_curly_lines", "max_lorem_lines"}:
        moved = {family: {rule.setting: 1000}}
    if rule.setting.startswith("max_top"):
        moved = {family: {rule.setting: 10}}
    assert mark(text, family, **moved) != reason


def test_every_rule_has_a_case() -> None:
    """But for those that need very long texts, or are met only together with others."""
    reasons = {rule.reason for family in FAMILIES.values() for rule in family}
    assert reasons == set(Quality.reasons)


def test_families_are_held_in_their_order() -> None:
    """The first broken rule is the reason."""
    assert mark("short", "plain", "gopher_quality") == "too_short"
    assert mark("short", "gopher_quality", "plain") == "gopher_too_few_words"


def test_stop_words_are_for_english() -> None:
    """By the language that was found, else by the letters."""
    german = "Tee wird morgens gepflückt und über Mittag hinab ins Dorf getragen worden. " * 5
    keywords = "tea hill leaf green " * 20
    assert mark(german, "gopher_quality", language="de") is None
    assert mark(keywords, "gopher_quality", language="en") == "gopher_few_stop_words"
    assert mark(keywords, "gopher_quality", language="id") is None
    assert mark(keywords, "gopher_quality", language="und") == "gopher_few_stop_words"


def test_measures_are_told_of_every_judged_document() -> None:
    """Also of those that are kept; null where a rule does not apply."""
    turns = [{"role": "user", "text": "?"}]
    rows: list[dict[str, Any]] = [
        {"source": "a", "text": ENGLISH, "language": "en"},
        {"source": "b", "text": CHINESE, "language": "zh"},
        {"source": "c", "messages": turns},
    ]
    records = frame(rows)
    told = Quality(rules=("plain", "gopher_quality")).observe(records).measures
    assert told is not None
    assert told["id"].to_list() == records["id"].to_list()[:2]
    assert told["words"].to_list()[0] == 82
    assert told["gopher_alpha_words"].to_list()[1] is None
    assert set(told.dtypes) == {pl.String, pl.Int64, pl.Float64}


PIECES = st.sampled_from(
    [*"aZ5 \n\t.#|中ไกé한", "𠮷", "\U0001f600", "\u0378", "\ue000", "\u2028", "x" * 50, "\u0301"]
)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.lists(PIECES, max_size=40).map("".join), min_size=1, max_size=4))
def test_plain_rules_by_kernel_are_those_by_expressions(texts: list[str]) -> None:
    """The same reasons, values and measures."""
    records = frame([{"source": str(n), "text": text} for n, text in enumerate(texts)])
    stage = Quality(max_line_chars=30)
    observed = stage.observe(records)
    compiled, statistics.COMPILED = statistics.COMPILED, False
    try:
        plain = stage.observe(records)
    finally:
        statistics.COMPILED = compiled
    assert plain.records.equals(observed.records)
    assert plain.measures is not None
    assert observed.measures is not None
    assert plain.measures.equals(observed.measures)
