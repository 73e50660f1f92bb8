"""data-juicer: filters, exact and MinHash deduplication, with two workers.

python datajuicer_all.py DOCS.jsonl OUT near|all THRESHOLD     -> OUT/final/out.jsonl

It has no Gopher or C4 family: six of its own filters replace them, each close to one rule.
"""

import os
import subprocess
import sys
from pathlib import Path

FILTERS = """
  - words_num_filter: {lang: en, tokenization: false, min_num: 50, max_num: 100000}
  - text_length_filter: {min_len: 200, max_len: 10000000}
  - alphanumeric_filter: {tokenization: false, min_ratio: 0.5, max_ratio: 1.0}
  - special_characters_filter: {min_ratio: 0.0, max_ratio: 0.4}
  - average_line_length_filter: {min_len: 10, max_len: 10000}
  - maximum_line_length_filter: {min_len: 10, max_len: 100000}
  - document_deduplicator: {lowercase: false, ignore_non_character: false}
"""
NEAR = """
  - document_minhash_deduplicator:
      {tokenization: space, window_size: 5, lowercase: true, num_permutations: 112,
       num_bands: 14, num_rows_per_band: 8, jaccard_threshold: THRESHOLD}
"""
RECIPE = """
project_name: measured
dataset_path: {source}
export_path: {out}/final/out.jsonl
np: 2
open_tracer: false
use_cache: false
ds_cache_dir: {out}/cache
work_dir: {out}/work
process:
"""


def main():
    """Write its recipe and run it."""
    source, out, part, threshold = sys.argv[1:5]
    recipe = Path(out) / "recipe.yaml"
    (Path(out) / "final").mkdir(parents=True, exist_ok=True)
    steps = (FILTERS if part == "all" else "") + NEAR.replace("THRESHOLD", threshold)
    recipe.write_text(RECIPE.format(source=source, out=out) + steps)
    environment = {
        **os.environ,
        "HF_HOME": f"{out}/hf",
        "HF_DATASETS_CACHE": f"{out}/cache",
        "HF_HUB_OFFLINE": "1",
        "DATA_JUICER_CACHE_HOME": f"{out}/own",
    }
    command = Path(sys.executable).parent / "dj-process"
    sys.exit(subprocess.call([str(command), "--config", str(recipe)], env=environment))


if __name__ == "__main__":
    main()
