"""Fine-tune, or retrieve (RAG)? Advice from the data itself, by a rule that the answer explains.

Knowledge that changes often belongs where it can be replaced: a model would be out of date before
its training is paid back. Style, and what every prompt repeats, belong in the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.costs.break_even import BreakEven, Calls
from pipeline.costs.history import LEAST_DAYS, History
from pipeline.costs.repeated import Repeated

RAG_ABOVE = 0.2
"""If more than this share of the sources changes in a month, knowledge is said to change often."""

LITTLE = 50
"""Below this number of repeated tokens per prompt, leaving them out saves next to nothing."""

VERDICTS = {
    "fine-tune": "the knowledge is steady",
    "rag": "the knowledge changes often: retrieve it (RAG); a tuned model would soon be wrong",
    "both": "retrieve what changes (RAG), and tune for the style and the prompts that repeat",
    "unknown": "how fast the knowledge changes is not known yet",
}


@dataclass(frozen=True)
class Advice:
    """A verdict (a key of `VERDICTS`) with its reasons and the measurements behind it."""

    verdict: str
    because: list[str]
    history: History
    repeated: Repeated | None

    def as_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
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

    `labelled` data teaches answers and style; other text teaches only knowledge. `repeated` is None
    if the lines could not be read. `pays` are the break-evens of the ways of hosting at `calls`.
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
        *_history_reasons(history, rag_above),
        *_repeated_reasons(repeated, labelled),
        *_hosting_reasons(calls, pays),
    ]
    return Advice(verdict, because, history, repeated)


def _history_reasons(history: History, rag_above: float) -> Iterator[str]:
    share = history.share_a_month
    if share is None:
        yield (
            f"{history.runs} runs are published there, over {history.days:.1f} days; two runs, "
            f"{LEAST_DAYS:.0f} days apart, are needed to see how fast the sources change"
        )
        return
    yield (
        f"over {history.runs} runs in {history.days:.0f} days, of {history.sources:.0f} sources "
        f"{history.added} were added, {history.changed} changed and {history.removed} removed: "
        f"{share:.1%} a month; more than {rag_above:.0%} counts as often"
    )


def _repeated_reasons(repeated: Repeated | None, labelled: bool) -> Iterator[str]:
    if not labelled:
        yield "unlabelled text teaches knowledge and shortens no prompt"
    elif repeated is None:
        yield "what the prompts repeat could not be measured: the lines are not on this machine"
    elif not repeated.tokens:
        yield f"most of the {repeated.records:,} prompts read share no text: none can be saved"
    else:
        yield (
            f"about {repeated.tokens:,} tokens are the same in most of the {repeated.records:,} "
            f"prompts read ({_parts(repeated)}): a model trained without them does not need them, "
            "so each call is that much shorter; compare with prompt caching, if the model offers it"
        )


def _parts(repeated: Repeated) -> str:
    system = f"system prompt in {repeated.system_share:.0%}" if repeated.system else ""
    opening = "opening of the question" if repeated.opening else ""
    ending = "ending of the question" if repeated.ending else ""
    return ", ".join(part for part in (system, opening, ending) if part)


def _hosting_reasons(calls: Calls | None, pays: Sequence[BreakEven]) -> Iterator[str]:
    if calls is None:
        yield "give --calls-per-month to compare the saved tokens with training and hosting costs"
    elif not pays:
        yield "without the base model's price, the saved tokens cannot be compared with the costs"
    else:
        at_calls = f"at {calls.a_month:,} calls a month"
        paid = [(way.months, way.hosting) for way in pays if way.months is not None]
        if paid:
            months, hosting = min(paid)
            yield f"{at_calls} {hosting} has paid for its training after {months:.1f} months"
        else:
            yield f"{at_calls} the saved tokens do not pay for any way of hosting"
