"""The spaCy pipeline that finds names: its files, and the pipeline, loaded once in each process.

The user provides it as a folder or an installed package; nothing is downloaded. It is code that
runs with the rights of the run: a package is imported, and components may come from anyone.
Only this module imports spaCy, and only when a recipe names a model.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import blake2b, file_digest
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy.language import Language

REMEDY = "pip install 'bedrock-prep[ner]'"
PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
META = "meta.json"
"""The file that the folder of every saved or packaged pipeline contains."""

DIGEST_BYTES = 16

NETWORKS = {"ner", "beam_ner"}
"""Factories whose components use nothing but words and what `SHARED` computes from them."""
SHARED = {"tok2vec", "transformer", "curated_transformer"}
APART = {
    "tagger", "morphologizer", "parser", "senter", "sentencizer", "attribute_ruler", "lemmatizer",
    "trainable_lemmatizer", "textcat", "textcat_multilabel", "spancat", "entity_linker",
}  # fmt: skip
"""Factories that entity networks do not depend on; rules and unknown components may do so."""


@dataclass(frozen=True)
class NameModel:
    """A pipeline's files as they were when the recipe was read."""

    name: str  # as the recipe has it
    folder: Path
    packaged: bool  # whether `name` is an installed package, which has its own `load`
    digest: str  # of the files, and of spaCy's version
    size: int  # bytes of the files


def find_model(name: str, beside: Path) -> NameModel:
    """The model in the folder `name`, relative to `beside`, or in the package of that name.

    Raises ValueError, one line with the remedy, if spaCy or the model is missing, or if `name` is
    not a spaCy pipeline.
    """
    if find_spec("spacy") is None:
        raise ValueError(f"names need the package spacy, which is not installed; {REMEDY}")
    folder, packaged = (beside / name).absolute(), False
    if not folder.is_dir():
        spec = find_spec(name) if PACKAGE.fullmatch(name) else None
        if spec is None or not spec.submodule_search_locations:
            fault = "no such folder, and no installed package has the name"
            raise ValueError(f"ner_model {name}: {fault}; a run downloads nothing")
        folder, packaged = Path(spec.submodule_search_locations[0]), True
    if not (folder / META).is_file():
        raise ValueError(f"ner_model {name}: is not a spaCy pipeline: it has no {META}")
    try:
        return NameModel(name, folder, packaged, *_digest_of(folder))
    except OSError as error:
        raise ValueError(f"ner_model {name}: cannot be read: {error.strerror}") from None


def _digest_of(folder: Path) -> tuple[str, int]:
    """(digest, total bytes) of a folder's files.

    The digest includes spaCy's version, because another version may find other names.
    """
    digest, size = blake2b(version("spacy").encode(), digest_size=DIGEST_BYTES), 0
    for file in sorted(_files(folder)):
        with file.open("rb") as opened:
            content = file_digest(opened, "blake2b").digest()
            size += opened.tell()
        digest.update(os.fsencode(file.relative_to(folder).as_posix()) + b"\0" + content)
    return digest.hexdigest(), size


def _files(folder: Path) -> Iterator[Path]:
    """All files except those in `__pycache__`, which Python may write at any time."""
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (Path(place, name) for name in names)


@lru_cache(maxsize=4)
def load_model(model: NameModel) -> Language:
    """The pipeline without the components that its entities do not need.

    Raises OSError if its files have changed since the run began; the model's own code may raise
    any other exception.
    """
    if _digest_of(model.folder)[0] != model.digest:
        raise OSError(None, "has changed since the run began; run again", str(model.folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # only our own messages belong on stderr
        import spacy

        load = (
            import_module(model.name).load if model.packaged else partial(spacy.load, model.folder)
        )
        nlp: Language = load()
        for name in _not_needed(nlp):
            nlp.remove_pipe(name)
    return nlp


def labels_of(model: NameModel) -> frozenset[str]:
    """The labels that a model gives to entities.

    Raises ValueError, one line, if it cannot be loaded or finds no entities.
    """
    try:
        nlp = load_model(model)
        labels = {label for pipe in _entity_pipes(nlp) for label in pipe.labels}
    except Exception as error:  # noqa: BLE001 - a model's code may raise anything
        message = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"ner_model {model.name}: cannot be loaded: {message}") from None
    if not labels:
        names = ", ".join(nlp.pipe_names) or "none"
        fault = f"has no component that finds entities (ner, entity_ruler); its components: {names}"
        raise ValueError(f"ner_model {model.name}: {fault}")
    return frozenset(labels)


def _entity_pipes(nlp: Language) -> list[Any]:
    """The components that set entities; a span ruler does so if `annotate_ents` is set."""
    return [
        pipe
        for name, pipe in nlp.pipeline
        if "doc.ents" in nlp.get_pipe_meta(name).assigns or getattr(pipe, "annotate_ents", False)
    ]


def _not_needed(nlp: Language) -> list[str]:
    """The names of components that the entities do not need; they take most of the time."""
    made_by = {name: nlp.get_pipe_meta(name).factory for name in nlp.pipe_names}
    networks: list[Any] = [pipe for name, pipe in nlp.pipeline if made_by[name] in NETWORKS]
    if not networks or set(made_by.values()) - NETWORKS - SHARED - APART:
        return []
    listens = any("listener" in node.name for pipe in networks for node in pipe.model.walk())
    unused = APART if listens else APART | SHARED
    return [name for name, factory in made_by.items() if factory in unused]
