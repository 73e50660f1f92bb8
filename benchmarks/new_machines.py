"""Nightly runs in S3 on machines that do not outlive a run: with a state, and without.

    python benchmarks/new_machines.py FOLDER [DOCUMENTS [NIGHTS]]      (default 5000 3)

The HTML, PDF, Word, Markdown and text files below FOLDER are sources on a local SeaweedFS server,
which also stores the output. The first run has all files except NIGHTS times 2 %, each nightly run
has 2 % more, and each starts with an empty work folder. Prints Markdown: CPU seconds of the run's
processes (without the server), wall seconds, and the megabytes read from S3 and written to it.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from incremental import RECIPE, SHARE, files_below
from measure import Cost, measured

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from seaweed import KEY, serve_seaweed

BUCKET = "nights"


@dataclass(frozen=True)
class Night:
    """What a run cost."""

    name: str
    cost: Cost
    fetched: float  # MB
    published: float  # MB, of the run and of the state


@contextmanager
def server() -> Iterator[tuple[str, Any]]:
    """Start a server and make the bucket; yields the server's URL and a client."""
    os.environ |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": KEY}
    with serve_seaweed() as url:
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield url, client
        client.close()


def put(client: Any, files: Sequence[Path], start: int) -> None:
    """Upload new sources, into a new folder for each nightly run."""
    for number, path in enumerate(files, start):
        key = f"in/{start:08d}/{number:08d}{path.suffix}"
        client.upload_file(str(path), BUCKET, key)


def listed(client: Any, prefix: str) -> list[dict[str, Any]]:
    """All objects below a prefix."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item for page in pages for item in page.get("Contents", ())]


def held(client: Any, prefix: str) -> dict[str, int]:
    """The sizes in bytes of all objects below a prefix, by key."""
    return {item["Key"]: item["Size"] for item in listed(client, prefix)}


def etags(client: Any, prefix: str) -> dict[str, str]:
    """The ETags of all objects below a prefix, by key."""
    return {item["Key"]: item["ETag"] for item in listed(client, prefix)}


def run(client: Any, recipe: Path, name: str, *, state: bool) -> Night:
    """Do one run with an empty work folder, as on a new machine."""
    before, work = held(client, "out/") | held(client, "state/"), recipe.parent / "work"
    line = [sys.executable, "-m", "pipeline", "prepare", str(recipe), "--log", "text"]
    line += ["--output", f"s3://{BUCKET}/out", "--work", str(work)]
    cost = measured([*line, "--state", f"s3://{BUCKET}/state"] if state else line)
    spooled = [one for one in (work / "spool").iterdir() if not one.suffix]
    fetched = sum(one.stat().st_size for one in spooled)
    if state:
        taken = {one for one in before if one.startswith("state/")}
        fetched += sum(before[one] for one in taken)
    shutil.rmtree(work)
    now = held(client, "out/") | held(client, "state/")
    published = sum(size for key, size in now.items() if key not in before)
    return Night(name, cost, fetched / 1e6, published / 1e6)


def taken_away(client: Any) -> dict[str, str]:
    """The ETags of the run that was published last; the output is then emptied for the next run."""
    body = client.get_object(Bucket=BUCKET, Key="out/LATEST")["Body"].read()
    digests = etags(client, f"out/runs/{json.loads(body)['run']}/")
    for key in held(client, "out/"):
        client.delete_object(Bucket=BUCKET, Key=key)
    return digests


def main() -> None:
    """Do all nightly runs and print the table."""
    words = sys.argv[1:]
    most, nights = [int(word) for word in words[1:3]] + [5_000, 3][len(words[1:3]) :]
    files = list(files_below(Path(words[0]), most))
    share = int(len(files) * SHARE)
    first = len(files) - nights * share
    with tempfile.TemporaryDirectory() as scratch, server() as (url, client):
        recipe = Path(scratch) / "recipe.yaml"
        aws = {"endpoint_url": url, "region": "us-east-1"}
        text = RECIPE.replace("path: docs/", f'path: "s3://{BUCKET}/in/"')
        recipe.write_text(f"{text}aws: {json.dumps(aws)}\n", encoding="utf-8")
        put(client, files[:first], 0)
        runs = [run(client, recipe, f"first run, {first:,} files", state=True)]
        for night in range(nights):
            start = first + night * share
            put(client, files[start : start + share], start)
            name = f"night {night + 1}, {share:,} more"
            runs.append(run(client, recipe, name, state=True))
        by_night = taken_away(client)
        runs.append(run(client, recipe, f"without a state, {len(files):,}", state=False))
        same = by_night == taken_away(client)
    print_table(runs, sum(path.stat().st_size for path in files) / 1e6, same)


def print_table(runs: list[Night], size: float, same: bool) -> None:
    """Print each run, compared with the last one, which did all the work again.

    `size` is the sources' MB, `same` whether the last two runs published the same bytes.
    """
    whole = runs[-1].cost
    cores = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{platform.machine()}, {cores}; {size:.0f} MB of sources\n")
    print("| run | CPU s | of a run without | wall s | MB from S3 | MB to S3 |")
    print("|---|--:|--:|--:|--:|--:|")
    for one in runs:
        share = f"{one.cost.cpu / whole.cpu:.0%}"
        row = f"{one.cost.cpu:.1f} | {share} | {one.cost.wall:.1f} | {one.fetched:.0f}"
        print(f"| {one.name} | {row} | {one.published:.0f} |")
    print(f"\nThe last two publish {'the same' if same else 'OTHER'} bytes")
    if not same:
        sys.exit(1)


if __name__ == "__main__":
    main()
