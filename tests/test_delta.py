"""A delta's few new records, wherever the split puts them; the gate is the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import latest
from pair_nights import Nights

from pipeline.commands import submit
from pipeline.errors import RecipeError
from pipeline.published import open_run

pytestmark = pytest.mark.usefixtures("warm_gate")

RECIPE = """\
split: {validation: 0.3}
targets: {p: {format: prompt_completion, mode: delta}, full: {format: conversation}}
"""


def test_new_records_that_are_all_for_validation_hold_nothing_back(tmp_path: Path) -> None:
    """They are shipped and told as nothing to tune on; the other target goes on."""
    nights = Nights(tmp_path, RECIPE)
    nights.run(30)
    told = [nights.run(pairs).manifest for pairs in (31, 32)]
    alone = [one for one in told if one["targets"]["p"]["records"] == {"validation": 1}]
    assert alone
    for manifest in alone:
        target = manifest["targets"]["p"]
        assert (target["faults"], target["ready"]) == ([], False)
        assert manifest["targets"]["full"]["ready"]
        held = {(one["target"], one["check"]) for one in manifest["gate"]["checks"]}
        assert ("p", "id_unique") in held
        assert ("p", "train_records_enough") not in held
        assert ("full", "train_records_enough") in held


JOB = """\
targets: {p: {model: nova-lite, customization: fine-tuning, mode: delta, quota: {records_min: 1}}}
publish: {uri: s3://sen-tea/tea}
job: {role_arn: "arn:aws:iam::111122223333:role/Tea", output_uri: "s3://sen-tea/models"MODEL}
"""
MODEL = "arn:aws:bedrock:us-east-1:111122223333:custom-model/amazon.nova-lite-v1:0:300k/abcdefghijk"


def test_a_delta_has_no_job_that_starts_from_the_wrong_model(tmp_path: Path) -> None:
    """The foundation model on the new lines alone, or the parent's own base: both are withheld."""
    without, first, second = (
        JOB.replace("MODEL", word) for word in
        ("", f', base_model: "{MODEL}1"', f', base_model: "{MODEL}2"')
    )  # fmt: skip
    nights = Nights(tmp_path, without)
    seen = []
    for pairs, rest in ((30, without), (40, without), (50, first), (60, first), (70, second)):
        nights.rest = rest
        outcome = nights.run(pairs)
        told = outcome.manifest["targets"]["p"]
        job = (latest(tmp_path / "out") / "p/job.json").exists()
        assert told["ready"]
        seen.append((job, [note["message"] for note in told.get("notes", [])
                           if note["rule"] == "job-withheld"]))  # fmt: skip
    assert [job for job, _ in seen] == [True, False, True, False, True]
    assert [len(notes) for _, notes in seen] == [0, 1, 0, 1, 0]
    assert "set job.base_model to that model's ARN" in seen[1][1][0]
    assert "is the model from which run" in seen[3][1][0]


def test_submit_says_why_there_is_no_job(tmp_path: Path) -> None:
    nights = Nights(tmp_path, JOB.replace("MODEL", ""))
    nights.run(30)
    run = open_run(nights.run(40).uri)
    for wanted in (None, "p"):
        with pytest.raises(RecipeError, match=r"p: no job\.json: these lines continue"):
            submit._target(run, wanted)


def test_a_later_part_has_no_job_even_with_a_base_model(tmp_path: Path) -> None:
    """All parts would start from the same model, and want one name for theirs."""
    model = f', base_model: "{MODEL}1", custom_model_name: tea'
    rest = JOB.replace("mode: delta", "overflow: parts").replace(
        "records_min: 1", "records_min: 1, records_max: 15"
    )
    outcome = Nights(tmp_path, rest.replace("MODEL", model)).run(40)
    folder = latest(tmp_path / "out")
    told = outcome.manifest["targets"]
    assert [(folder / name / "job.json").exists() for name in told] == [True, False, False]
    notes = [
        [note["rule"] for note in one.get("notes", [])].count("job-withheld")
        for one in told.values()
    ]
    assert notes == [0, 1, 1]
