"""Names of people, places and organizations, as a spaCy pipeline of the user's finds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial

from pipeline.stages.marks import MARKS, NAME_KINDS, NameKind
from pipeline.stages.name_models import NameModel, labels_of, load_model
from pipeline.stages.spans import Detector, Span

Labels = tuple[tuple[str, NameKind], ...]
"""What each label of a model stands for, where it is known."""

USUAL_LABELS: dict[str, NameKind] = {
    "PERSON": "person",  # OntoNotes: English, Chinese, Japanese …
    "PER": "person",  # WikiNER, CoNLL and VLSP: German, French, Spanish, Vietnamese …
    "PRS": "person",  # Swedish
    "GPE": "place",  # OntoNotes: countries, cities
    "LOC": "place",
    "FAC": "place",  # OntoNotes: buildings, airports, bridges
    "LOCATION": "place",
    "ORG": "organization",
    "ORGANIZATION": "organization",
}

LONGEST = 10_000
"""Characters that a model sees at once. spaCy asks for 1 GB of memory for 100,000, and refuses
1,000,000; a name is known by the words around it."""

ENDS = (("\n\n",), ("\n",), (". ", "! ", "? ", "。", "！", "？"), (" ",))
"""Where a text is best cut, then second best: paragraphs, lines, sentences, words."""


def chosen_labels(
    model: NameModel, kinds: list[NameKind], given: Mapping[str, NameKind] | None
) -> Labels:
    """What a model's labels stand for: as `given`, or else as usual.

    Raises ValueError, one line, if the model lacks a label that is given, or any for one of the
    `kinds`, or cannot be loaded.
    """
    own = labels_of(model)
    has = f"it has {', '.join(sorted(own))}"
    lacking = sorted((given or {}).keys() - own)
    if lacking:
        raise ValueError(f"ner_labels: {model.name} has no label {lacking[0]}; {has}")
    known = USUAL_LABELS if given is None else given
    chosen = tuple(sorted((label, known[label]) for label in own & known.keys()))
    for kind in kinds:
        if kind not in dict(chosen).values():
            fault = f"no label of {model.name} is known for the kind {kind}"
            raise ValueError(f"ner_model: {fault}; {has}: say which in ner_labels")
    return chosen


def name_detectors(model: NameModel, labels: Labels) -> tuple[Detector, ...]:
    """Detectors of the kinds that the labels stand for; the model sees each text once."""
    kinds = {kind for _, kind in labels}
    return tuple(
        Detector(kind, r"\p{L}", partial(_of_kind, kind=kind, model=model, labels=labels))
        for kind in NAME_KINDS
        if kind in kinds
    )


def _of_kind(text: str, kind: NameKind, model: NameModel, labels: Labels) -> Iterator[Span]:
    return (span for span, own in _names(text, model, labels) if own == kind)


@lru_cache(maxsize=2)
def _names(text: str, model: NameModel, labels: Labels) -> tuple[tuple[Span, NameKind], ...]:
    """Where names stand in a text, without white space around them and without any mark.

    One text at a time: in a batch the sums of a network come out otherwise in their last digits,
    and a name might be found or not by what stands in other records.
    """
    nlp, kinds = load_model(model), dict(labels)
    found: list[tuple[Span, NameKind]] = []
    for start, end in pieces(text):
        marks = [match.span() for match in MARKS.finditer(text, start, end)]
        with nlp.memory_zone():  # else every word ever seen is kept
            doc = nlp(text[start:end])
            if doc.text != text[start:end]:  # then its places are not those of the text
                raise OSError(None, "its tokenizer changes the text", str(model.folder))
            ents = [(e.start_char, e.end_char, e.label_) for e in doc.ents if e.label_ in kinds]
        for first, last, label in ents:
            for span in outside((start + first, start + last), marks):
                found += [(bare, kinds[label]) for bare in stripped(text, span)]
    return tuple(found)


def pieces(text: str) -> Iterator[Span]:
    """A text in pieces of at most `LONGEST` characters, cut where it is best."""
    start = 0
    while len(text) - start > LONGEST:
        end = _cut(text, start + LONGEST // 2, start + LONGEST)
        yield start, end
        start = end
    yield start, len(text)


def _cut(text: str, least: int, most: int) -> int:
    """The last place to cut between two places, by the best of the ends that are there."""
    for ends in ENDS:
        found = [text.rfind(end, least, most) + len(end) for end in ends if end in text[least:most]]
        if found:
            return max(found)
    return most


def outside(span: Span, marks: list[Span]) -> Iterator[Span]:
    """What is left of a span without the marks (ascending) that it overlaps."""
    at, end = span
    for first, last in marks:
        if first < end and last > at:
            if at < first:
                yield at, first
            at = last
    if at < end:
        yield at, end


def stripped(text: str, span: Span) -> Iterator[Span]:
    """A span without white space at its ends, if it holds a letter."""
    start, end = span
    value = text[start:end]
    if any(map(str.isalpha, value)):
        yield end - len(value.lstrip()), start + len(value.rstrip())
