"""The entries of a recipe (sources, stages, targets), each a union of all that are registered.

A new reader, stage or target is one name in its registry; its fields become keys of the recipe.
"""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    create_model,
    model_validator,
)

from pipeline.bedrock.cards import find_card
from pipeline.bedrock.job import JobSettings
from pipeline.errors import RecipeError
from pipeline.faults import did_you_mean
from pipeline.readers import READERS
from pipeline.stage import Settings
from pipeline.stages import STAGES
from pipeline.stages.language import short_code
from pipeline.targets import TARGETS


class TargetSettings(Settings):
    """What every target may set in addition to its format's own settings."""

    model: str | None = None
    customization: str | None = None
    allow_legacy: bool = False
    allow: list[str] | None = None  # rules of `check` whose faults become notes that block nothing
    overflow: Literal["fail", "select", "parts"] = "fail"
    mode: Literal["full", "delta"] | None = Field(
        None,
        description="delta: only what the parent run and those before it have not shipped, to "
        "tune a model further that they have tuned; full (or nothing): everything",
    )
    parent: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{20}$",
        description="the run that a delta continues; by default the latest",
    )
    # only records in these languages, or in an undetermined one; this target rejects the others
    languages: list[Annotated[str, AfterValidator(short_code)]] | None = Field(None, min_length=1)
    quota: dict[str, int] = Field(default_factory=dict)
    prices: dict[str, float] = Field(
        default_factory=dict
    )  # US dollars by item, instead of the card's
    job: JobSettings | None = None  # added to, or overriding, the recipe's own `job`


class _UnknownTarget(TargetSettings):
    """Used when the format cannot be determined; its validation reports what is missing."""

    @model_validator(mode="before")
    @classmethod
    def say(cls, entry: Any) -> Any:
        """Raise the fault that the search for the format found."""
        _, fault = _format_of(entry)
        raise ValueError(fault)


def _format_of(entry: Any) -> tuple[str, str]:
    """The target format of an entry, or "?" and the reason why it cannot be determined."""
    if not isinstance(entry, dict):
        return "?", "a target is a mapping, for example {model: nova-lite} or {format: pretraining}"
    if "format" in entry:
        known = entry["format"] in TARGETS
        return (entry["format"], "") if known else ("?", _no_format(str(entry["format"])))
    if "model" not in entry:
        return "?", "has neither a model nor a format; name one"
    try:
        plan = find_card(str(entry["model"])).plan(entry.get("customization"))
        return plan.formats[0], ""
    except RecipeError as error:
        return "?", str(error)


def _no_format(name: str) -> str:
    return f"no such format: {name}{did_you_mean(name, TARGETS)}; formats: {', '.join(TARGETS)}"


def _stage_tag(entry: Any) -> str:
    """A stage entry's name: the word itself, or the only key of a mapping."""
    if isinstance(entry, dict) and len(entry) == 1:
        return str(next(iter(entry)))
    return entry if isinstance(entry, str) else str(getattr(entry, "name", entry))


def _stage_entry(name: str, stage: Any) -> Any:
    """`clean` or `clean: {...}` as a type that validates to the stage itself."""

    def unwrap(entry: Any) -> Any:
        return {} if isinstance(entry, str) or entry[name] is None else entry[name]

    return Annotated[stage, BeforeValidator(unwrap), Tag(name)]


def _source_entry(name: str, reader: Any) -> Any:
    fields: dict[str, Any] = {"path": (str, ...), "reader": (Literal[name], name)}
    return Annotated[create_model(f"{name}_source", __base__=reader, **fields), Tag(name)]


def _target_entry(name: str, target: Any) -> Any:
    # Not a subclass of the target: `format` is an attribute of the class there, a key here.
    fields: dict[str, Any] = {key: (f.annotation, f) for key, f in target.model_fields.items()}
    fields["format"] = (Literal[name], name)
    entry = create_model(
        f"{name}_target", __base__=TargetSettings, __doc__=target.__doc__, **fields
    )
    return Annotated[entry, Tag(name)]


class FoundSource(Settings):
    """A source whose reader is found from its content."""

    path: str
    reader: None = None

    @model_validator(mode="before")
    @classmethod
    def _names_the_reader_of_its_settings(cls, given: Any) -> Any:
        for key in given if isinstance(given, dict) else ():
            readers_with_it = [name for name, kind in READERS.items() if key in fields_of(kind)]
            if key not in cls.model_fields and readers_with_it:
                named = " or ".join(readers_with_it)
                raise ValueError(f"{key} is a setting of a reader: name it too, reader: {named}")
        return given


def _reader_tag(entry: Any) -> str:
    return str(entry.get("reader") or "found") if isinstance(entry, dict) else "found"


def _union(entries: list[Any], tag: Any) -> Any:
    joined = functools.reduce(lambda one, other: one | other, entries)
    return Annotated[joined, Discriminator(tag)]


AnySource = _union(
    [
        Annotated[FoundSource, Tag("found")],
        *(_source_entry(name, reader) for name, reader in READERS.items()),
    ],
    _reader_tag,
)
AnyStage = _union([_stage_entry(name, stage) for name, stage in STAGES.items()], _stage_tag)
AnyTarget = _union(
    [
        Annotated[_UnknownTarget, Tag("?")],
        *(_target_entry(name, target) for name, target in TARGETS.items()),
    ],
    lambda entry: _format_of(entry)[0],
)


def fields_of(room: Any) -> set[str]:
    """The keys that a recipe may set for a reader, stage or target."""
    return set(room.model_fields)


def keys_of_entry(loc: tuple[str | int, ...]) -> set[str] | None:
    """The keys that an entry at this place of a recipe may have; None if it has no entry."""
    match loc:
        case ("stages", int(), str(name)) if name in STAGES:
            return fields_of(STAGES[name])
        case ("sources", int(), str(name)) | (
            "evaluation_sets" | "against",
            _,
            str(name),
        ):
            return fields_of(READERS.get(name, FoundSource)) | {"path", "reader"}
        case ("targets", _, str(name)) if name in TARGETS:
            return fields_of(TARGETS[name]) | fields_of(TargetSettings) | {"format"}
    return None
