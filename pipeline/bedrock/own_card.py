"""A model card of the user's own: a YAML file of the shape of schemas/models/*.yaml.

It is named by its path wherever a model is named, and nothing of our card for the same model
holds then. All of its faults are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.bedrock.card import Card
from pipeline.errors import RecipeError
from pipeline.schemas_dir import load_schema

SUFFIXES = (".yaml", ".yml")


def is_card_file(model: str) -> bool:
    """Whether a model is named by the path of a card.

    >>> is_card_file("cards/ours.yaml"), is_card_file("nova-lite")
    (True, False)
    """
    return model.lower().endswith(SUFFIXES) and "://" not in model


def load_card(path: Path) -> Card:
    """Read a card and hold it against schemas/model-card.schema.json.

    Raises RecipeError with every fault, a line each: `card.yaml: customizations.…: …`.
    """
    card = _tree(path)
    faults = [f"{path}: {fault}" for fault in _schema_faults(card)]
    if faults:
        raise RecipeError(*faults)
    try:
        return build_card(card)
    except ValidationError as error:
        told = [(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
        raise RecipeError(*(f"{path}: {place}: {message}" for place, message in told)) from None


def build_card(card: dict[str, Any]) -> Card:
    """A card from its tree, each plan with the names that it is known by.

    Raises pydantic's ValidationError for what breaks the types.
    """
    import orjson

    for word, plan in card["customizations"].items():
        plan.update(card=card["name"], customization=word, family=card["family"])
    return Card.model_validate_json(orjson.dumps(card))


def written_card(manifest: Mapping[str, Any], target: str) -> Card | None:
    """The user's own card that a target was made for; None where it was one of ours."""
    import orjson

    told = manifest["recipe"].get("cards", {}).get(target)
    return Card.model_validate_json(orjson.dumps(told)) if told else None


def _tree(path: Path) -> Any:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RecipeError(f"model: {path}: cannot be read as a model card: {told}") from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        told = " ".join(str(error).split())
        raise RecipeError(f"model: {path}: is no YAML: {told}") from None


def _schema_faults(card: Any) -> Iterator[str]:
    import jsonschema_rs

    validator = jsonschema_rs.validator_for(load_schema("model-card.schema.json"))
    try:
        errors = list(validator.iter_errors(card))
    except (ValueError, TypeError) as error:  # a date, a set: YAML has values that JSON has not
        yield f"holds a value that JSON has not ({error}); put dates in quotes"
        return
    for found in errors:
        place = ".".join(map(str, found.instance_path)) or "the card"
        yield f"{place}: {found.message[:200]}"
