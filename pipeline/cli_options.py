"""What several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="An output folder or s3:// prefix, or …/runs/<digest>.")
]
EndpointOption = Annotated[
    str | None, typer.Option(help="Another server than AWS's; http:// on the loopback only.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
