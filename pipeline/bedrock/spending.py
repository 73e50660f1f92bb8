"""How much may be asked of a model, and how fast: a budget in tokens and dollars, and a pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.bedrock.card import Card
from pipeline.bedrock.pricing import find_price
from pipeline.errors import RecipeError

ITEMS = ("base_input_per_1k_tokens", "base_output_per_1k_tokens")
"""The prices of a model as it is, on demand: tokens in, tokens out."""


Bound = tuple[int, int]
"""Tokens in, tokens out: what a call can come to at most, or has used."""


@dataclass(frozen=True)
class Rates:
    """US dollars for 1,000 tokens in and out, or None where no price is known."""

    into: float | None
    out: float | None

    def usd(self, tokens_in: int, tokens_out: int) -> float | None:
        """What so many tokens cost."""
        if self.into is None or self.out is None:
            return None
        return (tokens_in * self.into + tokens_out * self.out) / 1000


def rates_of(card: Card | None, own: dict[str, float]) -> Rates:
    """The user's own prices, else the card's. Raises RecipeError for an item that is not asked."""
    unknown = sorted(set(own) - set(ITEMS))
    if unknown:
        raise RecipeError(f"--price {unknown[0]}: is not one of {', '.join(ITEMS)}")
    if card is None:
        return Rates(own.get(ITEMS[0]), own.get(ITEMS[1]))
    prices = [find_price(card, item, own) for item in ITEMS]
    return Rates(*(price.usd if price else None for price in prices))


@dataclass
class Budget:
    """What may be spent, what is, and what calls under way may come to; for several threads.

    A call is held at its bound before it is made and settled by what it used, and one whose answer
    was lost counts at its bound, so that the budget is never overrun, be all calls as dear as they
    can.
    """

    rates: Rates
    max_usd: float | None = None
    max_tokens: int | None = None
    tokens_in: int = 0  # spent
    tokens_out: int = 0
    held_in: int = 0  # bounds of the calls under way
    held_out: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def hold(self, bound: Bound) -> bool:
        """Set the bound of a call aside; False if the budget does not hold it."""
        with self._lock:
            self._move(0, bound, 1)
            if not self._fits():
                self._move(0, bound, -1)
                return False
            return True

    def lose(self, bound: Bound) -> bool:
        """Count a call that is held as spent, its answer lost; False if it cannot be tried again.

        It stays held until it is settled.
        """
        with self._lock:
            self._move(1, bound, 0)
            return self._fits()

    def settle(self, bound: Bound, used: Bound) -> None:
        """Count what a call that was held has used."""
        with self._lock:
            self._move(0, bound, -1)
            self._move(1, used, 0)

    def _move(self, spent: int, tokens: Bound, held: int) -> None:
        self.tokens_in += spent * tokens[0]
        self.tokens_out += spent * tokens[1]
        self.held_in += held * tokens[0]
        self.held_out += held * tokens[1]

    def _fits(self) -> bool:
        into, out = self.tokens_in + self.held_in, self.tokens_out + self.held_out
        usd = self.rates.usd(into, out)
        dear = self.max_usd is not None and (usd is None or usd > self.max_usd)
        return not dear and (self.max_tokens is None or into + out <= self.max_tokens)

    def usd(self) -> float | None:
        """Dollars spent, where prices are known."""
        return self.rates.usd(self.tokens_in, self.tokens_out)


@dataclass
class Pace:
    """Lets calls through one by one, no faster than so many, and so many tokens, a minute.

    Bedrock counts the tokens in and the most that may come out when a call begins, and so do we.
    """

    requests: float | None = None  # a minute
    tokens: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, tokens: int) -> None:
        """Return when a call of so many tokens may begin."""
        seconds = [60 / self.requests] if self.requests else []
        seconds += [60 * tokens / self.tokens] if self.tokens else []
        with self._lock:
            now = self.clock()
            begin = max(now, self._free)
            self._free = begin + max(seconds, default=0.0)
        if begin > now:
            self.sleep(begin - now)
