"""Names of people, places and organizations, as found by the user's spaCy pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial

from pipeline.stages.marks import MARKS, NAME_KINDS, NameKind
from pipeline.stages.name_models import NameModel, labels_of, load_model
from pipeline.stages.spans import Detector, Span

Labels = tuple[tuple[str, NameKind], ...]
"""The known labels of a model with the kind of name each stands for."""

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
"""Characters given to a model at once. spaCy needs 1 GB of memory for 100,000, and refuses
1,000,000. Nearby words are enough, because they are what a name is recognised by."""

ENDS = (("\n\n",), ("\n",), (". ", "! ", "? ", "。", "！", "？"), (" ",))
"""Where to cut a text, the best place first: after paragraphs, lines, sentences, words."""


def chosen_labels(
    model: NameModel, kinds: list[NameKind], given: Mapping[str, NameKind] | None
) -> Labels:
    """What a model's labels stand for, by `given`, or by `USUAL_LABELS` if that is None.

    Raises ValueError, one line, if the model cannot be loaded, lacks a label of `given`, or has no
    known label for one of the `kinds`.
    """
    labels = labels_of(model)
    has = f"it has {', '.join(sorted(labels))}"
    lacking = sorted((given or {}).keys() - labels)
    if lacking:
        raise ValueError(f"ner_labels: {model.name} has no label {lacking[0]}; {has}")
    known = USUAL_LABELS if given is None else given
    chosen = tuple(sorted((label, known[label]) for label in labels & known.keys()))
    for kind in kinds:
        if kind not in dict(chosen).values():
            fault = f"no label of {model.name} is known for the kind {kind}"
            raise ValueError(f"ner_model: {fault}; {has}: name one in ner_labels")
    return chosen


def name_detectors(model: NameModel, labels: Labels) -> tuple[Detector, ...]:
    """Detectors of the kinds that the labels stand for; the model reads each text only once."""
    kinds = {kind for _, kind in labels}
    return tuple(
        Detector(kind, r"\p{L}", partial(_of_kind, kind=kind, model=model, labels=labels))
        for kind in NAME_KINDS
        if kind in kinds
    )


def _of_kind(text: str, kind: NameKind, model: NameModel, labels: Labels) -> Iterator[Span]:
    return (span for span, of_kind in _names(text, model, labels) if of_kind == kind)


@lru_cache(maxsize=2)
def _names(text: str, model: NameModel, labels: Labels) -> tuple[tuple[Span, NameKind], ...]:
    """The spans of names in a text, without white space around them and without any mark.

    Only one text at a time: in a batch, a network's sums differ in their last digits, and whether
    a name is found could depend on other records.
    """
    nlp, kinds = load_model(model), dict(labels)
    found: list[tuple[Span, NameKind]] = []
    for start, end in pieces(text):
        marks = [match.span() for match in MARKS.finditer(text, start, end)]
        with nlp.memory_zone():  # without it, spaCy keeps every word it has ever seen
            doc = nlp(text[start:end])
            if doc.text != text[start:end]:  # then its places are not places in the text
                raise OSError(None, "its tokenizer changes the text", str(model.folder))
            ents = [(e.start_char, e.end_char, e.label_) for e in doc.ents if e.label_ in kinds]
        for first, last, label in ents:
            for span in outside((start + first, start + last), marks):
                found += [(bare, kinds[label]) for bare in stripped(text, span)]
    return tuple(found)


def pieces(text: str) -> Iterator[Span]:
    """The spans of pieces of at most `LONGEST` characters, cut at the best places."""
    start = 0
    while len(text) - start > LONGEST:
        end = _cut(text, start + LONGEST // 2, start + LONGEST)
        yield start, end
        start = end
    yield start, len(text)


def _cut(text: str, least: int, most: int) -> int:
    """The last place to cut from `least` to `most`, by the best kind of `ENDS` found there."""
    for ends in ENDS:
        cuts = [text.rfind(end, least, most) + len(end) for end in ends if end in text[least:most]]
        if cuts:
            return max(cuts)
    return most


def outside(span: Span, marks: list[Span]) -> Iterator[Span]:
    """The parts of a span that no mark overlaps; `marks` are ascending."""
    at, end = span
    for first, last in marks:
        if first < end and last > at:
            if at < first:
                yield at, first
            at = last
    if at < end:
        yield at, end


def stripped(text: str, span: Span) -> Iterator[Span]:
    """A span without white space at its ends; nothing if it has no letter."""
    start, end = span
    value = text[start:end]
    if any(map(str.isalpha, value)):
        yield end - len(value.lstrip()), start + len(value.rstrip())
