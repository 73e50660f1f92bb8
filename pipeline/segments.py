"""Divides the stages of a recipe into passes, which end at barriers."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.corpus_stage import RewritingStage, Stage, only_rejects
from pipeline.passes import AnyCorpusStage
from pipeline.stage import RecordStage, labels


@dataclass(frozen=True)
class Segment:
    """Record stages between two barriers, and the corpus stages that end them."""

    stages: tuple[tuple[str, RecordStage], ...]
    corpora: tuple[tuple[str, AnyCorpusStage], ...]


def segments(steps: list[Stage]) -> list[Segment]:
    """The stages, divided at the barriers, each with its label in the ledger.

    Consecutive corpus stages share a barrier as long as all of them except the last only reject.
    """
    parted: list[Segment] = []
    waiting: list[tuple[str, RecordStage]] = []
    for label, step in zip(labels(step.name for step in steps), steps, strict=True):
        if not isinstance(step, AnyCorpusStage):
            waiting.append((label, step))
        elif parted and not waiting and only_rejects(parted[-1].corpora[-1][1]):
            shared = parted.pop()
            parted.append(Segment(shared.stages, (*shared.corpora, (label, step))))
        else:
            parted.append(Segment(tuple(waiting), ((label, step),)))
            waiting = []
    # What a rewriting stage changes is observed in a pass, so it is never left to the targets.
    if waiting or not parted or isinstance(parted[-1].corpora[-1][1], RewritingStage):
        parted.append(Segment(tuple(waiting), ()))
    return parted
