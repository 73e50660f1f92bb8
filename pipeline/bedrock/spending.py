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
    """What may be spent, what is, and what calls under way may come to; for one thread.

    A call is held at its bound before it is made and settled by what it used, so that the budget
    is never overrun, be all calls as dear as they can.
    """

    rates: Rates
    max_usd: float | None = None
    max_tokens: int | None = None
    tokens_in: int = 0  # spent
    tokens_out: int = 0
    held: list[tuple[int, int]] = field(default_factory=list)

    def hold(self, tokens_in: int, tokens_out: int) -> bool:
        """Set the bound of a call aside; False if the budget does not hold it."""
        into = self.tokens_in + tokens_in + sum(one for one, _ in self.held)
        out = self.tokens_out + tokens_out + sum(one for _, one in self.held)
        usd = self.rates.usd(into, out)
        if self.max_tokens is not None and into + out > self.max_tokens:
            return False
        if self.max_usd is not None and (usd is None or usd > self.max_usd):
            return False
        self.held.append((tokens_in, tokens_out))
        return True

    def settle(self, bound: tuple[int, int], tokens_in: int, tokens_out: int) -> None:
        """Count what a call that was held has used."""
        self.held.remove(bound)
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out

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
