"""Long lists in a manifest are written by the compiled encoder: the same bytes as by the other."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.publish import MANY, as_json

NASTY = ['},\n   {"', "\\n", "é\u2028\u0000\ud7ff", '"', "[\n", "", "a/b.txt"]


SAFE = [*NASTY, 0, -7, 2**63 - 1, -(2**63), True, False, None]
FLOATS, LARGE = [1e-5, 0.1, 1e300], [10**30]
"""Numbers that the compiled encoder writes in other digits, and those that it does not take."""


def flat(chance: random.Random, others: Sequence[float] = (*FLOATS, *LARGE)) -> dict[str, Any]:
    """An object of scalars, its keys in some order."""
    values = [*SAFE, *others]
    keys = chance.sample([*NASTY, "source", "bytes", "sha256"], chance.randint(1, 6))
    return {key: chance.choice(values) for key in keys}


def deep(chance: random.Random, depth: int) -> Any:
    """Lists and objects in each other, long and short, empty too."""
    kind = chance.random()
    if depth == 0 or kind < 0.2:
        return chance.choice([*NASTY, 1, 0.5, None, [], {}])
    if kind < 0.4:
        return [flat(chance) for _ in range(chance.choice([0, 3, MANY, MANY + 9]))]
    if kind < 0.6:
        return [deep(chance, depth - 1) for _ in range(chance.choice([1, 4, MANY]))]
    return {key: deep(chance, depth - 1) for key in chance.sample(NASTY, 4)}


@pytest.mark.parametrize("seed", range(12))
def test_long_lists_are_written_as_all_else(seed: int) -> None:
    chance = random.Random(seed)
    value = {str(number): deep(chance, 2) for number in range(8)}
    for name, others in (("inputs", []), ("files", FLOATS), ("large", LARGE)):
        value[name] = [flat(chance, others) for _ in range(MANY + seed)]
    plain = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    assert as_json(value) == plain.encode()


def test_a_long_list_with_an_empty_object_in_it() -> None:
    value = {"inputs": [*({"a": 1} for _ in range(MANY)), {}]}
    plain = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    assert as_json(value) == plain.encode()
