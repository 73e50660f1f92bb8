"""The commands about runs, thin: why, withdraw, report, diff.

`pipeline.cli` takes them in by `app.add_typer(run_commands)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_options import JsonOption, RunArgument, echo

app = typer.Typer()


@app.command(
    epilog="Examples: `bedrock-prep why out/lotus-documents "
    "documents/faq/taste-and-smell-en.md` · `bedrock-prep why out/lotus-documents --what-if "
    "quality.min_words=30`"
)
def why(
    run: RunArgument,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="ID|SOURCE", help="A record id, a source, or a line: corpus/train.jsonl:22."
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Find the records that hold this text instead.")
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STAGE.SETTING=VALUE",
            help="Show what another threshold would do, without a rerun.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what became of a record or a source, or what another threshold would do."""
    from pipeline.commands.why import answer

    echo(answer(run, what, what_if or [], text=text, as_json=as_json), nl=False)


@app.command(
    epilog="Examples: `bedrock-prep withdraw out/lotus-documents "
    "documents/faq/taste-and-smell-en.md` · `bedrock-prep withdraw out/lotus-documents "
    "corpus/train.jsonl:22 --duplicates`"
)
def withdraw(
    run: RunArgument,
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID|SOURCE", help="A record id, a source, or a line: corpus/train.jsonl:22."
        ),
    ],
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Also exclude what was merged with it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what depends on a record or a source, and the recipe entries that exclude it."""
    from pipeline.commands.withdraw import dependants

    echo(dependants(run, what, duplicates=duplicates, as_json=as_json), nl=False)


@app.command(
    epilog="Example: `bedrock-prep report out/lotus-documents --language vi --output bao-cao`"
)
def report(
    run: RunArgument,
    output: Annotated[
        Path | None, typer.Option(help="Folder for a copy of the report.  [default: print it]")
    ] = None,
    language: Annotated[str, typer.Option(metavar="en|vi", help="Language of the copy.")] = "en",
) -> None:
    """Print a run's quality report in short, or write it again in another language."""
    from pipeline.commands.report import copy_report, told_report

    if output is None:
        echo(told_report(run))
    else:
        echo(copy_report(run, output, language))


@app.command(
    epilog="Examples: `bedrock-prep diff out/tea/runs/4be9… out/tea` · `bedrock-prep diff "
    "s3://bucket/tea/runs/4be9… s3://bucket/tea --output what-changed`"
)
def diff(
    before: Annotated[str, typer.Argument(metavar="RUN", help="The earlier run.")],
    after: Annotated[str, typer.Argument(metavar="RUN", help="The later one.")],
    output: Annotated[
        Path | None, typer.Option(help="Folder for diff.html and diff.json.  [default: print it]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed between two runs: sources, recipe, decisions and their causes, drift."""
    from pipeline.commands.diff import diff_runs, write_diff
    from pipeline.diff.told import told_diff
    from pipeline.publish import as_json as to_json

    found, name = diff_runs(before, after)
    if output is not None:
        echo(write_diff(found, name, output))
    elif as_json:
        echo(to_json(found.as_json()).decode(), nl=False)
    else:
        echo("\n".join(told_diff(found)))
