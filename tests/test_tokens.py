"""Token estimates against what public tokenizers were measured to give."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tokens import (
    BOUND,
    ESTIMATE,
    TURN_OVERHEAD,
    Weights,
    message_tokens,
    token_bound,
    token_bounds,
    token_estimate,
    weigh,
    weigh_by_expressions,
)

ENGLISH = (
    "The leaves are picked early in the morning, while they are still wet with dew, and carried "
    "down to the village before noon. There the women spread them on bamboo trays in the shade, "
    "turning them every hour until they smell of fresh apples. "
)
CODE = (
    "def weigh(column: Expr, weights: Weights) -> Expr:\n"
    "    chars = column.str.len_chars()\n"
    "    for pattern, weight in weights.items():\n"
    "        total += count(column, pattern) * (weight - plain)\n"
    "    return total\n"
)
VIETNAMESE = (
    "Lá trà được hái vào sáng sớm, khi còn ướt sương, rồi được mang xuống làng trước buổi "
    "trưa. Ở đó những người phụ nữ trải lá lên nong tre trong bóng râm và đảo mỗi giờ một lần."
)
GERMAN = (
    "Die Blätter werden am frühen Morgen gepflückt, solange sie noch feucht sind, und vor "
    "Mittag ins Dorf getragen. Dort breiten die Frauen sie auf Bambusmatten im Schatten aus."
)
RUSSIAN = (
    "Листья собирают рано утром, пока они ещё влажные от росы, и до полудня относят в "
    "деревню. Там женщины раскладывают их на подносах в тени и переворачивают каждый час."
)
CHINESE = "茶叶在清晨采摘，趁着露水未干，中午之前运到山下的村子里。妇女们把茶叶摊在竹盘上。"
SAMPLES = {
    # text, characters per token: o200k to llama3, and the worst of five tokenizers
    "en": (ENGLISH, 5.4, 5.3),
    "code": (CODE, 3.8, 3.6),
    "vi": (VIETNAMESE, 3.6, 1.4),
    "de": (GERMAN, 4.3, 3.4),
    "ru": (RUSSIAN, 4.0, 2.0),
    "zh": (CHINESE, 1.25, 0.85),
    "ja": ("茶の葉は朝早く、まだ露に濡れているうちに摘まれ、昼前には村へ運ばれます。", 1.3, 0.85),
    "ko": ("찻잎은 이른 아침 아직 이슬에 젖어 있을 때 따서 정오 전에 마을로 옮깁니다.", 1.8, 0.9),
    "th": ("ใบชาถูกเก็บในตอนเช้าตรู่ขณะที่ยังเปียกน้ำค้างและนำลงไปยังหมู่บ้านก่อนเที่ยง", 2.3, 0.6),
    "ar": ("تُقطف أوراق الشاي في الصباح الباكر وهي لا تزال رطبة بالندى وتُحمل إلى القرية", 3.0, 1.1),
    "hi": ("चाय की पत्तियाँ सुबह जल्दी तोड़ी जाती हैं जब वे ओस से भीगी होती हैं और गाँव लाई जाती हैं", 2.6, 0.9),
}  # fmt: skip


def tokens(text: str, count: object = token_bound) -> int:
    return pl.DataFrame({"text": [text]}).select(count(pl.col("text"))).item()  # type: ignore[operator]


@pytest.mark.parametrize("language", SAMPLES)
def test_bound_is_over_the_worst_tokenizer(language: str) -> None:
    """The bound is at least the worst measured column and 10 % more, yet under twice that."""
    text, _, worst = SAMPLES[language]
    least = len(text) / worst * 1.1
    assert least <= tokens(text) <= 2 * least


@pytest.mark.parametrize("language", SAMPLES)
def test_estimate_is_near_o200k(language: str) -> None:
    """The estimate is within a quarter of what o200k and Llama 3 give."""
    text, usual, _ = SAMPLES[language]
    assert tokens(text, token_estimate) == pytest.approx(len(text) / usual, rel=0.25)


def test_decomposed_vietnamese_costs_three_times_as_much() -> None:
    """Text that is not in NFC is told by its price: 1.23 characters a token were measured."""
    text = SAMPLES["vi"][0]
    decomposed = pl.select(pl.lit(text).str.normalize("NFD")).item()
    assert len(decomposed) / tokens(decomposed, token_estimate) == pytest.approx(1.23, rel=0.3)
    assert tokens(decomposed) > len(decomposed) / 1.23


@pytest.mark.parametrize(
    "dense", ["0123456789" * 9, "{}[]();:<>" * 9, "ABCDEFGHIJ" * 9, "\n" * 90, "\x00" * 90]
)
def test_dense_text_costs_a_token_a_character(dense: str) -> None:
    """Digits, marks, capitals and controls: the worst tokenizers take them one by one."""
    assert tokens(dense) == 90


@settings(derandomize=True, deadline=None, database=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_bounds_add_up(one: str, other: str) -> None:
    """The bound of a text is no more than those of its parts, and never under the estimate."""
    both = tokens(one + other)
    assert max(tokens(one), tokens(other)) <= both <= tokens(one) + tokens(other)
    assert tokens(one + other, token_estimate) <= both


@settings(derandomize=True, deadline=None, database=None)
@given(st.text(max_size=60))
def test_bound_stays_under_the_bytes(text: str) -> None:
    """At most a token a byte for ASCII, two elsewhere: callers skip counting by that."""
    size = len(text.encode())
    assert tokens(text) <= (size if text.isascii() else 2 * size)


def test_null_stays_null_and_empty_costs_nothing() -> None:
    """No text has no cost; an empty text costs none."""
    assert token_bounds(pl.Series("t", ["", None, "a"], dtype=pl.String)).to_list() == [0, None, 1]


def test_rows_do_not_touch_each_other() -> None:
    """Foreign scripts in one row change nothing in its neighbours."""
    column = pl.Series("t", [ENGLISH, "茶", None, "чай", ENGLISH], dtype=pl.String)
    one_by_one = [None if text is None else tokens(text) for text in column]
    assert token_bounds(column).to_list() == one_by_one
    assert token_bounds(column).name == "t"


def test_messages_cost_their_turns_and_the_system_prompt() -> None:
    """Every turn, and a system prompt if there is one, costs its text and the marks around it."""
    turn = [{"role": "user", "text": ENGLISH}, {"role": "assistant", "text": None}]
    records = pl.DataFrame(
        {"system": [None, ENGLISH, ENGLISH, None], "messages": [turn, turn, None, []]}
    )
    own = tokens(ENGLISH)
    expected = [own + 2 * TURN_OVERHEAD, 2 * own + 3 * TURN_OVERHEAD, None, 0]
    assert records.select(message_tokens()).to_series().to_list() == expected
    assert records.select(message_tokens(token_estimate)).to_series()[0] < expected[0]


@pytest.mark.parametrize("weights", [BOUND, ESTIMATE], ids=["bound", "estimate"])
@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.text(max_size=40) | st.none(), max_size=5))
def test_the_kernel_weighs_as_the_expressions_do(weights: Weights, texts: list[str | None]) -> None:
    """To the thousandth of a token, null for null."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    both = frame.select(
        kernel=weigh(pl.col("text"), weights),
        expressions=weigh_by_expressions(pl.col("text"), weights),
    )
    assert both["kernel"].to_list() == both["expressions"].to_list()


def test_the_kernel_knows_every_character() -> None:
    """Each one that a text may hold, within ASCII and within its own script."""
    codes = [c for c in range(0x11000) if not 0xD800 <= c < 0xE000] + [0x1F600, 0x20000, 0x10FFFF]
    frame = pl.DataFrame(
        {"text": ["".join(f"a{chr(c)}{chr(c)}" for c in codes[i::50]) for i in range(50)]}
    )
    for weights in (BOUND, ESTIMATE):
        column = pl.col("text")
        both = frame.select(weigh(column, weights), other=weigh_by_expressions(column, weights))
        assert both["text"].to_list() == both["other"].to_list()
