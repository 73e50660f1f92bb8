"""Imports point one way, and engines know nothing of us."""

from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from conftest import imported_with

from pipeline.resume import LIBRARIES

PACKAGE = Path(__file__).parent.parent / "pipeline"
MODULES = sorted(PACKAGE.rglob("*.py"))

ALLOWED = {
    "identity.py": set(),
    "settings.py": set(),
    "record.py": {"identity"},
    "errors.py": set(),
    "stage.py": {"record", "settings"},
    "corpus_stage.py": {"stage"},
    "references.py": set(),
    "source.py": set(),
    "pillow.py": set(),
    "stages": {"record", "stage", "corpus_stage", "references", "tokens", "stages", "kernels"},
    "kernels": {"kernels"},
    "readers": {"identity", "record", "settings", "source", "readers", "kernels", "pillow"},
    "targets": {"record", "stage", "tokens", "targets", "kernels", "pillow"},
    "bedrock": {"record", "stage", "errors", "tokens", "schemas_dir", "bedrock"},
    "engines": {"engines"},
    "globs.py": set(),
    "s3": {"aws", "errors", "failpoints", "globs", "local_sources", "s3", "source"},
    "checks": {"bedrock", "checks", "kernels", "outlined", "pillow", "schemas_dir", "tokens"},
}
"""What a place of the house may import of ours; the rest is bound by what imports it."""

LATE = {"great_expectations", "datasets", "boto3", "botocore", "PIL", "resiliparse", "langdetect"}
"""Libraries that take a second or more to import: only inside the function that needs them."""

SHAPES_NOTHING = {
    *("boto3", "botocore", "urllib3", "great-expectations", "pydantic", "rich", "typer"),
    "typing-extensions",
}
"""Libraries whose new version turns no source into another record."""


def imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def ours(path: Path) -> set[str]:
    found = {
        name.split(".")[1]
        for name in imports(ast.parse(path.read_text()))
        if name.startswith("pipeline.")
    }
    return {
        name for name in found if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    """A room imports only what stands below it."""
    room = path.relative_to(PACKAGE).parts[0]
    if room in ALLOWED:
        assert ours(path) <= ALLOWED[room]


@pytest.mark.parametrize("path", sorted((PACKAGE / "stages").glob("*.py")), ids=lambda p: p.name)
def test_no_stage_imports_another(path: Path) -> None:
    """Stages share small modules without a stage in them, never each other."""
    stages = {
        one.stem for one in (PACKAGE / "stages").glob("*.py") if "ClassVar" in one.read_text()
    }
    names = imports(ast.parse(path.read_text()))
    used = {
        name.removeprefix("pipeline.stages.").split(".")[0]
        for name in names
        if name.startswith("pipeline.stages.")
    }
    assert path.name == "registry.py" or not (used & stages) - {path.stem}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_slow_libraries_are_imported_late(path: Path) -> None:
    """No module imports a slow library at its top."""
    tops = [
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    names = {name.split(".")[0] for node in tops for name in imports(ast.Module([node], []))}
    assert path == PACKAGE / "gate" / "child.py" or not names & LATE


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_stay_short(path: Path) -> None:
    """A file that grows past 300 lines has taken on a second job."""
    assert len(path.read_text().splitlines()) <= 300


def test_a_stage_is_imported_without_the_others() -> None:
    """A worker starts with the stages of its recipe."""
    others = [f"pipeline.stages.{name}" for name in ("chunk", "redact", "teacher", "registry")]
    assert imported_with("pipeline.passes, pipeline.stages.dedup_near", others) == []


def test_all_work_is_done_again_by_the_new_version_of_what_shapes_it() -> None:
    """Every library that is imported is one of them, or is known to shape nothing."""
    names = {
        name.split(".")[0] for path in MODULES for name in imports(ast.parse(path.read_text()))
    }
    packages = packages_distributions()
    libraries = {
        packages[name][0].lower().replace("_", "-")
        for name in names - set(sys.stdlib_module_names) - {"pipeline", "__future__"}
        if name in packages
    }
    assert len(libraries) > 20
    assert libraries - SHAPES_NOTHING == set(LIBRARIES)
