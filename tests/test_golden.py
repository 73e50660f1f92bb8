"""The sample recipes give exactly what they gave, and find exactly what was planted.

`make golden` writes tests/golden/ anew after a change that is meant; the diff is then reviewed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
from conftest import RECIPES, ROOT, SAMPLE, Command, latest, read_jsonl, tree_bytes

from pipeline.bedrock.job import validate_request
from pipeline.schemas_dir import load_schema

GOLDEN = ROOT / "tests" / "golden"
PLANTED = json.loads((SAMPLE / "planted.json").read_text(encoding="utf-8"))

Find = Callable[[str], "set[str]"]


def readable(folder: Path) -> dict[str, bytes]:
    """A run as text files: Parquet as JSON lines, images left to the manifest's digests."""
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".parquet":
            files[name + ".jsonl"] = pl.read_parquet(path).write_ndjson().encode()
        elif path.suffix in {".jsonl", ".json"} and name != "report.json":
            files[name] = path.read_bytes()
    return files


@pytest.mark.parametrize("name", RECIPES)
def test_a_sample_run_is_the_golden_one(sample_outputs: dict[str, Path], name: str) -> None:
    """Byte for byte: lines, lineage, rejected, job requests, manifest."""
    made, golden = readable(latest(sample_outputs[name])), GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        shutil.rmtree(golden, ignore_errors=True)
        for file, data in made.items():
            (golden / file).parent.mkdir(parents=True, exist_ok=True)
            (golden / file).write_bytes(data)
    kept = {p.relative_to(golden).as_posix(): p for p in golden.rglob("*") if p.is_file()}
    assert set(made) == set(kept)
    for file, path in kept.items():
        assert without_versions(file, made[file]) == without_versions(file, path.read_bytes()), file


def without_versions(name: str, data: bytes) -> Any:
    """The manifest without what a new library or interpreter changes, and what follows from it."""
    if name != "manifest.json":
        return data
    manifest = json.loads(data)
    for key in ("libraries", "python"):
        del manifest[key]
    manifest["gate"].pop("engine")
    manifest["files"] = [
        file for file in manifest["files"] if not file["path"].endswith((".parquet", ".html"))
        and file["path"] != "report.json"
    ]  # fmt: skip
    return manifest


@pytest.mark.parametrize("name", RECIPES)
def test_every_file_of_the_contract_is_there(sample_outputs: dict[str, Path], name: str) -> None:
    """Manifest, lines, job, report, suite, lineage and rejected records."""
    folder = latest(sample_outputs[name])
    for file in ("manifest.json", "report.html", "report.json", "suite.json"):
        assert (folder / file).is_file()
    for file in ("lineage.parquet", "rejected.parquet"):
        assert (folder / file).is_file()
    manifest = json.loads((folder / "manifest.json").read_text())
    for target in manifest["targets"]:
        assert (folder / target / "train.jsonl").is_file()
    jobs = list(folder.glob("*/job.json"))
    assert jobs
    for job in jobs:
        assert validate_request(json.loads(job.read_text())) == []


@pytest.mark.parametrize("name", RECIPES)
def test_every_line_validates_against_its_schema(
    sample_outputs: dict[str, Path], name: str
) -> None:
    """With another validator than the one that the run used."""
    folder = latest(sample_outputs[name])
    manifest = json.loads((folder / "manifest.json").read_text())
    from pipeline.targets import TARGETS

    for target, told in manifest["targets"].items():
        schema = load_schema(TARGETS[told["format"]].schema)
        validator = jsonschema.Draft202012Validator(schema)
        for split, records in told["records"].items():
            lines = read_jsonl(folder / target / f"{split}.jsonl")
            assert len(lines) == records
            for line in lines:
                validator.validate(line)


@pytest.mark.parametrize("name", RECIPES)
def test_a_second_run_changes_no_byte(
    sample_outputs: dict[str, Path], bedrock_prep: Command, name: str
) -> None:
    """And says that nothing was done."""
    before = tree_bytes(sample_outputs[name])
    again = bedrock_prep(
        "prepare", SAMPLE / f"{name}.yaml", "--output", sample_outputs[name], "--json"
    )
    assert json.loads(again.stdout)["reused"] is True
    assert tree_bytes(sample_outputs[name]) == before


