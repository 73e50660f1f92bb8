"""text-dedup's MinHash, run from its command line: JSONL in, a saved data set out.

python near_textdedup.py DOCS.jsonl OUT THRESHOLD     -> OUT/kept/*.arrow
"""

import os
import subprocess
import sys


def main():
    """Run it as its README shows, with its bands for a threshold of 0.7."""
    source, out, threshold = sys.argv[1:4]
    environment = {**os.environ, "HF_HOME": f"{out}/hf", "HF_HUB_OFFLINE": "1"}
    options = {
        "path": "json",
        "data_files": source,
        "split": "train",
        "cache_dir": f"{out}/cache",
        "output": f"{out}/kept",
        "column": "text",
        "batch_size": "10000",
        "num_proc": "2",
        "ngram": "5",
        "min_length": "1",
        "num_perm": "112",
        "b": "14",
        "r": "8",
        "threshold": threshold,
        "hash_func": "xxh3",
        "hash_bits": "64",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    sys.exit(subprocess.call([sys.executable, "-m", "text_dedup.minhash", *words], env=environment))


if __name__ == "__main__":
    main()
