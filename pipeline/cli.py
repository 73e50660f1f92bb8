"""The commands, thin: each reads its options, calls the package, prints the result."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline import __version__
from pipeline.cli_bedrock import app as bedrock_commands
from pipeline.cli_options import EndpointOption, JsonOption, echo
from pipeline.cli_runs import app as run_commands
from pipeline.cli_teach import app as teach_commands
from pipeline.engines.process import collect_rarely, leave, settle_process
from pipeline.errors import DataError, PrepError, RecipeError, system_error
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
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=V", help="Change the recipe.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.  [default: one a core]")
    ] = None,
    memory: Annotated[str | None, typer.Option(help="Limit for all processes: 4GB, 800MB.")] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for work files.  [default: OUTPUT/.work]")
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            help="s3:// prefix that keeps what the next run takes over, for machines "
            "that do not outlive a run.  [default: only the work folder does]"
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Take nothing over from earlier runs.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="RUN", help="Run that `mode: delta` goes on from.")
    ] = None,
    log: Annotated[str | None, typer.Option(metavar="json|text", help="Lines on stderr.")] = None,
    metrics: Annotated[
        Path | None, typer.Option(help="File for OpenMetrics text, for monitoring.")
    ] = None,
    lineage_events: Annotated[
        Path | None, typer.Option(help="File to append OpenLineage events to.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe: read, clean, deduplicate, render, hold the gate, publish."""
    from pipeline.prepare import prepare_recipe

    collect_rarely()

    if log not in {None, "json", "text"}:
        raise RecipeError(f"--log {log}: is neither json nor text")
    told = prepare_recipe(
        recipe, output, change or [], workers, memory, work, log, full, since, metrics,
        lineage_events, state,
    )  # fmt: skip
    done = f"{told.outcome.uri} is published all the same"
    echo(told.as_json() if as_json else told.as_text(), done=done)


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
        str | None, typer.Option(help="S3 folder where the files will stand.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="A rule to note only; repeat for more.")
    ] = None,
    allow_legacy: Annotated[bool, typer.Option(help="Hold against a closed model too.")] = False,
    count_tokens: Annotated[
        bool, typer.Option(help="Ask Bedrock's free CountTokens where the guess is not enough.")
    ] = False,
    tokenizer: Annotated[
        Path | None, typer.Option(help="Count with this tokenizer.json instead.")
    ] = None,
    media: Annotated[
        Path | None, typer.Option(help="Folder of the media named.  [default: beside the file]")
    ] = None,
    fix: Annotated[Path | None, typer.Option(help="Write a mended copy, tell each change.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold any data set against a model card: every fault with line, rule, remedy and source."""
    from pipeline.commands import check as command
    from pipeline.publish import as_json as to_json

    asked = command.Asked(
        files, model, customization, form, validation, allow_legacy, allow or [], location,
        count_tokens, tokenizer, media,
    )  # fmt: skip
    if fix is not None:
        echo("\n".join(command.told_repair(command.fix(asked, fix), fix)))
        return
    result = command.check(asked)
    echo(to_json(result.as_json()).decode() if as_json else "\n".join(command.told_result(result)))
    if not result.ok:
        raise DataError(command.verdict(result))


@app.command(epilog="Examples: `bedrock-prep models` · `bedrock-prep models --live`")
def models(
    live: Annotated[bool, typer.Option(help="Ask Bedrock what has changed since.")] = False,
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
    for one in changed or []:
        echo(f"{one.model}: {one.what}")


app.add_typer(run_commands)
app.add_typer(bedrock_commands)
app.add_typer(teach_commands)


def main() -> NoReturn:
    """Run a command; every fault of ours is one line on stderr and its exit code."""
    settle_process()
    stop_on_signals(lambda number: _say(STOPPED, 128 + number))
    try:
        app(prog_name="bedrock-prep")
    except PrepError as error:
        _fail(str(error), error.exit_code)
    except SystemExit as ended:  # typer ends each command so
        leave(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
    except Stopped:
        _fail(STOPPED, 128 + Stopped.signal)
    except MemoryError:
        _fail("out of memory; give a limit with --memory", 4)
    except BaseException as error:  # the last stop: it is told as our bug, with its trace
        if Stopped.signal:  # Polars may panic when its own Python code is stopped
            _fail(STOPPED, 128 + Stopped.signal)
        if not isinstance(error, Exception):
            raise
        if told := system_error(error):
            _fail(_told(told), 4)
        traceback.print_exc()
        _fail(f"this is a bug of bedrock-prep {__version__}: {type(error).__name__}: {error}", 1)
    leave(0)


def _told(error: OSError) -> str:
    """Disk full, read-only, quota, a broken disk: the cause and where."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}; nothing was published"


def _fail(message: str, code: int) -> NoReturn:
    """Say it, then leave."""
    _say(message, code)
    leave(code)


def _say(message: str, code: int) -> None:
    """One line in the form that `--log` asked for."""
    if "--log=json" in sys.argv or ("--log" in sys.argv and _after("--log") == "json"):
        import json

        event = {"event": "error", "exit_code": code, "message": message}
        message = json.dumps(event, ensure_ascii=False)
    print(message, file=sys.stderr, flush=True)


def _after(flag: str) -> str | None:
    at = sys.argv.index(flag) + 1
    return sys.argv[at] if at < len(sys.argv) else None
