"""The wheel works outside the checkout: schemas, model cards and the starter are inside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the checkout stays clean."""
    copy = tmp_path_factory.mktemp("source") / "copy"
    left_out = shutil.ignore_patterns(".*", "out", "build", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(ROOT, copy, ignore=left_out)
    made = tmp_path_factory.mktemp("wheel")
    line = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*line, "--wheel-dir", str(made), str(copy)], check=True)
    return next(made.glob("*.whl"))


def test_every_module_schema_and_card_is_in_the_wheel(wheel: Path) -> None:
    """A new folder that pyproject.toml does not name is found here."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    modules = {
        f"pipeline/{p.relative_to(ROOT / 'pipeline')}" for p in (ROOT / "pipeline").rglob("*.py")
    }
    schemas = {
        f"pipeline/schemas/{path.relative_to(ROOT / 'schemas')}"
        for pattern in ("*.json", "models/*.yaml")
        for path in (ROOT / "schemas").glob(pattern)
    }
    assert modules | schemas | {"pipeline/py.typed", "pipeline/starter/recipe.yaml"} <= inside


def test_an_installed_wheel_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """`init`, then `prepare`, from another folder, with nothing of the checkout on the path."""
    site = tmp_path / "site"
    line = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--quiet",
        "--target",
    ]
    subprocess.run([*line, str(site), str(wheel)], check=True)
    here = tmp_path / "here"
    here.mkdir()
    environment = os.environ | {"PYTHONPATH": str(site)}
    for words in (["init", "new"], ["prepare", "new/recipe.yaml"], ["models", "--json"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "pipeline", *words], cwd=here, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert (here / "out/starter/LATEST").is_file()
