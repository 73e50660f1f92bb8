"""datatrove: Gopher and C4 filters, exact and MinHash deduplication, with two workers.

python datatrove_all.py SHARDS OUT filter|exact|near|all     -> OUT/final/*.jsonl
"""

import os
import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup.exact_dedup import (
    ExactDedupConfig,
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
)
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils.hashing import HashConfig


def content(document):
    """The content by which exact duplicates are recognised."""
    return document.text


def run(steps, tasks):
    """Run one stage, in at most two processes."""
    LocalPipelineExecutor(
        pipeline=steps, tasks=tasks, workers=min(2, tasks), logging_dir=None, start_method="fork"
    ).run()


def write(folder):
    """A writer of uncompressed JSON Lines."""
    return JsonlWriter(folder, output_filename="${rank}.jsonl", compression=None)


def filtered(source, target, tasks):
    """Gopher's quality rules, and those of C4 that are not about web pages."""
    gopher = GopherQualityFilter()
    c4 = C4QualityFilter(
        filter_no_terminal_punct=False, filter_curly_bracket=False, min_num_sentences=3
    )
    run([JsonlReader(source), gopher, c4, write(target)], tasks)


def exact(source, target, out, tasks):
    """Keep each text only once."""
    config = ExactDedupConfig(content_getter=content)
    run([JsonlReader(source), ExactDedupSignature(f"{out}/xs", config=config)], tasks)
    run([ExactFindDedups(f"{out}/xs", f"{out}/xd", config=config)], 1)
    run([JsonlReader(source), ExactDedupFilter(f"{out}/xd", config=config), write(target)], tasks)


def near(source, target, out, tasks):
    """Its README's MinHash: 14 buckets of 8."""
    config = MinhashConfig(
        n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(precision=64)
    )
    run([JsonlReader(source), MinhashDedupSignature(f"{out}/ms", config=config)], tasks)
    run([MinhashDedupBuckets(f"{out}/ms", f"{out}/mb", config=config)], 14)
    run([MinhashDedupCluster(f"{out}/mb", f"{out}/mr", config=config)], 1)
    run([JsonlReader(source), MinhashDedupFilter(f"{out}/mr"), write(target)], tasks)


def main():
    """Run the part that is asked for, or all three."""
    part = sys.argv[3]
    source, out = (str(Path(folder).resolve()) for folder in sys.argv[1:3])
    Path(out).mkdir(parents=True, exist_ok=True)
    os.chdir(out)  # it writes a folder `logs` into the current folder
    tasks, final = len(list(Path(source).iterdir())), f"{out}/final"
    if part == "filter":
        filtered(source, final, tasks)
    elif part == "exact":
        exact(source, final, out, tasks)
    elif part == "near":
        near(source, final, out, tasks)
    else:
        filtered(source, f"{out}/filtered", tasks)
        exact(f"{out}/filtered", f"{out}/distinct", out, tasks)
        near(f"{out}/distinct", final, out, tasks)


if __name__ == "__main__":
    main()
