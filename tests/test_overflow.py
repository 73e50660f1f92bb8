"""More records than a model takes: what `overflow` leaves out, and what it cuts in parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import latest
from pair_nights import Nights

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