def rejected(output: Path, stages: str = "") -> pl.DataFrame:
    frame = pl.read_parquet(latest(output) / "rejected.parquet")
    return frame.filter(~pl.col("stage").str.starts_with("targets.")) if not stages else frame


def sources(frame: pl.DataFrame, reason: str) -> set[str]:
    return set(frame.filter(pl.col("reason") == reason)["source"])


def test_planted_documents_are_found_and_no_others(sample_outputs: dict[str, Path]) -> None:
    """Each planted fault is one rejection with its reason; everything else is kept."""
    planted, out = PLANTED["documents"], rejected(sample_outputs["documents"])
    assert sources(out, "read.empty_file") == {*planted["empty"], *planted["whitespace_only"]}
    assert sources(out, "read.binary") == set(planted["binary"])
    assert sources(out, "too_short") == set(planted["too_short"])
    assert sources(out, "line_too_long") == {one["file"] for one in planted["long_line"]}
    others = {one["file"] for one in planted["other_language"]}
    assert sources(out, "language_not_allowed") == others
    for reason, kind in (("duplicate", "exact_duplicate"), ("near_duplicate", "near_duplicate")):
        merged = merged_pairs(out.filter(pl.col("reason") == reason))
        assert merged == {frozenset(pair) for pair in planted[kind]}
    assert out.height == 6 + len(planted["exact_duplicate"]) + len(planted["near_duplicate"])


def merged_pairs(out: pl.DataFrame) -> set[frozenset[str]]:
    """The sources of each merged record and of the one that stands for it."""
    from pipeline.record import record_id

    merged = out.filter(pl.col("merged_into").is_not_null())
    names = {record_id(path, ""): path for path in _all_documents()}
    return {frozenset((row["source"], names[row["merged_into"]])) for row in merged.to_dicts()}


def _all_documents() -> list[str]:
    files = (SAMPLE / "documents").rglob("*")
    return [path.relative_to(SAMPLE).as_posix() for path in files if path.is_file()]


def test_planted_addresses_are_redacted_and_mojibake_is_mended(
    sample_outputs: dict[str, Path],
) -> None:
    """No planted e-mail or phone number reaches a line; their stand-ins do."""
    folder = latest(sample_outputs["documents"]) / "hyperpod"
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jsonl")))
    planted = PLANTED["documents"]
    for kind, stand_in in (("emails", "[EMAIL]"), ("phones", "[PHONE]")):
        values = [value for found in planted[kind].values() for value in found]
        assert len(values) >= 12
        assert not [value for value in values if value in text]
        assert stand_in in text
    for mark in ("Ã", "áº", "á»", "â€"):
        assert mark not in text


def test_planted_pairs_are_found_and_no_others(sample_outputs: dict[str, Path]) -> None:
    """By file and line, with the reason; only the format's own limits reject anything else."""
    out, planted = rejected(sample_outputs["pairs"]), PLANTED["pairs"]
    expected = {
        "broken_json": "read.bad_json",
        "blank_line": "read.blank_line",
        "empty_completion": "empty_completion",
        "empty_prompt": "empty_prompt",
        "starts_with_assistant": "first_turn_not_user",
        "ends_with_user": "last_turn_not_assistant",
        "two_user_turns": "roles_do_not_alternate",
    }
    for kind, reason in expected.items():
        assert found(out, reason) == {place(one) for one in planted[kind]}, kind
    both = {place(one) for pair in planted["contradiction"] for one in pair}
    assert found(out, "contradiction") == both
    twins = [{place(one) for one in pair} for pair in planted["exact_duplicate"]]
    duplicates = found(out, "duplicate")
    assert len(duplicates) == len(twins)
    assert all(len(duplicates & pair) == 1 for pair in twins)
    leaks = {f"contaminated_{one['kind']}" for one in planted["contaminated"]}
    for one in planted["contaminated"]:
        assert found(out, f"contaminated_{one['kind']}") == {place(one)}
    assert set(out["reason"]) == {*expected.values(), "contradiction", "duplicate", *leaks}


