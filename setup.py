"""The one compiled part, which may be absent: everything else is in pyproject.toml.

Without a compiler, Python's headers, or with BEDROCK_PREP_NO_COMPILE=1, the package is built
without it and runs on plain kernels: the same results, more slowly.
"""

import os

from setuptools import Extension, setup

NATIVE = Extension(
    "pipeline.kernels._native",
    sources=["pipeline/kernels/_native.c"],
    depends=["pipeline/kernels/grams.h"],
    define_macros=[("Py_LIMITED_API", "0x030B0000")],  # one binary for Python 3.11 and newer
    extra_compile_args=["-std=c11", "-O3"],
    py_limited_api=True,
    optional=True,
)

if os.environ.get("BEDROCK_PREP_NO_COMPILE") == "1":
    setup()
else:
    setup(ext_modules=[NATIVE], options={"bdist_wheel": {"py_limited_api": "cp311"}})
