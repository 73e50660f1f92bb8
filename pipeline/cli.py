"""The commands, thin: each reads its options, calls the package, prints the result."""

from __future__ import annotations

import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline import __version__
from pipeline.cli_bedrock import app as bedrock_commands
from pipeline.cli_estimate import app as estimate_commands
from pipeline.cli_faults import fail, say_fault, system_fault, usage_fault, wants_json
from pipeline.cli_options import (
    ChangeOption,
    EndpointOption,
    JsonOption,
    LogOption,
    MemoryOption,
    WorkersOption,
    echo,
)
from pipeline.cli_runs import app as run_commands
from pipeline.cli_teach import app as teach_commands
from pipeline.engines.process import collect_rarely, leave, settle_process
from pipeline.errors import DataError, PrepError, system_error
from pipeline.stopping import Stopped, stop_on_signals

STOPPED = "stopped; run the same command again to go on"

app = typer.Typer(
    name="bedrock-prep",
    help="Turn raw documents, labelled examples and captioned images into data that an Amazon "
    "Bedrock customization job accepts the first time.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options that stand before a command."""
    if version:
        echo(f"bedrock-prep {__version__}")
        raise typer.Exit


@app.command(
    epilog="Example: `bedrock-prep init my-data && bedrock-prep prepare my-data/recipe.yaml`"
)
def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
) -> None:
    """Write a commented starter recipe with a little data; it runs as it is."""
    from pipeline.starter import write_starter

    for path in write_starter(folder):
        echo(path)


@app.command(
    epilog="Examples: `bedrock-prep prepare recipe.yaml` · `bedrock-prep prepare recipe.yaml "
    "--output s3://bucket/prefix --log json` · `bedrock-prep prepare recipe.yaml --set "
    "gate.min_records=100`"
)
def prepare(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    output: Annotated[
        str | None, typer.Option(help="Folder or s3:// prefix.  [default: out/NAME]")
    ] = None,
    change: ChangeOption = None,
    workers: WorkersOption = None,
    memory: MemoryOption = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for work files.  [default: OUTPUT/.work]")
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            help="s3:// prefix where work is kept for the next run, for containers and other "
            "machines that start empty.  [default: only the work folder keeps it]"
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Reuse nothing from earlier runs.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Run that `mode: delta` continues from.  [default: the latest]"
        ),
    ] = None,
    log: LogOption = None,
    metrics: Annotated[
        Path | None, typer.Option(help="File for OpenMetrics text, for monitoring.")
    ] = None,
    lineage_events: Annotated[
        Path | None, typer.Option(help="File to append OpenLineage events to.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe: read, clean, deduplicate, render, check the quality gate, publish."""
    from pipeline.prepare import prepare_recipe

    collect_rarely()
    prepared = prepare_recipe(
        recipe,
        changes=change or [],
        output=output,
        workers=workers,
        memory=memory,
        work=work,
        state=state,
        full=full,
        since=since,
        log=log,
        metrics=metrics,
        lineage_events=lineage_events,
    )
    done = f"{prepared.outcome.uri} is published all the same"
    echo(prepared.as_json() if as_json else prepared.as_text(), done=done)


@app.command(
    epilog="Examples: `bedrock-prep check train.jsonl --model nova-lite --validation "
    "validation.jsonl` · `bedrock-prep check train.jsonl --format prompt_completion`"
)
def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="The training file: JSONL, local or s3://.")
    ],
    model: Annotated[str | None, typer.Option(help="Card, model id or ARN.")] = None,
    customization: Annotated[str | None, typer.Option(help="fine-tuning, cpt, rft, …")] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="A format instead of a model.")
    ] = None,
    validation: Annotated[str | None, typer.Option(help="The validation file.")] = None,
    location: Annotated[
        str | None, typer.Option(help="S3 folder that the files will be uploaded to.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="Report this rule as a note, not as a fault; may be repeated."),
    ] = None,
    allow_legacy: Annotated[
        bool,
        typer.Option("--allow-legacy", help="Also check against a model that takes no new jobs."),
    ] = False,
    count_tokens: Annotated[
        bool,
        typer.Option(
            "--count-tokens", help="Ask Bedrock's free CountTokens where the estimate is too rough."
        ),
    ] = False,
    tokenizer: Annotated[
        Path | None, typer.Option(help="Count tokens with this tokenizer.json instead.")
    ] = None,
    media: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the images and videos that lines name.  [default: the file's]"
        ),
    ] = None,
    fix: Annotated[
        Path | None, typer.Option(help="Write a repaired copy to this file, and list every change.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check any data set against a model card: every fault with line, rule, remedy and source."""
    from pipeline.commands import check as command
    from pipeline.publish import as_json as to_json

    asked = command.Asked(
        files,
        model=model,
        customization=customization,
        format=form,
        validation=validation,
        allow_legacy=allow_legacy,
        allow=allow or [],
        location=location,
        count_tokens=count_tokens,
        tokenizer=tokenizer,
        media=media,
    )
    if fix is not None:
        repair = command.fix(asked, fix)
        told = "\n".join(command.told_repair(repair, fix))
        echo(to_json({"out": str(fix), **repair.as_json()}).decode() if as_json else told)
        if left := command.unread_lines(repair, fix):
            raise DataError(left)
        return
    result = command.check(asked)
    echo(to_json(result.as_json()).decode() if as_json else "\n".join(command.told_result(result)))
    if not result.ok:
        raise DataError(command.verdict(result))


@app.command(epilog="Examples: `bedrock-prep models` · `bedrock-prep models --live`")
def models(
    live: Annotated[
        bool, typer.Option("--live", help="Ask Bedrock what has changed since.")
    ] = False,
    region: Annotated[str, typer.Option(help="Region to ask with --live.")] = "us-east-1",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the models that can be customized, how, and their limits."""
    from pipeline.bedrock.live import drift, live_models
    from pipeline.models import models_json, models_text

    changed = drift(live_models(region, endpoint_url), region) if live else None
    if as_json:
        echo(models_json(changed), nl=False)
        return
    echo(models_text(), nl=False)
    for change in changed or []:
        echo(f"{change.model}: {change.what}")


app.add_typer(run_commands)
app.add_typer(bedrock_commands)
app.add_typer(estimate_commands)
app.add_typer(teach_commands)


def main() -> NoReturn:
    """Run a command; every expected fault is one line on stderr and an exit code."""
    settle_process()
    stop_on_signals(lambda number: say_fault(STOPPED, 128 + number))
    code = 0
    try:
        ended = app(prog_name="bedrock-prep", standalone_mode=not wants_json())
        code = ended if isinstance(ended, int) else 0
    except PrepError as error:
        fail(str(error), error.exit_code)
    except SystemExit as told:  # typer ends each command so, unless its faults are ours to tell
        leave(told.code if isinstance(told.code, int) else int(told.code is not None))
    except Stopped:
        fail(STOPPED, 128 + Stopped.signal)
    except MemoryError:
        fail("out of memory; give a limit with --memory", 4)
    except BaseException as error:  # nothing above expected it: reported as our bug, with its trace
        if Stopped.signal:  # Polars may panic when its own Python code is stopped
            fail(STOPPED, 128 + Stopped.signal)
        if not isinstance(error, Exception):
            raise
        if refused := system_error(error):
            fail(system_fault(refused), 4)
        if usage := usage_fault(error):
            fail(usage, 2)
        with suppress(OSError):
            traceback.print_exc()
        fail(f"this is a bug of bedrock-prep {__version__}: {type(error).__name__}: {error}", 1)
    leave(code)