def test_reserved_words_are_found_for_nova_only(sample_outputs: dict[str, Path]) -> None:
    """They fail a Nova job wherever they stand; the plain pairs may hold them."""
    out = pl.read_parquet(latest(sample_outputs["pairs"]) / "rejected.parquet")
    nova = out.filter(pl.col("stage") == "targets.assistant")
    assert set(nova["reason"]) == {"reserved_word"}
    assert found(nova, "reserved_word") == {
        place(one) for one in PLANTED["pairs"]["reserved_words"]
    }
    pairs = out.filter(pl.col("stage") == "targets.pairs")
    assert set(pairs["reason"]) == {"more_than_one_turn"}


def found(out: pl.DataFrame, reason: str) -> set[tuple[str, int]]:
    rows = out.filter(pl.col("reason") == reason).to_dicts()
    return {(row["source"], int(row["locator"].split("=")[1])) for row in rows}


def place(planted: dict[str, Any]) -> tuple[str, int]:
    return planted["file"], planted.get("row", planted["line"])


def test_planted_images_are_found_and_no_others(sample_outputs: dict[str, Path]) -> None:
    """Corrupt, without a caption, missing, twice, too small, caption too long."""
    out, planted = (
        pl.read_parquet(latest(sample_outputs["images"]) / "rejected.parquet"),
        PLANTED["images"],
    )
    shared = out.filter(~pl.col("stage").str.starts_with("targets."))
    captions = out.filter(pl.col("stage") == "targets.captions")
    assert sources(shared, "read.corrupt_image") == set(planted["corrupt"])
    no_caption = {*planted["without_caption"], *(one["file"] for one in planted["empty_caption"])}
    assert sources(shared, "read.no_caption") == no_caption
    missing = {(one["metadata"], one["line"]) for one in planted["missing_file"]}
    assert found(shared, "read.missing_image") == missing
    twins = [set(pair) for pair in planted["exact_duplicate"] + planted["pixel_duplicate"]]
    duplicates = sources(shared, "duplicate_image")
    assert len(duplicates) == len(twins)
    assert all(len(duplicates & pair) == 1 for pair in twins)
    assert sources(captions, "image_too_small") == {one["file"] for one in planted["too_small"]}
    assert sources(captions, "caption_too_long") == {
        one["file"] for one in planted["caption_too_long"]
    }
    assert captions.height == 2


def test_published_images_carry_no_metadata_and_no_transparency(
    sample_outputs: dict[str, Path],
) -> None:
    """Where a picture was taken is nobody's business; a flattened one looks the same everywhere."""
    from PIL import Image

    folder = latest(sample_outputs["images"])
    named = {
        line["image-ref"].rsplit("/", 1)[1] for line in read_jsonl(folder / "captions/train.jsonl")
    }
    there = {path.name: path for path in (folder / "captions/images").iterdir()}
    assert set(there) == named
    for path in there.values():
        with Image.open(path) as image:
            assert not image.getexif()
            assert image.mode in {"RGB", "L"}


def test_the_minimum_of_titan_embeddings_is_a_gate(bedrock_prep: Command, tmp_path: Path) -> None:
    """Without the sample's quota Bedrock's own 1,000 images hold: nothing is published."""
    done = bedrock_prep(
        "prepare", SAMPLE / "images.yaml", "--output", tmp_path,
        "--set", "targets.captions.quota={}",
    )  # fmt: skip
    assert done.returncode == 3
    assert "1000" in done.stderr
    assert not (tmp_path / "LATEST").exists()


def test_a_legacy_model_is_refused_unless_allowed(bedrock_prep: Command, tmp_path: Path) -> None:
    """The message names the open models; nothing is read or written."""
    done = bedrock_prep(
        "prepare", SAMPLE / "teachers.yaml", "--output", tmp_path / "out",
        "--set", "targets.llama.allow_legacy=false",
    )  # fmt: skip
    assert done.returncode == 2
    assert "llama-3-1-8b is legacy" in done.stderr
    assert not (tmp_path / "out").exists()
