"""How much a model may be asked, and how fast: a budget in tokens and dollars, and a pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.bedrock.card import Card
from pipeline.bedrock.pricing import find_price
from pipeline.errors import RecipeError

ITEMS = ("base_input_per_1k_tokens", "base_output_per_1k_tokens")
"""The on-demand prices of an uncustomized model: input tokens, output tokens."""


Bound = tuple[int, int]
"""Input and output tokens: the most that a call can use, or what it has used."""


@dataclass(frozen=True)
class Rates:
    """US dollars per 1,000 input and output tokens; None if no price is known."""

    into: float | None
    out: float | None

    def usd(self, tokens_in: int, tokens_out: int) -> float | None:
        """The cost of so many tokens in US dollars; None if a price is not known."""
        if self.into is None or self.out is None:
            return None
        return (tokens_in * self.into + tokens_out * self.out) / 1000


def rates_of(card: Card | None, own: dict[str, float]) -> Rates:
    """The user's own prices, else the card's. Raises RecipeError for an item not in `ITEMS`."""
    unknown = sorted(set(own) - set(ITEMS))
    if unknown:
        raise RecipeError(f"--price {unknown[0]}: is not one of {', '.join(ITEMS)}")
    if card is None:
        return Rates(own.get(ITEMS[0]), own.get(ITEMS[1]))
    prices = [find_price(card, item, own) for item in ITEMS]
    return Rates(*(price.usd if price else None for price in prices))


@dataclass
class Budget:
    """A budget: its limits, what is spent, and what calls under way may use; thread-safe.

    The bound of a call is reserved before it is made, then replaced by what the call used. A call
    whose answer was lost counts with its bound. So the budget is never exceeded, even if every
    call uses as much as it can.
    """

    rates: Rates
    max_usd: float | None = None
    max_tokens: int | None = None
    tokens_in: int = 0  # spent
    tokens_out: int = 0
    held_in: int = 0  # reserved for the calls under way
    held_out: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def hold(self, bound: Bound) -> bool:
        """Reserve the bound of a call; False if the budget is too small for it."""
        with self._lock:
            self._move(0, bound, 1)
            if not self._fits():
                self._move(0, bound, -1)
                return False
            return True

    def lose(self, bound: Bound) -> bool:
        """Count the bound of a call as spent because its answer was lost.

        The reservation stays until the call is settled. False if the budget is too small to try
        the call again.
        """
        with self._lock:
            self._move(1, bound, 0)
            return self._fits()

    def settle(self, bound: Bound, used: Bound) -> None:
        """Release the reservation of a call and count what it used."""
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
        """Dollars spent; None if a price is not known."""
        return self.rates.usd(self.tokens_in, self.tokens_out)


@dataclass
class Pace:
    """Lets calls through one by one, within the limits of requests and tokens per minute.

    Like Bedrock, it counts the input tokens and the most possible output tokens when a call begins.
    """

    requests: float | None = None  # a minute
    tokens: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, tokens: int) -> None:
        """Wait until a call of so many tokens may begin."""
        seconds = [60 / self.requests] if self.requests else []
        seconds += [60 * tokens / self.tokens] if self.tokens else []
        with self._lock:
            now = self.clock()
            begin = max(now, self._free)
            self._free = begin + max(seconds, default=0.0)
        if begin > now:
            self.sleep(begin - now)
