"""A real run of a small recipe, made once for all tests that publish, submit or estimate it."""

from __future__ import annotations

import atexit
import functools
import hashlib
import io
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from pipeline.progress import Lines
from pipeline.publish import as_json
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare

BUCKET = "sen-tea-data"
BASE = f"s3://{BUCKET}/tea"
ROLE = "arn:aws:iam::111122223333:role/BedrockCustomization"

RECIPE = f"""\
name: small
sources: [{{path: pairs.jsonl}}]
stages: [label]
targets:
  assistant: {{model: nova-lite}}
  plain: {{format: prompt_completion}}
split: {{validation: 0.2, group_by: record}}
publish: {{uri: "{BASE}", expected_bucket_owner: "111122223333"}}
job:
  role_arn: {ROLE}
  output_uri: s3://{BUCKET}/models
  hyperparameters: {{epochCount: 3}}
"""


def write_recipe(folder: Path, text: str = RECIPE) -> Path:
    """The recipe with its data; returns its path."""
    lines = [
        json.dumps(
            {"prompt": f"How long does tea number {n} steep?", "completion": f"{n} minutes."}
        )
        for n in range(40)
    ]
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n")
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


@functools.cache
def _made() -> tuple[Path, str]:
    folder = Path(tempfile.mkdtemp(prefix="small-run-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    recipe = load_recipe(write_recipe(folder))
    options = Options(output=str(folder / "out"), workers=1)
    return folder / "out", prepare(recipe, folder, options, Lines(io.StringIO(), as_json=False)).run


def copy_run(folder: Path) -> Path:
    """An output of one's own with the run in it."""
    out, _ = _made()
    shutil.copytree(out, folder / "out", ignore=shutil.ignore_patterns(".work"))
    return folder / "out"


def run_folder(output: Path) -> Path:
    """The folder of the run that `copy_run` made."""
    return output / "runs" / _made()[1]


def change_manifest(output: Path, **changes: Any) -> dict[str, Any]:
    """Rewrite the manifest, and LATEST to fit, as a run that was so from the start."""
    path = run_folder(output) / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_bytes()) | changes
    path.write_bytes(as_json(manifest))
    latest = {"run": _made()[1], "manifest_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (output / "LATEST").write_text(json.dumps(latest))
    return manifest


def relist(output: Path) -> None:
    """Make the manifest's list of files anew."""
    folder = run_folder(output)
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    files = [
        {
            "path": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in found
    ]
    change_manifest(output, files=sorted(files, key=lambda entry: entry["path"]))
