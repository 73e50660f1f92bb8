"""Fine-tune, or retrieve (RAG)? What the data itself says, by a rule that is told with the answer.

Knowledge that changes often belongs where it can be replaced: a model would be out of date before
it is paid back. What every prompt repeats, and a style, belong in the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.costs.break_even import BreakEven, Calls
from pipeline.costs.history import LEAST_DAYS, History
from pipeline.costs.repeated import Repeated

RAG_ABOVE = 0.2
"""Share of the sources that change in a month, above which knowledge is taken to change often."""

LITTLE = 50
"""Tokens that a prompt repeats, under which leaving them out saves next to nothing."""

VERDICTS = {
    "fine-tune": "the knowledge is steady",
    "rag": "the knowledge changes often: retrieve it (RAG), a tuned model would soon be wrong",
    "both": "retrieve what changes (RAG), and tune for the style and the prompts that repeat",
    "unknown": "how fast the knowledge changes cannot be told yet",
}


@dataclass(frozen=True)
class Advice:
    """A verdict of `VERDICTS` with what it rests on."""

    verdict: str
    because: list[str]
    history: History
    repeated: Repeated | None

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "verdict": self.verdict,
            "because": self.because,
            "history": self.history.as_json(),
            "repeated": self.repeated.as_json() if self.repeated else None,
        }


def advise(
    history: History,
    repeated: Repeated | None,
    labelled: bool,
    rag_above: float = RAG_ABOVE,
    calls: Calls | None = None,
    pays: Sequence[BreakEven] = (),
) -> Advice:
    """Weigh how fast the sources change against what the prompts repeat.

    `labelled` data teaches answers and style, other text knowledge alone. `repeated` is None where
    the lines could not be read. `pays` are the ways of hosting, held against `calls`.
    """
    share = history.share_a_month
    saves = labelled and repeated is not None and repeated.tokens >= LITTLE
    if share is None:
        verdict = "unknown"
    elif share <= rag_above:
        verdict = "fine-tune"
    else:
        verdict = "both" if saves else "rag"
    because = [
        *_told_history(history, rag_above),
        *_told_repeated(repeated, labelled),
        *_told_pays(calls, pays),
    ]
    return Advice(verdict, because, history, repeated)


def _told_history(history: History, rag_above: float) -> Iterator[str]:
    share = history.share_a_month
    if share is None:
        yield (
            f"runs published there: {history.runs}, over {history.days:.1f} days; it takes two, "
            f"{LEAST_DAYS:.0f} days apart, to tell how fast the sources change"
        )
        return
    yield (
        f"over {history.runs} runs in {history.days:.0f} days, of {history.sources:.0f} sources "
        f"{history.added} came, {history.changed} changed and {history.removed} went: {share:.1%} "
        f"a month, where more than {rag_above:.0%} is taken for often"
    )


def _told_repeated(repeated: Repeated | None, labelled: bool) -> Iterator[str]:
    if not labelled:
        yield "unlabelled text teaches knowledge and shortens no prompt"
    elif repeated is None:
        yield "what the prompts repeat could not be measured: the lines are not on this machine"
    elif not repeated.tokens:
        yield f"most of the {repeated.records:,} prompts looked at share no text: none can be saved"
    else:
        yield (
            f"about {repeated.tokens:,} tokens are the same in most of the {repeated.records:,} "
            f"prompts looked at ({_parts(repeated)}): trained and called without them, each call "
            "is so much shorter; compare with prompt caching, where the model has it"
        )


def _parts(repeated: Repeated) -> str:
    system = f"system prompt in {repeated.system_share:.0%}" if repeated.system else ""
    opening = "opening of the question" if repeated.opening else ""
    ending = "ending of the question" if repeated.ending else ""
    return ", ".join(part for part in (system, opening, ending) if part)


def _told_pays(calls: Calls | None, pays: Sequence[BreakEven]) -> Iterator[str]:
    if calls is None:
        yield "give --calls-per-month to hold the tokens saved against training and hosting"
    elif not pays:
        yield "without the base model's price the tokens saved cannot be held against the costs"
    else:
        told = f"at {calls.a_month:,} calls a month"
        paid = [(one.months, one.hosting) for one in pays if one.months is not None]
        if paid:
            months, hosting = min(paid)
            yield f"{told} {hosting} has paid for its training after {months:.1f} months"
        else:
            yield f"{told} the tokens saved pay for no way of hosting"
