"""The one compiled part, which may be absent: everything else is in pyproject.toml.

Without a compiler, Python's headers, or with BEDROCK_PREP_NO_COMPILE=1, the package is built
without it and runs on plain kernels: the same results, more slowly.
"""

import os

from setuptools import Extension, setup


def extension(name: str, *headers: str) -> Extension:
    """One compiled module of pipeline/kernels and the headers that do its work."""
    return Extension(
        f"pipeline.kernels.{name}",
        sources=[f"pipeline/kernels/{name}.c"],
        depends=[f"pipeline/kernels/{header}" for header in headers],
        define_macros=[("Py_LIMITED_API", "0x030B0000")],  # one binary for Python 3.11 and newer
        # No fused multiply-add: langid.h promises the roundings that Python makes.
        extra_compile_args=["-std=c11", "-O3", "-ffp-contract=off"],
        py_limited_api=True,
        optional=True,
    )


EXTENSIONS = [
    extension(
        "_native",
        *("blobs.h", "grams.h", "lists.h", "markup.h", "places.h", "rows.h", "search.h", "words.h"),
    ),
    extension("_json", "arrow_made.h", "arrow_texts.h", "json_text.h"),
    extension("_langid", "langid.h"),
    extension(
        "_measures",
        *("arrow_made.h", "arrow_texts.h", "ascii.h", "c4.h", "characters.h", "chunking.h"),
        *("pieces.h", "repetition.h", "statistics.h", "surface.h"),
    ),
]

if os.environ.get("BEDROCK_PREP_NO_COMPILE") == "1":
    setup()
else:
    setup(ext_modules=EXTENSIONS, options={"bdist_wheel": {"py_limited_api": "cp311"}})
