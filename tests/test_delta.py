"""A delta's few new records, wherever the split puts them; the gate is the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import latest
from pair_nights import Nights

from pipeline.errors import StorageError

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


@pytest.mark.parametrize("content", [b"", b'{"prompt": "Cu', None])
def test_a_parent_whose_lines_are_not_those_it_shipped_is_no_parent(
    tmp_path: Path, content: bytes | None
) -> None:
    """Its old lines would ship again, under the name of a run that left them out."""
    nights = Nights(tmp_path, RECIPE)
    nights.run(6)
    shipped = latest(tmp_path / "out") / "p/train.jsonl"
    data = shipped.read_bytes()
    shipped.write_bytes(data.swapcase() if content is None else content)
    with pytest.raises(StorageError, match=r"p/train.jsonl: is not as it was published; put back"):
        nights.run(8)
    shipped.unlink()
    with pytest.raises(StorageError, match=r"p/train.jsonl: is gone; put back a copy"):
        nights.run(8)
    shipped.write_bytes(data)
    assert sum(nights.run(8).manifest["targets"]["p"]["records"].values()) == 2
