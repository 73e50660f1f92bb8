"""The process that reads a Hugging Face data set: `python -m pipeline.hub_child JSON`.

It writes each split to `STEM-SPLIT.parquet` and prints a JSON object of paths by split on stdout.
If anything fails, it prints one line on stderr and exits with 1.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

SAVED = ("dataset_dict.json", "state.json")
"""Files by which a folder that `save_to_disk` wrote is recognised."""


def main() -> None:
    """Export the data set that the first argument describes."""
    asked = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output that a library prints must not mix with the answer
    try:
        written = export(asked)
    except Exception as error:  # noqa: BLE001 - all causes are reported in their own words
        print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)
    answers.write(json.dumps(written))
    answers.close()


def export(asked: dict[str, Any]) -> dict[str, str]:
    """Write one file per split; returns their paths by split."""
    data_by_split = _load(asked)
    written = {}
    for split, data in data_by_split.items():
        path = f"{asked['stem']}-{split}.parquet"
        data.to_parquet(path)
        written[split] = path
    return written


def _load(asked: dict[str, Any]) -> dict[str, Any]:
    """The data of each split that was requested."""
    import datasets

    folder = Path(asked["name"])
    splits = asked["split"].split("+") if asked["split"] else None
    if not any((folder / name).is_file() for name in SAVED):
        loaded = datasets.load_dataset(
            asked["name"], asked["config"], split=splits, revision=asked["revision"]
        )
        return dict(zip(splits, loaded, strict=True)) if splits else dict(loaded)
    saved = datasets.load_from_disk(asked["name"])
    if not isinstance(saved, dict):
        saved = {str(saved.split or "all"): saved}
    for split in splits or ():
        if split not in saved:
            raise ValueError(f"has no split {split}, only {', '.join(saved)}")
    return {split: saved[split] for split in splits or saved}


if __name__ == "__main__":
    main()
