"""The command `estimate`, thin; `pipeline.cli` takes it in."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli_options import JsonOption, echo

app = typer.Typer()


@app.command(
    epilog="Examples: `bedrock-prep estimate out/lotus-pairs` · `bedrock-prep estimate "
    "train.jsonl --model nova-2-lite --epochs 2 --price base_input_per_1k_tokens=0.0003 "
    "--calls-per-month 100000 --prompt-tokens-saved 1500`"
)
def estimate(
    what: Annotated[str, typer.Argument(metavar="RUN|FILE", help="A run, or a JSONL file.")],
    model: Annotated[str | None, typer.Option(help="A model.  [default: the run's]")] = None,
    customization: Annotated[str | None, typer.Option(help="fine-tuning, distillation, …")] = None,
    target: Annotated[str | None, typer.Option(help="A target.  [default: the only one]")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs.  [default: the job's]")] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Training steps, for an image model.  [default: the job's]"),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(metavar="ITEM=USD", help="Your own price of an item; may be repeated."),
    ] = None,
    calls_per_month: Annotated[
        int | None, typer.Option(min=1, help="Calls a month, for the break-even.")
    ] = None,
    prompt_tokens_saved: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Prompt tokens that tuning saves per call.  [default: what most prompts repeat]",
        ),
    ] = None,
    prompt_tokens: Annotated[
        int | None, typer.Option(min=0, help="Prompt tokens that are left per call after tuning.")
    ] = None,
    completion_tokens: Annotated[
        int | None, typer.Option(min=0, help="Completion tokens per call, for the break-even.")
    ] = None,
    rag_above: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0,
            help="Share of sources changing in a month above which retrieval (RAG) is advised.  "
            "[default: 0.2]",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate costs of training, storage and hosting, when it pays off, and if RAG fits better."""
    from pipeline.commands.estimate import estimate_costs
    from pipeline.costs.advice import RAG_ABOVE
    from pipeline.costs.told import told_estimate
    from pipeline.publish import as_json as to_json

    made = estimate_costs(
        what,
        model=model,
        customization=customization,
        target=target,
        epochs=epochs,
        steps=steps,
        prices=price or [],
        calls_per_month=calls_per_month,
        prompt_tokens_saved=prompt_tokens_saved,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        rag_above=RAG_ABOVE if rag_above is None else rag_above,
    )
    echo(to_json(made.as_json()).decode().rstrip() if as_json else told_estimate(made))
