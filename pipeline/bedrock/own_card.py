"""A user's own model card: a YAML file of the same shape as schemas/models/*.yaml.

Wherever a model can be named, its path can be given instead; then nothing from our card for the
same model applies. All of its faults are reported at once.
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
    """Whether a model's name is the path of a card.

    >>> is_card_file("cards/ours.yaml"), is_card_file("nova-lite")
    (True, False)
    """
    return model.lower().endswith(SUFFIXES) and "://" not in model


def load_card(path: Path) -> Card:
    """Read a card and check it against schemas/model-card.schema.json.

    Raises RecipeError with every fault, a line each: `card.yaml: customizations.…: …`.
    """
    card = _tree(path)
    faults = [f"{path}: {fault}" for fault in _schema_faults(card)]
    if faults:
        raise RecipeError(*faults)
    try:
        return build_card(card)
    except ValidationError as error:
        places = [
            (".".join(map(str, fault_at["loc"])), fault_at["msg"]) for fault_at in error.errors()
        ]
        raise RecipeError(*(f"{path}: {place}: {message}" for place, message in places)) from None


def build_card(card: dict[str, Any]) -> Card:
    """A card from its parsed YAML; each plan gets its card's name, customization and family.

    Raises pydantic's ValidationError for a card of wrong types.
    """
    import orjson

    for word, plan in card["customizations"].items():
        plan.update(card=card["name"], customization=word, family=card["family"])
    return Card.model_validate_json(orjson.dumps(card))


def written_card(manifest: Mapping[str, Any], target: str) -> Card | None:
    """The user's own card that a target was made for; None if it was one of ours."""
    import orjson

    own_card = manifest["recipe"].get("cards", {}).get(target)
    return Card.model_validate_json(orjson.dumps(own_card)) if own_card else None


def _tree(path: Path) -> Any:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RecipeError(f"model: {path}: cannot be read as a model card: {reason}") from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"model: {path}: is not valid YAML: {reason}") from None


def _schema_faults(card: Any) -> Iterator[str]:
    import jsonschema_rs

    validator = jsonschema_rs.validator_for(load_schema("model-card.schema.json"))
    try:
        errors = list(validator.iter_errors(card))
    except (
        ValueError,
        TypeError,
    ) as error:  # a date or set: YAML has values that JSON does not have
        yield f"contains a value that JSON does not have ({error}); put dates in quotes"
        return
    for fault in errors:
        place = ".".join(map(str, fault.instance_path)) or "the card"
        yield f"{place}: {fault.message[:200]}"
