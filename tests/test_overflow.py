"""More records than a model takes: what `overflow` leaves out, and what it cuts in parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from conftest import latest
from pair_nights import Nights

from pipeline.commands import submit
from pipeline.commands.diff import diff_runs
from pipeline.commands.estimate import estimate_costs
from pipeline.commands.submit import Connection
from pipeline.commands.withdraw import find_dependants
from pipeline.costs.tokens import run_tokens
from pipeline.published import open_run
from pipeline.schemas_dir import schema_path

pytestmark = pytest.mark.usefixtures("quick_gate")


def test_a_delta_over_the_limit_is_one_leg_of_the_waterfall(tmp_path: Path) -> None:
    """What was shipped before and what is too much are steps of the same target."""
    model = "model: nova-lite, customization: fine-tuning, quota: {records_max: 10}"
    nights = Nights(tmp_path, f"targets: {{p: {{{model}, mode: delta, overflow: select}}}}\n")
    nights.run(10)
    nights.run(25)
    report = json.loads((latest(tmp_path / "out") / "report.json").read_bytes())
    leg = report["waterfall"][-1]
    assert (leg["target"], leg["came"], leg["left"]) == ("p", 25, 10)
    assert [(one["reason"], one["records"]) for one in leg["steps"]] == [
        ("shipped_before", 10),
        ("over_records_max", 5),
    ]


PARTS = """\
targets: {p: {model: nova-lite, customization: fine-tuning, overflow: parts,
              quota: {records_min: 1, records_max: 15}}}
gate: {drift: {records_lost: 0.1}}
"""


def test_records_lost_from_parts_are_lost_from_their_target(tmp_path: Path) -> None:
    """How many parts there are is of no account, for the gate and for `diff`."""
    nights = Nights(tmp_path, PARTS)
    runs = [nights.run(pairs) for pairs in (40, 28, 15)]
    assert [len(one.manifest["targets"]) for one in runs] == [3, 2, 1]
    for one, counts in zip(runs[1:], ((40, 28), (28, 15)), strict=True):
        (name, told), *more = one.manifest["drift"]["targets"].items()
        assert (name, told["records_before"], told["records_after"]) == ("p", *counts)
        assert not more
    diff, _ = diff_runs(runs[0].uri, runs[2].uri)
    lost = diff.drift.targets["p"]
    assert (list(diff.drift.targets), lost.records_before, lost.records_after) == (["p"], 40, 15)
    assert lost.tokens is not None


def test_a_target_that_only_the_earlier_run_has_is_told_of(tmp_path: Path) -> None:
    """`diff` says that its records are gone; a recipe without it has lost none, for the gate."""
    nights = Nights(tmp_path, PARTS)
    first = nights.run(20)
    nights.rest = PARTS.replace("{p:", "{other:")
    second = nights.run(20)
    assert list(second.manifest["drift"]["targets"]) == ["other"]
    diff, _ = diff_runs(first.uri, second.uri)
    told = {name: (t.records_before, t.records_after) for name, t in diff.drift.targets.items()}
    assert told == {"other": (0, 20), "p": (20, 0)}


def test_a_part_is_estimated_with_what_its_target_says(tmp_path: Path) -> None:
    """Its hyperparameters, its own card and its images stand under the target's name."""
    card = yaml.safe_load((schema_path("models") / "nova-lite.yaml").read_text())
    (tmp_path / "ours.yaml").write_text(yaml.safe_dump(card | {"name": "ours"}))
    job = "job: {role_arn: 'arn:aws:iam::111122223333:role/Tea', output_uri: 's3://tea/models'}\n"
    own = "overflow: parts, job: {hyperparameters: {epochCount: 3}}"
    rest = PARTS.replace("nova-lite", "ours.yaml").replace("overflow: parts", own)
    run = Nights(tmp_path, rest + job).run(20)
    assert estimate_costs(run.uri, target="p-1").epochs == 3
    assert estimate_costs(run.uri, target="p-1").model == "ours"
    found = open_run(run.uri)
    shown = ("p/images/tea.png", "p/images/cup.png", "p-1/images/pot.png")
    found.manifest["files"] += [{"path": path} for path in shown]
    assert run_tokens(found, "p-1").images == 2
    assert submit._region(found, "p-1", Connection("us-east-1"), False)[0] == "us-east-1"


def test_what_hangs_on_a_record_is_counted_in_all_parts(tmp_path: Path) -> None:
    """A delta that was cut in parts has shipped the lines of each."""
    run = Nights(tmp_path, PARTS.replace("overflow:", "mode: delta, overflow:")).run(40)
    assert len(run.manifest["targets"]) == 3
    [shipped] = find_dependants(open_run(run.uri), "q/q.jsonl").shipped
    assert (shipped["target"], shipped["lines"]) == ("p", 40)


def test_that_a_record_is_in_another_part_has_the_target_s_cause(tmp_path: Path) -> None:
    """Another target keeps it in both runs, so that no stage has set it aside."""
    nights = Nights(
        tmp_path, PARTS.replace("targets: {", "targets: {all: {format: conversation}, ")
    )
    first = nights.run(40)
    nights.rest = nights.rest.replace("records_max: 15", "records_max: 25")
    diff, _ = diff_runs(first.uri, nights.run(40).uri)
    told = {flip.cause for flip in diff.decisions.flips}
    assert told and all("recipe.targets.p.quota.records_max: 15 → 25" in one for one in told)


def test_a_bound_on_records_that_counts_training_alone_is_held(tmp_path: Path) -> None:
    """That of a distillation job."""
    model = "model: llama-3-1-8b, customization: distillation, allow_legacy: true"
    target = f"{{{model}, overflow: select, quota: {{records_min: 1, records_max: 20}}}}"
    run = Nights(tmp_path, f"targets: {{d: {target}}}\n").run(40)
    assert run.manifest["targets"]["d"]["records"] == {"train": 20}


@pytest.mark.parametrize("overflow", ["fail", "select", "parts"])
def test_what_the_model_card_allows_is_all_shipped(tmp_path: Path, overflow: str) -> None:
    """A bound on training records counts no validation records."""
    model = "model: cohere-command-light, allow_legacy: true"
    quota = "quota: {train_records_max: 32, validation_records_max: 20, records_min: 1}"
    target = f"targets: {{co: {{{model}, overflow: {overflow}, {quota}}}}}\n"
    told = Nights(tmp_path, f"split: {{validation: 0.25}}\n{target}").run(40).manifest["targets"]
    assert list(told) == ["co"]
    assert told["co"]["records"]["train"] <= 32
    assert sum(told["co"]["records"].values()) == 40
