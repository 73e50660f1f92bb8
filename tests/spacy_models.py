"""Small spaCy pipelines, made here in seconds: one that has learnt names, others with rules."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GIVEN = ("Ann", "Bob", "Clara", "David", "Nguyễn Văn", "Trần Thị", "Lê Minh", "Phạm Thu")
FAMILY = ("Smith", "Jones", "Miller", "An", "Bình", "Hòa", "Đức", "Hương")
PLACES = ("Leeds", "London", "Hà Nội", "Thái Nguyên")
FRAMES = (
    "{} called us yesterday.",
    "Please write to {} about the tea.",
    "The report was signed by {}.",
    "{} and the others left.",
    "Hôm qua {} đã gọi điện.",
    "Chị {} trồng chè ở bản.",
)
PLAIN = (
    "The leaves are picked early in the morning.",
    "Lá trà được hái vào sáng sớm.",
    "Mail [EMAIL] or call [PHONE].",
)

Entities = list[tuple[int, int, str]]


def sentences(number: int, seed: int = 0) -> Iterator[tuple[str, Entities]]:
    """Sentences with the names in them: (start, end, PER or LOC)."""
    draw = random.Random(seed)
    for _ in range(number):
        frame = draw.choice(FRAMES + PLAIN)
        at = frame.find("{}")
        if at < 0:
            yield frame, []
            continue
        name = f"{draw.choice(GIVEN)} {draw.choice(FAMILY)}"
        text, entities = frame.format(name), [(at, at + len(name), "PER")]
        if draw.random() < 0.5:
            place = draw.choice(PLACES)
            text += f" They live in {place}."
            entities.append((len(text) - 1 - len(place), len(text) - 1, "LOC"))
        yield text, entities


def trained(folder: Path, rounds: int = 4) -> Path:
    """A pipeline with one network that has seen 400 sentences, saved to the folder."""
    import spacy
    from spacy.training import Example
    from spacy.util import fix_random_seed, minibatch

    fix_random_seed(0)
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner")
    seen = list(sentences(400))
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": own}) for text, own in seen]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(rounds):
        random.Random(0).shuffle(examples)
        for batch in minibatch(examples, 32):
            nlp.update(batch, sgd=optimizer, drop=0.1)
    nlp.to_disk(folder)
    return folder


def ruled(folder: Path, *patterns: tuple[str, Any], component: str = "entity_ruler") -> Path:
    """A pipeline that finds what its rules say, (label, pattern)."""
    import spacy

    nlp = spacy.blank("xx")
    settings = {"annotate_ents": True} if component == "span_ruler" else {}
    ruler: Any = nlp.add_pipe(component, config=settings)
    ruler.add_patterns([{"label": label, "pattern": pattern} for label, pattern in patterns])
    nlp.to_disk(folder)
    return folder
