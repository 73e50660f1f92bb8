"""The command `teach`, thin. `pipeline.cli` takes it in by `app.add_typer(teach_commands)`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli_options import (
    ChangeOption,
    EndpointOption,
    JsonOption,
    LogOption,
    MemoryOption,
    WorkersOption,
    echo,
)

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.run import Options

app = typer.Typer()


@app.command(
    epilog="Examples: `bedrock-prep teach recipe.yaml --dry-run` · `bedrock-prep teach recipe.yaml "
    "--max-usd 5 --tokens-per-minute 200000` · `bedrock-prep teach recipe.yaml --batch "
    "requests.jsonl` · `bedrock-prep teach recipe.yaml --results requests.jsonl.out`"
)
def teach(
    recipe: Annotated[Path, typer.Argument(help="The recipe, with a stage `teacher`.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask nothing; print what asking would take.")
    ] = False,
    batch: Annotated[
        Path | None,
        typer.Option(help="Ask nothing; write the requests of a batch inference job to this file."),
    ] = None,
    results: Annotated[
        list[Path] | None, typer.Option(help="Ask nothing; take in a batch job's result file.")
    ] = None,
    max_usd: Annotated[float | None, typer.Option(min=0, help="Most US dollars to spend.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=0, help="Most tokens, in and out together.")
    ] = None,
    requests_per_minute: Annotated[
        float | None, typer.Option(min=0.01, help="Most calls a minute.")
    ] = None,
    tokens_per_minute: Annotated[
        float | None,
        typer.Option(
            min=1,
            help="Most tokens a minute: those of the prompt and the most that the answer may have.",
        ),
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Calls under way at once.")] = 4,
    price: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ITEM=USD", help="base_input_per_1k_tokens, base_output_per_1k_tokens."
        ),
    ] = None,
    change: ChangeOption = None,
    output: Annotated[
        str | None, typer.Option(help="The recipe's output, for work files.  [default: out/NAME]")
    ] = None,
    workers: WorkersOption = None,
    memory: MemoryOption = None,
    region: Annotated[
        str | None,
        typer.Option(help="AWS Region.  [default: the recipe's, the ARN's or the environment's]"),
    ] = None,
    endpoint_url: EndpointOption = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a Bedrock model for pairs about a recipe's documents; keep its answers for `prepare`."""
    from pipeline.commands import teach as command
    from pipeline.commands.estimate import own_prices
    from pipeline.errors import RecipeError
    from pipeline.prepare import checked_output, cores, parse_size
    from pipeline.progress import open_progress
    from pipeline.publish import as_json as to_json
    from pipeline.run import Options

    if sum(map(bool, (dry_run, batch, results))) > 1:
        raise RecipeError("--dry-run, --batch and --results: give one of them")

    def options(loaded: Recipe) -> Options:
        most = parse_size(memory) if memory else None
        return Options(checked_output(output or f"out/{loaded.name}"), workers or cores(), most)

    prices = own_prices(price or [])
    lesson = command.lesson(recipe, change or [], options, open_progress(log), prices, region)
    if results:
        result = command.take_in(lesson, results)
    elif dry_run or batch:
        result = command.survey(lesson, batch)
    else:
        limits = command.Limits(
            max_usd, max_tokens, requests_per_minute, tokens_per_minute, at_once
        )
        result = command.ask(lesson, limits, endpoint_url)
    echo(to_json(result.as_json()).decode().rstrip() if as_json else result.as_text())
