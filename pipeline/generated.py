"""Files that are generated from the code: the recipe's JSON Schema and pages of docs/.

python -m pipeline.generated           writes them
python -m pipeline.generated --check   exits with 1 if one is out of date
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pipeline import readers, targets
from pipeline.bedrock import limits
from pipeline.entries import TargetSettings
from pipeline.generated_rules import rules_page
from pipeline.reasons import RUN_REASONS
from pipeline.recipe import Recipe
from pipeline.stages import STAGES
from pipeline.stages.split import Split

UNKNOWN = "_UnknownTarget"
SCHEMA_ID = "urn:bedrock-prep:schema:recipe"


def recipe_schema() -> str:
    """The JSON Schema of a recipe, for editors that complete and check YAML."""
    schema = _any_of(TypeAdapter(Recipe).json_schema())
    del schema["$defs"][UNKNOWN]
    entries: list[dict[str, Any]] = [{"enum": list(STAGES)}]
    for name, stage in STAGES.items():
        settings = {"anyOf": [{"$ref": f"#/$defs/{stage.__name__}"}, {"type": "null"}]}
        entries.append(
            {"type": "object", "properties": {name: settings}, "required": [name],
             "additionalProperties": False}
        )  # fmt: skip
    schema["properties"]["stages"] = {"anyOf": [{"type": "array", "items": {"anyOf": entries}},
                                                {"type": "null"}]}  # fmt: skip
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID} | schema
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _any_of(node: Any) -> Any:
    """Remove pydantic's tags from unions: an entry without a format fits several branches."""
    if isinstance(node, list):
        return [_any_of(item) for item in node]
    if not isinstance(node, dict):
        return node
    branches = node.pop("oneOf", None)
    node = {key: _any_of(value) for key, value in node.items() if key != "discriminator"}
    if branches is not None:
        node["anyOf"] = [b for b in branches if b != {"$ref": f"#/$defs/{UNKNOWN}"}]
    return node


def reference() -> str:
    """All commands, readers, stages, targets and reasons, from their own docstrings and texts."""
    parts = [
        "# Reference\n\nGenerated from the code (`make format`); do not edit.\n",
        *_commands(),
        *_rooms("Readers", readers.READERS, readers.REASONS, "read."),
        *_rooms("Stages", STAGES | {"split": Split}, {}, ""),
        *_rooms("Targets", targets.TARGETS, targets.REASONS, ""),
        *_shared(),
        "## Reasons of model cards and of the run itself\n",
        *_reasons({**limits.REASONS, **RUN_REASONS}),
    ]
    return "\n".join(parts)


def _commands() -> Iterator[str]:
    import typer

    from pipeline.cli import app

    group: Any = typer.main.get_command(app)
    yield "## Commands\n"
    for name, command in group.commands.items():
        yield f"### `bedrock-prep {name}`\n\n{command.help}\n"
        for parameter in command.params:
            if parameter.name == "help":
                continue
            names = ", ".join(f"`{option}`" for option in parameter.opts)
            if parameter.param_type_name == "argument":
                names = f"`{parameter.metavar or parameter.name.upper()}`"
            yield f"- {names}: {getattr(parameter, 'help', '') or ''}"
        yield f"\n{command.epilog or ''}\n"


def _rooms(
    title: str, rooms: Mapping[str, type], reasons: Mapping[str, str], prefix: str
) -> Iterator[str]:
    yield f"## {title}\n"
    for name, room in rooms.items():
        yield f"### `{name}`\n\n{inspect.getdoc(room)}\n"
        yield from _settings(room)
        yield from _reasons(getattr(room, "reasons", {}))
    if reasons:
        yield f"### Reasons of {title.lower()}\n"
        yield from _reasons({key: text for key, text in reasons.items() if key.startswith(prefix)})


def _settings(room: Any) -> Iterator[str]:
    if not room.model_fields:
        return
    yield "| setting | type | default |\n|---|---|---|"
    typed = room.model_json_schema()["properties"]
    for name, field in room.model_fields.items():
        kind = _kind(typed[name]).replace("|", "\\|")
        default = (
            ""
            if field.is_required()
            else f"`{_plain(field.get_default(call_default_factory=True))}`"
        )
        yield f"| `{name}` | {kind} | {default} |"
    yield ""


def _kind(schema: dict[str, Any]) -> str:
    """A JSON Schema's type in words."""
    if "anyOf" in schema:
        kinds = [_kind(branch) for branch in schema["anyOf"] if branch.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "$ref" in schema:
        return f"mapping ({schema['$ref'].rsplit('/', 1)[1]})"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    kind = str(schema.get("type", "anything"))
    return {"object": "mapping", "boolean": "true or false"}.get(kind, kind)


def _plain(value: Any) -> str:
    if isinstance(value, set | frozenset | tuple | list):
        return json.dumps(sorted(value), ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, default=str)


def _reasons(reasons: Mapping[str, str]) -> Iterator[str]:
    if reasons:
        yield "| reason | what it means |\n|---|---|"
        yield from (f"| `{name}` | {text} |" for name, text in reasons.items())
        yield ""


def _shared() -> Iterator[str]:
    yield f"## What every target may set\n\n{inspect.getdoc(TargetSettings)}\n"
    yield from _settings(TargetSettings)


def generated() -> dict[Path, str]:
    """Each generated file, with its text."""
    root = Path(__file__).parent.parent
    return {
        root / "schemas" / "recipe.schema.json": recipe_schema(),
        root / "docs" / "reference.md": reference(),
        root / "docs" / "rules.md": rules_page(),
    }


def main() -> None:
    """Write the generated files; with `--check`, exit with the names of those out of date."""
    stale = []
    for path, text in generated().items():
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path))
    if stale:
        sys.exit(f"out of date, run `make format`: {', '.join(stale)}")


if __name__ == "__main__":
    main()
