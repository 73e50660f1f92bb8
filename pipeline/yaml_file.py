"""YAML as a recipe needs it: safe, without duplicate keys, and with the line of every value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from pipeline.errors import RecipeError

Path = tuple[str | int, ...]


class Loader(yaml.SafeLoader):
    """The safe loader with the booleans of YAML 1.2: `on`, `off` and `no` are plain words."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


@dataclass
class Positions:
    """The line of each value in a file, for messages."""

    file: str
    lines: dict[Path, int] = field(default_factory=dict)

    def at(self, path: Path) -> str:
        """`recipe.yaml:12: ` for the value at `path`, or for the nearest one above it."""
        line = self.line(path)
        return f"{self.file}:{line}: " if line else f"{self.file}: "

    def line(self, path: Path) -> int:
        """The 1-based line of the value at `path`, or of the nearest one above it; 0 for none."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 0


def load_yaml(text: str, file: str) -> tuple[Any, Positions]:
    """The plain values of one YAML document, and their lines.

    Raises RecipeError for bad syntax, duplicate keys, and aliases: a recipe has no use for
    aliases, and nested ones make a small file expand without end.
    """
    try:
        return _load(text, Positions(file))
    except yaml.YAMLError as error:
        raise RecipeError(f"{file}: is not valid YAML: {_one_line(error)}") from None


def _load(text: str, positions: Positions) -> tuple[Any, Positions]:
    for token in yaml.scan(text, Loader=Loader):
        if isinstance(token, yaml.AliasToken):
            at = f"{positions.file}:{token.start_mark.line + 1}"
            raise RecipeError(f"{at}: YAML aliases (*{token.value}) are not allowed in a recipe")
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise RecipeError(f"{positions.file}: is empty")
        faults: list[str] = []
        _walk(node, (), positions, faults)
        if faults:
            raise RecipeError(*faults)
        return loader.construct_document(node), positions
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: Path, positions: Positions, faults: list[str]) -> None:
    positions.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), positions, faults)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line, name = key.start_mark.line + 1, str(key.value)
            if name in seen:
                faults.append(f"{positions.file}:{line}: {name}: is given twice in one mapping")
            seen.add(name)
            positions.lines[(*path, name)] = line
            _walk(value, (*path, name), positions, faults)


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())


def set_value(tree: Any, change: str) -> None:
    """Apply a change such as `stages.1.language.allow=[en]` to a tree; the value is read as YAML.

    Raises RecipeError if the path does not lead to a place in the tree.
    """
    path, equals, value = change.partition("=")
    if not equals or not path:
        raise RecipeError(f"--set {change}: is not of the form a.b=value")
    given = _value(value, change)
    *above, last = path.split(".")
    at = tree
    for step in above:
        at = _child(at, step, change)
    if isinstance(at, list):
        index = _index(at, last, change)
        at[index] = given if last.isdigit() else {last: given}
    elif isinstance(at, dict):
        at[last] = given
    else:
        raise RecipeError(f"--set {change}: {'.'.join(above)} has no settings")


def _value(text: str, change: str) -> Any:
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a subclass of the safe loader
    except (yaml.YAMLError, RecursionError, ValueError):
        raise RecipeError(f"--set {change}: the value is not valid YAML") from None


def _child(at: Any, step: str, change: str) -> Any:
    if isinstance(at, list):
        item = at[_index(at, step, change)]
        return item if step.isdigit() else item[step]
    if isinstance(at, dict):
        if at.get(step) is None:
            at[step] = {}
        return at[step]
    raise RecipeError(f"--set {change}: there is nothing at {step}")


def _index(items: list[Any], step: str, change: str) -> int:
    """A position in a list, by number or by the name of a single-key entry (`stages.chunk`)."""
    if step.isdigit() and int(step) < len(items):
        return int(step)
    for index, item in enumerate(items):
        if item == step:
            items[index] = {step: {}}
        if isinstance(items[index], dict) and list(items[index]) == [step]:
            items[index][step] = items[index][step] or {}
            return index
    raise RecipeError(f"--set {change}: the list has no entry {step}")
